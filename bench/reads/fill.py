"""Fill an empty store with any number of dossiers, quickly: `python -m bench.reads.fill`.

Every row is shaped like one the hub wrote: dossiers of eleven kinds are pushed through it once and
their rows copied with other codes, agencies, procedures and days. Only the raw bytes are missing,
so `hub verify` has nothing to say about such a store. PostgreSQL takes the rows by COPY, without
checking references (it must be its superuser), SQLite in one transaction.
"""

import argparse
import random
import sqlite3
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
from msgspec import Struct
from sqlalchemy import text

from bench.reads.templates import DAYS, TABLES, Mould, moulds
from canonical import clock, codes
from hub import wiring
from hub.commands import connections as connection_commands
from hub.settings import Settings
from store.tables import POSITION_BITS
from sync.context import Context

KEY = "bench-" + "k" * 40
CONNECTION = "desk"
BATCH = 500
CHUNK = 20_000
# Five years up to the day the bench takes for today.
BEGIN, TODAY = date(2021, 1, 4), date(2025, 12, 31)
PROCEDURES = tuple(f"{1 + n % 2}.{1000 + n * 7:06d}" for n in range(80))
# Twelve departments, ten districts with twelve communes each: H50.12 is a district, H50.05 none.
AGENCIES = (
    *(f"H50.{n:02d}" for n in range(1, 11)),
    *(f"H50.{n:02d}" for n in range(12, 22)),
    *(f"H50.{n:02d}.{m:02d}" for n in range(12, 22) for m in range(1, 13)),
)


class Place(Struct, frozen=True):
    """The n-th dossier: which mould, and what is put into its gaps."""

    mould: Mould
    gaps: dict[str, Any]


def places(count: int, first_id: int, first_receipt: int, kinds: list[Mould]) -> Iterator[Place]:
    """So many dossiers in the order in which they were accepted; the same each time."""
    dice = random.Random(20)
    drawn = [m for m in kinds for _ in range(m.share)]
    settled = [m for m in drawn if not m.is_recent]
    total = (TODAY - BEGIN).days
    days = [(BEGIN + timedelta(days=n)).isoformat() for n in range(-5, total + 60)]
    for n in range(count):
        day = n * total // count
        is_late = day > total - 40
        mould = dice.choice(drawn if is_late else settled)
        agency, code = dice.choice(AGENCIES), f"DH-{n:08d}"
        on = days[day + 4]
        receipt_id = first_receipt + n // BATCH
        gaps = {
            "leg": first_id + n,
            "seq": first_id + n,
            "receipt_id": receipt_id,
            "record": (receipt_id << POSITION_BITS) + n % BATCH,
            "record_id": (receipt_id << POSITION_BITS) + n % BATCH,
            "public": codes.dossier_id(CONNECTION, code, 1),
            "code": code,
            "national": f"{agency}-{on[2:4]}{on[5:7]}{on[8:10]}-{n:08d}",
            "receipt": f"{agency}/BN/{n:08d}",
            "agency": agency,
            "procedure": dice.choice(PROCEDURES),
        }
        gaps.update((f"day{d}", days[day + d]) for d in DAYS)
        yield Place(mould, gaps)


def _filled(value: Any, gaps: dict[str, Any]) -> Any:
    if not isinstance(value, list):
        return value
    if len(value) == 3 and not value[0] and not value[2]:
        return gaps[value[1]]
    told = value.copy()
    told[1::2] = [gaps[name] for name in value[1::2]]
    return "".join(told)


def rows_of(table: str, some: Iterable[Place]) -> Iterator[list[Any]]:
    """The rows of a table for some dossiers."""
    for place in some:
        gaps = place.gaps
        for row in place.mould.rows[table]:
            yield [_filled(value, gaps) for value in row]


