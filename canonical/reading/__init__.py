"""Bytes to plain values, strictly: JSON as CONTRACT takes it, XML without any of its dangers."""
