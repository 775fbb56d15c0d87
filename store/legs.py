"""Legs as the decision needs them: locked in order, read with their heads, begun, written back."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Row
from sqlalchemy.engine import Connection as Tx

from canonical.leg import Head
from store import bulk
from store.bulk import said
from store.engine import Overtaken
from store.tables import ClaimCrowd, ClaimRow, Leg, Record, Timeline
from store.types import Moment

Key = tuple[str, str]


class LegRow(Struct, array_like=True, gc=False):
    """The newest generation of a leg, locked for this transaction."""

    id: int
    namespace: str
    code: str
    generation: int
    connection_id: str
    fold: str
    same_time: bool
    gone_at: str | None


_COLUMNS = "id, namespace, code, generation, connection_id, fold, same_time, gone_at"


def lock_legs(tx: Tx, keys: Collection[Key]) -> dict[Key, LegRow]:
    """Those legs with these (namespace, code) that there are, newest generation, locked.

    All rows are locked in sorted order, so that two batches with the same legs wait for each other
    and never deadlock. NO KEY UPDATE lets another batch, which holds the feed, point at these rows
    meanwhile.

    Raises:
        Overtaken: while this waited, another transaction began one of them, or a generation.
    """
    if not keys:
        return {}
    told = {"keys": bulk.pack_pairs(keys)}
    if tx.dialect.name == "sqlite":  # one writer: nobody to wait for
        return _newest(tx, tx.execute(said(f"SELECT {_COLUMNS} {_by_key(tx)}"), told).all())
    locked = tx.execute(said(f"SELECT {_COLUMNS} {_by_key(tx)} FOR NO KEY UPDATE"), told).all()
    if locked:
        # A row that was waited for is as it was left; one that came meanwhile is not among these.
        there = tx.execute(said(f"SELECT count(*) {_of_keys(tx)}"), told).scalar_one()
        if there != len(locked):
            raise Overtaken
    return _newest(tx, locked)


def number_legs(tx: Tx, keys: Mapping[Key, str]) -> dict[Key, LegRow]:
    """Legs that are not there yet, each with the id it is to be begun with; in sorted order.

    Args:
        tx: An open write transaction.
        keys: Each with the connection that it is begun for.
    """
    if not keys:
        return {}
    if tx.dialect.name == "sqlite":  # one writer: nobody else takes them meanwhile
        newest = tx.execute(said("SELECT coalesce(max(id), 0) FROM leg")).scalar_one()
        ids: Iterable[int] = range(newest + 1, newest + 1 + len(keys))
    else:
        found = tx.execute(said(_NUMBERS), {"count": len(keys)})
        ids = [int(row[0]) for row in found.all()]
    return {
        key: LegRow(leg_id, *key, 1, keys[key], "", same_time=False, gone_at=None)
        for key, leg_id in zip(sorted(keys), ids, strict=True)
    }


# OFFSET 0 keeps the name from being looked up once per number.
_NUMBERS = (
    "SELECT nextval(name) FROM"
    " (SELECT CAST(pg_get_serial_sequence('leg', 'id') AS regclass) AS name OFFSET 0) AS own,"
    " generate_series(1, CAST(:count AS bigint))"
)


def begin_legs(tx: Tx, legs: Sequence[LegRow]) -> None:
    """Write legs that were not there, whole, in sorted order.

    Raises:
        Overtaken: another transaction began one of them meanwhile.
    """
    columns = LegRow.__struct_fields__
    if bulk.insert(tx, Leg, columns, legs, "ON CONFLICT DO NOTHING") != len(legs):
        raise Overtaken


def _of_keys(tx: Tx) -> str:
    return f"FROM leg WHERE (namespace, code) IN ({bulk.pairs_in(tx, 'keys')})"


def _by_key(tx: Tx) -> str:
    return f"{_of_keys(tx)} ORDER BY namespace, code, generation"


def load_newest(tx: Tx, keys: Iterable[Key]) -> dict[Key, LegRow]:
    """The newest generation of those legs with these (namespace, code) that there are."""
    told = {"keys": bulk.pack_pairs(keys)}
    return _newest(tx, tx.execute(said(f"SELECT {_COLUMNS} {_by_key(tx)}"), told).all())


def _newest(tx: Tx, found: Iterable[Row[Any]]) -> dict[Key, LegRow]:
    return {(row.namespace, row.code): _leg(row, tx) for row in found}  # the last one stands


def lock_known(tx: Tx, keys: Iterable[Key]) -> list[LegRow]:
    """Every generation of those legs with these (namespace, code) that there are, locked."""
    ordered = sorted(keys)
    if tx.dialect.name != "sqlite":
        told = {"keys": bulk.pack_pairs(ordered)}
        tx.execute(said(f"SELECT 1 {_by_key(tx)} FOR NO KEY UPDATE"), told)
    return load_generations(tx, ordered)


def load_generations(tx: Tx, keys: Iterable[Key]) -> list[LegRow]:
    """Every generation of those legs with these (namespace, code) that there are."""
    told = {"keys": bulk.pack_pairs(keys)}
    return [_leg(row, tx) for row in tx.execute(said(f"SELECT {_COLUMNS} {_by_key(tx)}"), told)]


def open_generation(tx: Tx, key: Key, generation: int, connection_id: str) -> int:
    """Begin a generation of a leg; its id."""
    row = tx.execute(
        said(
            "INSERT INTO leg (namespace, code, generation, connection_id, fold, same_time)"
            " VALUES (:namespace, :code, :generation, :connection, '', :no) RETURNING id"
        ),
        {
            "namespace": key[0],
            "code": key[1],
            "generation": generation,
            "connection": connection_id,
            "no": False,
        },
    ).one()
    return int(row[0])


def _leg(row: Row[Any], tx: Tx) -> LegRow:
    values = list(row)
    values[7] = Moment().process_result_value(values[7], tx.dialect)
    values[6] = bool(values[6])
    return LegRow(*values)


def load_legs(tx: Tx, leg_ids: Iterable[int]) -> dict[int, LegRow]:
    """Legs by id."""
    found = tx.execute(
        said(f"SELECT {_COLUMNS} FROM leg WHERE id IN ({bulk.ids_in(tx, 'ids')})"),
        {"ids": bulk.pack(leg_ids)},
    )
    return {int(row.id): _leg(row, tx) for row in found.all()}


def load_heads(tx: Tx, leg_ids: Iterable[int]) -> dict[tuple[int, str], list[Head]]:
    """What is held per (leg, facet), in order of intake; not what was told anew since."""
    found = tx.execute(
        said(
            "SELECT leg_id, facet, version, sort_at, digest FROM record"
            f" WHERE leg_id IN ({bulk.ids_in(tx, 'ids')})"
            " AND disposition IN ('applied', 'superseded') AND facet IS NOT NULL"
            " AND resolved_by IS NULL ORDER BY id"
        ),
        {"ids": bulk.pack(leg_ids)},
    )
    heads: dict[tuple[int, str], list[Head]] = {}
    moment = Moment()
    for leg_id, facet, version, sort_at, digest in found.all():
        at = moment.process_result_value(sort_at, tx.dialect)
        heads.setdefault((int(leg_id), facet), []).append(Head(version, at or "", digest))
    return heads


def held_in_quarantine(
    tx: Tx, connection_id: str, digests: Iterable[str]
) -> dict[str, tuple[int, int]]:
    """Content that a connection's quarantine holds already: digest -> (record id, times seen)."""
    found = tx.execute(
        said(
            "SELECT digest, min(id), min(seen) FROM record WHERE connection_id = :connection"
            " AND disposition = 'quarantined'"
            f" AND digest IN ({bulk.texts_in(tx, 'digests')}) GROUP BY digest"
        ),
        {"connection": connection_id, "digests": bulk.pack(digests)},
    )
    return {row[0]: (int(row[1]), int(row[2])) for row in found.all()}


