"""When a department that is asked may say something late.

The hub finds what is late by less than its overlap when a window is begun. Here minutes of a
department's time pass in a second of the hub's, so that a window open for a second is open for
minutes. What is late is therefore said while none is open. (That one may stay open for days and
loses nothing: tests/integration/test_watermark.py.)
"""

import contextlib
from collections.abc import Iterator

from canonical.errors import HubError
from store import connections
from store.connections import LeaseToken
from sync.context import Context
from tests.e2e.fleet import pause

_AGAIN_S = 0.2
_LONGEST_S = 60.0


@contextlib.contextmanager
def between_windows(context: Context, name: str) -> Iterator[None]:
    """Nobody is in the middle of this department, and nobody begins: the lease of its runs is held.

    Whoever had it before, frozen or dead, can commit nothing more.
    """
    while (lease := _taken(context, name)) is None:
        pause(_AGAIN_S)
    try:
        yield
    finally:
        _free(context, lease)


def _taken(context: Context, name: str) -> LeaseToken | None:
    """The lease, where nobody has it and no window was left midway, to be gone on with."""
    with contextlib.suppress(HubError):  # the store is taken away now and then
        lease = context.store.in_write(
            lambda tx: connections.take_lease(tx, f"run:{name}", "soak", context.now(), _LONGEST_S)
        )
        if lease is None:
            return None
        with contextlib.suppress(HubError), context.store.read() as tx:
            if connections.load_checkpoint(tx, name).get("cursor") is None:
                return lease
        _free(context, lease)
    return None


def _free(context: Context, lease: LeaseToken) -> None:
    while True:
        with contextlib.suppress(HubError):
            context.store.in_write(lambda tx: connections.free_lease(tx, lease, context.now()))
            return
        pause(_AGAIN_S)
