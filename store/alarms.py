"""Alarms: what a person must look at, one row while it lasts, however often it is met."""

from collections.abc import Iterable

from msgspec import Struct
from sqlalchemy import select, text
from sqlalchemy.engine import Connection as Tx

from store import bulk
from store.tables import table
from store.work_tables import Alarm


class AlarmRow(Struct, frozen=True):
    """One alarm.

    Attributes:
        key: The connection, receiver or filing it is about.
        until: When it was over; None while it lasts.
        count: How often it was met.
        detail: For operators; holds nothing of a dossier.
    """

    id: int
    kind: str
    key: str
    since: str
    last_at: str
    until: str | None
    count: int
    detail: str


def raise_alarm(tx: Tx, kind: str, key: str, detail: str, at: str) -> bool:
    """Raise an alarm, or count it where it lasts already; whether it is new.

    Args:
        tx: An open write transaction.
        kind: One of store.work_tables.ALARM_KINDS.
        key: What it is about.
        detail: For operators; the newest stands.
        at: Now, ISO at +07:00.
    """
    row = tx.execute(
        text(
            "INSERT INTO alarm (kind, key, since, last_at, count, detail)"
            " VALUES (:kind, :key, :at, :at, 1, :detail)"
            " ON CONFLICT (kind, key) WHERE until IS NULL DO UPDATE SET"
            " last_at = excluded.last_at, detail = excluded.detail, count = alarm.count + 1"
            " RETURNING count"
        ),
        {"kind": kind, "key": key, "at": at, "detail": detail},
    ).one()
    return int(row[0]) == 1


def lasting(tx: Tx, kind: str, keys: Iterable[str]) -> set[str]:
    """Those of these keys about which an alarm of a kind lasts."""
    found = tx.execute(
        bulk.said(
            "SELECT key FROM alarm WHERE kind = :kind AND until IS NULL"
            f" AND key IN ({bulk.texts_in(tx, 'keys')})"
        ),
        {"kind": kind, "keys": bulk.pack(keys)},
    )
    return {row[0] for row in found}


def end_alarm(tx: Tx, kind: str, key: str, at: str) -> bool:
    """Say that an alarm is over; whether there was one."""
    found = tx.execute(
        text("UPDATE alarm SET until = :at WHERE kind = :kind AND key = :key AND until IS NULL"),
        {"kind": kind, "key": key, "at": at},
    )
    return found.rowcount > 0


def end_all(tx: Tx, key: str, at: str) -> None:
    """Say that every alarm about a key is over."""
    tx.execute(
        text("UPDATE alarm SET until = :at WHERE key = :key AND until IS NULL"),
        {"key": key, "at": at},
    )


def list_alarms(tx: Tx, *, with_past: bool = False) -> list[AlarmRow]:
    """The alarms that last, oldest first; with those that are over where asked."""
    alarms = table(Alarm)
    query = select(alarms).order_by(alarms.c.since, alarms.c.id)
    if not with_past:
        query = query.where(alarms.c.until.is_(None))
    return [AlarmRow(**row) for row in tx.execute(query).mappings()]
