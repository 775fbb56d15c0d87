"""Clients of the doors, their grants, and the answers once given to their Idempotency-Keys."""

import functools
import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import select, text
from sqlalchemy.engine import Connection as Tx

from canonical import clock
from store import bulk
from store.tables import Client, Idempotency, table
from store.types import Moment

ClientRow = Any  # a row of the client table
SCOPES = ("push", "read", "indicators", "admin")


class Principal(Struct, frozen=True):
    """Who is asking, and what they may.

    Attributes:
        connections: Connections it may push for.
        agencies: Agencies it may see and speak for; empty for the whole province.
    """

    id: str
    name: str
    scopes: frozenset[str]
    connections: tuple[str, ...]
    agencies: frozenset[str]

    def may(self, scope: str) -> bool:
        """Whether a scope was granted."""
        return scope in self.scopes


class Credentials(Struct, frozen=True):
    """What a new client is told, once."""

    client_id: str
    client_secret: str


def _digest(secret: str) -> str:
    """SHA-256: the secret is 256 random bits, which no slow hash would make stronger."""
    return hashlib.sha256(secret.encode()).hexdigest()


def add_client(
    tx: Tx,
    name: str,
    scopes: list[str],
    connections: list[str],
    agencies: list[str],
    at: str,
) -> Credentials:
    """Make a client; its secret is told here and never again."""
    made = Credentials(f"c-{secrets.token_hex(8)}", secrets.token_urlsafe(32))
    tx.execute(
        table(Client)
        .insert()
        .values(
            id=made.client_id,
            name=name,
            secret_digest=_digest(made.client_secret),
            scopes=json.dumps(sorted(set(scopes))),
            connections=json.dumps(sorted(set(connections))),
            agencies=json.dumps(sorted(set(agencies))),
            created_at=at,
        )
    )
    return made


def load_clients(tx: Tx, client_ids: Iterable[str]) -> dict[str, ClientRow]:
    """The rows of those clients that have not been revoked, by id."""
    asked = [one for one in client_ids if one.isprintable()]  # others are nobody's, and hold NUL
    found = tx.execute(
        text(
            "SELECT id, name, scopes, connections, agencies, secret_digest, expires_at,"
            " earlier_digest, earlier_until FROM client WHERE revoked_at IS NULL"
            f" AND id IN ({bulk.texts_in(tx, 'ids')})"
        ).columns(expires_at=Moment, earlier_until=Moment),
        {"ids": bulk.pack(asked)},
    )
    return {row.id: row for row in found}


def load_principal(tx: Tx, client_id: str) -> Principal | None:
    """A client that has not been revoked, by id."""
    found = load_clients(tx, [client_id]).get(client_id)
    return granted(found) if found is not None else None


def pushing_to(tx: Tx, connection_id: str) -> list[str]:
    """Names of the clients that may push for a connection."""
    held = table(Client)
    found = tx.execute(select(held).where(held.c.revoked_at.is_(None)).order_by(held.c.name))
    told = ((row.name, granted(row)) for row in found)
    return [name for name, one in told if one.may("push") and connection_id in one.connections]


def load_any(tx: Tx, client_id: str) -> Principal | None:
    """A client by id, revoked or not: what it was granted when it spoke."""
    found = tx.execute(select(table(Client)).where(table(Client).c.id == client_id)).first()
    return granted(found) if found is not None else None


def authenticate(tx: Tx, client_id: str, secret: str, now: datetime) -> Principal | None:
    """The client with these credentials; None where they do not fit, in equal time.

    Args:
        tx: An open transaction.
        client_id: Who.
        secret: Its secret, or the one before it while both are good.
        now: The present moment.
    """
    return let_in(load_clients(tx, [client_id]).get(client_id), secret, now)


def let_in(found: ClientRow | None, secret: str, now: datetime) -> Principal | None:
    """The client of a row, or of none, where the secret is its own; in equal time."""
    told, none = _digest(secret), _digest("")
    is_right = hmac.compare_digest(found.secret_digest if found is not None else none, told)
    is_earlier = hmac.compare_digest((found and found.earlier_digest) or none, told)
    if found is None:
        return None
    is_good = is_right and _is_before(now, found.expires_at, default=True)
    was_good = is_earlier and _is_before(now, found.earlier_until, default=False)
    return granted(found) if is_good or was_good else None


