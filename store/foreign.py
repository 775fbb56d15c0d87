"""Statements that another library wrote for tables of its own, run on the store's connections.

PostgreSQL only. They come with $1 placeholders; each is a transaction of its own.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
from psycopg import RawCursor
from psycopg.rows import dict_row
from sqlalchemy.engine import Connection as Tx

from canonical.errors import StoreUnavailable
from canonical.reasons import Reason
from store.engine import Store, outages_said

Rows = list[dict[str, Any]]
Run = Callable[[str, tuple[Any, ...]], Rows]


def runner(store: Store) -> Run:
    """Runs each statement on any connection of the pool and gives its rows.

    What it returns raises StoreUnavailable where the store cannot be reached; whether the
    statement took place is then unknown.
    """
    # No transaction stays open between a statement and its end: a process stopped there would hold
    # its locks against all others.
    engine = store.engine.execution_options(isolation_level="AUTOCOMMIT")

    def run(query: str, args: tuple[Any, ...]) -> Rows:
        with outages_said(), engine.connect() as tx:
            return _on(tx, query, args)

    return run


@contextlib.contextmanager
def on_one_connection(store: Store) -> Iterator[Run]:
    """The same on one connection, for what takes a lock of the session.

    Raises:
        StoreUnavailable: the store cannot be reached.
    """
    with outages_said(), store.engine.connect() as tx:
        yield lambda query, args: _on(tx, query, args)


def _on(tx: Tx, query: str, args: tuple[Any, ...]) -> Rows:
    raw = tx.connection.driver_connection
    if not isinstance(raw, psycopg.Connection):
        raise TypeError(type(raw))
    try:
        cursor = RawCursor(raw, row_factory=dict_row)
        # Never prepared on the server: its tables are altered when the library is renewed, and a
        # prepared statement would fail on that connection ever after.
        cursor.execute(query, args or None, prepare=False)
        rows = cursor.fetchall() if cursor.description is not None else []
        raw.commit()
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        tx.invalidate()
        detail = f"the store cannot be used: {type(error).__name__}"
        raise StoreUnavailable(Reason.STORE_UNAVAILABLE, detail) from error
    return rows
