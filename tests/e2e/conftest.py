"""Tests with real processes; their long forms are left to `make faults` (tests/conftest.py)."""