def note_seen_again(tx: Tx, seen: Mapping[int, int], receipt_id: int) -> None:
    """Count on quarantined records that a poll brought them again; record id -> times seen now."""
    bulk.update(
        tx,
        Record,
        ("id",),
        ("seen", "last_receipt_id"),
        [(record_id, times, receipt_id) for record_id, times in sorted(seen.items())],
    )


def save_legs(tx: Tx, legs: Sequence[LegRow]) -> None:
    """Write back what changed in legs that this transaction holds."""
    bulk.update(
        tx,
        Leg,
        ("id",),
        ("fold", "same_time", "gone_at"),
        [(leg.id, leg.fold, leg.same_time, leg.gone_at) for leg in legs],
    )


def open_codes(tx: Tx, namespace: str) -> list[str]:
    """Local codes of a namespace whose dossier has not ended, oldest first."""
    found = tx.execute(
        said(
            "SELECT leg.code FROM leg JOIN member ON member.leg_id = leg.id"
            " JOIN dossier ON dossier.id = member.dossier_id"
            " WHERE leg.namespace = :namespace AND leg.gone_at IS NULL"
            " AND (dossier.status IS NULL OR dossier.status NOT IN"
            " ('refused', 'withdrawn', 'stopped', 'handed_over')) ORDER BY leg.id"
        ),
        {"namespace": namespace},
    )
    return [row[0] for row in found.all()]


