"""The quarantine: what was refused, grouped by cause, and the raw record behind one of them."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.engine import Connection as Tx

from store import bulk
from store.intake import receipt_id_of
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


class Cause(Struct, frozen=True):
    """One cause over all codes of a connection.

    Attributes:
        id: The first such record's id, as an example.
        codes: How many local codes it concerns.
    """

    id: int
    connection: str
    reason: str
    field: str | None
    first_seen: str
    last_seen: str
    count: int
    codes: int


def list_causes(tx: Tx, connection: str | None = None) -> list[Cause]:
    """The causes of all that no later act has settled, those of most records first."""
    only = " AND record.connection_id = :connection" if connection else ""
    found = tx.execute(
        text(
            "SELECT min(record.id), record.connection_id, reason, field,"
            " min(receipt.received_at), max(latest.received_at), sum(record.seen) AS times,"
            " count(DISTINCT record.code)"
            " FROM record JOIN receipt ON receipt.id = record.receipt_id"
            " JOIN receipt latest ON latest.id = record.last_receipt_id"
            f" WHERE disposition = 'quarantined' AND resolved_by IS NULL{only}"
            " GROUP BY record.connection_id, reason, field ORDER BY times DESC, min(record.id)"
        ),
        {"connection": connection} if connection else {},
    )
    moment = Moment()
    return [
        Cause(
            int(row[0]),
            row[1],
            row[2],
            row[3],
            moment.process_result_value(row[4], tx.dialect) or "",
            moment.process_result_value(row[5], tx.dialect) or "",
            int(row[6]),
            int(row[7]),
        )
        for row in found
    ]


class Chosen(Struct, frozen=True):
    """Which unsettled records of the quarantine are meant: those to which all of this applies.

    Attributes:
        ids: Record ids; None asks for none by id.
    """

    connection: str | None = None
    reason: str | None = None
    field: str | None = None
    ids: tuple[int, ...] | None = None


def condition(tx: Tx, chosen: Chosen) -> tuple[str, dict[str, Any]]:
    """What is asked of a row of `record`, and the values in it."""
    said, told = ["disposition = 'quarantined'", "resolved_by IS NULL"], {}
    for column, name in (("connection_id", "connection"), ("reason", "reason"), ("field", "field")):
        value = getattr(chosen, name)
        if value is not None:
            said.append(f"{column} = :{name}")
            told[name] = value
    if chosen.ids is not None:
        said.append(f"id IN ({bulk.ids_in(tx, 'ids')})")
        told["ids"] = bulk.pack(chosen.ids)
    return " AND ".join(said), told


def count_chosen(tx: Tx, chosen: Chosen) -> dict[str, int]:
    """Connection -> how many of its records are meant."""
    where, told = condition(tx, chosen)
    found = tx.execute(
        text(
            f"SELECT connection_id, count(*) FROM record WHERE {where}"
            " GROUP BY connection_id ORDER BY connection_id"
        ),
        told,
    )
    return {row[0]: int(row[1]) for row in found}


def newest_counts(tx: Tx, connection_id: str, records: int) -> tuple[int, int]:
    """(records, refused ones) of a connection's newest decided receipts before the one just made.

    As many receipts as it takes for so many records, a hundred at most.
    """
    found = tx.execute(
        text(
            "SELECT applied + superseded + duplicate + quarantined, quarantined FROM receipt"
            " WHERE connection_id = :connection AND state = 'decided' AND origin_id IS NULL"
            " ORDER BY id DESC LIMIT 100 OFFSET 1"
        ),
        {"connection": connection_id},
    )
    in_all = refused = 0
    for row in found:
        if in_all >= records:
            break
        in_all, refused = in_all + int(row[0]), refused + int(row[1])
    return in_all, refused


CHUNK = 5_000


def next_groups(tx: Tx, chosen: Chosen, after: int) -> list[tuple[int, list[int]]]:
    """Some more of the records that are meant, by receipt: (receipt id, its positions), in order.

    Args:
        tx: An open transaction.
        chosen: Which are meant.
        after: Only records with a higher id: the last one of the call before.
    """
    where, told = condition(tx, chosen)
    sql = f"SELECT id FROM record WHERE {where} AND id > :after"
    told["after"] = after
    ids = [
        int(row[0])
        for row in tx.execute(text(f"{sql} ORDER BY id LIMIT :limit"), {**told, "limit": CHUNK})
    ]
    if len(ids) == CHUNK:  # the last receipt may have more: it is taken whole
        last = receipt_id_of(ids[-1])
        rest = {**told, "after": ids[-1], "end": (last + 1) << POSITION_BITS}
        found = tx.execute(text(f"{sql} AND id < :end ORDER BY id"), rest)
        ids += [int(row[0]) for row in found]
    mask = (1 << POSITION_BITS) - 1
    return [
        (receipt_id, [one & mask for one in group])
        for receipt_id, group in groupby(ids, receipt_id_of)
    ]


def unsettled(tx: Tx, ids: Iterable[int]) -> set[int]:
    """Which of these records are in the quarantine and not settled."""
    found = tx.execute(
        text(
            "SELECT id FROM record WHERE disposition = 'quarantined' AND resolved_by IS NULL"
            f" AND id IN ({bulk.ids_in(tx, 'ids')})"
        ),
        {"ids": bulk.pack(ids)},
    )
    return {int(row[0]) for row in found}


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
