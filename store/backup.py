"""A backup of the whole store, in one snapshot while the hub runs (store.restore puts it back).

Every table of the hub is in it; the engine's own tables are not, since what is due stands in ours.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Table, func, select, text
from sqlalchemy.engine import Connection as Tx
from sqlmodel import SQLModel

import store.console_tables
import store.work_tables  # noqa: F401 - the same
from canonical import clock
from canonical.errors import HubError
from canonical.reasons import Reason
from store import backup_file, migrate
from store.backup_file import Header, Manifest, Progress, TableSum, Tally
from store.engine import Store
from store.tables import Blob, table
from store.types import Moment
from store.vault import Vault

AT_ONCE = 500
_HERE = "+07:00"
_WHOLE_SECONDS = len("2026-03-02T09:00:00+07:00")


def tables() -> list[Table]:
    """Every table of the hub, in the order in which they can be filled."""
    return SQLModel.metadata.sorted_tables


def columns() -> dict[str, list[str]]:
    """Every table's columns, in the order of a row's values."""
    return {str(one.name): [str(c.name) for c in one.c] for one in tables()}


def back_up(
    store: Store,
    path: Path,
    *,
    program: str,
    made_at: str,
    key: str | None,
    progress: Progress | None = None,
) -> tuple[Header, Manifest]:
    """Back the store up into a file; what others commit meanwhile is not in it.

    Args:
        store: At this program's revision.
        path: Where; nothing may be there.
        program: Version of this program.
        made_at: Now, ISO at +07:00.
        key: Fingerprint of the secret key; None where it is not known.
        progress: Told how many rows are written, now and then.

    Raises:
        HubError: CONFLICT where something is there already, or the store is damaged.
        StoreUnavailable: the store cannot be read.
        OSError: the file cannot be written.
    """
    with store.read() as tx:
        header = Header(
            revision=migrate.head(),
            program=program,
            made_at=made_at,
            store=tx.dialect.name,
            seq=int(tx.execute(text("SELECT seq FROM feed")).scalar_one()),
            key=key,
            columns=columns(),
            rows={str(one.name): _count(tx, one) for one in tables()},
        )
        streams = ((str(one.name), _rows(tx, one)) for one in tables())
        return header, backup_file.write(path, header, streams, progress)


def _rows(tx: Tx, one: Table) -> Iterator[bytes]:
    """Every row as msgpack, a few in memory at a time; the same bytes from both kinds of store."""
    moments = [n for n, c in enumerate(one.c) if isinstance(c.type, Moment)]
    encode = msgspec.msgpack.Encoder().encode
    for row in tx.execute(select(one).execution_options(yield_per=AT_ONCE)):
        values = list(row)
        for place in moments:
            told = values[place]
            # SQLite keeps the text it was handed; a moment has one spelling here.
            if told is not None and not (len(told) == _WHOLE_SECONDS and told.endswith(_HERE)):
                values[place] = _moment(told, one, place)
        yield encode(values)


def _moment(told: Any, one: Table, place: int) -> str:
    try:
        return clock.to_iso(clock.from_iso(told))
    except (TypeError, ValueError) as error:
        name = list(one.c)[place].name
        raise HubError(
            Reason.CONFLICT, f"the store is damaged: {one.name}.{name} holds no moment"
        ) from error


def count_up(tx: Tx, done: int = 0, progress: Progress | None = None) -> dict[str, TableSum]:
    """What stands in every table now."""
    sums = {}
    for one in tables():
        tally = Tally()
        for raw in _rows(tx, one):
            tally.add(raw)
            done += 1
            if progress is not None and done % AT_ONCE == 0:
                progress(done)
        sums[str(one.name)] = tally.told()
    return sums


def count_rows(store: Store) -> int:
    """How many rows a backup would hold now."""
    with store.read() as tx:
        return sum(_count(tx, one) for one in tables())


def is_opened_by(store: Store, vault: Vault) -> bool:
    """Whether a key opens what the store holds; True where nothing is sealed yet."""
    with store.read() as tx:
        sealed = tx.execute(select(table(Blob).c.data).limit(1)).scalar()
    if sealed is None:
        return True
    try:
        vault.open(sealed)
    except HubError:
        return False
    return True


def _count(tx: Tx, one: Table) -> int:
    return int(tx.execute(select(func.count()).select_from(one)).scalar_one())
