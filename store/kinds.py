"""Values of another kind than their column: SQLite keeps whatever it is handed (TRAPS)."""

from typing import Any

from sqlalchemy import Boolean, Integer, LargeBinary, text
from sqlalchemy.engine import Connection as Tx
from sqlmodel import SQLModel

import store.console_tables
import store.work_tables  # noqa: F401 - their tables are looked at, whoever else knows them


def wrong_kinds(tx: Tx, most: int) -> tuple[int, list[str]]:
    """How many columns were looked at, and up to `most` "table rowid column" per column.

    PostgreSQL lets no such value in; there nothing is asked.
    """
    if tx.dialect.name != "sqlite":
        return 0, []
    looked, wrong = 0, []
    for one in SQLModel.metadata.sorted_tables:
        looked += len(one.c)
        # All columns in one walk over the table; which it was is asked where there is one.
        if _found(tx, one.name, " AND ".join(f"({_is_right(c)})" for c in one.c), 1):
            for column in one.c:
                found = _found(tx, one.name, _is_right(column), most)
                wrong += [f"{one.name} {row} holds another kind in {column.name}" for row in found]
    return looked, wrong


def _found(tx: Tx, name: str, right: str, most: int) -> list[int]:
    """The first rows of which a condition is not true."""
    found = tx.execute(
        text(f'SELECT rowid FROM "{name}" WHERE NOT ({right}) ORDER BY rowid LIMIT {most}')
    )
    return [int(row[0]) for row in found]


def _is_right(column: Any) -> str:
    name, kind = f'"{column.name}"', column.type
    if isinstance(kind, Boolean):
        right = f"typeof({name}) = 'integer' AND {name} IN (0, 1)"
    elif isinstance(kind, Integer):
        right = f"typeof({name}) = 'integer'"
    elif isinstance(kind, LargeBinary):
        right = f"typeof({name}) = 'blob'"
    else:
        right = f"typeof({name}) = 'text'"
    return f"({name} IS NULL) OR ({right})" if column.nullable else right
