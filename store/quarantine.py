"""The quarantine: what was refused, grouped by cause, and the raw record behind one of them."""

from typing import Any

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.engine import Connection as Tx

from store.tables import POSITION_BITS
from store.types import Moment


class Quarantined(Struct, frozen=True):
    """One cause: a record of one connection refused for one reason, once or often.

    Attributes:
        id: The first such record's id.
    """

    id: int
    connection: str
    code: str | None
    reason: str
    field: str | None
    first_seen: str
    last_seen: str
    count: int


def list_quarantine(tx: Tx, connection: str | None = None) -> list[Quarantined]:
    """Everything in the quarantine that no later act has settled, first seen first."""
    only = " AND record.connection_id = :connection" if connection else ""
    found = tx.execute(
        text(
            "SELECT min(record.id), record.connection_id, record.code, reason, field,"
            " min(receipt.received_at), max(latest.received_at), sum(record.seen)"
            " FROM record JOIN receipt ON receipt.id = record.receipt_id"
            " JOIN receipt latest ON latest.id = record.last_receipt_id"
            f" WHERE disposition = 'quarantined' AND resolved_by IS NULL{only}"
            " GROUP BY record.connection_id, record.code, reason, field ORDER BY min(record.id)"
        ),
        {"connection": connection} if connection else {},
    )
    moment = Moment()
    told = []
    for row in found:
        values = list(row)
        for place in (5, 6):
            values[place] = moment.process_result_value(values[place], tx.dialect)
        values[7] = int(values[7])
        told.append(Quarantined(*values))
    return told


class QuarantinedRecord(Struct, frozen=True):
    """One refused record and where its raw bytes are."""

    id: int
    position: int
    receipt_id: int
    receipt: str
    connection: str
    code: str | None
    reason: str
    field: str | None
    shape: str
    digest: str
    resolved_by: int | None


def load_quarantined(tx: Tx, record_id: int) -> QuarantinedRecord | None:
    """One record in the quarantine; None where there is none with this id."""
    row: Any = tx.execute(
        text(
            "SELECT record.id, record.receipt_id, receipt.public_id, record.connection_id,"
            " record.code, reason, field, shape, receipt.digest, resolved_by"
            " FROM record JOIN receipt ON receipt.id = record.receipt_id"
            " WHERE record.id = :id AND disposition = 'quarantined'"
        ),
        {"id": record_id},
    ).first()
    if row is None:
        return None
    position = int(row[0]) & ((1 << POSITION_BITS) - 1)
    return QuarantinedRecord(int(row[0]), position, *row[1:])
