"""Receipts, raw bytes and records: what came in, kept before anything is answered."""

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import select
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
        kept: (digest, size in bytes) of bytes that are kept already; `raw` is not looked at.
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
    kept: tuple[str, int] | None = None

    def held(self) -> tuple[str, int]:
        """(digest, size) of its bytes."""
        return self.kept or (digest_of(self.raw), len(self.raw))


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


_RECEIPT_COLUMNS = (
    *_SEALED,
    "origin_id",
    "seal",
    "catalogue_version",
    "state",
    "pending",
    "duplicates",
    "applied",
    "superseded",
    "duplicate",
    "quarantined",
    "attempts",
)


def save_receipts(
    tx: Tx, vault: Vault, news: Sequence[tuple[NewReceipt, int]]
) -> list[SavedReceipt]:
    """Keep the raw bytes (once per digest) and receipts that are still pending, in this order.

    Args:
        tx: An open write transaction.
        vault: Seals the bytes.
        news: What came in, and how many records of it are still to be decided.
    """
    held = [new.held() for new, _ in news]
    _keep_raw(
        tx,
        vault,
        {
            digest: new.raw
            for (digest, _), (new, _) in zip(held, news, strict=True)
            if new.kept is None
        },
    )
    made, public_ids = [], []
    for (digest, size_bytes), (new, pending) in zip(held, news, strict=True):
        public_ids.append(str(uuid.uuid4()))
        taken = {
            "public_id": public_ids[-1],
            "connection_id": new.connection_id,
            "client_id": new.client_id,
            "run_id": new.run_id,
            "shape": new.shape,
            "mapping_version": new.mapping_version,
            "received_at": new.received_at,
            "digest": digest,
            "size_bytes": size_bytes,
            "origin_id": new.origin_id,
        }
        state = "pending" if pending else "decided"
        told = (seal_of(vault, taken), new.catalogue_version, state, pending, "[]", 0, 0, 0, 0, 0)
        made.append((*taken.values(), *told))
    ids = {
        row.public_id: int(row.id)
        for row in bulk.insert_made(tx, Receipt, _RECEIPT_COLUMNS, made, "id, public_id")
    }
    return [SavedReceipt(ids[public_id], public_id) for public_id in public_ids]


def _keep_raw(tx: Tx, vault: Vault, raws: Mapping[str, bytes]) -> None:
    """Seal and keep the bytes of those digests that are not kept already.

    Bytes fit into no JSON: they travel end to end as one parameter more, and are cut apart there.
    """
    if not raws:
        return
    found = tx.execute(
        bulk.said(f"SELECT digest FROM blob WHERE digest IN ({bulk.texts_in(tx, 'digests')})"),
        {"digests": bulk.pack(raws)},
    )
    held = {row[0] for row in found}
    sealed = {digest: vault.seal(raw) for digest, raw in raws.items() if digest not in held}
    if not sealed:
        return
    rows, begun = [], 1
    for digest, data in sealed.items():
        rows.append([digest, len(raws[digest]), begun, len(data)])
        begun += len(data)
    tx.execute(
        bulk.said(_KEEP_SQLITE if tx.dialect.name == "sqlite" else _KEEP_POSTGRES),
        {"rows": bulk.pack(rows), "data": b"".join(sealed.values())},
    )


_KEEP_SQLITE = (
    "INSERT INTO blob (digest, size_bytes, data) SELECT json_extract(value, '$[0]'),"
    " json_extract(value, '$[1]'),"
    " substr(:data, json_extract(value, '$[2]'), json_extract(value, '$[3]'))"
    " FROM json_each(:rows) WHERE true ON CONFLICT DO NOTHING"
)
_KEEP_POSTGRES = (
    "INSERT INTO blob (digest, size_bytes, data) SELECT value->>0, CAST(value->>1 AS bigint),"
    " substr(CAST(:data AS bytea), CAST(value->>2 AS int), CAST(value->>3 AS int))"
    " FROM jsonb_array_elements(CAST(:rows AS jsonb)) r(value) ON CONFLICT DO NOTHING"
)


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


Kept = tuple[int, str, RecordRow]  # receipt id, connection, record


def insert_records(tx: Tx, kept: Sequence[Kept]) -> None:
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
            for receipt_id, connection_id, r in kept
        ],
    )


class Closing(Struct, frozen=True):
    """What became of a receipt's records.

    Attributes:
        duplicates: JSON of those listed one by one.
        decided_no: Its place among all decisions.
    """

    receipt_id: int
    counts: Mapping[Disposition, int]
    duplicates: str
    decided_no: int


def close_receipts(tx: Tx, closings: Sequence[Closing], catalogue_version: int) -> None:
    """Write down what became of receipts' records, and under which catalogue; none is pending.

    The catalogue may be a newer one than at the intake, where the decision came later.
    """
    bulk.update(
        tx,
        Receipt,
        ("id",),
        (
            *("state", "applied", "superseded", "duplicate", "quarantined", "pending"),
            *("duplicates", "decided_no", "catalogue_version"),
        ),
        [
            (
                one.receipt_id,
                "decided",
                *(one.counts.get(d, 0) for d in _COUNTED),
                0,
                one.duplicates,
                one.decided_no,
                catalogue_version,
            )
            for one in closings
        ],
    )


_COUNTED = (
    Disposition.APPLIED,
    Disposition.SUPERSEDED,
    Disposition.DUPLICATE,
    Disposition.QUARANTINED,
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
