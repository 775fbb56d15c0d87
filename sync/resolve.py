"""What a person decides about a quarantined record: kept as an act, applied at its proper place."""

from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.errors import HubError
from canonical.reasons import Reason
from canonical.record import Record
from store import acts, connections, intake, quarantine
from store.quarantine import QuarantinedRecord
from sync import shapes
from sync.context import Context
from sync.intake import decide_receipts, read, save
from sync.origins import origin_of
from sync.taken import Outcome, Taken


def resolve_as_new(context: Context, record_id: int, actor: str, reason: str) -> Outcome:
    """A reused code opens the leg's next generation, and the record is applied to that.

    The record's own disposition is not rewritten; it names the act that settled it.

    Raises:
        HubError: NOT_FOUND, or CONFLICT where it was not quarantined as CODE_REUSED or is settled.
    """
    at = clock.to_iso(context.now())

    def work(tx: Tx) -> Outcome:
        row = _reused(tx, record_id)
        act = acts.save_act(tx, "resolve_as_new", record_id, actor, reason, at)
        outcome = _apply(context, tx, row)
        if outcome.counts["quarantined"]:
            raise HubError(Reason.CONFLICT, "the record cannot be applied to a new leg either")
        acts.mark_resolved(tx, record_id, act)
        return outcome

    return context.store.in_write(work)


def _reused(tx: Tx, record_id: int) -> QuarantinedRecord:
    row = quarantine.load_quarantined(tx, record_id)
    if row is None:
        raise HubError(Reason.NOT_FOUND, f"no quarantined record {record_id}")
    if row.reason != Reason.CODE_REUSED or row.resolved_by is not None:
        raise HubError(Reason.CONFLICT, "only an unsettled CODE_REUSED record can be made new")
    return row


def _apply(context: Context, tx: Tx, row: QuarantinedRecord) -> Outcome:
    """Read the record again from its raw bytes and apply it to the next generation."""
    receipt = intake.load_receipt(tx, row.receipt_id)
    connection = connections.load_connection(tx, row.connection)
    if connection is None:
        raise HubError(Reason.NOT_FOUND, f"no connection {row.connection!r}")
    taken = Taken(
        connection=connection,
        shape=shapes.opening(shapes.told(receipt.shape).name, row.position),
        raw=intake.load_raw(tx, context.vault, receipt.digest),
        received_at=clock.from_iso(clock.to_iso(context.now())),
        client_id=receipt.client_id,
        origin=origin_of(tx, receipt),
    )
    found = read(context, tx, taken, receipt.mapping_version)
    [one] = found.items
    if not isinstance(one, Record):
        raise HubError(Reason.CONFLICT, "the record cannot be read")
    acts.open_generation(tx, connection, one)
    [outcome] = decide_receipts(
        context, tx, [save(context, tx, taken, receipt.mapping_version, found)]
    )
    return outcome
