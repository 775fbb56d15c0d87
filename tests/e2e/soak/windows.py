"""When a department that is asked may say something late.

The hub finds what is late by less than its overlap when a window is begun. Here minutes of a
department's time pass in a second of the hub's, so that a window open for a second is open for
minutes. What is late is therefore said while none is open. (That one may stay open for days and
loses nothing: tests/integration/test_watermark.py.)
"""

import contextlib
from collections.abc import Callable, Iterator

from sqlalchemy import text

from canonical.errors import HubError
from store import connections
from sync import wishes
from sync.context import Context
from tests.e2e.fleet import pause

_AGAIN_S = 0.2


@contextlib.contextmanager
def between_windows(context: Context, name: str) -> Iterator[None]:
    """Nobody asks this department now, nobody is in the middle of it, and nobody will begin."""
    while not (_is_between(context, name) and _is_paused_between(context, name)):
        pause(_AGAIN_S)
    try:
        yield
    finally:
        while not _wished(context, name, wishes.resume):
            pause(_AGAIN_S)


def _is_paused_between(context: Context, name: str) -> bool:
    """Pause the connection; asked again at once where a run began just before."""
    while not _wished(context, name, wishes.pause):
        pause(_AGAIN_S)
    if _is_between(context, name):
        return True
    while not _wished(context, name, wishes.resume):
        pause(_AGAIN_S)
    return False


def _wished(context: Context, name: str, wish: Callable[[Context, str], None]) -> bool:
    """Whether the store could be told; it is taken away now and then."""
    with contextlib.suppress(HubError):
        wish(context, name)
        return True
    return False


def _is_between(context: Context, name: str) -> bool:
    """Whether no run is under way and none stopped midway, to go on where it was."""
    going = text("SELECT count(*) FROM run WHERE connection_id = :name AND ended_at IS NULL")
    with contextlib.suppress(HubError), context.store.read() as tx:
        if tx.execute(going, {"name": name}).scalar_one():
            return False
        return connections.load_checkpoint(tx, name).get("cursor") is None
    return False
