"""When secrets cease to be good: those the hub shows, and those it is shown."""

import json

from sqlalchemy import select
from sqlalchemy.engine import Connection as Tx

from store.tables import Client, Connection, table


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
