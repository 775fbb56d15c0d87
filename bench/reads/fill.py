"""Fill an empty store with any number of dossiers, quickly.

Dossiers of eleven kinds are pushed through the hub once and their rows copied with other codes,
agencies, procedures and days; what follows from those (ids, keys, PINs) is computed as the hub
does. `bench.reads.filled` holds a sample against dossiers that the hub itself took in. Only the raw
bytes and the records' digests are missing, so `hub verify` has nothing to say about such a store.
Rows are taken by COPY, without checking references (one must be PostgreSQL's superuser).
"""

import random
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import islice
from typing import Any

import psycopg
from msgspec import Struct
from sqlalchemy import text

from bench.reads.templates import DAYS, PIN, RECEIVED, TABLES, Mould, moulds
from canonical import clock, codes
from hub.commands import connections as connection_commands
from store.tables import POSITION_BITS
from sync.context import Context
from sync.entries import entry_key

CONNECTION = "desk"
BATCH = 500
CHUNK = 20_000
SAMPLE = 200  # of the first chunk; some of every other
# Five years up to the day the bench takes for today.
BEGIN, TODAY = date(2021, 1, 4), date(2025, 12, 31)
PROCEDURES = tuple(f"{1 + n % 2}.{1000 + n * 7:06d}" for n in range(80))
# Ten departments, ten districts with twelve communes each: H50.12 is a district, H50.05 none.
AGENCIES = (
    *(f"H50.{n:02d}" for n in range(1, 11)),
    *(f"H50.{n:02d}" for n in range(12, 22)),
    *(f"H50.{n:02d}.{m:02d}" for n in range(12, 22) for m in range(1, 13)),
)


class Place(Struct, frozen=True):
    """The n-th dossier: which mould, and what is put into its gaps."""

    mould: Mould
    gaps: dict[str, Any]


def places(
    context: Context, kinds: list[Mould], count: int, first_id: int, first_receipt: int
) -> Iterator[Place]:
    """So many dossiers in the order in which they were accepted; the same each time."""
    dice = random.Random(20)
    drawn = [m for m in kinds for _ in range(m.share)]
    settled = [m for m in drawn if not m.is_recent]
    total = (TODAY - BEGIN).days
    days = [(BEGIN + timedelta(days=n)).isoformat() for n in range(total + len(DAYS) + 1)]
    for n in range(count):
        day = n * total // count
        mould = dice.choice(drawn if day > total - 40 else settled)
        agency, code = dice.choice(AGENCIES), f"DH-{n:08d}"
        on, receipt_id = days[day + 4], first_receipt + n // BATCH
        record_id = (receipt_id << POSITION_BITS) + n % BATCH
        gaps = {
            "leg": first_id + n,
            "seq": first_id + n,
            "receipt_id": receipt_id,
            "record": record_id,
            "record_rank": f",{record_id}]",
            "public": codes.dossier_id(CONNECTION, code, 1),
            "code": code,
            "national": f"{agency}-{on[2:4]}{on[5:7]}{on[8:10]}-{n:08d}",
            "receipt": f"{agency}/BN/{n:08d}",
            "agency": agency,
            "procedure": dice.choice(PROCEDURES),
            "pin": "=" + context.vault.pin_mac(f"{CONNECTION}:{code}", PIN),
        }
        gaps.update((f"day{d}", days[day + d]) for d in DAYS)
        yield Place(mould, gaps)


def rows_of(table: str, some: Iterable[Place]) -> Iterator[list[Any]]:
    """The rows of a table for some dossiers."""
    for place in some:
        for line in place.mould.rows[table]:
            row = line.filled(place.gaps)
            if table == "timeline":
                told = dict(zip(place.mould.columns[table], row, strict=True))
                key = entry_key(*(told[n] for n in ("facet", "status", "at", "officer", "unit")))
                row[place.mould.columns[table].index("key")] = key
            yield row


def fill(context: Context, count: int) -> list[Place]:
    """Fill an empty store; some of the dossiers that are there now."""
    begun = time.monotonic()
    connection_commands.make(context, CONNECTION, "canonical", role="desk", settings=[], tables=[])
    kinds = moulds(context, CONNECTION)
    with context.store.read() as tx:
        leg, receipt = tx.execute(
            text("SELECT (SELECT max(id) FROM leg), (SELECT max(id) FROM receipt)")
        ).one()
        found = tx.execute(text("SELECT * FROM receipt WHERE id = :id"), {"id": receipt})
        mould_receipt = dict(found.mappings().one())
    # Ids that nothing holds yet: what a leg, a change and a dossier are called is one number.
    told = places(context, kinds, count, leg + 1, receipt + 1)
    done, kept = 0, list[Place]()
    with _Copied(context) as copied:
        while some := list(islice(told, CHUNK)):
            receipts = _receipts(mould_receipt, some)
            copied.take("receipt", list(mould_receipt), receipts)
            for table in TABLES:
                copied.take(table, kinds[0].columns[table], rows_of(table, some))
            kept += some[:: CHUNK // 10] if kept else some[:SAMPLE]
            done += len(some)
            sys.stderr.write(f"\r{done} dossiers, {done / (time.monotonic() - begun):.0f}/s ")
            sys.stderr.flush()
        copied.finish(leg + count, receipt + 1 + (count - 1) // BATCH)
    sys.stderr.write("\n")
    return kept


def _receipts(mould: dict[str, Any], some: list[Place]) -> Iterator[list[Any]]:
    for first in range(0, len(some), BATCH):
        gaps = some[first].gaps
        own = gaps["receipt_id"]
        told = {
            "id": own,
            "public_id": f"fill-{own:08d}",
            "decided_no": own,
            "received_at": clock.from_iso(f"{gaps[f'day{RECEIVED}']}T09:15:00+07:00"),
            "applied": len(some[first : first + BATCH]),
        }
        yield list((mould | told).values())


class _Copied:
    """Rows on their way into PostgreSQL, in one transaction."""

    def __init__(self, context: Context) -> None:
        url = context.store.engine.url.set(drivername="postgresql")
        self._tx = psycopg.connect(url.render_as_string(hide_password=False))

    def __enter__(self) -> "_Copied":
        self._tx.execute("SET session_replication_role = replica")
        return self

    def __exit__(self, *_: object) -> None:
        self._tx.close()

    def take(self, table: str, columns: list[str], rows: Iterable[list[Any]]) -> None:
        """Copy rows into a table."""
        names = ", ".join(f'"{c}"' for c in columns)
        with self._tx.cursor() as cursor, cursor.copy(f'COPY "{table}" ({names}) FROM STDIN') as to:
            for row in rows:
                to.write_row(row)

    def finish(self, newest: int, receipts: int) -> None:
        """Commit, the feed and the sequences where they belong, statistics as after a night."""
        feed = "UPDATE feed SET seq = %s, decided = %s WHERE id = 1"
        self._tx.execute(feed, (newest, receipts))
        seen = "INSERT INTO agency_seen SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING"
        self._tx.execute(seen, (list(AGENCIES),))
        for table in ("leg", "receipt"):
            self._tx.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'),"
                f" (SELECT max(id) FROM {table}))"
            )
        self._tx.commit()
        self._tx.autocommit = True
        self._tx.execute("VACUUM (ANALYZE)")
        self._tx.execute("CHECKPOINT")
