"""A connection's applied records told anew by the mapping in force, batch by batch.

Begun again it finds what is left: legs that stand as the mapping reads them are not touched.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

from canonical.errors import HubError
from canonical.reasons import Reason
from store import connections, remaps
from store.connections import LeaseToken
from sync.context import Context
from sync.in_force import InForce
from sync.quarantine_replay import Why
from sync.remap import planning
from sync.remap.committing import Done, MovedOn, commit

_MOST_PASSES = 5  # what came in meanwhile is told by the next one


class _Stopped(Exception):
    pass


def run(
    context: Context,
    lease: LeaseToken,
    connection_id: str,
    why: Why,
    going: Callable[[], bool],
    tell: Callable[[Done], None],
) -> bool:
    """Tell anew what reads otherwise than it stands; whether all of it is done.

    Args:
        context: The hub's parts.
        lease: Of the replay; held by every commit.
        connection_id: Which connection's records.
        why: Who wants it, and why.
        going: Whether it is to go on; asked between two commits.
        tell: Told what each commit did.
    """
    with context.store.read() as tx:
        row = connections.load_connection(tx, connection_id)
        if row is None:
            raise HubError(Reason.NOT_FOUND, f"no connection {connection_id!r}")
        newest = {**remaps.versions(tx), connection_id: row.mapping_version}

    def check() -> None:
        if not going():
            raise _Stopped

    in_force = InForce(context, newest)
    try:
        for _ in range(_MOST_PASSES):
            if _pass(in_force, lease, connection_id, why, check, tell):
                return True
    except _Stopped:
        return False
    return True


def _pass(
    context: InForce,
    lease: LeaseToken,
    connection_id: str,
    why: Why,
    check: Callable[[], None],
    tell: Callable[[Done], None],
) -> bool:
    """Once over all; whether nothing was left for another time."""
    has_moved = False
    with tempfile.TemporaryDirectory(prefix="hub-remap-") as folder:
        plan = planning.read_all(context, Path(folder), connection_id, check)
        for batch in plan.batches():
            check()
            try:
                tell(commit(context, lease, connection_id, batch, plan.late, why))
            except MovedOn:
                has_moved = True
        return not has_moved and not plan.late.is_old
