"""How far a connection that files has followed the feed, and which of them has something to do."""

import json
from collections.abc import Collection
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import or_, select, text
from sqlalchemy.engine import Connection as Tx

from canonical.filing import DeskLeg
from store import bulk
from store.filings import has_come
from store.tables import Lease, table
from store.work_tables import Filing, FilingCursor


class Cursor(Struct, frozen=True):
    """How far a connection that files has come.

    Attributes:
        from_seq: What the hub learnt of up to here is not filed.
        seq: Changes looked at.
        failures: Calls that reached nobody, one after another.
        retry_at: The department is not called before, ISO; None where it may be.
        doubt_until: What was accepted before may have been filed by a hub this store knows nothing
            of (it was restored from a backup): the department is asked before it is filed.
    """

    connection_id: str
    from_seq: int
    seq: int
    failures: int
    retry_at: str | None
    doubt_until: str | None


class Case(Struct, frozen=True):
    """A living dossier as filing needs it.

    Attributes:
        created_seq: When the hub learnt of it.
    """

    id: int
    public_id: str
    body: dict[str, Any]
    created_seq: int


def begin(tx: Tx, connection_id: str, *, anew: bool = False) -> None:
    """Have a connection file what the hub learns of from now on.

    One that files already does so on, unless it is to begin `anew`: what the hub learnt while it
    did not file stays unfiled.
    """
    again = "UPDATE SET from_seq = excluded.from_seq, seq = excluded.seq" if anew else "NOTHING"
    tx.execute(
        text(
            "INSERT INTO filing_cursor (connection_id, from_seq, seq, failures)"
            " SELECT :id, seq, seq, 0 FROM feed WHERE id = 1"
            f" ON CONFLICT (connection_id) DO {again}"
        ),
        {"id": connection_id},
    )


def list_begun(tx: Tx) -> set[str]:
    """The connections that file, or filed once."""
    return {row[0] for row in tx.execute(select(table(FilingCursor).c.connection_id))}


def load_cursor(tx: Tx, connection_id: str) -> Cursor | None:
    """How far a connection has come; None where it never filed."""
    held = table(FilingCursor)
    found = tx.execute(select(held).where(held.c.connection_id == connection_id)).mappings().first()
    return Cursor(**found) if found is not None else None


def note_followed(tx: Tx, connection_id: str, seq: int) -> None:
    """Set how far the feed was looked at."""
    held = table(FilingCursor)
    tx.execute(held.update().where(held.c.connection_id == connection_id).values(seq=seq))


def note_calls(tx: Tx, connection_id: str, failures: int, retry_at: str | None) -> None:
    """Set how often the department could not be reached, and when it may be called again."""
    held = table(FilingCursor)
    tx.execute(
        held.update()
        .where(held.c.connection_id == connection_id)
        .values(failures=failures, retry_at=retry_at)
    )


def with_work(tx: Tx, connection_ids: Collection[str], now: str, ahead: str) -> list[str]:
    """Which of these connections have something to do now that nobody is doing.

    Args:
        tx: An open transaction.
        connection_ids: Those that file.
        now: ISO at +07:00.
        ahead: No wait is as long: a moment beyond stems from a clock that was wrong, and has come.
    """
    due = table(Filing)
    cursors = table(FilingCursor)
    found = tx.execute(
        select(due.c.connection_id)
        .where(
            due.c.connection_id.in_(connection_ids),
            # One that is being sent while nobody is at work was broken off.
            or_(has_come(now, ahead), due.c.state == "sending"),
        )
        .distinct()
    )
    at_work = {row[0] for row in found}
    newest = tx.execute(text("SELECT seq FROM feed WHERE id = 1")).scalar_one()
    held = {
        row.connection_id: row
        for row in tx.execute(select(cursors).where(cursors.c.connection_id.in_(connection_ids)))
    }
    busy = _busy(tx, connection_ids, now, ahead)
    told = []
    for one in sorted(connection_ids):
        cursor = held.get(one)
        if one in busy or (cursor is not None and is_ahead(cursor.retry_at, now, ahead)):
            continue
        if cursor is None or cursor.seq < newest or one in at_work:
            told.append(one)
    return told


def _busy(tx: Tx, connection_ids: Collection[str], now: str, ahead: str) -> set[str]:
    leases = table(Lease)
    names = [lease_name(one) for one in connection_ids]
    found = tx.execute(
        select(leases.c.name).where(
            leases.c.name.in_(names), leases.c.expires_at > now, leases.c.expires_at <= ahead
        )
    )
    return {row[0].partition(":")[2] for row in found}


def is_ahead(moment: str | None, now: str, ahead: str) -> bool:
    """Whether a moment is still to come; one beyond `ahead` is none that was meant."""
    return moment is not None and now < moment <= ahead


def lease_name(connection_id: str) -> str:
    """The lease of whoever files with a connection."""
    return f"file:{connection_id}"


def changes_after(tx: Tx, seq: int, limit: int) -> list[tuple[int, int]]:
    """(seq, id of the living dossier) of the changes after one, in order."""
    found = tx.execute(
        text(
            "SELECT change.seq, member.dossier_id FROM change"
            " LEFT JOIN member ON member.leg_id = change.dossier_id"
            " WHERE change.seq > :seq ORDER BY change.seq LIMIT :limit"
        ),
        {"seq": seq, "limit": limit},
    )
    return [(int(row[0]), int(row[1] or 0)) for row in found]


def load_cases(tx: Tx, dossier_ids: Collection[int]) -> list[Case]:
    """Living dossiers by id."""
    found = tx.execute(
        text(
            "SELECT id, public_id, body, created_seq FROM dossier WHERE merged_into IS NULL"
            f" AND id IN ({bulk.ids_in(tx, 'ids')}) ORDER BY created_seq, id"
        ),
        {"ids": bulk.pack(sorted(dossier_ids))},
    )
    return [Case(int(r[0]), r[1], json.loads(r[2]), int(r[3])) for r in found]


def load_case_of(tx: Tx, desk: DeskLeg) -> Case | None:
    """The living dossier a desk's leg belongs to; None where there is no such leg."""
    found = tx.execute(
        text(
            "SELECT member.dossier_id FROM leg JOIN member ON member.leg_id = leg.id"
            " WHERE namespace = :namespace AND code = :code AND generation = :generation"
        ),
        msgspec.structs.asdict(desk),
    ).scalar()
    cases = load_cases(tx, [int(found)]) if found is not None else []
    return cases[0] if cases else None
