"""Set-based statements: any number of rows in one statement, the same on both stores.

Rows travel as one JSON parameter; the server takes them apart (SQLite json_each, PostgreSQL
jsonb_array_elements). So the number of statements does not depend on the number of rows, and there
is no limit on parameters.
"""

import functools
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Boolean, Date, Integer, TextClause, text
from sqlalchemy.engine import Connection as Tx
from sqlmodel import SQLModel

from store.tables import table
from store.types import Moment


@functools.lru_cache(512)
def said(statement: str) -> TextClause:
    """A statement's text, taken apart once however often it is asked."""
    return text(statement)


def _cast(kind: Any) -> str:
    if isinstance(kind, Moment):
        return "timestamptz"
    if isinstance(kind, (BigInteger, Integer)):
        return "bigint"
    if isinstance(kind, Boolean):
        return "boolean"
    if isinstance(kind, Date):
        return "date"
    return "text"


def _source(model: type[SQLModel], columns: Sequence[str], *, is_sqlite: bool) -> str:
    """A SELECT that takes the JSON rows apart into typed columns."""
    kinds = table(model).c
    if is_sqlite:
        parts = [f"json_extract(value, '$[{i}]') AS \"{c}\"" for i, c in enumerate(columns)]
        return f"SELECT {', '.join(parts)} FROM json_each(:rows)"
    parts = [f'CAST(value->>{i} AS {_cast(kinds[c].type)}) AS "{c}"' for i, c in enumerate(columns)]
    return f"SELECT {', '.join(parts)} FROM jsonb_array_elements(CAST(:rows AS jsonb)) AS r(value)"


@functools.cache
def _insert_sql(
    model: type[SQLModel], columns: tuple[str, ...], conflict: str, *, is_sqlite: bool
) -> TextClause:
    names = ", ".join(f'"{c}"' for c in columns)
    source = _source(model, columns, is_sqlite=is_sqlite)
    # SQLite needs WHERE true between a SELECT and ON CONFLICT to tell it from a join.
    return text(
        f'INSERT INTO "{table(model).name}" ({names}) SELECT * FROM ({source}) AS s'
        f" WHERE true {conflict}"
    )


@functools.cache
def _update_sql(
    model: type[SQLModel], keys: tuple[str, ...], columns: tuple[str, ...], *, is_sqlite: bool
) -> TextClause:
    source = _source(model, (*keys, *columns), is_sqlite=is_sqlite)
    name = table(model).name
    sets = ", ".join(f'"{c}" = s."{c}"' for c in columns)
    on = " AND ".join(f'"{name}"."{k}" = s."{k}"' for k in keys)
    return text(f'UPDATE "{name}" SET {sets} FROM ({source}) AS s WHERE {on}')


@functools.cache
def _delete_sql(model: type[SQLModel], keys: tuple[str, ...], *, is_sqlite: bool) -> TextClause:
    source = _source(model, keys, is_sqlite=is_sqlite)
    name = table(model).name
    listed = ", ".join(f'"{k}"' for k in keys)
    if len(keys) == 1:
        return text(f'DELETE FROM "{name}" WHERE {listed} IN ({source})')
    return text(f'DELETE FROM "{name}" WHERE ({listed}) IN ({source})')


# What a statement is told of one row: its values in the order of the columns; a struct with
# `array_like` is packed as it is. Whatever stands behind the last column is not looked at.
Values = Sequence[Any] | msgspec.Struct
_ENCODER = msgspec.json.Encoder()


def insert(
    tx: Tx,
    model: type[SQLModel],
    columns: tuple[str, ...],
    rows: Sequence[Values],
    conflict: str = "",
) -> int:
    """Insert all rows in one statement; how many were written.

    Args:
        tx: An open write transaction.
        model: Which table.
        columns: Names of the columns, in the order of each row.
        rows: Plain values, or structs with `array_like`; moments as ISO text, days as dates.
        conflict: An ON CONFLICT clause, "" for none.
    """
    if not rows:
        return 0
    is_sqlite = tx.dialect.name == "sqlite"
    sql = _insert_sql(model, columns, conflict, is_sqlite=is_sqlite)
    return tx.execute(sql, {"rows": pack(rows)}).rowcount


