"""A receipt's items decided, then applied to what they are decided on.

The same for a group that is taken in (sync.intake) and for a proof (sync.proof).
"""

from collections.abc import Sequence

from msgspec import Struct

from canonical import clock
from canonical.catalogue import Books
from canonical.decide import Disposition
from canonical.record import Item
from store.ground import DossierGround, Ground, LegGround
from store.intake import RecordRow
from sync.batch import Touched, decide_and_fold
from sync.dossiers import put_together
from sync.taken import Taken, source_of


class Applied(Struct):
    """What became of the items of a receipt.

    Attributes:
        rows: Of every item.
        told: Of every item that is a record of this receipt.
        made: Leg id -> public id of its dossier, of those that were put together.
    """

    rows: Sequence[RecordRow]
    told: Sequence[RecordRow]
    decision_no: int
    made: dict[int, str]
    refused: int


class Settling(Struct):
    """The items of a receipt, decided; their dossiers are still to be put together.

    Attributes:
        rows: Of every item.
        told: Of every item that is a record of this receipt.
    """

    rows: Sequence[RecordRow]
    told: Sequence[RecordRow]
    touched: Touched
    refused: int


def decide(
    ground: LegGround, books: Books, taken: Taken, receipt_id: int, items: Sequence[Item]
) -> Settling:
    """Decide a receipt's items and fold them into their legs."""
    source = source_of(taken)
    decided = decide_and_fold(ground, source, receipt_id, taken.said_at, items, books.agencies)
    told = decided.rows
    if taken.origin is not None and not taken.origin.is_retold:
        told = [r for r in told if r.disposition is not Disposition.QUARANTINED]
    kept = [r for r in told if r.disposition is not Disposition.DUPLICATE]
    ground.insert_records(receipt_id, taken.connection.id, kept)
    return Settling(decided.rows, told, decided.touched, decided.refused)


def settle(
    ground: DossierGround, books: Books, taken: Taken, receipt_id: int, decided: Settling
) -> Applied:
    """Put together the dossiers of what was decided."""
    decision_no = ground.next_decision()
    at = clock.to_iso(taken.received_at)
    made = put_together(ground, decided.touched, receipt_id, at, books.precedences)
    return Applied(decided.rows, decided.told, decision_no, made, decided.refused)


def apply(
    ground: Ground, books: Books, taken: Taken, receipt_id: int, items: Sequence[Item]
) -> Applied:
    """Decide a receipt's items and apply them to what they are decided on."""
    decided = decide(ground, books, taken, receipt_id, items)
    return settle(ground, books, taken, receipt_id, decided)


def counts_of(rows: Sequence[RecordRow]) -> dict[Disposition, int]:
    """How many rows ended in which disposition."""
    counts: dict[Disposition, int] = {}
    for row in rows:
        counts[row.disposition] = counts.get(row.disposition, 0) + 1
    return counts
