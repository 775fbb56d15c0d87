"""Reconciliations: what a source's own list and the hub did not agree on, and who was missed."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import select, text
from sqlalchemy.engine import Connection as Tx

from canonical.reasons import Reason
from store import bulk
from store.legs import LegRow
from store.tables import table
from store.types import Moment
from store.work_tables import Absence, Discrepancy, Reconciliation

KEPT = 20  # reconciliations of a connection whose single discrepancies are kept
CHUNK = 2_000


class Found(Struct, frozen=True):
    """One thing on which a source and the hub do not agree.

    Attributes:
        kind: One of store.work_tables.DISCREPANCIES.
        healed: Whether they agree now.
    """

    part: str
    code: str
    facet: str
    kind: str
    healed: bool


class Last(Struct, frozen=True):
    """How the last reconciliation of a connection went; None for one that never had any."""

    connection: str
    added_at: str
    started_at: str | None
    ended_at: str | None
    state: str | None
    failures: int


def start(tx: Tx, connection_id: str, at: str) -> int:
    """Begin a reconciliation; its id.

    Whoever begins one holds the lease, so one that still counts as running ended without a word.
    """
    held = table(Reconciliation)
    tx.execute(
        held.update()
        .where(held.c.connection_id == connection_id, held.c.state == "running")
        .values(state="failed", ended_at=at, detail="ended without a word")
    )
    row = tx.execute(
        held.insert()
        .values(
            connection_id=connection_id,
            state="running",
            started_at=at,
            compared=0,
            counts="{}",
            healed=0,
        )
        .returning(held.c.id)
    ).one()
    _forget_old(tx, connection_id)
    return int(row[0])


def _forget_old(tx: Tx, connection_id: str) -> None:
    tx.execute(
        text(
            "DELETE FROM discrepancy WHERE reconciliation_id IN (SELECT id FROM reconciliation"
            " WHERE connection_id = :id AND id <= coalesce((SELECT id FROM reconciliation"
            " WHERE connection_id = :id ORDER BY id DESC LIMIT 1 OFFSET :kept), 0))"
        ),
        {"id": connection_id, "kept": KEPT},
    )


def save_found(tx: Tx, reconciliation_id: int, found: Sequence[Found]) -> None:
    """Keep what was found; of one met twice, that they diverge stands over all else."""
    unique: dict[tuple[str, str, str], Found] = {}
    for one in found:
        key = (one.part, one.code, one.facet)
        if key not in unique or one.kind == "diverged":
            unique[key] = one
    bulk.insert(
        tx,
        Discrepancy,
        ("reconciliation_id", "part", "code", "facet", "kind", "healed"),
        [(reconciliation_id, f.part, f.code, f.facet, f.kind, f.healed) for f in unique.values()],
        "ON CONFLICT (reconciliation_id, part, code, facet) DO UPDATE SET"
        " kind = CASE WHEN excluded.kind = 'diverged' THEN excluded.kind ELSE discrepancy.kind END,"
        " healed = CASE WHEN excluded.kind = 'diverged' THEN excluded.healed"
        " ELSE discrepancy.healed END",
    )


def list_found(
    tx: Tx, reconciliation_id: int, limit: int, *, only_left: bool = False
) -> list[Found]:
    """What was found, what is not healed first."""
    found = table(Discrepancy)
    query = select(found).where(found.c.reconciliation_id == reconciliation_id)
    if only_left:
        query = query.where(found.c.healed.is_(False))
    order = (found.c.healed, found.c.kind, found.c.part, found.c.code, found.c.facet)
    return [
        Found(row.part, row.code, row.facet, row.kind, bool(row.healed))
        for row in tx.execute(query.order_by(*order).limit(limit))
    ]


def count_found(tx: Tx, reconciliation_id: int) -> tuple[dict[str, int], dict[str, int]]:
    """(kind -> how many, kind -> how many of them are healed)."""
    rows = tx.execute(
        text(
            "SELECT kind, count(*), sum(CASE WHEN healed THEN 1 ELSE 0 END) FROM discrepancy"
            " WHERE reconciliation_id = :id GROUP BY kind"
        ),
        {"id": reconciliation_id},
    ).all()
    return {r[0]: int(r[1]) for r in rows}, {r[0]: int(r[2]) for r in rows}


def end(
    tx: Tx,
    reconciliation_id: int,
    *,
    compared: int,
    counts: dict[str, int],
    healed: int,
    reason: Reason | None,
    detail: str | None,
    at: str,
) -> None:
    """Close a reconciliation: done, or failed for a reason or with a detail alone."""
    held = table(Reconciliation)
    tx.execute(
        held.update()
        .where(held.c.id == reconciliation_id)
        .values(
            state="done" if reason is None and detail is None else "failed",
            ended_at=at,
            compared=compared,
            counts=json.dumps(counts, sort_keys=True),
            healed=healed,
            reason=reason.value if reason is not None else None,
            detail=detail,
        )
    )


class Past(Struct, frozen=True):
    """One reconciliation as a list shows it.

    Attributes:
        state: running | done | failed.
        counts: Discrepancy -> how many were found.
    """

    id: int
    connection: str
    state: str
    started_at: str
    ended_at: str | None
    compared: int
    counts: dict[str, int]
    healed: int
    reason: str | None
    detail: str | None


def list_past(
    tx: Tx, connection: str | None = None, before: int | None = None, limit: int = 50
) -> list[Past]:
    """Reconciliations, newest first; those before one."""
    held = table(Reconciliation)
    query = select(held).order_by(held.c.id.desc()).limit(limit)
    if connection is not None:
        query = query.where(held.c.connection_id == connection)
    if before is not None:
        query = query.where(held.c.id < before)
    return [_past(row) for row in tx.execute(query)]


def load_past(tx: Tx, reconciliation_id: int) -> Past | None:
    """One reconciliation; None where there is none."""
    held = table(Reconciliation)
    row = tx.execute(select(held).where(held.c.id == reconciliation_id)).first()
    return _past(row) if row is not None else None


def _past(row: Any) -> Past:
    return Past(
        row.id,
        row.connection_id,
        row.state,
        row.started_at,
        row.ended_at,
        row.compared,
        json.loads(row.counts),
        row.healed,
        row.reason,
        row.detail,
    )


def list_last(tx: Tx) -> list[Last]:
    """Of every enabled connection the last reconciliation, and how many failed since one was done.

    Runs at every tick of every node: it looks at the end of an index.
    """
    found = tx.execute(
        text(
            "SELECT connection.id, connection.created_at, last.started_at, last.ended_at,"
            " last.state, (SELECT count(*) FROM reconciliation failed"
            "  WHERE failed.connection_id = connection.id AND failed.state = 'failed'"
            "  AND failed.id > coalesce((SELECT max(well.id) FROM reconciliation well"
            "   WHERE well.connection_id = connection.id AND well.state = 'done'), 0))"
            " FROM connection LEFT JOIN reconciliation last ON last.id = (SELECT max(id)"
            " FROM reconciliation WHERE connection_id = connection.id)"
            " WHERE connection.state = 'enabled' ORDER BY connection.id"
        )
    )
    moment = Moment()
    return [
        Last(
            row[0],
            moment.process_result_value(row[1], tx.dialect) or "",
            moment.process_result_value(row[2], tx.dialect),
            moment.process_result_value(row[3], tx.dialect),
            row[4],
            int(row[5]),
        )
        for row in found
    ]


def stream_legs(tx: Tx, connection_id: str, until_id: int) -> Iterator[LegRow]:
    """A connection's legs that are held as there, newest generation of each, up to an id."""
    after = 0
    moment = Moment()
    while True:
        rows = tx.execute(
            text(
                "SELECT id, namespace, code, generation, connection_id, fold, same_time, gone_at"
                " FROM leg WHERE id > :after AND id <= :until AND connection_id = :connection"
                " AND gone_at IS NULL AND fold <> '' AND NOT EXISTS (SELECT 1 FROM leg newer"
                " WHERE newer.namespace = leg.namespace AND newer.code = leg.code"
                " AND newer.generation > leg.generation) ORDER BY id LIMIT :limit"
            ),
            {"after": after, "until": until_id, "connection": connection_id, "limit": CHUNK},
        ).all()
        for row in rows:
            values = list(row)
            values[6] = bool(values[6])
            values[7] = moment.process_result_value(values[7], tx.dialect)
            yield LegRow(*values)
        if len(rows) < CHUNK:
            return
        after = int(rows[-1][0])


