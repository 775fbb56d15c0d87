"""The one way in for every record, pushed or polled, one or a page of thousands (DESIGN 3).

Take in, map, decide and apply: in one commit where all goes well. Where applying fails for the
hub's own reason, the intake still commits and its records are pending, to be decided by sync.drain.
"""

import json
import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec import Struct, structs
from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.catalogue import Books
from canonical.decide import Disposition
from canonical.errors import HubError, RequestRefused
from canonical.ports import Fate
from canonical.reasons import Reason
from canonical.record import Item
from store import connections, dossiers, intake
from store.connections import ConnectionRow
from store.ground import Ground, Stored
from store.intake import NewReceipt, RecordRow, SavedReceipt
from store.tables import POSITION_BITS
from sync import bulk_quarantine, shapes
from sync.batch import Source, decide_and_fold
from sync.context import Context
from sync.dossiers import put_together
from sync.learning import Sample
from sync.reading import (
    CANONICAL,
    GONE,
    Read,
    Watch,
    read_canonical,
    read_gone,
    read_native,
)

logger = logging.getLogger(__name__)
MAX_RECORDS = 1 << POSITION_BITS


class Origin(Struct, frozen=True):
    """The receipt whose records are taken up again, and when it came."""

    receipt_id: int
    received_at: datetime


class Taken(Struct, frozen=True):
    """One body that arrived: whose, what, when.

    Attributes:
        shape: Name by which it is read, and which of its rows (sync.shapes).
        agencies: The sender's grant; empty for the whole province.
        keeps_duplicates: A push lists its duplicates one by one; a poll counts them.
        origin: What its records first came in; None where they came now.
    """

    connection: ConnectionRow
    shape: str
    raw: bytes
    received_at: datetime
    client_id: str | None = None
    run_id: int | None = None
    agencies: frozenset[str] = frozenset()
    keeps_duplicates: bool = True
    origin: Origin | None = None

    @property
    def said_at(self) -> datetime:
        """When its records came: that is their time, where the source tells none."""
        return self.received_at if self.origin is None else self.origin.received_at


class Outcome(Struct, frozen=True):
    """What became of a body.

    Attributes:
        receipt: The receipt's public id.
        fates: One per record, in order.
        dossiers: position -> public id of the dossier it belongs to.
        refused: How many were refused, those included that a poll had brought before.
    """

    receipt: str
    received_at: str
    counts: dict[str, int]
    fates: Sequence[Fate]
    dossiers: dict[int, str]
    is_list: bool = True
    refused: int = 0

    @property
    def is_pending(self) -> bool:
        """Whether it is durable and not yet decided."""
        return self.counts["pending"] > 0


Within = Callable[[Tx, Outcome], None]


def read(
    context: Context, tx: Tx, taken: Taken, mapping_version: int, watch: Watch | None = None
) -> Read:
    """The checked records of a body, those that its shape means.

    Raises:
        Malformed, Garbled: the whole body is outside its contract.
    """
    connection, shape = taken.connection, shapes.told(taken.shape)
    if shape.name == GONE:
        return read_gone(taken.raw, taken.received_at, context.vault)
    if connection.system == CANONICAL:
        return read_canonical(
            taken.raw,
            shape.name,
            connection.namespace,
            taken.received_at,
            context.vault,
            shape.positions,
        )
    mapping = context.mapping(tx, connection, mapping_version)
    return read_native(
        taken.raw,
        shape.name,
        context.system_of(connection, mapping_version, tx),
        mapping,
        connection.namespace,
        taken.received_at,
        context.vault,
        shape.positions,
        watch,
    )


def prepare(context: Context, taken: Taken) -> tuple[Read, int]:
    """Read a body outside any transaction that writes; the mapping version it was read by."""
    with context.store.read() as tx:
        current = connections.load_connection(tx, taken.connection.id)
        version = current.mapping_version if current else taken.connection.mapping_version
        sample = _sample(context, tx, taken, version)
        found = read(context, tx, taken, version, sample)
        context.learner.note(taken.connection.id, sample)
    if len(found.items) >= MAX_RECORDS:
        raise RequestRefused(Reason.BODY_TOO_LARGE, 413)
    return found, version


def _sample(context: Context, tx: Tx, taken: Taken, version: int) -> Sample | None:
    """What looks at the rows while they are read; None where they are in the hub's own words."""
    connection = taken.connection
    if connection.system == CANONICAL or shapes.told(taken.shape).name == GONE:
        return None
    system = context.system_of(connection, version, tx)
    return Sample(context.learner.lens(tx, connection.id, version, system))


def take_in(
    context: Context, taken: Taken, found: Read, mapping_version: int, within: Within | None = None
) -> Outcome:
    """Keep the bytes, decide and apply every record; durable when this returns.

    Args:
        context: The hub's parts.
        taken: What arrived.
        found: Its records, read by `prepare`.
        mapping_version: By which mapping they were read.
        within: More to be written in the same transaction (a checkpoint, an answer to repeat).

    Raises:
        StoreUnavailable: nothing was kept.
        HubError: what `within` raises; nothing was kept.
    """
    connection_id = taken.connection.id
    news: list[str | None] = [None]

    def work(tx: Tx) -> Outcome:
        receipt = save(context, tx, taken, mapping_version, len(found.items))
        outcome = decide_receipt(context, tx, taken, receipt, found)
        if within is not None:
            within(tx, outcome)
        at = clock.to_iso(context.now())
        news[0] = bulk_quarantine.watch(tx, connection_id, len(outcome.fates), outcome.refused, at)
        return outcome

    try:
        outcome = context.store.in_write(work)
    except HubError:
        raise
    except Exception as error:  # the hub's own failure must not cost the department its record
        logger.exception(
            "A batch could not be applied; it is kept as pending",
            extra={"event": "intake.pending", "connection": connection_id},
        )
        return _keep_pending(context, taken, found, mapping_version, within, error)
    bulk_quarantine.say(connection_id, news[0])
    return outcome


