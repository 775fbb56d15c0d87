"""When secrets cease to be good: those the hub shows, and those it is shown."""

import json

from sqlalchemy import select
from sqlalchemy.engine import Connection as Tx

from canonical.ports import TLS_CA
from store.tables import Client, Connection, table
from store.work_tables import Receiver


def of_connections(tx: Tx) -> dict[str, dict[str, str]]:
    """Connection -> its secrets that expire, by name -> when; of those that are not retired."""
    held = table(Connection)
    found = tx.execute(
        select(held.c.id, held.c.secret_facts).where(
            held.c.secret_facts.like("%expires_at%"), held.c.state != "retired"
        )
    )
    told = {row[0]: json.loads(row[1]) for row in found}
    return {
        connection: {n: fact["expires_at"] for n, fact in facts.items() if fact.get("expires_at")}
        for connection, facts in told.items()
    }


def of_clients(tx: Tx) -> dict[str, str]:
    """Client's name -> when its secret ceases to be good; those that never do are left out."""
    clients = table(Client)
    found = tx.execute(
        select(clients.c.name, clients.c.expires_at).where(
            clients.c.expires_at.is_not(None), clients.c.revoked_at.is_(None)
        )
    )
    return {row[0]: row[1] for row in found}


def authorities(tx: Tx) -> dict[str, str]:
    """Whose -> the authorities it trusts besides the usual ones, as PEM.

    Connections by their name unless they are retired, receivers as `receiver:NAME`.
    """
    held, told = table(Connection), table(Receiver)
    named = f'%"{TLS_CA}"%'
    found = tx.execute(
        select(held.c.id, held.c.options).where(
            held.c.options.like(named), held.c.state != "retired"
        )
    ).all()
    receivers = tx.execute(select(told.c.id, told.c.options).where(told.c.options.like(named)))
    every = [(row[0], row[1]) for row in found]
    every += [(f"receiver:{row[0]}", row[1]) for row in receivers]
    return {whose: json.loads(options)[TLS_CA] for whose, options in every}
