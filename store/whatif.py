"""Stored rows that a what-if is held against: by leg, of one connection."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.engine import Connection as Tx

from canonical import clock
from store import bulk

_AT_ONCE = 500


def legs_of(tx: Tx, connection_id: str) -> set[int]:
    """Every leg a connection began or ever said anything of."""
    found = tx.execute(
        text(
            "SELECT id FROM leg WHERE connection_id = :id UNION SELECT leg_id FROM record"
            " WHERE connection_id = :id AND leg_id IS NOT NULL"
        ),
        {"id": connection_id},
    )
    return {int(row[0]) for row in found}


def speakers(tx: Tx, leg_ids: Iterable[int]) -> set[str]:
    """Every connection that ever said anything of these legs."""
    found: set[str] = set()
    for ids in _portions(leg_ids):
        rows = tx.execute(
            text(
                "SELECT DISTINCT connection_id FROM record WHERE leg_id IN"
                f" ({bulk.ids_in(tx, 'ids')}) UNION SELECT DISTINCT connection_id FROM leg"
                f" WHERE id IN ({bulk.ids_in(tx, 'ids')})"
            ),
            {"ids": bulk.pack(ids)},
        )
        found |= {row[0] for row in rows}
    return found


def receipts_of(tx: Tx, connection_ids: Collection[str]) -> list[tuple[int, int]]:
    """(id, size in bytes) of every decided receipt of these, in the order of decisions."""
    found = tx.execute(
        text(
            "SELECT id, size_bytes FROM receipt WHERE state = 'decided' AND connection_id IN"
            f" ({bulk.texts_in(tx, 'ids')}) ORDER BY decided_no"
        ),
        {"ids": bulk.pack(sorted(connection_ids))},
    )
    return [(int(row[0]), int(row[1])) for row in found]


def living(tx: Tx, dossier_ids: Iterable[int]) -> dict[int, tuple[str, str, str]]:
    """Dossier id -> (public id, body, findings), of those that lead nowhere else."""
    found: dict[int, tuple[str, str, str]] = {}
    for ids in _portions(dossier_ids):
        rows = tx.execute(
            text(
                "SELECT id, public_id, body, findings FROM dossier WHERE merged_into IS NULL"
                f" AND id IN ({bulk.ids_in(tx, 'ids')})"
            ),
            {"ids": bulk.pack(ids)},
        )
        found |= {int(row[0]): (row[1], row[2], row[3]) for row in rows}
    return found


def live_entries(tx: Tx, leg_ids: Iterable[int]) -> dict[int, dict[str, str]]:
    """Leg id -> key -> "state moment", of its timeline's entries that nobody took back."""
    found: dict[int, dict[str, str]] = {}
    for ids in _portions(leg_ids):
        rows = tx.execute(
            text(
                "SELECT leg_id, key, status, at FROM timeline WHERE retracted_by IS NULL"
                f" AND leg_id IN ({bulk.ids_in(tx, 'ids')})"
            ),
            {"ids": bulk.pack(ids)},
        )
        for leg_id, key, status, at in rows:
            when = at if isinstance(at, str) else clock.to_iso(at)
            found.setdefault(int(leg_id), {})[key] = f"{status} {when}"
    return found


def members(tx: Tx, leg_ids: Iterable[int]) -> dict[int, int]:
    """Leg id -> the dossier it belongs to."""
    found: dict[int, int] = {}
    for ids in _portions(leg_ids):
        rows = tx.execute(
            text(
                f"SELECT leg_id, dossier_id FROM member WHERE leg_id IN ({bulk.ids_in(tx, 'ids')})"
            ),
            {"ids": bulk.pack(ids)},
        )
        found |= {int(row[0]): int(row[1]) for row in rows}
    return found


class Said(Struct, frozen=True):
    """A stored record of one leg."""

    leg_id: int
    facet: str | None
    digest: str | None
    disposition: str
    reason: str | None
    field: str | None


