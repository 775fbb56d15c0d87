"""What became of a push or a page, as whoever sent it is told."""

import json
from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.engine import Connection as Tx

from store import bulk
from store.tables import POSITION_BITS
from store.types import Moment


class ShownRecord(Struct, frozen=True):
    """One record of a receipt, as it is shown."""

    position: int
    code: str | None
    disposition: str
    reason: str | None
    field: str | None
    dossier: str | None


class ShownReceipt(Struct, frozen=True):
    """A receipt, as it is shown."""

    receipt: str
    connection: str
    client_id: str | None
    received_at: str
    digest: str
    size_bytes: int
    counts: dict[str, int]
    records: Sequence[ShownRecord]


def load_shown_receipt(tx: Tx, public_id: str) -> ShownReceipt | None:
    """What became of a push or page; None where there is no such receipt."""
    row = tx.execute(text("SELECT * FROM receipt WHERE public_id = :id"), {"id": public_id}).first()
    if row is None:
        return None
    records = _own_records(tx, row.id) + _own_duplicates(tx, row.duplicates)
    counts = ("applied", "superseded", "duplicate", "quarantined", "pending")
    return ShownReceipt(
        receipt=row.public_id,
        connection=row.connection_id,
        client_id=row.client_id,
        received_at=Moment().process_result_value(row.received_at, tx.dialect) or "",
        digest=row.digest,
        size_bytes=row.size_bytes,
        counts={name: getattr(row, name) for name in counts},
        records=sorted(records, key=lambda r: r.position),
    )


def _own_records(tx: Tx, receipt_id: int) -> list[ShownRecord]:
    found = tx.execute(
        text(
            "SELECT record.id, record.code, disposition, reason, field, dossier.public_id"
            " FROM record LEFT JOIN member ON member.leg_id = record.leg_id"
            " LEFT JOIN dossier ON dossier.id = member.dossier_id WHERE receipt_id = :id"
        ),
        {"id": receipt_id},
    )
    mask = (1 << POSITION_BITS) - 1
    return [ShownRecord(row[0] & mask, *row[1:]) for row in found]


def _own_duplicates(tx: Tx, duplicates: str) -> list[ShownRecord]:
    listed = json.loads(duplicates)
    if not listed:
        return []
    found = tx.execute(
        text(
            "SELECT member.leg_id, dossier.public_id FROM member"
            " JOIN dossier ON dossier.id = member.dossier_id"
            f" WHERE member.leg_id IN ({bulk.ids_in(tx, 'ids')})"
        ),
        {"ids": bulk.pack(leg for _, _, leg in listed)},
    )
    dossiers = {row[0]: row[1] for row in found}
    return [
        ShownRecord(position, code, "duplicate", None, None, dossiers.get(leg))
        for position, code, leg in listed
    ]
