"""Long forms of the tests with real processes: `make faults` runs them, `make test` says so."""

import os

import pytest

FULL = os.environ.get("HUB_FAULTS") == "full"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the long forms to `make faults`."""
    if FULL:
        return
    for item in items:
        if item.get_closest_marker("long_form"):
            item.add_marker(pytest.mark.skip(reason="long form: make faults runs it"))
