"""What `hub verify` asks of a store, in streams: nothing here is held in memory at once."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.engine import Connection as Tx

from store import bulk
from store.tables import POSITION_BITS, Blob, Receipt, table

_AT_ONCE = 2_000


def _streamed(tx: Tx, sql: str) -> Iterator[Any]:
    return iter(tx.execution_options(yield_per=_AT_ONCE).execute(text(sql)))


def receipts_in_order(tx: Tx) -> Iterator[tuple[int, int, bool]]:
    """(id, size in bytes, whether decided), in the order of decisions; pending ones last."""
    for row in _streamed(
        tx,
        "SELECT id, size_bytes, state FROM receipt ORDER BY state = 'pending', decided_no IS NULL,"
        " decided_no, id",
    ):
        yield int(row[0]), int(row[1]), row[2] == "decided"


def legs_weighed(tx: Tx) -> Iterator[tuple[int, str, str, int]]:
    """(id, namespace, code, number of records) of every leg, by id."""
    for row in _streamed(
        tx,
        "SELECT id, namespace, code, (SELECT count(*) FROM record WHERE leg_id = leg.id)"
        " FROM leg ORDER BY id",
    ):
        yield int(row[0]), str(row[1]), str(row[2]), int(row[3])


def claims_in_order(tx: Tx) -> Iterator[tuple[str, str, int]]:
    """(kind, key, leg id) of every claim ever made, equal ones together."""
    exact = "" if tx.dialect.name == "sqlite" else ' COLLATE "C"'
    for row in _streamed(
        tx, f"SELECT kind, key, leg_id FROM claim ORDER BY kind{exact}, key{exact}, leg_id"
    ):
        yield row[0], row[1], int(row[2])


def crowds(tx: Tx) -> set[tuple[str, str]]:
    """The claims that tie nobody."""
    return {(row[0], row[1]) for row in tx.execute(text("SELECT kind, key FROM claim_crowd"))}


def agencies_seen(tx: Tx) -> set[str]:
    """Every agency code that is kept as named by a dossier."""
    return {row[0] for row in tx.execute(text("SELECT code FROM agency_seen"))}


def leg_names(tx: Tx, leg_ids: Sequence[int]) -> dict[tuple[str, str, int], int]:
    """(namespace, code, generation) -> id."""
    found = tx.execute(
        text(
            "SELECT namespace, code, generation, id FROM leg"
            f" WHERE id IN ({bulk.ids_in(tx, 'ids')})"
        ),
        {"ids": bulk.pack(leg_ids)},
    )
    return {(row[0], row[1], int(row[2])): int(row[3]) for row in found}


def receipts(tx: Tx, receipt_ids: Iterable[int]) -> dict[int, Any]:
    """Receipts by id, each with `data` and `blob_size` of its raw bytes (None: they are gone)."""
    own, blobs = table(Receipt), table(Blob)
    query = (
        select(own, blobs.c.data, blobs.c.size_bytes.label("blob_size"))
        .select_from(own.outerjoin(blobs, blobs.c.digest == own.c.digest))
        .where(own.c.id.in_(list(receipt_ids)))
    )
    return {row.id: row for row in tx.execute(query)}


def every_receipt(tx: Tx) -> Iterator[Any]:
    """Every receipt, in the order of `receipts_in_order`, without its bytes."""
    return _streamed(
        tx,
        "SELECT id, state, decided_no, applied, superseded, duplicate, quarantined, pending,"
        " duplicates FROM receipt ORDER BY state = 'pending', decided_no IS NULL, decided_no, id",
    )


def feed(tx: Tx) -> tuple[int, int]:
    """How many decisions were taken, and the newest change."""
    row = tx.execute(text("SELECT decided, seq FROM feed WHERE id = 1")).one()
    return int(row[0]), int(row[1])


def poisoned(tx: Tx) -> dict[int, set[int]]:
    """Receipt id -> positions of records that were set apart because they broke processing."""
    found: dict[int, set[int]] = {}
    for (record_id,) in tx.execute(text("SELECT id FROM record WHERE reason = 'CRASH_POISON'")):
        place = int(record_id) & ((1 << POSITION_BITS) - 1)
        found.setdefault(int(record_id) >> POSITION_BITS, set()).add(place)
    return found


def acts_of_replays(tx: Tx) -> dict[str, int]:
    """Subject -> act, of replays from the quarantine."""
    found = tx.execute(text("SELECT subject, id FROM act WHERE kind = 'replay' ORDER BY id"))
    return {row[0]: int(row[1]) for row in found}


def acts_that_opened(tx: Tx) -> dict[int, int]:
    """Record id -> act, of codes made new."""
    found = tx.execute(
        text("SELECT record_id, id FROM act WHERE kind = 'resolve_as_new' ORDER BY id DESC")
    )
    return {int(row[0]): int(row[1]) for row in found if row[0] is not None}


def quarantined(tx: Tx) -> Iterator[int]:
    """Ids of every quarantined record, in order."""
    for row in _streamed(tx, "SELECT id FROM record WHERE disposition = 'quarantined' ORDER BY id"):
        yield int(row[0])


def count(tx: Tx, name: str, condition: str = "") -> int:
    """How many rows a table has."""
    where = f" WHERE {condition}" if condition else ""
    return int(tx.execute(text(f'SELECT count(*) FROM "{name}"{where}')).scalar_one())


def accepted_years(tx: Tx) -> list[int]:
    """Every year in which a dossier that counts was accepted."""
    found = tx.execute(
        text("SELECT DISTINCT substr(CAST(accepted_on AS text), 1, 4) FROM judgement ORDER BY 1")
    )
    # What is no year at all is found among the rows.
    return [int(row[0]) for row in found if str(row[0]).isdigit() and 0 < int(row[0]) < 9_999]


def blobs_of_nobody(tx: Tx) -> int:
    """How many raw bytes belong to no receipt."""
    return count(tx, "blob", "digest NOT IN (SELECT digest FROM receipt)")
