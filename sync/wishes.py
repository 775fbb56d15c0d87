"""What a person may wish of a connection: now, pause, resume, enable, retire, another schedule."""

from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec import Struct, structs
from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.errors import HubError
from canonical.reasons import Reason
from store import alarms, plans
from store.plans import Planned, PlanRow
from store.tables import CONNECTION_STATES
from sync import connecting
from sync import plan as planning
from sync.connecting import By, Wanted
from sync.context import Context
from sync.gates import in_write
from sync.runs import is_asked, schedule_of
from sync.schedule import read_cron

_HUB = "hub"


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
        HubError: NOT_FOUND, or CONFLICT where it is not enabled or not asked at all.
    """
    planned = _planned(context, connection_id)
    if planned.state != "enabled":
        raise HubError(Reason.CONFLICT, f"{connection_id!r} {why_silent(planned.state)}")
    if not is_asked(context, planned):
        raise HubError(Reason.CONFLICT, f"{connection_id!r} is not asked; it calls the hub")
    _change(context, connection_id, planning.wished)


def why_silent(state: str) -> str:
    """What to do about a connection that is not enabled, as the end of a sentence about it."""
    told = {
        "paused": "is paused; resume it first",
        "retired": "is retired; it is asked no more",
    }
    return told.get(state, f"is {state}, not enabled")


def pause(context: Context, connection_id: str, by: By | None = None) -> None:
    """Have a connection asked no more; a run under way goes on to its end.

    Raises:
        HubError: NOT_FOUND; CONFLICT where it was not enabled yet, or is retired.
    """
    _move(context, connection_id, ("enabled", "paused"), "paused", by or By(_HUB, "tạm dừng"))


def resume(context: Context, connection_id: str, by: By | None = None) -> None:
    """Have a connection asked again, at once where it failed before or missed a due time.

    Raises:
        HubError: NOT_FOUND; CONFLICT where it was not enabled yet, or is retired.
        NotEnabled: its gates object.
    """
    _move(context, connection_id, ("paused", "enabled"), "enabled", by or By(_HUB, "cho chạy lại"))


def enable(context: Context, connection_id: str, by: By) -> None:
    """Let a connection begin, or begin again.

    Raises:
        HubError: NOT_FOUND; CONFLICT where it is retired.
        NotEnabled: its gates object.
    """
    known = ("draft", "tested", "paused", "enabled")
    _move(context, connection_id, known, "enabled", by)


def retire(context: Context, connection_id: str, by: By) -> None:
    """End a connection for good: what it brought stays readable and provable.

    Raises:
        HubError: NOT_FOUND.
    """
    _move(context, connection_id, CONNECTION_STATES, "retired", by)


def _move(context: Context, connection_id: str, known: Sequence[str], state: str, by: By) -> None:
    now = context.now()

    def edit(wanted: Wanted) -> Wanted:
        if wanted.row.state not in known:
            raise HubError(Reason.CONFLICT, f"{connection_id!r} {why_silent(wanted.row.state)}")
        return structs.replace(wanted, row=structs.replace(wanted.row, state=state))

    def work(tx: Tx) -> None:
        held = connecting.known(tx, connection_id, by.seen)
        if held.state == state == "retired":
            return
        connecting.change_in(context, tx, connection_id, by, edit, now)
        if state == "enabled":
            change(tx, connection_id, planning.resumed, now)
        if state == "retired":
            alarms.end_all(tx, connection_id, clock.to_iso(now))
            plans.forget_suspicion(tx, connection_id)

    in_write(context, work)


def reschedule(
    context: Context, connection_id: str, schedule: str | None, by: By | None = None
) -> None:
    """Give a connection a schedule of its own, or its manifest's again (None); from now on.

    Raises:
        HubError: NOT_FOUND; FIELD_TYPE for what is no schedule.
    """
    own = read_cron(schedule).text if schedule is not None else None
    connecting.change(
        context,
        connection_id,
        by or By(_HUB, "đổi lịch hỏi"),
        lambda wanted: structs.replace(wanted, schedule=own),
    )


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