def fill(context: Context, count: int) -> float:
    """Fill an empty store; seconds it took."""
    begun = time.monotonic()
    connection_commands.make(context, CONNECTION, "canonical", role="desk", settings=[], tables=[])
    kinds = moulds(context, CONNECTION)
    with context.store.read() as tx:
        leg, receipt = tx.execute(
            text("SELECT (SELECT max(id) FROM leg), (SELECT max(id) FROM receipt)")
        ).one()
        mould_receipt = tx.execute(text("SELECT * FROM receipt WHERE id = :id"), {"id": receipt})
        columns, values = list(mould_receipt.keys()), list(mould_receipt.one())
    # Ids that nothing holds yet: what a leg, a change and a dossier are called is one number.
    told = places(count, leg + 1, receipt + 1, kinds)
    load = _Sqlite(context) if context.store.is_sqlite else _Postgres(context)
    with load:
        load.take("receipt", columns, _receipts(columns, values, count, receipt + 1))
        done = 0
        while some := [place for _, place in zip(range(CHUNK), told, strict=False)]:
            for table in TABLES:
                load.take(table, kinds[0].columns[table], rows_of(table, some))
            done += len(some)
            sys.stderr.write(f"\r{done} dossiers, {done / (time.monotonic() - begun):.0f}/s ")
            sys.stderr.flush()
        load.finish(leg + count, receipt + 1 + count // BATCH)
    sys.stderr.write("\n")
    return time.monotonic() - begun


def _receipts(columns: list[str], values: list[Any], count: int, first: int) -> Iterator[list[Any]]:
    mould = dict(zip(columns, values, strict=True))
    if not isinstance(mould["received_at"], str):
        mould["received_at"] = clock.to_iso(mould["received_at"])
    for n in range(count // BATCH + 1):
        own = {"id": first + n, "public_id": f"fill-{n:08d}", "decided_no": first + n}
        told = mould | own | {"applied": BATCH}
        yield [told[c] for c in columns]


class _Postgres:
    def __init__(self, context: Context) -> None:
        url = context.store.engine.url.set(drivername="postgresql")
        self._tx = psycopg.connect(url.render_as_string(hide_password=False))

    def __enter__(self) -> "_Postgres":
        self._tx.execute("SET session_replication_role = replica")
        self._tx.execute("SET synchronous_commit = off")
        return self

    def __exit__(self, *_: object) -> None:
        self._tx.close()

    def take(self, table: str, columns: list[str], rows: Iterable[list[Any]]) -> None:
        names = ", ".join(f'"{c}"' for c in columns)
        with self._tx.cursor() as cursor, cursor.copy(f'COPY "{table}" ({names}) FROM STDIN') as to:
            for row in rows:
                to.write_row(row)

    def finish(self, newest: int, receipts: int) -> None:
        for statement in _last(newest, receipts):
            self._tx.execute(statement)
        for table in ("leg", "receipt"):
            self._tx.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'),"
                f" (SELECT max(id) FROM {table}))"
            )
        self._tx.commit()
        self._tx.autocommit = True
        self._tx.execute("VACUUM (ANALYZE)")
        self._tx.execute("CHECKPOINT")


class _Sqlite:
    def __init__(self, context: Context) -> None:
        self._tx = sqlite3.connect(str(context.store.engine.url.database), isolation_level=None)

    def __enter__(self) -> "_Sqlite":
        self._tx.execute("PRAGMA foreign_keys = OFF")
        self._tx.execute("PRAGMA synchronous = OFF")
        self._tx.execute("BEGIN IMMEDIATE")
        return self

    def __exit__(self, *_: object) -> None:
        self._tx.close()

    def take(self, table: str, columns: list[str], rows: Iterable[list[Any]]) -> None:
        names, marks = ", ".join(f'"{c}"' for c in columns), ", ".join("?" * len(columns))
        self._tx.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', rows)

    def finish(self, newest: int, receipts: int) -> None:
        for statement in _last(newest, receipts):
            self._tx.execute(statement)
        self._tx.execute("COMMIT")
        self._tx.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _last(newest: int, receipts: int) -> list[str]:
    listed = ", ".join(f"('{code}')" for code in AGENCIES)
    return [
        f"UPDATE feed SET seq = {newest}, decided = {receipts} WHERE id = 1",
        f"INSERT INTO agency_seen (code) VALUES {listed} ON CONFLICT DO NOTHING",
    ]


def main() -> None:
    """Fill one store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--url", default="")
    given = parser.parse_args()
    context = wiring.open_hub(
        Settings(data_dir=given.data_dir, database_url=given.url, secret_key=KEY)
    )
    took = fill(context, given.records)
    context.store.dispose()
    sys.stdout.write(f"{given.records} dossiers in {took:.0f} s\n")


if __name__ == "__main__":
    main()
