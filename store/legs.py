"""Legs as the decision needs them: locked in order, read with their heads, begun, written back."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from sqlalchemy.engine import Connection as Tx

from canonical.leg import Head
from store import bulk
from store.bulk import said
from store.engine import Overtaken
from store.tables import ClaimRow, Leg, Record, Timeline
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


def lock_legs(tx: Tx, keys: Iterable[Key]) -> dict[Key, LegRow]:
    """Those legs with these (namespace, code) that there are, newest generation, locked.

    All rows are locked in sorted order, so that two batches with the same legs wait for each other
    and never deadlock. NO KEY UPDATE lets another batch, which holds the feed, point at these rows
    meanwhile.
    """
    ordered = sorted(set(keys))
    if not ordered:
        return {}
    if tx.dialect.name != "sqlite":
        # Read only then: a generation that was opened while this waited is not in its snapshot.
        told = {"keys": bulk.pack(ordered)}
        if not tx.execute(said(f"SELECT 1 {_by_key(tx)} FOR NO KEY UPDATE"), told).all():
            return {}
    return load_newest(tx, ordered)


def number_legs(tx: Tx, count: int) -> list[int]:
    """Ids for so many legs that are to be begun."""
    if tx.dialect.name == "sqlite":  # one writer: nobody else takes them meanwhile
        newest = tx.execute(said("SELECT coalesce(max(id), 0) FROM leg")).scalar_one()
        return list(range(newest + 1, newest + 1 + count))
    sequence = "nextval(pg_get_serial_sequence('leg', 'id'))"
    found = tx.execute(
        said(f"SELECT {sequence} FROM generate_series(1, CAST(:count AS bigint))"), {"count": count}
    )
    return [int(row[0]) for row in found.all()]


def begin_legs(tx: Tx, legs: Sequence[LegRow]) -> None:
    """Write legs that were not there, whole, in sorted order.

    Raises:
        Overtaken: another transaction began one of them meanwhile.
    """
    columns = LegRow.__struct_fields__
    if bulk.insert(tx, Leg, columns, legs, "ON CONFLICT DO NOTHING") != len(legs):
        raise Overtaken


def _by_key(tx: Tx) -> str:
    wanted = (
        "SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(:keys)"
        if tx.dialect.name == "sqlite"
        else "SELECT value->>0, value->>1 FROM jsonb_array_elements(CAST(:keys AS jsonb)) r(value)"
    )
    return f"FROM leg WHERE (namespace, code) IN ({wanted}) ORDER BY namespace, code, generation"


def load_newest(tx: Tx, keys: Iterable[Key]) -> dict[Key, LegRow]:
    """The newest generation of those legs with these (namespace, code) that there are."""
    told = {"keys": bulk.pack(sorted(set(keys)))}
    found = tx.execute(said(f"SELECT {_COLUMNS} {_by_key(tx)}"), told)
    return {(row.namespace, row.code): _leg(row, tx) for row in found.all()}  # the last one stands


def _leg(row: object, tx: Tx) -> LegRow:
    values = list(row)  # type: ignore[call-overload]
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
    """What is held per (leg, facet), in order of intake."""
    found = tx.execute(
        said(
            "SELECT leg_id, facet, version, sort_at, digest FROM record"
            f" WHERE leg_id IN ({bulk.ids_in(tx, 'ids')})"
            " AND disposition IN ('applied', 'superseded') AND facet IS NOT NULL ORDER BY id"
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
        " retracted_seq = excluded.retracted_seq",
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


def share_claims(tx: Tx, leg_ids: Iterable[int]) -> bool:
    """Whether any of these legs shares a live claim with another leg: most share none."""
    found = tx.execute(
        said(
            "SELECT count(*) FROM claim mine JOIN claim other ON other.kind = mine.kind"
            " AND other.key = mine.key AND other.live AND other.leg_id <> mine.leg_id"
            f" WHERE mine.live AND mine.leg_id IN ({bulk.ids_in(tx, 'ids')})"
        ),
        {"ids": bulk.pack(leg_ids)},
    )
    return bool(found.scalar_one())


# So many legs of one case there are not; more than this is a placeholder somebody types.
CROWD = 40


def note_crowds(tx: Tx, leg_ids: Iterable[int]) -> None:
    """Mark the claims of these legs that more than `CROWD` legs make; marked ones stay marked."""
    tx.execute(
        said(
            "INSERT INTO claim_crowd (kind, key) SELECT kind, key FROM claim WHERE live"
            " AND (kind, key) IN (SELECT kind, key FROM claim WHERE live"
            f" AND leg_id IN ({bulk.ids_in(tx, 'ids')}))"
            f" GROUP BY kind, key HAVING count(*) > {CROWD} ON CONFLICT DO NOTHING"
        ),
        {"ids": bulk.pack(leg_ids)},
    )


def crowded(tx: Tx, leg_ids: Iterable[int]) -> set[tuple[str, str]]:
    """The (kind, key) of these legs' claims that tie nobody."""
    found = tx.execute(
        said(
            "SELECT DISTINCT claim.kind, claim.key FROM claim JOIN claim_crowd"
            " ON claim_crowd.kind = claim.kind AND claim_crowd.key = claim.key"
            f" WHERE leg_id IN ({bulk.ids_in(tx, 'ids')})"
        ),
        {"ids": bulk.pack(leg_ids)},
    )
    return {(row[0], row[1]) for row in found.all()}


def reach(tx: Tx, leg_ids: Iterable[int]) -> set[int]:
    """All legs that share live claims with these, directly or through others."""
    found = tx.execute(
        said(
            "WITH RECURSIVE reach(leg_id) AS ("
            f" {bulk.ids_in(tx, 'ids')}"
            " UNION SELECT other.leg_id FROM reach"
            " JOIN claim mine ON mine.leg_id = reach.leg_id AND mine.live"
            " AND NOT EXISTS (SELECT 1 FROM claim_crowd crowd"
            " WHERE crowd.kind = mine.kind AND crowd.key = mine.key)"
            " JOIN claim other ON other.kind = mine.kind AND other.key = mine.key AND other.live)"
            " SELECT leg_id FROM reach"
        ),
        {"ids": bulk.pack(leg_ids)},
    )
    return {int(row[0]) for row in found.all()}


def claimants(tx: Tx, keys: Iterable[tuple[str, str]]) -> set[int]:
    """The legs that make any of these (kind, key) claims, crowded ones left out."""
    parts = (
        "json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(:keys)"
        if tx.dialect.name == "sqlite"
        else "value->>0, value->>1 FROM jsonb_array_elements(CAST(:keys AS jsonb)) r(value)"
    )
    found = tx.execute(
        said(
            f"SELECT leg_id FROM claim WHERE live AND (kind, key) IN (SELECT {parts})"
            " AND NOT EXISTS (SELECT 1 FROM claim_crowd crowd"
            " WHERE crowd.kind = claim.kind AND crowd.key = claim.key)"
        ),
        {"keys": bulk.pack(sorted(keys))},
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
    return {row[0]: row[1] for row in tx.execute(said("SELECT id, role FROM connection"))}
