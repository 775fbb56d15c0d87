"""Restoring a backup: one transaction into an empty store, all of it or nothing.

It ends with every row read back and held against the manifest. What must not go on as it stood is
settled with it: a hub that lost some hours does not know what it sent in them.
"""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Date, Table, insert, select, text
from sqlalchemy.engine import Connection as Tx
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlmodel import SQLModel

from canonical import clock
from canonical.errors import HubError
from canonical.reasons import Reason
from store import backup_file, filings, migrate
from store.backup import columns, count_up, tables
from store.backup_file import Header, Manifest, Progress, Rows, TableSum
from store.console_tables import StaffSession
from store.engine import Store, outages_said
from store.tables import Connection, Lease, table
from store.work_tables import FilingCursor, Receiver

# Higher than any token that a process of the lost store can hold.
_TOKENS_ON = 1_000_000_000
_MOST_NAMED = 3
_MAKES_WAY = ("feed", "verification")


class Restored(Struct, frozen=True):
    """What a restore did.

    Attributes:
        sums: Table -> what stands in the store now, read back.
        paused: Connections and receivers that were paused, since they could send a second time.
        doubtful: Filings that may have left after the snapshot: they are looked up first.
    """

    header: Header
    sums: dict[str, TableSum]
    paused: list[str]
    doubtful: int


def restore(
    store: Store, path: Path, *, is_moved: bool = False, progress: Progress | None = None
) -> Restored:
    """Fill an empty, migrated store from a backup; all or nothing.

    Args:
        store: At this program's revision, and empty.
        path: The backup; its bytes were checked before (backup_file.check_bytes).
        is_moved: Nothing happened after the snapshot, the hub stood still: nothing is paused.
        progress: Told how many rows are in, then how many were read back on top.

    Raises:
        HubError: CONFLICT where something is in the store, or the backup is of another revision;
            BODY_MALFORMED where its rows do not fit.
        StoreUnavailable: the store cannot be written.
    """
    header: Header | None = None
    manifest: Manifest | None = None
    with outages_said(), store.write() as tx:
        _claim(tx)
        done = 0
        for told in backup_file.read(path):
            match told:
                case Header():
                    check_revision(told)
                    header = told
                case Rows():
                    _fill(tx, SQLModel.metadata.tables[told.table], told.rows)
                    done += len(told.rows)
                    if progress is not None:
                        progress(done)
                case Manifest():
                    manifest = told
        if header is None or manifest is None:
            raise AssertionError("a backup is read to its end")
        sums = count_up(tx, done, progress)
        if sums != manifest.tables:
            raise backup_file.damaged("what the store gives back is not what was put in")
        return _settle(tx, header, sums, is_moved=is_moved)


def check_revision(header: Header) -> None:
    """Whether this program can restore it.

    Raises:
        HubError: CONFLICT where it was made under another schema.
    """
    if header.revision != migrate.head():
        raise HubError(
            Reason.CONFLICT,
            f"the backup is of revision {header.revision}, made by version {header.program}; this"
            f" program wants {migrate.head()}: restore it with that version, then `hub migrate`",
        )
    if header.columns != columns():
        raise HubError(Reason.CONFLICT, "the backup has other tables than this program")


def _claim(tx: Tx) -> None:
    """Nobody writes here until the end, and nothing is here.

    The feed's first row makes way, and so does what a proof of the empty store found.
    """
    if tx.dialect.name == "postgresql":
        names = ", ".join(f'"{one.name}"' for one in tables())
        tx.execute(text(f"LOCK TABLE {names} IN EXCLUSIVE MODE"))
    filled = [
        one.name
        for one in tables()
        if one.name not in _MAKES_WAY
        and tx.execute(select(text("1")).select_from(one).limit(1)).first()
    ]
    if filled:
        named = ", ".join(filled[:_MOST_NAMED])
        raise HubError(Reason.CONFLICT, f"the store is not empty ({named}): restore into a new one")
    for name in _MAKES_WAY:
        tx.execute(text(f"DELETE FROM {name}"))


def _fill(tx: Tx, one: Table, rows: list[bytes]) -> None:
    days = [n for n, c in enumerate(one.c) if isinstance(c.type, Date)]
    names = [c.name for c in one.c]
    values = [msgspec.msgpack.decode(raw) for raw in rows]
    try:
        for row in values:
            for place in days:
                row[place] = date.fromisoformat(row[place]) if row[place] is not None else None
        if tx.dialect.name == "postgresql":
            _copy(tx, one, names, values)
        else:
            tx.execute(insert(one), [dict(zip(names, row, strict=True)) for row in values])
    except (OperationalError, InterfaceError):
        raise
    except (DBAPIError, TypeError, ValueError) as error:
        raise backup_file.damaged(f"the store does not take its rows of {one.name}") from error


def _copy(tx: Tx, one: Table, names: list[str], values: list[list[Any]]) -> None:
    """Rows by COPY, several times faster than INSERT."""
    listed = ", ".join(f'"{name}"' for name in names)
    cursor = tx.connection.cursor()
    try:
        with cursor.copy(f'COPY "{one.name}" ({listed}) FROM STDIN') as copy:
            for row in values:
                copy.write_row(row)
    finally:
        cursor.close()


def _settle(tx: Tx, header: Header, sums: dict[str, TableSum], *, is_moved: bool) -> Restored:
    if tx.dialect.name == "postgresql":
        _number_on(tx)
        tx.execute(text("ANALYZE"))
    leases = table(Lease)
    tx.execute(leases.update().values(expires_at=header.made_at, token=leases.c.token + _TOKENS_ON))
    # Whoever was signed in then signs in again: a session that was ended since must not come back.
    tx.execute(table(StaffSession).delete())
    paused: list[str] = []
    doubtful = 0
    if not is_moved:
        paused = _pause(tx)
        doubtful = filings.doubt(tx, clock.to_iso(datetime.now(UTC)))
    return Restored(header, sums, paused, doubtful)


def _pause(tx: Tx) -> list[str]:
    """Whatever sends waits for a person: what it sent after the snapshot is not known here."""
    receivers, connections = table(Receiver), table(Connection)
    files = connections.c.id.in_(select(table(FilingCursor).c.connection_id))
    told = []
    for one, which in ((receivers, text("1 = 1")), (connections, files)):
        paused = (
            one.update()
            .where(which, one.c.state == "enabled")
            .values(state="paused")
            .returning(one.c.id)
        )
        told += [f"{one.name} {row[0]}" for row in tx.execute(paused)]
    return sorted(told)


def _number_on(tx: Tx) -> None:
    """Rows get their next number after the highest there is; SQLite does so by itself."""
    for one in tables():
        column = next(iter(one.primary_key.columns)).name
        owned = tx.execute(
            text("SELECT pg_get_serial_sequence(:table, :column)"),
            {"table": f'"{one.name}"', "column": column},
        ).scalar_one()
        if owned is not None:
            tx.execute(
                text(
                    f'SELECT setval(:owned, coalesce(max("{column}"), 1), max("{column}")'
                    f' IS NOT NULL) FROM "{one.name}"'
                ),
                {"owned": owned},
            )
