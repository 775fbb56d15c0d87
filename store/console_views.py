"""What the console lists: steps with the record behind each, receipts and records, page by page.

Every list is read along a key, so that its depth costs nothing.
"""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.engine import Connection as Tx

from canonical import codes
from store import bulk
from store.quarantine import Chosen, condition
from store.tables import POSITION_BITS
from store.types import Moment

_MASK = (1 << POSITION_BITS) - 1
MOST_STEPS = 1_000


class Step(Struct, frozen=True):
    """One line of a dossier's timeline, and the record it follows from.

    Attributes:
        record_id: The record that told it first.
    """

    status: str
    at: str
    namespace: str
    connection: str
    facet: str
    officer: str | None
    unit: str | None
    note: str | None
    arrived_late: bool
    is_retracted: bool
    record_id: int
    receipt: str
    received_at: str


def list_steps(tx: Tx, dossier_id: int) -> list[Step]:
    """A dossier's timeline, oldest first; its first thousand lines."""
    found = tx.execute(
        text(
            "SELECT timeline.status, timeline.at, leg.namespace, leg.connection_id,"
            " timeline.facet, officer, unit, note, arrived_late, retracted_by IS NOT NULL,"
            " timeline.record_id, receipt.public_id, receipt.received_at"
            " FROM timeline JOIN leg ON leg.id = timeline.leg_id"
            " JOIN member ON member.leg_id = leg.id"
            f" JOIN receipt ON receipt.id = (timeline.record_id >> {POSITION_BITS})"
            " WHERE member.dossier_id = :id"
            " ORDER BY timeline.at, known_seq, timeline.record_id, timeline.key LIMIT :most"
        ),
        {"id": dossier_id, "most": MOST_STEPS},
    )
    moment, steps = Moment(), []
    for row in found:
        values = list(row)
        for place in (1, 12):
            values[place] = moment.process_result_value(values[place], tx.dialect)
        values[8], values[9] = bool(values[8]), bool(values[9])
        steps.append(Step(*values))
    return steps


class ListedReceipt(Struct, frozen=True):
    """A receipt as a list shows it."""

    id: int
    receipt: str
    connection: str
    client: str | None
    received_at: str
    shape: str
    size_bytes: int
    state: str
    applied: int
    superseded: int
    duplicate: int
    quarantined: int
    pending: int


_RECEIPT = (
    "SELECT receipt.id, public_id, connection_id, client.name, received_at, shape, size_bytes,"
    " state, applied, superseded, duplicate, quarantined, pending"
    " FROM receipt LEFT JOIN client ON client.id = receipt.client_id"
)


def list_receipts(
    tx: Tx, connection: str | None, before: int | None, limit: int
) -> list[ListedReceipt]:
    """Receipts, newest first; those before one."""
    said, told = ["1 = 1"], dict[str, Any](limit=limit)
    if connection is not None:
        said.append("connection_id = :connection")
        told["connection"] = connection
    if before is not None:
        said.append("receipt.id < :before")
        told["before"] = before
    found = tx.execute(
        text(f"{_RECEIPT} WHERE {' AND '.join(said)} ORDER BY receipt.id DESC LIMIT :limit"), told
    )
    return [_receipt(tx, row) for row in found]


def load_receipt(tx: Tx, public_id: str) -> ListedReceipt | None:
    """One receipt; None where there is none."""
    row = tx.execute(text(f"{_RECEIPT} WHERE public_id = :id"), {"id": public_id}).first()
    return _receipt(tx, row) if row is not None else None


def _receipt(tx: Tx, row: Any) -> ListedReceipt:
    values = list(row)
    values[4] = Moment().process_result_value(values[4], tx.dialect)
    return ListedReceipt(*values)


class ListedRecord(Struct, frozen=True):
    """A record as a list shows it.

    Attributes:
        dossier: Public id of the dossier it belongs to now.
        seen: How often a poll brought it.
        last_at: When it was brought last.
    """

    id: int
    receipt: str
    connection: str
    code: str | None
    facet: str | None
    version: int | None
    disposition: str
    reason: str | None
    field: str | None
    dossier: str | None
    received_at: str
    last_at: str
    seen: int
    resolved_by: int | None

    @property
    def position(self) -> int:
        """Its place in its receipt."""
        return self.id & _MASK


