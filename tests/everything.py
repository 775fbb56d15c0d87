"""A store with some of everything in it, for what looks at the store as a whole."""

from typing import Any

from sqlalchemy import text

from canonical import clock
from store import connections
from store.console_tables import Disclosure, Staff, StaffSession, Task
from store.tables import Run, table
from store.types import Moment
from store.work_tables import (
    Absence,
    Alarm,
    ContractLook,
    Delivery,
    DeliveryAhead,
    Discrepancy,
    Drift,
    Filing,
    FilingCursor,
    LiveShape,
    Plan,
    Publication,
    Receiver,
    ReceiverShard,
    Reconciliation,
    Replay,
    Verification,
)
from tests.trial import Trial, dossier

AT = "2026-03-02T09:00:00.250000+07:00"
DAY = clock.day_of(clock.from_iso(AT))


async def fill(hub: Trial) -> None:
    """Some of everything: joined dossiers, the quarantine, duplicates, and work under way."""
    for number in range(1, 8):
        await hub.take(dossier(number))
        await hub.push(dossier(number, status="finished", version=2), "land")
    await hub.push(dossier(1))
    await hub.push(dossier(50, status="no such state"))


def under_way(hub: Trial) -> None:
    """A row in every table of the work that goes on by itself, and a lease somebody holds."""
    hub.store.in_write(lambda tx: work(tx, connections.list_connections(tx)[0].id))


def complete(model: Any, told: dict[str, Any]) -> dict[str, Any]:
    """A row with something in every column that must hold something."""
    plain = {"BIGINT": 0, "INTEGER": 0, "TEXT": "chữ", "BOOLEAN": False, "DATE": DAY}
    for column in table(model).c:
        is_given = column.name in told or column.nullable or column.primary_key
        if not is_given and column.server_default is None:
            told[column.name] = AT if isinstance(column.type, Moment) else plain[str(column.type)]
    return told


def work(tx: Any, connection: str) -> None:
    """A row in every table of the work that goes on by itself."""
    leg = tx.execute(text("SELECT min(id) FROM leg")).scalar_one()
    told: list[tuple[Any, dict[str, Any]]] = [
        (
            Plan,
            {"connection_id": connection, "failures": 2, "breaker": "open", "updated_at": AT}
            | {"waits_for": "AUTH_DENIED", "suspect_since": AT},
        ),
        (ContractLook, {"connection_id": connection, "reason": "HTTP_4XX"}),
        (LiveShape, {"connection_id": connection, "shape": "record", "procedure": ""}),
        (
            Drift,
            {"connection_id": connection, "kind": "lost", "ended_by": "accepted"}
            | {"told": "{}", "ended_at": AT},
        ),
        (Verification, {"records": 7, "findings": 2, "failed": "[]"}),
        (Alarm, {"kind": "breaker", "key": connection, "since": AT, "last_at": AT, "count": 3}),
        (
            Receiver,
            {
                "id": "cong",
                "system": "public_portal",
                "endpoint": "http://127.0.0.1:1",
                "options": "{}",
                "secrets": b"\x00\xff",
                "agencies": "[]",
                "state": "enabled",
                "shards": 1,
                "live_from": 0,
                "failures": 0,
                "breaker": "closed",
                "waits_for": "AUTH_DENIED",
                "created_at": AT,
            },
        ),
        (
            ReceiverShard,
            {"receiver_id": "cong", "shard": 0, "seq": 1, "backlog_seq": 0}
            | {"delivered": 0, "skipped": 0, "dropped": 0},
        ),
        (
            Delivery,
            {"receiver_id": "cong", "shard": 0, "dossier_id": leg, "seq": 1, "event_id": "e"}
            | {"lane": "live", "state": "waiting", "attempts": 0, "due_at": AT, "created_at": AT},
        ),
        (DeliveryAhead, {"receiver_id": "cong", "dossier_id": leg, "through_seq": 1}),
        (
            Replay,
            {"receiver_id": "cong", "filter": "{}", "state": "paused", "from_seq": 0, "at_seq": 0}
            | {"until_seq": 1, "taken": 0, "actor": "a", "reason": "ă", "created_at": AT},
        ),
        (
            Publication,
            {"receiver_id": "cong", "agency": "H50", "period_from": DAY, "period_to": DAY}
            | {"as_of": DAY, "revision": 1, "known_seq": 1, "figures": "{}", "event_id": "p"}
            | {"state": "waiting", "attempts": 0, "due_at": AT, "created_at": AT},
        ),
        (FilingCursor, {"connection_id": connection, "from_seq": 0, "seq": 1, "failures": 0}),
        (
            Filing,
            {"connection_id": connection, "dossier_id": leg, "namespace": connection}
            | {"code": "A-00001", "generation": 1, "number": "N", "state": "due", "attempts": 0}
            | {"looked_up": 0, "papers": 0, "papers_sent": 0, "paper_list": "[]"}
            | {"created_at": AT, "updated_at": AT},
        ),
        (
            Reconciliation,
            {"id": 1, "connection_id": connection, "state": "done", "started_at": AT}
            | {"compared": 1, "counts": '{"stale": 2}', "healed": 0},
        ),
        (
            Discrepancy,
            {"reconciliation_id": 1, "part": "", "code": "A-00001", "facet": "snapshot"}
            | {"kind": "stale", "healed": True},
        ),
        (
            Run,
            {"connection_id": connection, "state": "failed", "started_at": AT, "ended_at": AT}
            | {"reason": "HTTP_5XX", "drift": "[]", "nominal_at": AT},
        ),
        (Absence, {"leg_id": leg, "times": 1, "reconciliation_id": 1}),
        (
            Staff,
            {"id": 1, "name": "quản trị", "role": "administrator", "agencies": "[]"}
            | {"password": "-", "must_change": True},
        ),
        (StaffSession, {"digest": "d", "staff_id": 1}),
        (Disclosure, {"staff_id": 1, "subject": "dossier:d", "reason": "ă"}),
        (Task, {"staff_id": 1, "kind": "k", "state": "running", "done": 1, "total": 2}),
    ]
    for model, row in told:
        tx.execute(table(model).insert().values(**complete(model, row)))
    assert connections.take_lease(tx, "run:x", "other", clock.from_iso(AT), 1e6) is not None