def save(
    context: Context, tx: Tx, taken: Taken, mapping_version: int, pending: int
) -> SavedReceipt:
    """Keep a body as a receipt that is still pending."""
    return intake.save_receipt(
        tx,
        context.vault,
        NewReceipt(
            connection_id=taken.connection.id,
            client_id=taken.client_id,
            run_id=taken.run_id,
            shape=taken.shape,
            mapping_version=mapping_version,
            catalogue_version=context.books(tx).version,
            received_at=clock.to_iso(taken.received_at),
            raw=taken.raw,
            origin_id=taken.origin.receipt_id if taken.origin is not None else None,
        ),
        pending,
    )


def _keep_pending(
    context: Context,
    taken: Taken,
    found: Read,
    mapping_version: int,
    within: Within | None,
    error: Exception,
) -> Outcome:
    if not found.items:
        raise error

    def work(tx: Tx) -> Outcome:
        receipt = save(context, tx, taken, mapping_version, len(found.items))
        fates = [Fate(item.position, item.code, Disposition.PENDING.value) for item in found.items]
        outcome = _outcome(receipt, taken.received_at, fates, {}, found.is_list)
        if within is not None:
            within(tx, outcome)
        return outcome

    return context.store.in_write(work)


def decide_receipt(
    context: Context, tx: Tx, taken: Taken, receipt: SavedReceipt, found: Read
) -> Outcome:
    """Decide and apply the records of a saved receipt, in the caller's transaction.

    What is taken up again from the quarantine and still cannot be applied stays where it is: it is
    told among the fates and is no record of this receipt.
    """
    books = context.books(tx)
    applied = apply(Stored(tx), books, taken, receipt.id, found.items)
    made, rows = applied.made, applied.rows
    listed = _duplicates(applied.told, taken)
    counts = counts_of(applied.told)
    intake.close_receipt(tx, receipt.id, counts, listed, applied.decision_no, books.version)
    others = {r.leg_id for r in rows if r.leg_id is not None} - set(made)
    made |= dossiers.public_ids(tx, others) if others else {}
    fates = [Fate(r.position, r.code, r.disposition.value, r.reason, r.field) for r in rows]
    own = {r.position: made[r.leg_id] for r in rows if r.leg_id in made}
    outcome = _outcome(receipt, taken.received_at, fates, own, found.is_list)
    return structs.replace(outcome, refused=applied.refused)


def source_of(taken: Taken) -> Source:
    """Who speaks in a body, and for whom it may speak."""
    return Source(
        taken.connection.id,
        taken.connection.namespace,
        taken.agencies,
        taken.keeps_duplicates,
        taken.origin.receipt_id if taken.origin is not None else None,
    )


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


def apply(
    ground: Ground,
    books: Books,
    taken: Taken,
    receipt_id: int,
    items: Sequence[Item],
) -> Applied:
    """Decide a receipt's items and apply them to what they are decided on."""
    source = source_of(taken)
    decided = decide_and_fold(ground, source, receipt_id, taken.said_at, items, books.agencies)
    told = decided.rows
    if taken.origin is not None:
        told = [r for r in told if r.disposition is not Disposition.QUARANTINED]
    kept = [r for r in told if r.disposition is not Disposition.DUPLICATE]
    ground.insert_records(receipt_id, taken.connection.id, kept)
    decision_no = ground.next_decision()
    made = put_together(
        ground, decided.touched, receipt_id, clock.to_iso(taken.received_at), books.precedences
    )
    return Applied(decided.rows, told, decision_no, made, decided.refused)


def counts_of(rows: Sequence[RecordRow]) -> dict[Disposition, int]:
    """How many rows ended in which disposition."""
    counts: dict[Disposition, int] = {}
    for row in rows:
        counts[row.disposition] = counts.get(row.disposition, 0) + 1
    return counts


def _duplicates(rows: Sequence[RecordRow], taken: Taken) -> str:
    if not taken.keeps_duplicates:
        return "[]"
    listed = [
        [r.position, r.code, r.leg_id] for r in rows if r.disposition is Disposition.DUPLICATE
    ]
    return json.dumps(listed, ensure_ascii=False)


def _outcome(
    receipt: SavedReceipt,
    received_at: datetime,
    fates: Sequence[Fate],
    made: dict[int, str],
    is_list: bool,  # noqa: FBT001 - carried through
) -> Outcome:
    counts = {d.value: 0 for d in Disposition}
    for fate in fates:
        counts[fate.disposition] += 1
    return Outcome(receipt.public_id, clock.to_iso(received_at), counts, fates, made, is_list)
