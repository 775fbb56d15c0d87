"""What a connection's records look like, and how they are no longer what they were."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import select, text
from sqlalchemy.engine import Connection as Tx

from store import bulk
from store.tables import table
from store.work_tables import Drift, LiveShape


class LiveRow(Struct, frozen=True):
    """The live shape of one procedure ("" for all of them); `body` is canonical.live_shape's."""

    shape: str
    procedure: str
    rows: int
    body: str


class DriftRow(Struct, frozen=True):
    """One finding.

    Attributes:
        told: What goes with its kind: to, kinds, forms, values, procedures, places, entry.
        rows: Sampled records that show it.
        ended_by: accepted | gone | mapped; None while it lasts.
        author: Who accepted it, `reason` why.
    """

    id: int
    shape: str
    kind: str
    field: str
    told: dict[str, Any]
    since: str
    last_at: str
    rows: int
    ended_at: str | None = None
    ended_by: str | None = None
    author: str | None = None
    reason: str | None = None


def load_shapes(
    tx: Tx, connection_id: str, procedures: Collection[str] | None = None
) -> list[LiveRow]:
    """The live shapes of a connection: of some procedures, else all."""
    held = table(LiveShape)
    query = select(held.c.shape, held.c.procedure, held.c.rows, held.c.body)
    query = query.where(held.c.connection_id == connection_id)
    if procedures is not None:
        query = query.where(held.c.procedure.in_(list(procedures)))
    return [LiveRow(*row) for row in tx.execute(query.order_by(held.c.shape, held.c.procedure))]


def save_shapes(tx: Tx, connection_id: str, rows: Sequence[LiveRow], at: str) -> None:
    """Write live shapes, new or known, in one statement."""
    bulk.insert(
        tx,
        LiveShape,
        ("connection_id", "shape", "procedure", "rows", "body", "updated_at"),
        [(connection_id, r.shape, r.procedure, r.rows, r.body, at) for r in rows],
        "ON CONFLICT (connection_id, shape, procedure) DO UPDATE SET rows = excluded.rows,"
        " body = excluded.body, updated_at = excluded.updated_at",
    )


def list_drifts(tx: Tx, connection_id: str, *, with_past: bool = False) -> list[DriftRow]:
    """The findings that last, oldest first; with those that are over where asked."""
    held = table(Drift)
    query = select(held).where(held.c.connection_id == connection_id).order_by(held.c.id)
    if not with_past:
        query = query.where(held.c.ended_at.is_(None))
    found = []
    for row in tx.execute(query).mappings():
        told = {**row, "told": json.loads(row["told"])}
        del told["connection_id"]
        found.append(DriftRow(**told))
    return found


def save_drift(
    tx: Tx,
    connection_id: str,
    at: str,
    *,
    shape: str,
    kind: str,
    field: str,
    told: Mapping[str, Any],
    rows: int,
) -> None:
    """Note a finding, or what more is known of one that lasts."""
    tx.execute(
        text(
            "INSERT INTO drift (connection_id, shape, kind, field, told, since, last_at, rows)"
            " VALUES (:id, :shape, :kind, :field, :told, :at, :at, :rows)"
            " ON CONFLICT (connection_id, shape, kind, field) WHERE ended_at IS NULL DO UPDATE SET"
            " told = excluded.told, last_at = excluded.last_at, rows = drift.rows + excluded.rows"
        ),
        {
            "id": connection_id,
            "shape": shape,
            "kind": kind,
            "field": field,
            "told": json.dumps(told, ensure_ascii=False, sort_keys=True),
            "at": at,
            "rows": rows,
        },
    )


def end_drifts(
    tx: Tx,
    ids: Collection[int],
    by: str,
    at: str,
    author: str | None = None,
    reason: str | None = None,
) -> None:
    """Say that findings are over, and through what."""
    held = table(Drift)
    tx.execute(
        held.update()
        .where(held.c.id.in_(list(ids)), held.c.ended_at.is_(None))
        .values(ended_at=at, ended_by=by, author=author, reason=reason)
    )