def newest_leg_id(tx: Tx) -> int:
    """The highest id of any leg; 0 where there is none."""
    return int(tx.execute(text("SELECT coalesce(max(id), 0) FROM leg")).scalar_one())


def missed_before(tx: Tx, leg_ids: Sequence[int]) -> set[int]:
    """Those of these legs that the last complete list of their source did not tell of either."""
    found = tx.execute(
        text(f"SELECT leg_id FROM absence WHERE leg_id IN ({bulk.ids_in(tx, 'ids')})"),
        {"ids": bulk.pack(leg_ids)},
    )
    return {int(row[0]) for row in found}


def note_missed(tx: Tx, reconciliation_id: int, leg_ids: Sequence[int]) -> None:
    """Remember that a complete list did not tell of these legs."""
    bulk.insert(
        tx,
        Absence,
        ("leg_id", "times", "reconciliation_id"),
        [(leg_id, 1, reconciliation_id) for leg_id in leg_ids],
        "ON CONFLICT (leg_id) DO UPDATE SET times = absence.times + 1,"
        " reconciliation_id = excluded.reconciliation_id",
    )


def forget_missed(tx: Tx, connection_id: str, reconciliation_id: int) -> None:
    """Forget who was missed before and is there, or gone for good: all that is not noted anew."""
    tx.execute(
        text(
            "DELETE FROM absence WHERE reconciliation_id < :id AND leg_id IN"
            " (SELECT id FROM leg WHERE connection_id = :connection)"
        ),
        {"id": reconciliation_id, "connection": connection_id},
    )
