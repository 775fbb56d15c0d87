"""The store: one engine for SQLite or PostgreSQL, transactions that mean the same on both.

SQLite: WAL, synchronous=FULL, `BEGIN IMMEDIATE` for every writer, and one writer at a time inside a
process, because a deferred read-then-write fails at once with BUSY_SNAPSHOT whatever the timeout
(TRAPS). PostgreSQL: READ COMMITTED; order comes from row locks that the callers take in order.
"""

import contextlib
import logging
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import Connection as Tx
from sqlalchemy.engine import make_url
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DBAPIError,
    DisconnectionError,
    InterfaceError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool

from canonical.errors import HubError, StoreUnavailable
from canonical.reasons import Reason

logger = logging.getLogger(__name__)
Result = TypeVar("Result")
BUSY_TIMEOUT_S = 30.0
IDLE_S = 60.0
_BUSY_MS = int(BUSY_TIMEOUT_S * 1000)
_RETRIED_STATES = frozenset({"40001", "40P01"})  # serialization failure, deadlock
_ATTEMPTS = 5
_IDLE_UNASKED_S = 1.0
_NEVER = threading.Event()  # only waited on


class Overtaken(Exception):
    """Another transaction began first what this one was about to begin; the whole is repeated."""


class Store:
    """An open store.

    Attributes:
        is_sqlite: Which of the two dialects' spellings to use.
        idle_s: After so long without a word in a transaction that writes, PostgreSQL ends it and
            lets its locks go: of a process that was stopped, or of a machine that lost its power,
            which nobody hears of otherwise for hours.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.idle_s = IDLE_S
        self.is_sqlite = engine.dialect.name == "sqlite"
        self._writer = threading.RLock()  # of SQLite alone
        self._glancing = engine.execution_options(isolation_level="AUTOCOMMIT")

    @contextlib.contextmanager
    def write(self) -> Iterator[Tx]:
        """A transaction that may write; committed at the end, rolled back on any error.

        Raises:
            StoreUnavailable: SQLite was held by others for half a minute.
        """
        with self._turn() as until, self.engine.connect() as tx:
            if self.is_sqlite:
                _begin_writing(tx, until)
            else:
                idle_ms = int(self.idle_s * 1000)
                tx.exec_driver_sql(f"SET LOCAL idle_in_transaction_session_timeout = {idle_ms}")
            try:
                yield tx
            except BaseException:
                tx.rollback()
                raise
            tx.commit()

    @contextlib.contextmanager
    def _turn(self) -> Iterator[float]:
        """This process's turn to write; until when it may wait for other processes as well."""
        until = time.monotonic() + BUSY_TIMEOUT_S
        if not self.is_sqlite:
            yield until
            return
        if not self._writer.acquire(timeout=BUSY_TIMEOUT_S):
            raise StoreUnavailable(Reason.STORE_UNAVAILABLE, "others write for too long")
        try:
            yield until
        finally:
            self._writer.release()

    @contextlib.contextmanager
    def read(self) -> Iterator[Tx]:
        """One consistent look; nothing is written.

        Raises:
            StoreUnavailable: the store cannot be reached or read.
        """
        with outages_said(), self.engine.connect() as tx:
            if self.is_sqlite:
                tx.exec_driver_sql("BEGIN")
            else:
                tx = tx.execution_options(isolation_level="REPEATABLE READ")
            try:
                yield tx
            finally:
                tx.rollback()

    @contextlib.contextmanager
    def glance(self) -> Iterator[Tx]:
        """A look in which every statement sees the store as it then is; nothing is written.

        For a question that one statement answers: on PostgreSQL it costs no BEGIN and no ROLLBACK.

        Raises:
            StoreUnavailable: the store cannot be reached or read.
        """
        if self.is_sqlite:
            with self.read() as tx:
                yield tx
            return
        with outages_said(), self._glancing.connect() as tx:
            yield tx

    def in_write(self, work: Callable[[Tx], Result]) -> Result:
        """Run `work` in a write transaction; repeated where the store asks for it.

        Serialization failures, deadlocks and Overtaken undo everything and are repeated at once, a
        few times.

        Raises:
            StoreUnavailable: the store cannot be reached or written.
        """
        with outages_said():
            return self._repeated(work)

    def _repeated(self, work: Callable[[Tx], Result]) -> Result:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with self.write() as tx:
                    return work(tx)
            except (DBAPIError, Overtaken) as error:
                state = None
                if isinstance(error, DBAPIError):
                    state = getattr(error.orig, "sqlstate", None)
                    if state not in _RETRIED_STATES:
                        raise
                if attempt == _ATTEMPTS:
                    raise
                logger.info(
                    "A transaction is repeated",
                    extra={"event": "store.retry", "sqlstate": state, "attempt": attempt},
                )
        raise AssertionError("unreachable")

    def dispose(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def _begin_writing(tx: Tx, until: float) -> None:
    """BEGIN IMMEDIATE, asked for again every few milliseconds while another process writes.

    SQLite's own waiting asks every 100 ms: beside a server whose writers follow each other within
    one, a command would wait for half a minute and more.
    """
    tx.exec_driver_sql("PRAGMA busy_timeout=0")
    try:
        while True:
            try:
                tx.exec_driver_sql("BEGIN IMMEDIATE")
            except OperationalError as error:
                code = getattr(error.orig, "sqlite_errorcode", None)
                if code != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
                _NEVER.wait(random.uniform(0.001, 0.004))  # noqa: S311 - a pause, not a secret
            else:
                return
    finally:
        tx.exec_driver_sql(f"PRAGMA busy_timeout={_BUSY_MS}")


@contextlib.contextmanager
def outages_said() -> Iterator[None]:
    """A store that does not answer, or has no connection left to give, is StoreUnavailable."""
    try:
        yield
    except DBAPIError as error:
        # A plain DatabaseError is a file that is damaged, or no database at all.
        if not isinstance(error, OperationalError | InterfaceError) and (
            type(error) is not DatabaseError
        ):
            raise
        detail = f"the store cannot be used: {type(error.orig).__name__}"
        raise StoreUnavailable(Reason.STORE_UNAVAILABLE, detail) from error
    except PoolTimeout as error:
        raise StoreUnavailable(Reason.STORE_UNAVAILABLE, "no connection is free") from error


def open_store(url: str) -> Store:
    """The store behind an address such as `sqlite:////data/hub.db` or `postgresql://…`.

    Raises:
        HubError: CONFLICT where it is no such address.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        parsed = make_url("none://")
    kind = parsed.drivername.partition("+")[0]
    if kind == "sqlite":
        return Store(_sqlite(url))
    if kind not in ("postgresql", "postgres"):
        # Without the address: it may hold a password.
        raise HubError(Reason.CONFLICT, "HUB_DATABASE_URL is neither sqlite:/// nor postgresql://")
    parsed = parsed.set(drivername="postgresql+psycopg")
    engine = create_engine(
        parsed,
        pool_size=20,
        max_overflow=0,
        hide_parameters=True,  # they are people's names and numbers
        # A server that vanished must not hold a worker for ever.
        connect_args={"connect_timeout": 10},
    )
    _felt(engine)
    return Store(engine)


def _felt(engine: Engine) -> None:
    """Whether a connection still lives is asked before it is used, if it lay idle for a second.

    Asked every time (SQLAlchemy's `pool_pre_ping`) it would be a third of what a small read costs.
    """
    import psycopg  # not where SQLite is the store

    @event.listens_for(engine, "checkout")
    def _on_checkout(connection: Any, record: Any, _proxy: Any) -> None:
        if time.monotonic() - record.info.get("used", 0.0) < _IDLE_UNASKED_S:
            return
        try:
            connection.autocommit = True
            connection.execute("")
            connection.autocommit = False
        except psycopg.Error as error:
            raise DisconnectionError from error

    @event.listens_for(engine, "checkin")
    def _on_checkin(_connection: Any, record: Any) -> None:
        record.info["used"] = time.monotonic()


def _sqlite(url: str) -> Engine:
    engine = create_engine(
        url,
        poolclass=QueuePool,
        hide_parameters=True,  # they are people's names and numbers
        pool_size=10,
        max_overflow=20,
        connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.isolation_level = None  # we say BEGIN ourselves
        connection.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
        _write_ahead(connection)
        for pragma in ("synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _write_ahead(connection: Any) -> None:
    """Turn the file to WAL, asked for again while another first start is turning it.

    SQLite does not wait for this one whatever its busy timeout says: two that turn a new file at
    once would wait for each other.
    """
    until = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            _NEVER.wait(random.uniform(0.001, 0.004))  # noqa: S311 - a pause, not a secret
        else:
            return