class Entry(Struct, array_like=True, gc=False):
    """One timeline entry, as held or about to be written; the columns first.

    Attributes:
        is_changed: Whether this transaction has something to write about it.
    """

    leg_id: int
    key: str
    facet: str
    status: str
    at: str
    officer: str | None
    unit: str | None
    note: str | None
    record_id: int
    from_record: bool
    in_history: bool
    arrived_late: bool
    known_seq: int
    retracted_by: int | None
    retracted_seq: int | None
    is_changed: bool = False


_ENTRY_COLUMNS = tuple(name for name in Entry.__struct_fields__ if name != "is_changed")


def load_entries(tx: Tx, leg_ids: Iterable[int]) -> dict[int, dict[str, Entry]]:
    """The timelines of legs: leg id -> key -> entry, retracted ones included."""
    found = tx.execute(
        said(
            f"SELECT {', '.join(_ENTRY_COLUMNS)} FROM timeline"
            f" WHERE leg_id IN ({bulk.ids_in(tx, 'ids')})"
        ),
        {"ids": bulk.pack(leg_ids)},
    )
    entries: dict[int, dict[str, Entry]] = {}
    moment = Moment()
    for row in found.all():
        values = list(row)
        values[4] = moment.process_result_value(values[4], tx.dialect)
        for place in (9, 10, 11):
            values[place] = bool(values[place])
        entry = Entry(*values)
        entries.setdefault(entry.leg_id, {})[entry.key] = entry
    return entries


def save_entries(tx: Tx, entries: Sequence[Entry], *, are_new: bool = False) -> None:
    """Insert new timeline entries and write what changed in held ones, in one statement.

    Where all `are_new`, nothing can be held of them, and the store need not look before it writes.
    """
    bulk.insert(
        tx,
        Timeline,
        _ENTRY_COLUMNS,
        entries,
        ""
        if are_new
        else "ON CONFLICT (leg_id, key) DO UPDATE SET from_record = excluded.from_record,"
        " in_history = excluded.in_history, retracted_by = excluded.retracted_by,"
        " retracted_seq = excluded.retracted_seq, record_id = excluded.record_id,"
        " note = excluded.note, arrived_late = excluded.arrived_late",
    )