_RECORD = (
    "SELECT record.id, receipt.public_id, record.connection_id, record.code, facet, version,"
    " disposition, reason, field, dossier.public_id, receipt.received_at, latest.received_at,"
    " seen, resolved_by FROM record JOIN receipt ON receipt.id = record.receipt_id"
    " JOIN receipt latest ON latest.id = record.last_receipt_id"
    " LEFT JOIN member ON member.leg_id = record.leg_id"
    " LEFT JOIN dossier ON dossier.id = member.dossier_id"
)


def list_of_receipt(tx: Tx, receipt_id: int, after: int, limit: int) -> list[ListedRecord]:
    """Records of a receipt after a place in it; those that were duplicates have no row."""
    first = receipt_id << POSITION_BITS
    found = tx.execute(
        text(
            f"{_RECORD} WHERE record.id > :after AND record.id < :end ORDER BY record.id"
            " LIMIT :limit"
        ),
        {"after": first + after, "end": (receipt_id + 1) << POSITION_BITS, "limit": limit},
    )
    return [_record(tx, row) for row in found]


def list_refused(tx: Tx, chosen: Chosen, after: int, limit: int) -> list[ListedRecord]:
    """Records of the quarantine that nothing has settled, by id, after one."""
    where, told = condition(tx, chosen)
    # The ids first: they lie in one index, whatever else is asked of them.
    found = tx.execute(
        text(
            f"{_RECORD} WHERE record.id IN (SELECT id FROM record WHERE {where} AND id > :after"
            " ORDER BY id LIMIT :limit) ORDER BY record.id"
        ),
        {**told, "after": after, "limit": limit},
    )
    return [_record(tx, row) for row in found]


def load_record(tx: Tx, record_id: int) -> ListedRecord | None:
    """One record; None where there is none."""
    row = tx.execute(text(f"{_RECORD} WHERE record.id = :id"), {"id": record_id}).first()
    return _record(tx, row) if row is not None else None


def list_by_code(tx: Tx, code: str, before: int | None, limit: int) -> list[ListedRecord]:
    """Records that a business key leads to, newest first.

    The key is a national code, a receipt number, a local code, or `NAMESPACE:CODE`; what the
    quarantine holds under a local code is found as well.
    """
    space, mark, local = code.partition(":")
    # A local code alone is looked for in the namespace of every connection.
    spaces = "namespace = :space" if mark else "namespace IN (SELECT namespace FROM connection)"
    told: dict[str, Any] = {
        "code": code,
        "national": codes.national_code(code),
        "local": local if mark else code,
        "limit": limit,
        "before": before if before is not None else 2**62,
    }
    if mark:
        told["space"] = space
    legs = [
        int(row[0])
        for row in tx.execute(
            text(
                "SELECT leg_id FROM claim WHERE code IN (:code, :national)"
                f" UNION SELECT id FROM leg WHERE {spaces} AND code = :local LIMIT 200"
            ),
            {name: value for name, value in told.items() if name not in ("limit", "before")},
        )
    ]
    told = {name: told[name] for name in ("local", "limit", "before")}
    found = tx.execute(
        text(
            f"{_RECORD} WHERE record.id IN (SELECT id FROM record"
            f" WHERE leg_id IN ({bulk.ids_in(tx, 'legs')}) UNION SELECT id FROM record"
            " WHERE disposition = 'quarantined' AND connection_id IN (SELECT id FROM connection)"
            " AND code = :local) AND record.id < :before ORDER BY record.id DESC LIMIT :limit"
        ),
        {**told, "legs": bulk.pack(legs)},
    )
    return [_record(tx, row) for row in found]


def _record(tx: Tx, row: Any) -> ListedRecord:
    values, moment = list(row), Moment()
    for place in (10, 11):
        values[place] = moment.process_result_value(values[place], tx.dialect)
    return ListedRecord(*values)


def legs_of(tx: Tx, record_ids: Sequence[int]) -> dict[int, int]:
    """Record -> the dossier it belongs to now; records of none are left out."""
    found = tx.execute(
        text(
            "SELECT record.id, member.dossier_id FROM record"
            " JOIN member ON member.leg_id = record.leg_id"
            f" WHERE record.id IN ({bulk.ids_in(tx, 'ids')})"
        ),
        {"ids": bulk.pack(record_ids)},
    )
    return {int(row[0]): int(row[1]) for row in found}
