"""Configured connections, their mapping versions, leases, checkpoints and runs."""

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct, to_builtins
from sqlalchemy import select, text
from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.errors import LeaseLost
from canonical.ports import Settings
from canonical.reasons import Reason
from store import bulk
from store.tables import Checkpoint, Connection, ConnectionMapping, Run, table
from store.vault import Vault

# Clocks of two nodes, or of one before and after it was set, may differ by so much.
CLOCK_TRUST = timedelta(hours=1)


class SecretFact(Struct, frozen=True, omit_defaults=True):
    """What is known of a secret without it.

    Attributes:
        digest: Keyed; tells that it changed, and nothing else.
        expires_at: When it ceases to be good, ISO; None where nobody said.
    """

    digest: str
    expires_at: str | None = None


class ConnectionRow(Struct, frozen=True):
    """One configured connection.

    Attributes:
        state: One of store.tables.CONNECTION_STATES.
        tables: Additions to the mapping's code tables.
        mapping_version: Which of its mapping versions is in force.
        version: Which of its own versions this is; 0 before one was kept.
        overlay: What is laid over its system's mapping (canonical.mapping.overlay).
        declaration: Of a system without code; None for one of adapters/.
        files: Name -> digest of the files its declaration's contract consists of.
        secret_facts: Of every secret it has.
        tested: Digest of what was tested (sync.connection_documents); "" where nothing was.
    """

    id: str
    system: str
    namespace: str
    role: str
    endpoint: str
    state: str
    options: dict[str, str]
    sealed: bytes | None
    tables: dict[str, dict[str, Any]]
    mapping_version: int
    version: int = 0
    overlay: dict[str, Any] = {}
    declaration: dict[str, Any] | None = None
    files: dict[str, str] = {}
    secret_facts: dict[str, SecretFact] = {}
    tested: str = ""

    def settings(self, vault: Vault) -> Settings:
        """What its adapter needs, secrets revealed."""
        return Settings(self.id, self.endpoint, self.options, self.secrets(vault), self.tables)

    def secrets(self, vault: Vault) -> dict[str, str]:
        """Its secrets, revealed. Raises HubError where the key is another one."""
        found: dict[str, str] = json.loads(vault.open(self.sealed)) if self.sealed else {}
        return found


def load_connection(tx: Tx, connection_id: str) -> ConnectionRow | None:
    """A connection by id; None where there is none."""
    found = tx.execute(
        select(table(Connection)).where(table(Connection).c.id == connection_id)
    ).first()
    return _row(found) if found is not None else None


def load_connections(tx: Tx, connection_ids: Iterable[str]) -> dict[str, ConnectionRow]:
    """Those of these connections that there are, by id."""
    held = table(Connection)
    wanted = text(f"id IN ({bulk.texts_in(tx, 'ids')})")
    found = tx.execute(select(held).where(wanted), {"ids": bulk.pack(connection_ids)})
    return {row.id: _row(row) for row in found}


def lock_connection(tx: Tx, connection_id: str) -> ConnectionRow | None:
    """As `load_connection`, nobody else's to change until this transaction ends.

    What arrives for it meanwhile is taken in all the same.
    """
    held = table(Connection)
    found = tx.execute(
        select(held).where(held.c.id == connection_id).with_for_update(key_share=True)
    ).first()
    return _row(found) if found is not None else None


def list_connections(tx: Tx) -> list[ConnectionRow]:
    """All connections, by id."""
    found = tx.execute(select(table(Connection)).order_by(table(Connection).c.id))
    return [_row(row) for row in found]


def has_receipts(tx: Tx, connection_id: str) -> bool:
    """Whether anything was ever taken in for a connection."""
    query = text("SELECT 1 FROM receipt WHERE connection_id = :id LIMIT 1")
    return tx.execute(query, {"id": connection_id}).first() is not None


def _row(row: Any) -> ConnectionRow:
    facts = json.loads(row.secret_facts) if row.secret_facts else {}
    return ConnectionRow(
        id=row.id,
        system=row.system,
        namespace=row.namespace,
        role=row.role,
        endpoint=row.endpoint,
        state=row.state,
        options=json.loads(row.options),
        sealed=row.secrets,
        tables=json.loads(row.tables),
        mapping_version=row.mapping_version,
        version=row.version,
        overlay=json.loads(row.overlay) if row.overlay else {},
        declaration=json.loads(row.declaration) if row.declaration else None,
        files=json.loads(row.files) if row.files else {},
        secret_facts={name: SecretFact(**told) for name, told in facts.items()},
        tested=row.tested or "",
    )


