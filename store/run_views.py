"""Runs of a connection as a page lists them, newest first."""

import json
from datetime import datetime

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.reasons import Reason
from store.tables import Run, table


class RunSeen(Struct, frozen=True):
    """One run.

    Attributes:
        state: running | done | failed.
        cause: schedule | wish | command and the like, as the run was begun for.
        drift: Fields that the mapping did not know.
    """

    id: int
    state: str
    cause: str
    started_at: datetime
    ended_at: datetime | None
    pages: int
    records: int
    reason: Reason | None
    detail: str | None
    drift: list[str]


def list_runs(tx: Tx, connection_id: str, before: int | None, limit: int) -> list[RunSeen]:
    """Runs of a connection, the newest first.

    Args:
        tx: An open transaction.
        connection_id: Which.
        before: Only runs older than this one; None for the newest.
        limit: How many at the most.
    """
    runs = table(Run)
    query = select(runs).where(runs.c.connection_id == connection_id)
    if before is not None:
        query = query.where(runs.c.id < before)
    return [
        RunSeen(
            id=row.id,
            state=row.state,
            cause=row.cause or "",
            started_at=clock.from_iso(row.started_at),
            ended_at=clock.from_iso(row.ended_at) if row.ended_at is not None else None,
            pages=row.pages,
            records=row.records,
            reason=Reason(row.reason) if row.reason is not None else None,
            detail=row.detail,
            drift=json.loads(row.drift) if row.drift else [],
        )
        for row in tx.execute(query.order_by(runs.c.id.desc()).limit(limit))
    ]
