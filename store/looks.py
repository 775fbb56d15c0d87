"""One consistent look at the store that several processes have at once."""

import contextlib
from collections.abc import Callable, Iterator

from sqlalchemy import text
from sqlalchemy.engine import Connection as Tx

from store.engine import Store


@contextlib.contextmanager
def shared_look(store: Store, share: Callable[[str], None]) -> Iterator[Tx]:
    """A look that `same_look` repeats elsewhere; nothing is written.

    PostgreSQL hands its snapshot on by name. SQLite cannot; there nobody may write until all have
    begun to look, some milliseconds.

    Args:
        store: What is looked at.
        share: Hands the name to the others and waits until each has begun.

    Raises:
        StoreUnavailable: the store cannot be reached or read.
    """
    with contextlib.ExitStack() as stack:
        if not store.is_sqlite:
            tx = stack.enter_context(store.read())
            share(str(tx.execute(text("SELECT pg_export_snapshot()")).scalar_one()))
        else:
            with store.write():
                tx = stack.enter_context(store.read())
                _begin(tx)
                share("")
        yield tx


@contextlib.contextmanager
def same_look(store: Store, name: str) -> Iterator[Tx]:
    """The look of another process, that holds still meanwhile.

    Raises:
        StoreUnavailable: the store cannot be reached or read.
    """
    with store.read() as tx:
        if name:
            # The name is the server's own, of hexadecimal digits; it cannot be a parameter.
            tx.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{name}'")
        _begin(tx)
        yield tx


def _begin(tx: Tx) -> None:
    """SQLite looks from the first question on, not from BEGIN."""
    tx.execute(text("SELECT count(*) FROM feed"))