def _json(told: Any) -> str:
    return json.dumps(told, ensure_ascii=False, sort_keys=True)


def _values(row: ConnectionRow) -> dict[str, Any]:
    """The columns that may change; its mapping version is `ensure_mapping`'s."""
    facts = {name: to_builtins(fact) for name, fact in row.secret_facts.items()}
    return {
        "role": row.role,
        "endpoint": row.endpoint,
        "state": row.state,
        "options": _json(row.options),
        "secrets": row.sealed,
        "tables": _json(row.tables),
        "version": row.version,
        "overlay": _json(row.overlay) if row.overlay else None,
        "declaration": _json(row.declaration) if row.declaration is not None else None,
        "files": _json(row.files) if row.files else None,
        "secret_facts": _json(facts) if facts else None,
        "tested": row.tested or None,
    }


def save_connection(tx: Tx, row: ConnectionRow, at: str) -> None:
    """Add a connection."""
    fixed = {
        "id": row.id,
        "system": row.system,
        "namespace": row.namespace,
        "mapping_version": row.mapping_version,
        "created_at": at,
    }
    tx.execute(table(Connection).insert().values(**fixed, **_values(row)))


def change_connection(tx: Tx, row: ConnectionRow) -> None:
    """Write what may change of a connection; its id, system and namespace never do."""
    held = table(Connection)
    tx.execute(held.update().where(held.c.id == row.id).values(**_values(row)))


def set_state(tx: Tx, connection_id: str, state: str) -> None:
    """Move a connection on in its life (sync.connecting says which moves there are)."""
    connections = table(Connection)
    tx.execute(connections.update().where(connections.c.id == connection_id).values(state=state))


def ensure_mapping(tx: Tx, row: ConnectionRow, document: dict[str, Any] | None, at: str) -> int:
    """The version number of the mapping in force; a new one where what is mapped by changed.

    Of a declared system its declaration and contract files belong to it: they say how raw bytes
    are read.

    Args:
        tx: An open write transaction.
        row: The connection.
        document: The mapping document with its overlay; None for canonical words.
        at: Now, ISO at +07:00.
    """
    told: dict[str, Any] = {"document": document, "tables": row.tables}
    if row.declaration is not None:
        told |= {"declaration": row.declaration, "files": row.files}
    body = _json(told)
    digest = hashlib.sha256(body.encode()).hexdigest()
    mappings = table(ConnectionMapping)
    held = tx.execute(
        select(mappings.c.version, mappings.c.digest)
        .where(mappings.c.connection_id == row.id)
        .order_by(mappings.c.version.desc())
        .limit(1)
    ).first()
    if held is not None and held.digest == digest:
        return int(held.version)
    version = (int(held.version) if held is not None else 0) + 1
    tx.execute(
        mappings.insert().values(
            connection_id=row.id, version=version, digest=digest, body=body, created_at=at
        )
    )
    connections = table(Connection)
    tx.execute(
        connections.update().where(connections.c.id == row.id).values(mapping_version=version)
    )
    return version


def load_mapping(tx: Tx, connection_id: str, version: int) -> dict[str, Any]:
    """What a mapping version was: {"document": …, "tables": …}.

    Of a declared system with "declaration" and "files" (name -> digest).
    """
    mappings = table(ConnectionMapping)
    body = tx.execute(
        select(mappings.c.body).where(
            mappings.c.connection_id == connection_id, mappings.c.version == version
        )
    ).scalar_one()
    found: dict[str, Any] = json.loads(body)
    return found


class LeaseToken(Struct, frozen=True):
    """Leave to write for a connection, until somebody else takes it."""

    name: str
    token: int


def take_lease(tx: Tx, name: str, holder: str, now: datetime, ttl_s: float) -> LeaseToken | None:
    """Take a free or expired lease, its token one higher; None where another holds it.

    One that lasts far longer than any is given was written by a clock that was wrong: it would
    silence its connection until then, and its holder cannot write once the token has risen.
    """
    found = tx.execute(
        text(
            "INSERT INTO lease (name, holder, token, expires_at)"
            " VALUES (:name, :holder, 1, :until) ON CONFLICT (name) DO UPDATE SET"
            " holder = excluded.holder, token = lease.token + 1, expires_at = excluded.expires_at"
            " WHERE lease.expires_at <= :now OR lease.expires_at > :absurd RETURNING token"
        ),
        {
            "name": name,
            "holder": holder,
            "until": clock.to_iso(now + timedelta(seconds=ttl_s)),
            "now": clock.to_iso(now),
            "absurd": clock.to_iso(now + timedelta(seconds=ttl_s) + CLOCK_TRUST),
        },
    ).first()
    return LeaseToken(name, int(found[0])) if found is not None else None