def said(tx: Tx, connection_id: str, leg_ids: Iterable[int]) -> dict[int, Said]:
    """Record id -> what a connection said of these legs, what was refused there among it."""
    found: dict[int, Said] = {}
    for ids in _portions(leg_ids):
        rows = tx.execute(
            text(
                "SELECT id, leg_id, facet, digest, disposition, reason, field FROM record"
                f" WHERE connection_id = :connection AND leg_id IN ({bulk.ids_in(tx, 'ids')})"
            ),
            {"connection": connection_id, "ids": bulk.pack(ids)},
        )
        found |= {int(row[0]): Said(int(row[1]), *row[2:]) for row in rows}
    return found


def quarantined(tx: Tx, connection_id: str) -> Iterator[tuple[int, str, str | None]]:
    """(record id, reason, field) of everything of a connection that was set apart."""
    rows = tx.execute(
        text(
            "SELECT id, reason, field FROM record WHERE disposition = 'quarantined'"
            " AND connection_id = :connection"
        ),
        {"connection": connection_id},
    )
    return ((int(row[0]), row[1], row[2]) for row in rows)


def codes_of(tx: Tx, record_ids: Iterable[int]) -> dict[int, str | None]:
    """Record id -> local code, of those of which a row is kept."""
    found: dict[int, str | None] = {}
    for ids in _portions(record_ids):
        rows = tx.execute(
            text(f"SELECT id, code FROM record WHERE id IN ({bulk.ids_in(tx, 'ids')})"),
            {"ids": bulk.pack(ids)},
        )
        found |= {int(row[0]): row[1] for row in rows}
    return found


def records_of(tx: Tx, connection_id: str) -> int:
    """How many records a connection's receipts held, duplicates among them."""
    query = text(
        "SELECT coalesce(sum(applied + superseded + duplicate + quarantined), 0) FROM receipt"
        " WHERE connection_id = :id"
    )
    return int(tx.execute(query, {"id": connection_id}).scalar_one())


def claims_of(tx: Tx, leg_ids: Iterable[int]) -> set[tuple[int, str, str]]:
    """(leg id, kind, key) of every claim these legs ever made."""
    found: set[tuple[int, str, str]] = set()
    for ids in _portions(leg_ids):
        rows = tx.execute(
            text(f"SELECT leg_id, kind, key FROM claim WHERE leg_id IN ({bulk.ids_in(tx, 'ids')})"),
            {"ids": bulk.pack(ids)},
        )
        found |= {(int(row[0]), row[1], row[2]) for row in rows}
    return found


def claimants(tx: Tx, kind: str, keys: Iterable[str]) -> Iterator[tuple[str, tuple[str, str]]]:
    """(key, (namespace, code)) of every leg that ever made one of these claims."""
    listed = sorted(keys)
    for begun in range(0, len(listed), _AT_ONCE):
        rows = tx.execute(
            text(
                "SELECT claim.key, leg.namespace, leg.code FROM claim JOIN leg"
                " ON leg.id = claim.leg_id WHERE claim.kind = :kind"
                f" AND claim.key IN ({bulk.texts_in(tx, 'keys')})"
            ),
            {"kind": kind, "keys": bulk.pack(listed[begun : begun + _AT_ONCE])},
        )
        for key, namespace, code in rows:
            yield key, (namespace, code)


def receipt_names(tx: Tx, receipt_ids: Iterable[int]) -> dict[int, str]:
    """Receipt id -> its public id."""
    found: dict[int, str] = {}
    for ids in _portions(receipt_ids):
        rows = tx.execute(
            text(f"SELECT id, public_id FROM receipt WHERE id IN ({bulk.ids_in(tx, 'ids')})"),
            {"ids": bulk.pack(ids)},
        )
        found |= {int(row[0]): row[1] for row in rows}
    return found


def _portions(ids: Iterable[int]) -> Iterator[Sequence[Any]]:
    listed = sorted(set(ids))
    for begun in range(0, len(listed), _AT_ONCE):
        yield listed[begun : begun + _AT_ONCE]
