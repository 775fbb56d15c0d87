"""What a person may wish of a connection's plan: now, pause, resume, another schedule."""

from collections.abc import Callable
from datetime import datetime

from msgspec import Struct
from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.errors import HubError
from canonical.reasons import Reason
from store import connections, plans
from store.plans import Planned, PlanRow
from sync import plan as planning
from sync.context import Context
from sync.runs import is_asked, schedule_of
from sync.schedule import read_cron


class Standing(Struct, frozen=True):
    """How a connection stands with its schedule.

    Attributes:
        schedule: Cron text in force; None where the hub does not ask it by itself.
        next_at: When it will be asked next, as far as is known; None where it will not.
        is_running: Whether a run of it has leave to write now.
    """

    schedule: str | None
    next_at: datetime | None
    is_running: bool
    breaker: str
    failures: int
    retry_at: datetime | None
    waits_for: Reason | None


def run_now(context: Context, connection_id: str) -> None:
    """Have a connection asked at once, whatever its breaker or what it waits for.

    Raises:
        HubError: NOT_FOUND, or CONFLICT where it is paused or not asked at all.
    """
    planned = _planned(context, connection_id)
    if planned.state != "enabled":
        raise HubError(Reason.CONFLICT, f"{connection_id!r} is paused; resume it first")
    if not is_asked(context, planned):
        raise HubError(Reason.CONFLICT, f"{connection_id!r} is not asked; it calls the hub")
    _change(context, connection_id, planning.wished)


def pause(context: Context, connection_id: str) -> None:
    """Have a connection asked no more; a run under way goes on to its end. Raises HubError."""
    _planned(context, connection_id)
    context.store.in_write(lambda tx: connections.set_state(tx, connection_id, "paused"))


def resume(context: Context, connection_id: str) -> None:
    """Have a connection asked again, at once where it failed before or missed a due time.

    Raises:
        HubError: NOT_FOUND.
    """
    _planned(context, connection_id)
    now = context.now()

    def work(tx: Tx) -> None:
        connections.set_state(tx, connection_id, "enabled")
        change(tx, connection_id, planning.resumed, now)

    context.store.in_write(work)


def reschedule(context: Context, connection_id: str, schedule: str | None) -> None:
    """Give a connection a schedule of its own, or its manifest's again (None); from now on.

    Raises:
        HubError: NOT_FOUND; FIELD_TYPE for what is no schedule.
    """
    planned = _planned(context, connection_id)
    told = schedule or context.systems[planned.system].manifest.schedule
    cron = read_cron(told)
    own = cron.text if schedule is not None else None
    _change(context, connection_id, lambda plan, now: planning.rescheduled(plan, own, cron, now))


def standings(context: Context, tx: Tx) -> dict[str, Standing]:
    """How every connection stands, by id."""
    now = context.now()
    return {row.plan.connection_id: _standing(context, row, now) for row in plans.list_planned(tx)}


def _standing(context: Context, planned: Planned, now: datetime) -> Standing:
    plan = planned.plan
    cron = schedule_of(context, planned) if is_asked(context, planned) else None
    return Standing(
        schedule=cron.text if cron is not None else None,
        next_at=planning.next_at(planned, cron, now, context.limits) if cron is not None else None,
        is_running=planned.held_until is not None and planned.held_until > now,
        breaker=plan.breaker,
        failures=plan.failures,
        retry_at=plan.retry_at,
        waits_for=plan.waits_for,
    )


def change(
    tx: Tx, connection_id: str, decide: Callable[[PlanRow, datetime], PlanRow], now: datetime
) -> None:
    """Change a plan as `decide` says, in a transaction that is under way."""
    at = clock.to_iso(now)
    plans.save_plan(tx, decide(plans.lock_plan(tx, connection_id, at), now), at)


def _change(
    context: Context, connection_id: str, decide: Callable[[PlanRow, datetime], PlanRow]
) -> None:
    now = context.now()
    context.store.in_write(lambda tx: change(tx, connection_id, decide, now))


def _planned(context: Context, connection_id: str) -> Planned:
    with context.store.read() as tx:
        found = plans.load_planned(tx, connection_id)
    if found is None:
        raise HubError(Reason.NOT_FOUND, f"no connection {connection_id!r}")
    return found
