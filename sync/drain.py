"""Pending receipts decided: what was durable before the hub failed is applied when it can be.

A record that makes deciding fail again and again is set apart as CRASH_POISON, and its neighbours
go on (DESIGN 3).
"""

import logging
from collections.abc import Callable

from msgspec import structs
from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.errors import StoreUnavailable
from canonical.reasons import Reason
from canonical.record import Rejected
from store import clients, connections, intake
from store.intake import SavedReceipt
from sync.context import Context
from sync.intake import Saved, decide_receipts, read
from sync.taken import Taken

logger = logging.getLogger(__name__)


def drain(context: Context, is_stopping: Callable[[], bool] = lambda: False) -> int:
    """Decide every pending receipt, oldest first, until told to stop; how many were decided."""
    with context.store.read() as tx:
        pending = intake.list_pending(tx)
    decided = 0
    for receipt_id in pending:
        if is_stopping():
            break
        decided += _drain_one(context, receipt_id)
    return decided


def _drain_one(context: Context, receipt_id: int) -> bool:
    attempts = context.store.in_write(lambda tx: intake.note_attempt(tx, receipt_id))
    poisoned = attempts > context.limits.poison_attempts
    if poisoned and attempts & (attempts - 1):
        return False  # tried ever more seldom: at 4, 8, 16 … turns
    bad: frozenset[int] = _find_poison(context, receipt_id) if poisoned else frozenset()
    try:
        return context.store.in_write(lambda tx: _decide(context, tx, receipt_id, bad))
    except StoreUnavailable:
        raise
    except Exception:  # whatever it was, the next receipt must not wait for it
        logger.exception(
            "A pending receipt could not be decided",
            extra={"event": "drain.failed", "receipt": receipt_id, "attempts": attempts},
        )
        return False


def _load(context: Context, tx: Tx, receipt_id: int) -> Saved | None:
    row = intake.load_receipt(tx, receipt_id, lock=not context.store.is_sqlite)
    connection = connections.load_connection(tx, row.connection_id)
    if row.state != "pending" or connection is None:
        return None
    sender = clients.load_any(tx, row.client_id) if row.client_id is not None else None
    taken = Taken(
        connection=connection,
        shape=row.shape,
        raw=intake.load_raw(tx, context.vault, row.digest),
        received_at=clock.from_iso(row.received_at),
        client_id=row.client_id,
        run_id=row.run_id,
        agencies=sender.agencies if sender is not None else frozenset(),
        keeps_duplicates=row.client_id is not None,
    )
    found = read(context, tx, taken, row.mapping_version)
    return Saved(taken, SavedReceipt(row.id, row.public_id), found)


def _decide(context: Context, tx: Tx, receipt_id: int, bad: frozenset[int]) -> bool:
    loaded = _load(context, tx, receipt_id)
    if loaded is None:
        return False
    items = [
        Rejected(i.position, Reason.CRASH_POISON, None, i.code) if i.position in bad else i
        for i in loaded.found.items
    ]
    found = structs.replace(loaded.found, items=items)
    decide_receipts(context, tx, [structs.replace(loaded, found=found)])
    return True


class _TryOut(Exception):
    """Carries a trial out of its transaction, so that nothing of it is kept."""


def _find_poison(context: Context, receipt_id: int) -> frozenset[int]:
    """Positions of records that cannot be decided even alone."""

    def positions(tx: Tx) -> list[int]:
        loaded = _load(context, tx, receipt_id)
        return [item.position for item in loaded.found.items] if loaded is not None else []

    every = context.store.in_write(positions)
    bad = set()
    for position in every:
        rest = frozenset(every) - {position}

        def alone(tx: Tx, rest: frozenset[int] = rest) -> None:
            _decide(context, tx, receipt_id, rest)
            raise _TryOut

        try:
            context.store.in_write(alone)
        except _TryOut:
            continue
        except StoreUnavailable:
            raise
        except Exception:  # noqa: BLE001 - the very thing that is looked for
            bad.add(position)
    return frozenset(bad)
