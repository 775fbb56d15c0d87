"""Secrets renewed in place, and an alarm before one expires, or an authority that is trusted."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import structs
from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.errors import HubError
from canonical.reasons import Reason
from store import alarms, expiries
from store.connections import ConnectionRow, SecretFact
from sync import connecting, trusted
from sync.connecting import By, Wanted
from sync.connection_edits import tried_at_once
from sync.context import Context
from sync.jobs import Job, Kind, Stopping

logger = logging.getLogger(__name__)
ALARM = "secret_expiry"
AHEAD = timedelta(days=14)
EVERYONE = "all"


def set_secret(
    context: Context,
    connection_id: str,
    name: str,
    value: str,
    by: By,
    expires_at: datetime | None = None,
) -> ConnectionRow:
    """Set a connection's secret, whether it had one or not; what it is asked with is tried at once.

    Args:
        context: The hub's parts.
        connection_id: Which.
        name: Of the secret, as its system calls it.
        value: Never shown again.
        by: Who and why.
        expires_at: When it ceases to be good; None where nobody said.

    Raises:
        HubError: NOT_FOUND; FIELD_UNKNOWN for a secret the system does not know; FIELD_MISSING
            for an empty value.
    """
    if not value:
        raise HubError(Reason.FIELD_MISSING, f"{name}: the value is empty")
    now = context.now()

    def edit(wanted: Wanted) -> Wanted:
        held = wanted.row.secret_facts.get(name)
        until = clock.to_iso(expires_at) if expires_at is not None else None
        fact = SecretFact(held.digest if held is not None else "", until)
        row = structs.replace(wanted.row, secret_facts={**wanted.row.secret_facts, name: fact})
        return structs.replace(wanted, row=row, secrets={name: value})

    def work(tx: Tx) -> ConnectionRow:
        row = connecting.change_in(context, tx, connection_id, by, edit, now)
        tried_at_once(context, tx, row)
        return row

    return context.store.in_write(work)


def expiring(tx: Tx, now: datetime) -> dict[str, str]:
    """Key of an alarm -> what it says, of every secret that expires soon or has expired.

    Likewise of every authority of a department's own (sync.trusted): then no call comes through.
    """
    ends: dict[str, list[tuple[str, str]]] = {}
    for connection, facts in expiries.of_connections(tx).items():
        ends.setdefault(connection, []).extend(sorted(facts.items()))
    for whose, text in expiries.authorities(tx).items():
        told = [(f"authority {one.subject}", one.until) for one in trusted.authorities(text)]
        ends.setdefault(whose, []).extend(told)
    found: dict[str, str] = {}
    for whose, listed in ends.items():
        soon = [f"{n} expires {at}" for n, at in listed if clock.from_iso(at) <= now + AHEAD]
        if soon:
            found[whose] = ", ".join(soon)
    for client, at in expiries.of_clients(tx).items():
        if clock.from_iso(at) <= now + AHEAD:
            found[f"client:{client}"] = f"the client's secret expires {at}"
    return found


def look(context: Context) -> None:
    """Raise an alarm for every secret that expires soon, and end those that are over."""
    now = context.now()
    at = clock.to_iso(now)
    news: list[str] = []

    def work(tx: Tx) -> None:
        news.clear()
        held = _alarmed(tx)
        found = expiring(tx, now)
        for key, detail in found.items():
            if held.get(key) != detail and alarms.raise_alarm(tx, ALARM, key, detail, at):
                news.append(key)
        for key in held.keys() - found.keys():
            alarms.end_alarm(tx, ALARM, key, at)

    context.store.in_write(work)
    for key in news:
        logger.warning("A secret expires soon", extra={"event": "secret.expires", "of": key})


def _alarmed(tx: Tx) -> dict[str, str]:
    return {one.key: one.detail for one in alarms.list_alarms(tx) if one.kind == ALARM}


def _due(context: Context, now: datetime) -> Sequence[Job]:
    with context.store.read() as tx:
        is_due = expiring(tx, now) != _alarmed(tx)
    return [Job(KIND.name, EVERYONE)] if is_due else []


async def _perform(context: Context, _job: Job, _stopping: Stopping) -> None:
    await asyncio.to_thread(look, context)


KIND = Kind("secrets", _due, _perform)
