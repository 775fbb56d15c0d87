"""Records told anew: which receipts do it, and what is held of legs that may be."""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import select, text
from sqlalchemy.engine import Connection as Tx

from canonical.decide import TAKEN
from store import bulk
from store.intake import receipt_id_of, record_id
from store.tables import POSITION_BITS, Receipt, table

_AT_ONCE = 500
# No colon is in it: that would be a parameter.
_IS_REMAP = "shape LIKE 'act_%_remap_%'"
# What was told anew says nothing any more, nor does what a person gave to another generation;
# whatever else settled a record leaves it what it was.
IN_FORCE = (
    "(resolved_by IS NULL OR resolved_by NOT IN (SELECT id FROM act WHERE kind = 'resolve_as_new'"
    " OR (kind = 'replay' AND subject LIKE 'retold_%')))"
)


def notes(tx: Tx) -> list[tuple[int, int]]:
    """(its place among all decisions, id) of every note of legs told anew, in order."""
    found = tx.execute(
        text(
            "SELECT decided_no, id FROM receipt WHERE shape = 'retold' AND state = 'decided'"
            " ORDER BY decided_no"
        )
    )
    return [(int(row[0]), int(row[1])) for row in found]


def by_origin(tx: Tx, origins: Iterable[int] | None = None) -> dict[int, list[tuple[int, int]]]:
    """Receipt -> (place among all decisions, id) of those by which rows of it were told anew."""
    only = f" AND origin_id IN ({bulk.ids_in(tx, 'ids')})" if origins is not None else ""
    rows = tx.execute(
        text(
            "SELECT origin_id, decided_no, id FROM receipt WHERE state = 'decided'"
            f" AND origin_id IS NOT NULL AND {_IS_REMAP}{only} ORDER BY decided_no"
        ),
        {"ids": bulk.pack(origins)} if origins is not None else {},
    )
    found: dict[int, list[tuple[int, int]]] = {}
    for origin_id, decided_no, own in rows:
        found.setdefault(int(origin_id), []).append((int(decided_no), int(own)))
    return found


def versions(tx: Tx) -> dict[str, int]:
    """Connection -> the newest mapping version by which any of its records were told anew."""
    found = tx.execute(
        text(
            "SELECT connection_id, max(mapping_version) FROM receipt"
            f" WHERE origin_id IS NOT NULL AND {_IS_REMAP} GROUP BY connection_id"
        )
    )
    return {row[0]: int(row[1]) for row in found}


def decided_since(
    tx: Tx, connection_ids: Iterable[str], after: int, until: int
) -> list[tuple[int, str, int]]:
    """(id, connection, mapping version) of receipts decided in a stretch, first words alone."""
    found = tx.execute(
        text(
            "SELECT id, connection_id, mapping_version FROM receipt WHERE decided_no > :after"
            f" AND decided_no <= :until AND shape <> 'retold' AND NOT ({_IS_REMAP})"
            f" AND connection_id IN ({bulk.texts_in(tx, 'ids')}) ORDER BY decided_no"
        ),
        {"after": after, "until": until, "ids": bulk.pack(sorted(connection_ids))},
    )
    return [(int(row[0]), row[1], int(row[2])) for row in found]


def receipts(tx: Tx, ids: Iterable[int]) -> dict[int, Any]:
    """Receipts by their ids."""
    rows = table(Receipt)
    found: dict[int, Any] = {}
    for some in portions(ids):
        for row in tx.execute(select(rows).where(rows.c.id.in_(some))):
            found[int(row.id)] = row
    return found


class Standing(Struct, frozen=True):
    """What a record says now, wherever it was told last.

    Attributes:
        id: Of the row that stands.
    """

    id: int
    leg_id: int
    connection_id: str
    facet: str | None
    digest: str | None
    disposition: str
    reason: str | None
    field: str | None

    @property
    def is_taken(self) -> bool:
        """Whether its leg holds it."""
        return self.disposition in TAKEN


def standing(
    tx: Tx, leg_ids: Iterable[int], connection_id: str | None = None
) -> dict[int, Standing]:
    """Record id, as it first came in -> what stands of it, of these legs.

    Args:
        tx: An open transaction.
        leg_ids: Which legs.
        connection_id: Only what this connection said; None for all.
    """
    mask = (1 << POSITION_BITS) - 1
    only = " AND record.connection_id = :connection" if connection_id is not None else ""
    more = {"connection": connection_id} if connection_id is not None else {}
    found: dict[int, Standing] = {}
    for ids in portions(leg_ids):
        rows = tx.execute(
            text(
                "SELECT record.id, leg_id, record.connection_id, facet, record.digest, disposition,"
                f" reason, field, CASE WHEN {_IS_REMAP} THEN origin_id END FROM record"
                " JOIN receipt ON receipt.id = record.receipt_id"
                f" WHERE leg_id IN ({bulk.ids_in(tx, 'ids')}) AND {IN_FORCE}{only}"
            ),
            {"ids": bulk.pack(ids), **more},
        )
        for own, *told, origin in rows:
            first = record_id(origin or receipt_id_of(own), own & mask)
            found[first] = Standing(int(own), *told)
    return found


def portions(ids: Iterable[int]) -> Iterable[Sequence[int]]:
    """Ids in order, some at a time."""
    listed = sorted(set(ids))
    for begun in range(0, len(listed), _AT_ONCE):
        yield listed[begun : begun + _AT_ONCE]
