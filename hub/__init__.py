"""Wiring, settings, logging, command line, demo: the only room that may import every other."""
