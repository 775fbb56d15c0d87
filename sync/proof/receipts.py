"""Everything computed anew from the raw bytes, in decided order, into a temporary store.

Reading, deciding and putting together are the same functions that ran the first time, with the
mapping and catalogue versions as recorded and `received_at` as now (DESIGN 3, `hub verify`).
"""

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct, structs
from sqlalchemy import select, text
from sqlalchemy.engine import Connection as Tx
from sqlalchemy.exc import SQLAlchemyError

from canonical import clock
from canonical.errors import HubError
from canonical.reasons import Reason
from canonical.record import Record, Rejected
from canonical.text import Malformed
from store import acts, clients, connections, intake, migrate
from store.engine import open_store
from store.intake import SavedReceipt
from store.tables import (
    POSITION_BITS,
    Act,
    CatalogueVersion,
    Client,
    Connection,
    ConnectionMapping,
    Receipt,
    Run,
    table,
)
from sync import shapes
from sync.context import Context
from sync.intake import Origin, Taken, decide_receipt, read
from sync.reading import Read

_COPIED = (Connection, ConnectionMapping, Client, CatalogueVersion, Run, Act)
_COMMIT_EVERY = 500
Progress = Callable[[int], None]


class Unreadable(Struct, frozen=True):
    """A receipt whose raw bytes can no longer be read as they were."""

    receipt_id: int
    why: str


@contextlib.contextmanager
def recomputed(
    context: Context, main: Tx, progress: Progress | None = None
) -> Iterator[tuple[Tx, list[Unreadable]]]:
    """A temporary store that follows from the raw bytes alone, and what could not be read.

    Args:
        context: The hub's parts.
        main: One consistent look at the store that is to be proved.
        progress: Told how many receipts are done.
    """
    with tempfile.TemporaryDirectory(prefix="hub-verify-") as folder:
        store = open_store(f"sqlite:///{Path(folder) / 'again.db'}")
        migrate.upgrade(store)
        again = Context(store, context.vault, context.systems, context.limits, context.now)
        try:
            with store.engine.connect() as tx:
                tx.exec_driver_sql("PRAGMA foreign_keys=OFF")  # raw bytes stay where they are
                tx.exec_driver_sql("PRAGMA synchronous=OFF")  # a copy that nobody will miss
                tx.exec_driver_sql("BEGIN")
                _copy(main, tx)
                unreadable = _replay(context, again, main, tx, progress)
                tx.commit()
                yield tx, unreadable
                tx.rollback()
        finally:
            store.dispose()


def _copy(main: Tx, tx: Tx) -> None:
    """What people configured and decided: recorded, not computed."""
    for model in _COPIED:
        for rows in main.execute(select(table(model))).mappings().partitions(1_000):
            tx.execute(table(model).insert(), [dict(row) for row in rows])


def _replay(
    context: Context, again: Context, main: Tx, tx: Tx, progress: Progress | None
) -> list[Unreadable]:
    receipts = table(Receipt)
    unreadable: list[Unreadable] = []
    query = select(receipts).order_by(receipts.c.decided_no.is_(None), receipts.c.decided_no)
    for number, row in enumerate(main.execution_options(yield_per=200).execute(query), start=1):
        _insert_receipt(tx, row)
        if row.state == "decided":
            try:
                _decide(context, again, main, tx, row)
            except (HubError, Malformed, SQLAlchemyError, ValueError, KeyError) as error:
                unreadable.append(Unreadable(row.id, type(error).__name__))
        if number % _COMMIT_EVERY == 0:
            tx.commit()
            tx.exec_driver_sql("BEGIN")
            if progress is not None:
                progress(number)
    tx.execute(
        text(
            "UPDATE record SET resolved_by = act.id FROM act WHERE act.record_id = record.id"
            " AND act.kind = 'resolve_as_new' AND disposition = 'quarantined'"
        )
    )
    return unreadable


def _insert_receipt(tx: Tx, row: Any) -> None:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's own name for it
    is_pending = row.state == "pending"
    for name in ("applied", "superseded", "duplicate", "quarantined"):
        values[name] = 0
    values |= {"state": "pending", "decided_no": None, "duplicates": "[]"}
    values["pending"] = max(1, row.pending) if is_pending else 1
    tx.execute(table(Receipt).insert().values(**values))


def _decide(context: Context, again: Context, main: Tx, tx: Tx, row: Any) -> None:
    connection = connections.load_connection(tx, row.connection_id)
    if connection is None:
        raise HubError(Reason.NOT_FOUND, "its connection is missing")
    tx.execute(text("UPDATE feed SET catalogue = :v"), {"v": row.catalogue_version})
    shape = shapes.told(row.shape)
    sender = clients.load_any(tx, row.client_id) if row.client_id is not None else None
    taken = Taken(
        connection=connection,
        shape=row.shape,
        raw=intake.load_raw(main, context.vault, row.digest),
        received_at=clock.from_iso(row.received_at),
        client_id=row.client_id,
        run_id=row.run_id,
        agencies=sender.agencies if sender is not None and not shape.opens else frozenset(),
        keeps_duplicates=row.client_id is not None or shape.is_act,
        origin=_origin(main, row.origin_id),
    )
    found = read(again, tx, taken, row.mapping_version)
    if shape.opens:
        [one] = found.items
        if isinstance(one, Record):
            acts.open_generation(tx, connection, one)
        if row.origin_id is None:  # as acts of the first versions counted it
            found = structs.replace(found, items=[structs.replace(one, position=0)])
    elif not shape.is_act:
        found = _with_poison(main, row.id, found)
    saved = SavedReceipt(row.id, row.public_id)
    outcome = decide_receipt(again, tx, taken, saved, found)
    if shape.is_replay:
        acts.mark_replayed(tx, saved.id, row.origin_id, outcome.fates)


def _origin(main: Tx, receipt_id: int | None) -> Origin | None:
    if receipt_id is None:
        return None
    told = intake.load_receipt(main, receipt_id)
    return Origin(told.id, clock.from_iso(told.received_at))


def _with_poison(main: Tx, receipt_id: int, found: Read) -> Read:
    """Records that were set apart because they broke processing are taken as recorded."""
    rows = main.execute(
        text("SELECT id FROM record WHERE receipt_id = :id AND reason = 'CRASH_POISON'"),
        {"id": receipt_id},
    )
    bad = {int(r[0]) & ((1 << POSITION_BITS) - 1) for r in rows}
    if not bad:
        return found
    items = [
        Rejected(i.position, Reason.CRASH_POISON, None, i.code) if i.position in bad else i
        for i in found.items
    ]
    return structs.replace(found, items=items)
