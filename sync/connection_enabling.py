"""Enabling a connection that has much stored: what its gates must read is read with a bar."""

from typing import Any

from msgspec import to_builtins

from canonical.errors import HubError
from canonical.reasons import Reason
from store import connections
from sync import coverage, long_work, wishes
from sync.connecting import By
from sync.context import Context
from sync.gates import NotEnabled

KIND = "enable"


def begin(context: Context, connection_id: str, by: By, staff_id: int) -> int:
    """Begin it; the work's id. What comes of it: {"enabled", "objections"}."""

    def work(report: long_work.Progress) -> dict[str, Any]:
        with context.store.read() as tx:
            row = connections.load_connection(tx, connection_id)
        if row is None:
            raise HubError(Reason.NOT_FOUND, f"no connection {connection_id!r}")
        coverage.look(context, row, report)
        try:
            wishes.enable(context, connection_id, by)
        except NotEnabled as refused:
            return {"enabled": False, "objections": to_builtins(refused.objections)}
        return {"enabled": True, "objections": []}

    return long_work.begin(context, KIND, connection_id, staff_id, work)
