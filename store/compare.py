"""Two stores held against each other, row by row, in a bounded amount of memory.

The second store was computed anew from the raw bytes, so its leg ids differ. Rows are matched by
what they are (a leg by namespace, code and generation), through a map kept in the second store.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.engine import Connection as Tx

from store import bulk
from store.tables import (
    AgencySeen,
    Change,
    ClaimCrowd,
    ClaimRow,
    Dossier,
    Judgement,
    JudgementSpan,
    Leg,
    Member,
    Receipt,
    Record,
    Timeline,
    table,
)
from store.types import Moment

CHUNK = 2_000


class Difference(Struct, frozen=True):
    """One thing that differs: where, and what is wrong with it. Never the value."""

    place: str
    what: str


class Compared(Struct, frozen=True):
    """How a table is compared.

    Attributes:
        keys: What orders and matches its rows, mapped legs first.
        legs: Columns that hold a leg's or dossier's id.
        free: Columns that the raw bytes do not decide, with the reason in verify's docs.
    """

    model: Any
    keys: tuple[str, ...]
    legs: tuple[str, ...] = ()
    free: frozenset[str] = frozenset()


TABLES = (
    Compared(Leg, ("id",), ("id",)),
    Compared(ClaimRow, ("leg_id", "kind", "key"), ("leg_id",)),
    Compared(ClaimCrowd, ("kind", "key")),
    Compared(Timeline, ("leg_id", "key"), ("leg_id",)),
    Compared(Member, ("leg_id",), ("leg_id", "dossier_id")),
    Compared(Dossier, ("id",), ("id", "merged_into")),
    Compared(Judgement, ("dossier_id",), ("dossier_id",)),
    Compared(JudgementSpan, ("dossier_id", "from_day"), ("dossier_id",)),
    Compared(Record, ("id",), ("leg_id",)),
    Compared(Receipt, ("id",), (), frozenset({"attempts", "run_id", "duplicates"})),
    Compared(Change, ("seq",), ("dossier_id", "into_id")),
    Compared(AgencySeen, ("code",)),
)


def map_legs(main: Tx, again: Tx) -> None:
    """Put into the second store which of its legs stands for which of the first."""
    again.exec_driver_sql(
        "CREATE TEMP TABLE main_leg (main_id INTEGER PRIMARY KEY, temp_id INTEGER UNIQUE)"
    )
    found = main.execution_options(yield_per=CHUNK).execute(
        text("SELECT id, namespace, code, generation FROM leg")
    )
    for rows in found.partitions(CHUNK):
        again.execute(
            text(
                "INSERT INTO main_leg SELECT json_extract(value, '$[0]'), leg.id FROM"
                " json_each(:rows) JOIN leg ON leg.namespace = json_extract(value, '$[1]')"
                " AND leg.code = json_extract(value, '$[2]')"
                " AND leg.generation = json_extract(value, '$[3]')"
            ),
            {"rows": bulk.pack([list(row) for row in rows])},
        )


def compare_table(main: Tx, again: Tx, how: Compared, most: int) -> tuple[int, list[Difference]]:
    """How many rows were held against each other, and up to `most` differences."""
    name = table(how.model).name
    columns = [c.name for c in table(how.model).c if c.name not in how.free]
    ordered = [*how.keys, *(c for c in columns if c not in how.keys)]
    theirs = _stream(again, _mapped_sql(how, ordered), ordered, how)
    ours = _stream(main, _plain_sql(main, how, ordered), ordered, how)
    compared = 0
    differences: list[Difference] = []
    for own, other in _merged(ours, theirs, len(how.keys)):
        compared += own is not None
        if len(differences) >= most:
            continue
        key = (own or other or ())[: len(how.keys)]
        place = f"{name} {', '.join(str(part) for part in key)}"
        if own is None:
            differences.append(Difference(place, "is missing"))
        elif other is None:
            differences.append(Difference(place, "follows from nothing that came in"))
        else:
            wrong = [c for c, a, b in zip(ordered, own, other, strict=True) if a != b]
            if wrong:
                differences.append(Difference(place, f"differs in {', '.join(wrong)}"))
    return compared, differences


def _plain_sql(tx: Tx, how: Compared, columns: Sequence[str]) -> str:
    is_sqlite = tx.dialect.name == "sqlite"
    kinds = table(how.model).c
    order = []
    for key in how.keys:
        is_text = str(kinds[key].type) == "TEXT"
        # Byte order on both: a server's own collation would sort otherwise.
        order.append(f'"{key}"' + ("" if is_sqlite or not is_text else ' COLLATE "C"'))
    listed = ", ".join(f'"{c}"' for c in columns)
    return f'SELECT {listed} FROM "{table(how.model).name}" ORDER BY {", ".join(order)}'


def _mapped_sql(how: Compared, columns: Sequence[str]) -> str:
    """As `_plain_sql`, with leg ids turned into those of the first store (unknown: negative)."""
    parts = [
        f'(CASE WHEN t."{c}" IS NULL THEN NULL ELSE coalesce((SELECT main_id FROM main_leg'
        f' WHERE temp_id = t."{c}"), -t."{c}") END) AS "{c}"'
        if c in how.legs
        else f't."{c}"'
        for c in columns
    ]
    order = ", ".join(str(n + 1) for n in range(len(how.keys)))
    return f'SELECT {", ".join(parts)} FROM "{table(how.model).name}" t ORDER BY {order}'


def _stream(tx: Tx, sql: str, columns: Sequence[str], how: Compared) -> Iterator[tuple[Any, ...]]:
    kinds = table(how.model).c
    moments = [n for n, c in enumerate(columns) if isinstance(kinds[c].type, Moment)]
    flags = [n for n, c in enumerate(columns) if str(kinds[c].type) == "BOOLEAN"]
    days = [n for n, c in enumerate(columns) if str(kinds[c].type) == "DATE"]
    moment = Moment()
    for row in tx.execution_options(yield_per=CHUNK).execute(text(sql)):
        values = list(row)
        for n in moments:
            values[n] = moment.process_result_value(values[n], tx.dialect)
        for n in flags:
            values[n] = bool(values[n])
        for n in days:
            values[n] = str(values[n]) if values[n] is not None else None
        yield tuple(values)


def _merged(
    ours: Iterable[tuple[Any, ...]], theirs: Iterable[tuple[Any, ...]], keys: int
) -> Iterator[tuple[tuple[Any, ...] | None, tuple[Any, ...] | None]]:
    """Rows of two ordered streams side by side, matched by their first columns."""
    left, right = iter(ours), iter(theirs)
    own, other = next(left, None), next(right, None)
    while own is not None or other is not None:
        if other is None or (own is not None and _key(own, keys) < _key(other, keys)):
            yield own, None
            own = next(left, None)
        elif own is None or _key(other, keys) < _key(own, keys):
            yield None, other
            other = next(right, None)
        else:
            yield own, other
            own, other = next(left, None), next(right, None)


def _key(row: tuple[Any, ...], keys: int) -> tuple[Any, ...]:
    return tuple(p.encode() if isinstance(p, str) else p for p in row[:keys])