def insert_made(
    tx: Tx,
    model: type[SQLModel],
    columns: tuple[str, ...],
    rows: Sequence[Sequence[Any]],
    returning: str,
    conflict: str = "",
) -> Sequence[Any]:
    """As `insert`; what the store says of each row, such as the id it gave."""
    if not rows:
        return []
    is_sqlite = tx.dialect.name == "sqlite"
    sql = _insert_sql(model, columns, f"{conflict} RETURNING {returning}", is_sqlite=is_sqlite)
    return tx.execute(sql, {"rows": pack(rows)}).all()


def update(
    tx: Tx,
    model: type[SQLModel],
    keys: tuple[str, ...],
    columns: tuple[str, ...],
    rows: Sequence[Sequence[Any]],
) -> None:
    """Update all rows in one statement; each row holds its keys, then its columns."""
    if rows:
        is_sqlite = tx.dialect.name == "sqlite"
        tx.execute(_update_sql(model, keys, columns, is_sqlite=is_sqlite), {"rows": pack(rows)})


def delete(
    tx: Tx, model: type[SQLModel], keys: tuple[str, ...], rows: Sequence[Sequence[Any]]
) -> None:
    """Delete the rows with these keys in one statement."""
    if rows:
        is_sqlite = tx.dialect.name == "sqlite"
        tx.execute(_delete_sql(model, keys, is_sqlite=is_sqlite), {"rows": pack(rows)})


def ids_in(tx: Tx, parameter: str) -> str:
    """SQL for a set of ids handed over as one JSON parameter: `x IN ({ids_in(tx, 'ids')})`."""
    if tx.dialect.name == "sqlite":
        return f"SELECT value FROM json_each(:{parameter})"
    return f"SELECT value::bigint FROM jsonb_array_elements_text(CAST(:{parameter} AS jsonb))"


def texts_in(tx: Tx, parameter: str) -> str:
    """As `ids_in`, for texts."""
    if tx.dialect.name == "sqlite":
        return f"SELECT value FROM json_each(:{parameter})"
    return f"SELECT value FROM jsonb_array_elements_text(CAST(:{parameter} AS jsonb))"


def pairs_in(tx: Tx, parameter: str) -> str:
    """As `ids_in`, for pairs of texts: `(x, y) IN ({pairs_in(tx, 'keys')})`."""
    if tx.dialect.name == "sqlite":
        return (
            "SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]')"
            f" FROM json_each(:{parameter})"
        )
    return (
        "SELECT value->>0, value->>1"
        f" FROM jsonb_array_elements(CAST(:{parameter} AS jsonb)) r(value)"
    )


def pack_pairs(pairs: Iterable[tuple[str, str]]) -> str:
    """Pairs of texts as the one parameter of `pairs_in`, in order."""
    return pack(sorted(set(pairs)))


def pack(values: Iterable[Any]) -> str:
    """Plain values as one parameter: the rows of a statement, the set of `ids_in` or `texts_in`."""
    return _ENCODER.encode(values if isinstance(values, list) else list(values)).decode()


def one_of(tx: Tx, column: str, parameter: str) -> str:
    """SQL for a column that holds one of the texts in a `listed` parameter; an index serves it."""
    if tx.dialect.name == "sqlite":
        return f"{column} IN (SELECT value FROM json_each(:{parameter}))"
    return f"{column} = ANY(CAST(:{parameter} AS text[]))"


def listed(tx: Tx, values: Iterable[str]) -> Any:
    """Texts as the one parameter of `one_of`."""
    return pack(values) if tx.dialect.name == "sqlite" else list(values)


def numbered(tx: Tx, parameter: str, *columns: str) -> str:
    """SQL for rows of a place and texts, handed over as one JSON parameter [[place, text…], …]."""
    names = ("place", *columns)
    if tx.dialect.name == "sqlite":
        parts = [f"json_extract(value, '$[{i}]') AS {name}" for i, name in enumerate(names)]
        return f"SELECT {', '.join(parts)} FROM json_each(:{parameter})"
    parts = [f"value->>{i} AS {name}" for i, name in enumerate(names) if i]
    return (
        f"SELECT CAST(value->>0 AS bigint) AS place, {', '.join(parts)}"
        f" FROM jsonb_array_elements(CAST(:{parameter} AS jsonb)) AS r(value)"
    )
