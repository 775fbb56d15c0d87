"""Keys that outlive the secret key they came from, and everything sealed, under the newest one.

Nothing stands here while a hub has its first secret key. Once that is renewed, what digests are
made with is kept, sealed under the newest; then the earlier key is needed by nothing.
"""

from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct
from sqlalchemy import Column, select, text
from sqlalchemy.engine import Connection as Tx

from store.engine import Store
from store.tables import Blob, Connection, KeptKey, table
from store.vault import Vault
from store.work_tables import Delivery, Filing, Publication, Receiver

AT_ONCE = 200
# Every column that holds something sealed: (table, its key, the column).
SEALED: tuple[tuple[Any, str, str], ...] = (
    (Connection, "id", "secrets"),
    (Receiver, "id", "secrets"),
    (Delivery, "id", "body"),
    (Publication, "id", "body"),
    (Filing, "id", "body"),
    (Blob, "digest", "data"),
)


class Rotated(Struct):
    """What a rotation did.

    Attributes:
        looked_at: Rows with something sealed.
        resealed: Of these, those that were under an earlier key.
    """

    looked_at: int = 0
    resealed: int = 0


def load(tx: Tx) -> dict[str, bytes]:
    """The lasting keys that are kept, sealed; none before the first rotation."""
    rows = tx.execute(select(table(KeptKey)))
    return {row.name: bytes(row.sealed) for row in rows}


def keep(tx: Tx, vault: Vault) -> None:
    """Keep the lasting keys under the newest secret key."""
    forget(tx)
    told = [{"name": name, "sealed": sealed} for name, sealed in vault.lasting().items()]
    tx.execute(table(KeptKey).insert(), told)


def forget(tx: Tx) -> None:
    """Drop what no key at hand opens."""
    tx.execute(text("DELETE FROM kept_key"))


def count_sealed(store: Store) -> int:
    """How many rows hold something sealed."""
    with store.read() as tx:
        queries = (f"SELECT count({column}) FROM {table(one).name}" for one, _, column in SEALED)
        return sum(int(tx.execute(text(query)).scalar_one()) for query in queries)


def reseal(store: Store, vault: Vault, progress: Callable[[int], None] | None = None) -> Rotated:
    """Put everything sealed under the newest key, a few rows at a time while the hub runs.

    Broken off it goes on where it was: what is under the newest key already is left alone. A row
    that somebody else writes meanwhile is left to them.

    Raises:
        HubError: a row that no key opens; what was done until then stays done.
    """
    done = Rotated()
    for one, key, column in SEALED:
        held = table(one)
        for batch in _batches(store, held.c[key], held.c[column]):
            _reseal(store, vault, held, key, column, batch, done)
            if progress is not None:
                progress(done.looked_at)
    return done


def _batches(
    store: Store, key: Column[Any], column: Column[Any]
) -> Iterator[list[tuple[Any, bytes]]]:
    after: Any = None
    while True:
        query = select(key, column).where(column.is_not(None)).order_by(key).limit(AT_ONCE)
        with store.read() as tx:
            rows = tx.execute(query.where(key > after) if after is not None else query).all()
        if not rows:
            return
        yield [(row[0], bytes(row[1])) for row in rows]
        after = rows[-1][0]


def _reseal(
    store: Store,
    vault: Vault,
    held: Any,
    key: str,
    column: str,
    batch: list[tuple[Any, bytes]],
    done: Rotated,
) -> None:
    fresh = [(name, old, new) for name, old in batch if (new := vault.resealed(old)) is not None]

    def work(tx: Tx) -> int:
        return sum(
            tx.execute(
                held.update()
                .where(held.c[key] == name, held.c[column] == old)
                .values({column: new})
            ).rowcount
            for name, old, new in fresh
        )

    done.resealed += store.in_write(work) if fresh else 0
    done.looked_at += len(batch)
