"""Stored rows as a proof holds them against its own: fetched by leg, in the words of its structs.

A proof knows legs by the ids the store gave them, so rows are matched by their keys. A difference
names table, row and column, never a value.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Date, text
from sqlalchemy.engine import Connection as Tx

from canonical import clock
from store import bulk
from store.tables import (
    Change,
    ClaimRow,
    Dossier,
    Judgement,
    JudgementSpan,
    Leg,
    Member,
    Record,
    Timeline,
    table,
)
from store.types import Moment

Row = tuple[Any, ...]


class Difference(Struct, frozen=True):
    """One thing that differs: where, and what is wrong with it. Never the value."""

    place: str
    what: str


class Compared(Struct, frozen=True):
    """How a table is compared.

    Attributes:
        keys: What tells its rows apart.
        owner: The column that holds the id of the leg it belongs to, or of the dossier, which is
            that of the leg it began with.
        only: A condition on the rows that are meant; "" for all.
    """

    model: Any
    keys: tuple[str, ...]
    owner: str
    only: str = ""

    @property
    def name(self) -> str:
        """The table's name."""
        return str(table(self.model).name)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column, keys first."""
        rest = (c.name for c in table(self.model).c if c.name not in self.keys)
        return (*self.keys, *rest)


LEG = Compared(Leg, ("id",), "id")
CLAIM = Compared(ClaimRow, ("leg_id", "kind", "key"), "leg_id")
TIMELINE = Compared(Timeline, ("leg_id", "key"), "leg_id")
MEMBER = Compared(Member, ("leg_id",), "leg_id")
DOSSIER = Compared(Dossier, ("id",), "id")
JUDGEMENT = Compared(Judgement, ("dossier_id",), "dossier_id")
SPAN = Compared(JudgementSpan, ("dossier_id", "from_day"), "dossier_id")
RECORD = Compared(Record, ("id",), "leg_id", "disposition <> 'quarantined'")
QUARANTINED = Compared(Record, ("id",), "id", "disposition = 'quarantined'")
CHANGE = Compared(Change, ("seq",), "dossier_id")
# Those whose rows belong to a leg or dossier.
TABLES = (LEG, CLAIM, TIMELINE, MEMBER, DOSSIER, JUDGEMENT, SPAN, RECORD, CHANGE)


def stored_rows(tx: Tx, how: Compared, ids: Iterable[int]) -> Iterator[Row]:
    """The rows of these owners, columns in the order of `how.columns`, ordered by owner and key."""
    columns = how.columns
    listed = ", ".join(f'"{c}"' for c in columns)
    only = f" AND {how.only}" if how.only else ""
    order = f' ORDER BY "{how.owner}", "{how.keys[0]}"' if how is CHANGE else ""
    found = tx.execute(
        text(
            f'SELECT {listed} FROM "{how.name}"'
            f' WHERE "{how.owner}" IN ({bulk.ids_in(tx, "ids")}){only}{order}'
        ),
        {"ids": bulk.pack(ids)},
    )
    return _plain(tx, how, found)


def _plain(tx: Tx, how: Compared, found: Iterable[Any]) -> Iterator[Row]:
    """Rows with moments and days as ISO text, which is what SQLite keeps anyway."""
    if tx.dialect.name == "sqlite":
        return map(tuple, found)
    kinds = table(how.model).c
    told: list[tuple[int, Callable[[Any], Any]]] = []
    for place, column in enumerate(how.columns):
        kind = kinds[column].type
        if isinstance(kind, Moment):
            told.append((place, _moment))
        elif isinstance(kind, Date):
            told.append((place, _day))
    if not told:
        return map(tuple, found)
    return (_told(row, told) for row in found)


def _moment(value: Any) -> Any:
    return clock.to_iso(value) if value is not None else None


def _day(value: Any) -> Any:
    return value.isoformat() if value is not None else None


def _told(row: Any, told: Sequence[tuple[int, Callable[[Any], Any]]]) -> Row:
    values = list(row)
    for place, say in told:
        values[place] = say(values[place])
    return tuple(values)


def differing(how: Compared, own: Row, other: Row) -> Difference:
    """What differs between a stored row and the one that follows."""
    wrong = [c for c, a, b in zip(how.columns, own, other, strict=True) if a != b]
    return Difference(place_of(how, own), f"differs in {', '.join(wrong)}")


def missing(how: Compared, other: Row) -> Difference:
    """A row that follows and is not stored."""
    return Difference(place_of(how, other), "is missing")


def unfounded(how: Compared, own: Row) -> Difference:
    """A stored row that does not follow."""
    return Difference(place_of(how, own), "follows from nothing that came in")


def place_of(how: Compared, row: Row) -> str:
    """Which row is meant."""
    return f"{how.name} {', '.join(str(part) for part in row[: len(how.keys)])}"


def orphans(tx: Tx, how: Compared, most: int) -> list[Difference]:
    """Stored rows of no leg there is, up to so many."""
    listed = ", ".join(f'"{c}"' for c in how.keys)
    only = f" AND {how.only}" if how.only else ""
    found = tx.execute(
        text(
            f'SELECT {listed} FROM "{how.name}" WHERE ("{how.owner}" IS NULL OR "{how.owner}"'
            f" NOT IN (SELECT id FROM leg)){only} ORDER BY {listed} LIMIT :most"
        ),
        {"most": most},
    )
    return [unfounded(how, tuple(row)) for row in found]
