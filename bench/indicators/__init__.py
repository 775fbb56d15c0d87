"""Indicators on a large store, against recomputing them from timelines."""
