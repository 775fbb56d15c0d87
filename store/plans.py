"""Plans: when each connection is asked, what keeps it from that, and how it went last."""

from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import literal, select, text
from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.reasons import Reason
from store.tables import Connection, Lease, Run, table
from store.work_tables import Plan


class PlanRow(Struct, frozen=True):
    """A connection's plan; as it stands where nothing has happened yet.

    Attributes:
        schedule: Cron text of its own; None takes the manifest's.
        fired_for: The newest due time that a run was begun for; None before the first run.
        due_at: A run is wanted from then on; None where only the schedule wants one.
        cause: Why that run is wanted.
        failures: Runs that failed, one after another.
        breaker: closed | open | half_open.
        retry_at: Not to be asked before.
        waits_for: What a person must settle first.
    """

    connection_id: str
    schedule: str | None = None
    fired_for: datetime | None = None
    due_at: datetime | None = None
    cause: str | None = None
    failures: int = 0
    breaker: str = "closed"
    retry_at: datetime | None = None
    waits_for: Reason | None = None


class Planned(Struct, frozen=True):
    """A connection with its plan.

    Attributes:
        held_until: Until when a run of it has leave to write; None where none ever had.
    """

    system: str
    endpoint: str
    state: str
    added_at: datetime
    held_until: datetime | None
    plan: PlanRow
    mapping_version: int = 1

    @property
    def id(self) -> str:
        """The connection."""
        return self.plan.connection_id


def list_planned(tx: Tx) -> list[Planned]:
    """Every connection with its plan, by id."""
    return _planned(tx, None)


def load_planned(tx: Tx, connection_id: str) -> Planned | None:
    """One connection with its plan; None where there is no such connection."""
    found = _planned(tx, connection_id)
    return found[0] if found else None


def own_schedules(tx: Tx) -> dict[str, str]:
    """Connection -> cron text of its own; those without are left out."""
    held = table(Plan)
    found = tx.execute(
        select(held.c.connection_id, held.c.schedule).where(held.c.schedule.is_not(None))
    )
    return {row[0]: row[1] for row in found}


def lock_plan(tx: Tx, connection_id: str, at: str) -> PlanRow:
    """A connection's plan, nobody else's to change until this transaction ends."""
    tx.execute(
        text(
            "INSERT INTO plan (connection_id, failures, breaker, updated_at)"
            " VALUES (:id, 0, 'closed', :at) ON CONFLICT (connection_id) DO NOTHING"
        ),
        {"id": connection_id, "at": at},
    )
    plans = table(Plan)
    row = tx.execute(
        select(plans).where(plans.c.connection_id == connection_id).with_for_update()
    ).one()
    return _plan(row)


def save_plan(tx: Tx, plan: PlanRow, at: str) -> None:
    """Write a plan that `lock_plan` gave; since when a source is suspect is not its business."""
    plans = table(Plan)
    tx.execute(
        plans.update()
        .where(plans.c.connection_id == plan.connection_id)
        .values(
            schedule=plan.schedule,
            fired_for=plan.fired_for,
            due_at=plan.due_at,
            cause=plan.cause,
            failures=plan.failures,
            breaker=plan.breaker,
            retry_at=plan.retry_at,
            waits_for=plan.waits_for.value if plan.waits_for is not None else None,
            updated_at=at,
        )
    )


def forget_suspicion(tx: Tx, connection_id: str) -> None:
    """A connection that is not asked any more is not silent."""
    held = table(Plan)
    tx.execute(
        held.update().where(held.c.connection_id == connection_id).values(suspect_since=None)
    )


def _planned(tx: Tx, connection_id: str | None) -> list[Planned]:
    held, plans, leases = table(Connection), table(Plan), table(Lease)
    query = (
        select(
            plans,
            held.c.id,
            held.c.system,
            held.c.endpoint,
            held.c.state,
            held.c.created_at,
            held.c.mapping_version,
            leases.c.expires_at,
        )
        .select_from(held)
        .outerjoin(plans, plans.c.connection_id == held.c.id)
        .outerjoin(leases, leases.c.name == literal("run:").concat(held.c.id))
        .order_by(held.c.id)
    )
    if connection_id is not None:
        query = query.where(held.c.id == connection_id)
    return [
        Planned(
            system=row.system,
            endpoint=row.endpoint,
            state=row.state,
            added_at=clock.from_iso(row.created_at),
            held_until=_moment(row.expires_at),
            plan=_plan(row) if row.connection_id is not None else PlanRow(row.id),
            mapping_version=row.mapping_version,
        )
        for row in tx.execute(query)
    ]


def _plan(row: Any) -> PlanRow:
    return PlanRow(
        connection_id=row.connection_id,
        schedule=row.schedule,
        fired_for=_moment(row.fired_for),
        due_at=_moment(row.due_at),
        cause=row.cause,
        failures=row.failures,
        breaker=row.breaker,
        retry_at=_moment(row.retry_at),
        waits_for=Reason(row.waits_for) if row.waits_for is not None else None,
    )


def _moment(told: str | None) -> datetime | None:
    return clock.from_iso(told) if told is not None else None


class RunRow(Struct, frozen=True):
    """One run as its row tells it.

    Attributes:
        state: running | done | failed.
        ended_at: None while it is running.
    """

    id: int
    state: str
    ended_at: datetime | None
    pages: int
    records: int
    reason: Reason | None
    detail: str | None


def newest_run(tx: Tx, connection_id: str) -> RunRow | None:
    """The newest run of a connection; None where it was never asked."""
    runs = table(Run)
    row = tx.execute(
        select(runs)
        .where(runs.c.connection_id == connection_id)
        .order_by(runs.c.id.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    reason = Reason(row.reason) if row.reason is not None else None
    return RunRow(
        id=row.id,
        state=row.state,
        ended_at=_moment(row.ended_at),
        pages=row.pages,
        records=row.records,
        reason=reason,
        detail=row.detail,
    )
