"""Receipts, raw bytes and records: what came in, kept before anything is answered."""

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import insert as sa_insert
from sqlalchemy import select, text
from sqlalchemy.engine import Connection as Tx

from canonical.decide import Disposition
from canonical.reasons import Reason
from store import bulk
from store.tables import POSITION_BITS, Blob, Receipt, Record, table
from store.vault import Vault


class NewReceipt(Struct, frozen=True):
    """What is known of an intake before anything is decided.

    Attributes:
        origin_id: The receipt whose records it takes up again.
    """

    connection_id: str
    client_id: str | None
    run_id: int | None
    shape: str
    mapping_version: int
    catalogue_version: int
    received_at: str
    raw: bytes
    origin_id: int | None = None


class SavedReceipt(Struct, frozen=True):
    """A receipt that is on its way to disk."""

    id: int
    public_id: str


class RecordRow(Struct, frozen=True, gc=False):
    """One record and its disposition, as the store keeps it."""

    position: int
    leg_id: int | None
    code: str | None
    part: str
    facet: str | None
    version: int | None
    sort_at: str | None
    digest: str | None
    disposition: Disposition
    reason: Reason | None
    field: str | None


def digest_of(raw: bytes) -> str:
    """`sha256:…` of bytes as received."""
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


def record_id(receipt_id: int, position: int) -> int:
    """A record's id: its receipt, then its place in it."""
    return (receipt_id << POSITION_BITS) | position


def receipt_id_of(a_record_id: int) -> int:
    """The receipt a record came in."""
    return a_record_id >> POSITION_BITS


# What a receipt says of its intake: nothing else could tell that it was changed.
_SEALED = (
    "public_id",
    "connection_id",
    "client_id",
    "run_id",
    "shape",
    "mapping_version",
    "received_at",
    "digest",
    "size_bytes",
)


def seal_of(vault: Vault, receipt: Mapping[str, Any]) -> str:
    """The keyed digest over what never changes about a receipt once it is taken in."""
    told = [receipt[name] for name in _SEALED]
    if receipt["origin_id"] is not None:
        told.append(receipt["origin_id"])
    return vault.receipt_mac(json.dumps(told, ensure_ascii=False))


def save_receipt(tx: Tx, vault: Vault, new: NewReceipt, pending: int) -> SavedReceipt:
    """Keep the raw bytes (once per digest) and a receipt that is still pending.

    Args:
        tx: An open write transaction.
        vault: Seals the bytes.
        new: What came in.
        pending: How many records are still to be decided.
    """
    digest = digest_of(new.raw)
    held = tx.execute(select(table(Blob).c.digest).where(table(Blob).c.digest == digest)).first()
    if held is None:
        tx.execute(
            text(
                "INSERT INTO blob (digest, size_bytes, data) VALUES (:digest, :size, :data)"
                " ON CONFLICT DO NOTHING"
            ),
            {"digest": digest, "size": len(new.raw), "data": vault.seal(new.raw)},
        )
    public_id = str(uuid.uuid4())
    taken = {
        "public_id": public_id,
        "connection_id": new.connection_id,
        "client_id": new.client_id,
        "run_id": new.run_id,
        "shape": new.shape,
        "mapping_version": new.mapping_version,
        "received_at": new.received_at,
        "digest": digest,
        "size_bytes": len(new.raw),
        "origin_id": new.origin_id,
    }
    row = tx.execute(
        sa_insert(table(Receipt))
        .values(
            **taken,
            seal=seal_of(vault, taken),
            catalogue_version=new.catalogue_version,
            state="pending" if pending else "decided",
            applied=0,
            superseded=0,
            duplicate=0,
            quarantined=0,
            pending=pending,
            duplicates="[]",
            attempts=0,
        )
        .returning(table(Receipt).c.id)
    ).one()
    return SavedReceipt(int(row[0]), public_id)


_RECORD_COLUMNS = (
    "id",
    "receipt_id",
    "connection_id",
    "leg_id",
    "code",
    "part",
    "facet",
    "version",
    "sort_at",
    "digest",
    "disposition",
    "reason",
    "field",
    "seen",
    "last_receipt_id",
)


def insert_records(tx: Tx, receipt_id: int, connection_id: str, rows: Sequence[RecordRow]) -> None:
    """Keep what became of every record that is not a duplicate."""
    bulk.insert(
        tx,
        Record,
        _RECORD_COLUMNS,
        [
            (
                record_id(receipt_id, r.position),
                receipt_id,
                connection_id,
                r.leg_id,
                r.code,
                r.part,
                r.facet,
                r.version,
                r.sort_at,
                r.digest,
                r.disposition.value,
                r.reason.value if r.reason is not None else None,
                r.field,
                1,
                receipt_id,
            )
            for r in rows
        ],
    )


def close_receipt(
    tx: Tx,
    receipt_id: int,
    counts: dict[Disposition, int],
    duplicates: str,
    decided_no: int,
    catalogue_version: int,
) -> None:
    """Write down what became of a receipt's records, and under which catalogue; none is pending.

    The catalogue may be a newer one than at the intake, where the decision came later.
    """
    receipts = table(Receipt)
    tx.execute(
        receipts.update()
        .where(receipts.c.id == receipt_id)
        .values(
            state="decided",
            applied=counts.get(Disposition.APPLIED, 0),
            superseded=counts.get(Disposition.SUPERSEDED, 0),
            duplicate=counts.get(Disposition.DUPLICATE, 0),
            quarantined=counts.get(Disposition.QUARANTINED, 0),
            pending=0,
            duplicates=duplicates,
            decided_no=decided_no,
            catalogue_version=catalogue_version,
        )
    )


def load_raw(tx: Tx, vault: Vault, digest: str) -> bytes:
    """The bytes as received."""
    blobs = table(Blob)
    return vault.open(tx.execute(select(blobs.c.data).where(blobs.c.digest == digest)).scalar_one())


def list_pending(tx: Tx) -> list[int]:
    """Ids of receipts that are durable and not decided, oldest first."""
    receipts = table(Receipt)
    found = tx.execute(
        select(receipts.c.id).where(receipts.c.state == "pending").order_by(receipts.c.id)
    )
    return [int(row[0]) for row in found]


def load_receipt(tx: Tx, receipt_id: int, *, lock: bool = False) -> Any:
    """One receipt's row by its id."""
    receipts = table(Receipt)
    query = select(receipts).where(receipts.c.id == receipt_id)
    return tx.execute(query.with_for_update() if lock else query).one()


def note_attempt(tx: Tx, receipt_id: int) -> int:
    """Count one more try at deciding a pending receipt; how many there were."""
    receipts = table(Receipt)
    row = tx.execute(
        receipts.update()
        .where(receipts.c.id == receipt_id)
        .values(attempts=receipts.c.attempts + 1)
        .returning(receipts.c.attempts)
    ).one()
    return int(row[0])