class ClaimRecord(Struct, frozen=True, array_like=True, gc=False):
    """A claim as held."""

    leg_id: int
    kind: str
    key: str
    code: str
    live: bool


def load_claims(tx: Tx, leg_ids: Iterable[int]) -> list[ClaimRecord]:
    """Every claim these legs ever made."""
    found = tx.execute(
        said(
            "SELECT leg_id, kind, key, code, live FROM claim"
            f" WHERE leg_id IN ({bulk.ids_in(tx, 'ids')})"
        ),
        {"ids": bulk.pack(leg_ids)},
    )
    return [ClaimRecord(int(r[0]), r[1], r[2], r[3], bool(r[4])) for r in found.all()]


def save_claims(tx: Tx, claims: Sequence[ClaimRecord], *, are_new: bool = False) -> None:
    """Insert claims, or set whether they live; `are_new` as of `save_entries`."""
    bulk.insert(
        tx,
        ClaimRow,
        ClaimRecord.__struct_fields__,
        claims,
        "" if are_new else "ON CONFLICT (leg_id, kind, key) DO UPDATE SET live = excluded.live",
    )


# So many legs of one case there are not; more than this is a placeholder somebody types.
CROWD = 40


def note_crowds(tx: Tx, keys: Iterable[tuple[str, str]]) -> None:
    """Keep these (kind, key) as claims that tie nobody; they stay so."""
    bulk.insert(tx, ClaimCrowd, ("kind", "key"), sorted(keys), "ON CONFLICT DO NOTHING")


def crowded(tx: Tx, keys: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of these (kind, key) that tie nobody."""
    found = tx.execute(
        said(
            f"SELECT kind, key FROM claim_crowd WHERE (kind, key) IN ({bulk.pairs_in(tx, 'keys')})"
        ),
        {"keys": bulk.pack_pairs(keys)},
    )
    return {(row[0], row[1]) for row in found.all()}


_NO_CROWD = (
    "NOT EXISTS (SELECT 1 FROM claim_crowd crowd WHERE crowd.kind = {0}.kind"
    " AND crowd.key = {0}.key)"
)


def reach(tx: Tx, leg_ids: Iterable[int], keys: Iterable[tuple[str, str]] = ()) -> set[int]:
    """All legs that share live claims with these, or make these, directly or through others."""
    found = tx.execute(
        said(
            "WITH RECURSIVE reach(leg_id) AS ("
            f" {bulk.ids_in(tx, 'ids')}"
            " UNION SELECT claim.leg_id FROM claim WHERE live"
            f" AND (kind, key) IN ({bulk.pairs_in(tx, 'keys')})"
            f" AND {_NO_CROWD.format('claim')}"
            " UNION SELECT other.leg_id FROM reach"
            " JOIN claim mine ON mine.leg_id = reach.leg_id AND mine.live"
            f" AND {_NO_CROWD.format('mine')}"
            " JOIN claim other ON other.kind = mine.kind AND other.key = mine.key AND other.live)"
            " SELECT leg_id FROM reach"
        ),
        {"ids": bulk.pack(leg_ids), "keys": bulk.pack_pairs(keys)},
    )
    return {int(row[0]) for row in found.all()}


def members(tx: Tx, leg_ids: Iterable[int]) -> dict[int, int]:
    """Leg id -> dossier id, for legs and everyone in the same dossiers."""
    found = tx.execute(
        said(
            "SELECT leg_id, dossier_id FROM member WHERE dossier_id IN (SELECT dossier_id"
            f" FROM member WHERE leg_id IN ({bulk.ids_in(tx, 'ids')}))"
        ),
        {"ids": bulk.pack(leg_ids)},
    )
    return {int(row[0]): int(row[1]) for row in found.all()}


def roles(tx: Tx) -> Mapping[str, str]:
    """Connection id -> what its legs are to a case."""
    return {row[0]: row[1] for row in tx.execute(said("SELECT id, role FROM connection")).all()}