def hold_lease(tx: Tx, lease: LeaseToken, now: datetime, ttl_s: float) -> None:
    """Assert the lease in this transaction and prolong it.

    Raises:
        LeaseLost: another worker has taken it; nothing of this transaction may be kept.
    """
    found = tx.execute(
        text("UPDATE lease SET expires_at = :until WHERE name = :name AND token = :token"),
        {
            "name": lease.name,
            "token": lease.token,
            "until": clock.to_iso(now + timedelta(seconds=ttl_s)),
        },
    )
    if found.rowcount != 1:
        raise LeaseLost(Reason.CONFLICT, f"the lease on {lease.name} was taken over")


def is_held(tx: Tx, lease: LeaseToken) -> bool:
    """Whether nobody has taken the lease over; write what depends on it in the same transaction."""
    found = tx.execute(
        text("UPDATE lease SET token = token WHERE name = :name AND token = :token"),
        {"name": lease.name, "token": lease.token},
    )
    return found.rowcount == 1


def free_lease(tx: Tx, lease: LeaseToken, now: datetime) -> None:
    """Give a lease back; nothing happens where another has it."""
    tx.execute(
        text("UPDATE lease SET expires_at = :now WHERE name = :name AND token = :token"),
        {"name": lease.name, "token": lease.token, "now": clock.to_iso(now)},
    )


def load_checkpoint(tx: Tx, connection_id: str) -> dict[str, Any]:
    """Where the next run begins; {} for the first."""
    points = table(Checkpoint)
    body = tx.execute(select(points.c.body).where(points.c.connection_id == connection_id)).scalar()
    found: dict[str, Any] = json.loads(body) if body else {}
    return found


def save_checkpoint(tx: Tx, connection_id: str, point: dict[str, Any], at: str) -> None:
    """Set where the next run begins; part of the page's own transaction."""
    tx.execute(
        text(
            "INSERT INTO checkpoint (connection_id, body, updated_at) VALUES (:id, :body, :at)"
            " ON CONFLICT (connection_id) DO UPDATE SET body = excluded.body,"
            " updated_at = excluded.updated_at"
        ),
        {"id": connection_id, "body": json.dumps(point, sort_keys=True), "at": at},
    )


def start_run(
    tx: Tx,
    connection_id: str,
    at: str,
    cause: str = "command",
    nominal_at: datetime | None = None,
) -> int:
    """Begin a run's record; its id.

    Whoever begins one holds the lease, so one that still counts as running ended without a word.
    """
    runs = table(Run)
    tx.execute(
        runs.update()
        .where(runs.c.connection_id == connection_id, runs.c.state == "running")
        .values(state="failed", ended_at=at, detail="ended without a word")
    )
    row = tx.execute(
        runs.insert()
        .values(
            connection_id=connection_id,
            state="running",
            started_at=at,
            pages=0,
            records=0,
            drift="[]",
            cause=cause,
            nominal_at=nominal_at,
        )
        .returning(runs.c.id)
    ).one()
    return int(row[0])


def note_page(tx: Tx, run_id: int, records: int) -> None:
    """Count one more page of a run."""
    runs = table(Run)
    tx.execute(
        runs.update()
        .where(runs.c.id == run_id)
        .values(pages=runs.c.pages + 1, records=runs.c.records + records)
    )


def end_run(
    tx: Tx, run_id: int, reason: Reason | None, detail: str | None, drift: list[str], at: str
) -> None:
    """Close a run's record: done, or failed with its reason.

    A run that failed for no reason of the closed list (it was stopped) has a detail alone.
    """
    runs = table(Run)
    tx.execute(
        runs.update()
        .where(runs.c.id == run_id)
        .values(
            state="done" if reason is None and detail is None else "failed",
            ended_at=at,
            reason=reason.value if reason is not None else None,
            detail=detail,
            drift=json.dumps(sorted(drift), ensure_ascii=False),
        )
    )
