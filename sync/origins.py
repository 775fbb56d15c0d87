"""Where a record stands that is taken up again: where it came in first."""

from typing import Any

from sqlalchemy.engine import Connection as Tx

from canonical import clock
from store import intake
from sync.taken import Origin


def origin_of(tx: Tx, receipt: Any) -> Origin:
    """What a record of this receipt comes from when it is taken up again."""
    first = receipt
    while first.origin_id is not None:
        first = intake.load_receipt(tx, first.origin_id)
    came_at = clock.from_iso(first.received_at)
    return Origin(receipt.id, came_at, first.id if first.id != receipt.id else None)


def retold(origin: Origin | None, receipt: Any) -> Origin:
    """The same for a record that is told anew, as what it was: for the first time, or again.

    Args:
        origin: Of the receipt's own records.
        receipt: The receipt that is told anew.
    """
    if origin is None:
        came_at = clock.from_iso(receipt.received_at)
        return Origin(receipt.id, came_at, is_retold=True, in_turn=False)
    return Origin(receipt.id, origin.received_at, origin.place_id, is_retold=True)