def _is_before(now: datetime, until: str | None, *, default: bool) -> bool:
    return now < clock.from_iso(until) if until is not None else default


def renew_secret(
    tx: Tx, name: str, earlier_until: str, expires_at: str | None
) -> Credentials | None:
    """Give a client a new secret, told here and never again; None where there is no such client.

    Args:
        tx: An open write transaction.
        name: Which.
        earlier_until: Until when the one before is let in, too.
        expires_at: When the new one ceases to be good; None for never.
    """
    clients = table(Client)
    found = tx.execute(
        select(clients).where(clients.c.name == name, clients.c.revoked_at.is_(None))
    ).first()
    if found is None:
        return None
    made = Credentials(found.id, secrets.token_urlsafe(32))
    tx.execute(
        clients.update()
        .where(clients.c.id == found.id)
        .values(
            secret_digest=_digest(made.client_secret),
            earlier_digest=found.secret_digest,
            earlier_until=earlier_until,
            expires_at=expires_at,
        )
    )
    return made


def list_clients(tx: Tx) -> list[Principal]:
    """All clients that have not been revoked, by name."""
    clients = table(Client)
    found = tx.execute(
        select(clients).where(clients.c.revoked_at.is_(None)).order_by(clients.c.name)
    )
    return [granted(row) for row in found]


def revoke_client(tx: Tx, name: str, at: str) -> bool:
    """Revoke a client by name; whether there was one. Its tokens stop working at once."""
    clients = table(Client)
    done = tx.execute(
        clients.update()
        .where(clients.c.name == name, clients.c.revoked_at.is_(None))
        .values(revoked_at=at)
    )
    return bool(done.rowcount)


def granted(row: ClientRow) -> Principal:
    """Who the client of a row is, and what it may."""
    return principal_of(row.id, row.name, row.scopes, row.connections, row.agencies)


@functools.lru_cache(1024)
def principal_of(
    client_id: str, name: str, scopes: str, connections: str, agencies: str
) -> Principal:
    """Who a client's row says it is; its lists as JSON."""
    return Principal(
        client_id,
        name,
        frozenset(json.loads(scopes)),
        tuple(json.loads(connections)),
        frozenset(json.loads(agencies)),
    )


class KeptAnswer(Struct, frozen=True):
    """An answer given for an Idempotency-Key."""

    body_digest: str
    status: int
    content_type: str
    body: str


Keyed = tuple[str, str]  # client id, Idempotency-Key


def load_answers(tx: Tx, keys: Iterable[Keyed]) -> dict[Keyed, KeptAnswer]:
    """The answers once given for these keys."""
    found = tx.execute(
        bulk.said(
            "SELECT client_id, key, body_digest, status, content_type, body FROM idempotency"
            f" WHERE (client_id, key) IN ({bulk.pairs_in(tx, 'keys')})"
        ),
        {"keys": bulk.pack_pairs(keys)},
    )
    return {(row[0], row[1]): KeptAnswer(*row[2:]) for row in found}


def save_answers(tx: Tx, answers: Mapping[Keyed, tuple[KeptAnswer, str]]) -> set[Keyed]:
    """Keep answers, part of the pushes' own transaction.

    Args:
        tx: An open write transaction.
        answers: Each with the moment it was given, ISO at +07:00.

    Returns:
        The keys for which no other was first.
    """
    columns = ("client_id", "key", "body_digest", "status", "content_type", "body", "created_at")
    rows: list[tuple[object, ...]] = [
        (*keyed, one.body_digest, one.status, one.content_type, one.body, at)
        for keyed, (one, at) in sorted(answers.items())
    ]
    made = bulk.insert_made(
        tx, Idempotency, columns, rows, "client_id, key", conflict="ON CONFLICT DO NOTHING"
    )
    return {(row[0], row[1]) for row in made}
