"""What was taken in for one connection, page by page, and where its dossiers count today."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.engine import Connection as Tx

from store import bulk

_AT_ONCE = 500
_PAGE = 50


class Kept(Struct, frozen=True):
    """One receipt's raw bytes, sealed."""

    id: int
    shape: str
    mapping_version: int
    digest: str
    data: bytes


class Counted(Struct, frozen=True):
    """How one dossier counts: a row of `judgement` with its spans, days as they are."""

    dossier_id: int
    agency: str
    channel: str | None
    accepted_on: date
    first_due_on: date | None
    from_day: date
    kind: str
    end_on: date | None
    closed_on: date | None
    due_on: date | None
    spans: tuple["Stretch", ...] = ()


class Stretch(Struct, frozen=True):
    """A row of `judgement_span`."""

    from_day: date
    to_day: date
    kind: str
    end_on: date | None
    closed_on: date | None
    due_on: date | None


def left_to_read(tx: Tx, connection_id: str, after: int) -> tuple[int, int, int]:
    """Receipts of a connection behind one: how many, their size in bytes, and the newest's id."""
    row = tx.execute(
        text(
            "SELECT count(*), coalesce(sum(size_bytes), 0), coalesce(max(id), 0) FROM receipt"
            " WHERE connection_id = :connection AND id > :after"
        ),
        {"connection": connection_id, "after": after},
    ).one()
    return int(row[0]), int(row[1]), max(int(row[2]), after)


def count_until(tx: Tx, connection_id: str, until: int) -> int:
    """How many receipts of a connection there are up to one."""
    query = text("SELECT count(*) FROM receipt WHERE connection_id = :connection AND id <= :until")
    return int(tx.execute(query, {"connection": connection_id, "until": until}).scalar_one())


def kept(tx: Tx, connection_id: str, after: int, until: int) -> Iterator[Kept]:
    """The receipts of a connection behind one, up to another, a few at a time."""
    while after < until:
        found = tx.execute(
            text(
                "SELECT receipt.id, shape, mapping_version, receipt.digest, data FROM receipt"
                " JOIN blob ON blob.digest = receipt.digest"
                " WHERE receipt.connection_id = :connection AND receipt.id > :after"
                f" AND receipt.id <= :until ORDER BY receipt.id LIMIT {_PAGE}"
            ),
            {"connection": connection_id, "after": after, "until": until},
        ).all()
        for row in found:
            yield Kept(int(row[0]), row[1], int(row[2]), row[3], bytes(row[4]))
        after = int(found[-1][0]) if len(found) == _PAGE else until


def dossiers_of(tx: Tx, namespace: str, codes: Iterable[str]) -> dict[str, int]:
    """Local code -> the living dossier it belongs to, of those that there are."""
    found: dict[str, int] = {}
    listed = sorted(codes)
    for begun in range(0, len(listed), _AT_ONCE):
        rows = tx.execute(
            text(
                "SELECT leg.code, member.dossier_id FROM leg JOIN member ON member.leg_id = leg.id"
                f" WHERE leg.namespace = :namespace AND leg.code IN ({bulk.texts_in(tx, 'codes')})"
                " ORDER BY leg.generation"
            ),
            {"namespace": namespace, "codes": bulk.pack(listed[begun : begun + _AT_ONCE])},
        )
        found |= {row[0]: int(row[1]) for row in rows}
    return found


def counted(tx: Tx, dossier_ids: Iterable[int]) -> Iterator[Counted]:
    """How these dossiers count; those that count nowhere are left out."""
    listed = sorted(dossier_ids)
    for begun in range(0, len(listed), _AT_ONCE):
        ids = {"ids": bulk.pack(listed[begun : begun + _AT_ONCE])}
        among = f"dossier_id IN ({bulk.ids_in(tx, 'ids')})"
        spans: dict[int, list[Stretch]] = {}
        for row in tx.execute(
            text(
                "SELECT dossier_id, from_day, to_day, kind, end_on, closed_on, due_on"
                f" FROM judgement_span WHERE {among} ORDER BY dossier_id, from_day"
            ),
            ids,
        ):
            _, start, end, kind, *days = row
            own = Stretch(_day(start), _day(end), kind, *map(_maybe_day, days))
            spans.setdefault(int(row[0]), []).append(own)
        for row in tx.execute(
            text(
                "SELECT dossier_id, received_agency, channel, accepted_on, first_due_on, from_day,"
                f" kind, end_on, closed_on, due_on FROM judgement WHERE {among} ORDER BY dossier_id"
            ),
            ids,
        ):
            dossier_id, agency, channel, accepted, first_due, start, kind, *days = row
            stretches = tuple(spans.get(int(dossier_id), ()))
            end, closed, due = map(_maybe_day, days)
            yield Counted(
                int(dossier_id),
                agency,
                channel,
                _day(accepted),
                _maybe_day(first_due),
                _day(start),
                kind,
                end,
                closed,
                due,
                stretches,
            )


def _day(value: Any) -> date:
    """A day as SQLite or PostgreSQL gives it."""
    return date.fromisoformat(value) if isinstance(value, str) else value


def _maybe_day(value: Any) -> date | None:
    return _day(value) if value is not None else None
