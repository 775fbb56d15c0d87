"""Whether a connection is asked now, why, and what a run's end changes about that. Pure.

Due times of the schedule are not stored one by one: a plan holds the newest it was asked for
(`fired_for`), so whatever passed unanswered since, while the hub was down, paused or busy, is one
run. A moment much further ahead than any wait there is stems from a clock that was wrong, and
silences nobody.
"""

import zlib
from datetime import datetime, timedelta

from msgspec import Struct, structs

from canonical.errors import HubError, NotAllowed, StoreUnavailable
from store.connections import CLOCK_TRUST
from store.plans import Planned, PlanRow
from sync.context import Limits
from sync.retry import (
    AskAPerson,
    Breaker,
    RetryIn,
    after_failure,
    after_success,
    between_tries,
    decide,
    jitter_s,
    may_ask,
    probing,
)
from sync.schedule import Cron

_ON_TIME_S = 10.0
_SCHEDULED = ("schedule", "catch_up")


class Want(Struct, frozen=True):
    """A run that is wanted now.

    Attributes:
        cause: One of store.tables.RUN_CAUSES.
        nominal_at: The due time of the schedule it answers; None where it answers none.
        since: From when on it was wanted.
    """

    cause: str
    nominal_at: datetime | None
    since: datetime


class Ended(Struct, frozen=True):
    """How a run ended, as far as the plan is concerned.

    Attributes:
        cause: Why it was begun.
        due_at: What the plan held when it had begun; another value now is a newer wish.
        covers: Whether it asked for all that is new, so that due times until `started_at` are
            answered.
        goes_on: It kept its budget of pages or time and the source has more.
        was_stopped: The hub ended it, which says nothing of the source.
        error: How it failed; None where it did not, or for no reason of the closed list.
        is_broken: A fault of the hub's own broke it off.
    """

    cause: str
    due_at: datetime | None
    started_at: datetime
    covers: bool
    goes_on: bool = False
    was_stopped: bool = False
    error: HubError | None = None
    is_broken: bool = False


def wanted(planned: Planned, cron: Cron, now: datetime, limits: Limits) -> Want | None:
    """The run that is wanted of a connection now; None where none is, or it may not be asked."""
    plan = planned.plan
    longest_s = limits.retry_cap_s + limits.lease_s
    if plan.waits_for is not None or not may_ask(_breaker(plan), now, longest_s):
        return None
    if plan.due_at is not None and _has_come(plan.due_at, now, longest_s):
        cause = plan.cause or "retry"
        nominal_at = plan.fired_for if cause in _SCHEDULED else None
        return Want(cause, nominal_at, min(plan.due_at, now))
    if plan.fired_for is None:
        first = first_at(plan.connection_id, planned.added_at, limits)
        return Want("catch_up", None, first) if _has_come(first, now, longest_s) else None
    return _by_schedule(plan.fired_for, cron, now, limits)


def next_at(planned: Planned, cron: Cron, now: datetime, limits: Limits) -> datetime | None:
    """When a connection will be asked next by itself, as far as is known; None where never."""
    plan = planned.plan
    if plan.waits_for is not None:
        return None
    want = wanted(planned, cron, now, limits)
    if want is not None:
        return want.since
    first = (
        first_at(plan.connection_id, planned.added_at, limits) if plan.fired_for is None else None
    )
    moments = [m for m in (plan.due_at, first or cron.after(now)) if m is not None]
    soonest = min(moments, default=None)
    if soonest is not None and plan.retry_at is not None:
        return max(soonest, plan.retry_at)
    return soonest


def first_at(connection_id: str, added_at: datetime, limits: Limits) -> datetime:
    """When a new connection is asked first: soon, and not all that were added at once together."""
    part = zlib.crc32(connection_id.encode()) / 2**32
    return added_at + timedelta(seconds=part * min(limits.retry_base_s, 60.0))


def _by_schedule(fired_for: datetime, cron: Cron, now: datetime, limits: Limits) -> Want | None:
    latest = cron.latest(now)
    if latest is None:
        return None
    if fired_for > now + CLOCK_TRUST:
        return Want("catch_up", latest, latest)
    if latest <= fired_for:
        return None
    on_time_s = max(_ON_TIME_S, 3 * limits.tick_s)
    is_on_time = now - latest <= timedelta(seconds=on_time_s) and cron.after(fired_for) == latest
    return Want("schedule" if is_on_time else "catch_up", latest, latest)


def _has_come(moment: datetime, now: datetime, longest_s: float) -> bool:
    return moment <= now or moment > now + timedelta(seconds=longest_s)


def begun(plan: PlanRow, want: Want, cron: Cron, now: datetime, limits: Limits) -> PlanRow:
    """The plan once a wanted run has begun: still due, should that run never come to an end."""
    breaker = probing(_breaker(plan), now, limits.lease_s)
    return structs.replace(
        _with(plan, breaker), fired_for=_answered(plan, cron, now), due_at=now, cause=want.cause
    )


def ended(
    plan: PlanRow, run: Ended, cron: Cron, now: datetime, limits: Limits, draw: float
) -> PlanRow:
    """The plan after a run.

    Args:
        plan: As it is now.
        run: How the run ended.
        cron: The connection's schedule.
        now: The present moment.
        limits: How patient the hub is.
        draw: A random number, 0 <= draw < 1.
    """
    if run.was_stopped:
        return _with(plan, _unprobed(plan, now))
    if run.error is not None or run.is_broken:
        return _failed(plan, run, now, limits, draw)
    plan = _with(structs.replace(plan, waits_for=None), after_success())
    if run.covers:
        plan = structs.replace(plan, fired_for=_answered(plan, cron, run.started_at))
    if _is_wished(plan, run):
        return plan
    if run.goes_on:
        cause = "catch_up" if run.cause == "command" else run.cause
        return structs.replace(plan, due_at=now, cause=cause)
    if run.covers or run.cause not in _BY_HAND:
        return structs.replace(plan, due_at=None, cause=None)
    return plan


_BY_HAND = ("command", "reconcile")


def _failed(plan: PlanRow, run: Ended, now: datetime, limits: Limits, draw: float) -> PlanRow:
    policy = between_tries(limits)
    attempt = plan.failures + 1
    decision = decide(run.error, attempt, policy, draw) if run.error is not None else None
    wait_s = decision.seconds if isinstance(decision, RetryIn) else jitter_s(attempt, policy, draw)
    if isinstance(run.error, StoreUnavailable):
        # The hub's own failure, which says nothing of the source.
        return structs.replace(
            _with(plan, _unprobed(plan, now)), retry_at=now + timedelta(seconds=wait_s)
        )
    plan = _with(plan, after_failure(_breaker(plan), now, wait_s, limits.breaker_failures))
    if _is_wished(plan, run):
        # Somebody mended something, or wants to see, since this run began: no waiting.
        return structs.replace(plan, retry_at=None)
    if isinstance(decision, AskAPerson) and isinstance(run.error, NotAllowed):
        return structs.replace(
            plan, waits_for=run.error.reason, retry_at=None, due_at=None, cause=None
        )
    if run.cause in _BY_HAND:
        return plan
    # What repeating cannot help is asked again too, ever more seldom: the fault may be mended at
    # the other end, of which nobody tells the hub.
    return structs.replace(plan, due_at=plan.retry_at, cause="retry")


def wished(plan: PlanRow, now: datetime) -> PlanRow:
    """The plan when a person wants a run now: it is a breaker's probe, whatever was refused."""
    return structs.replace(plan, due_at=now, cause="now", retry_at=None, waits_for=None)


def mended(plan: PlanRow, now: datetime) -> PlanRow:
    """The plan when a person has changed what a connection is asked with: tried at once."""
    cause = "retry" if plan.failures or plan.waits_for is not None else "now"
    return structs.replace(plan, due_at=now, cause=cause, retry_at=None, waits_for=None)


def resumed(plan: PlanRow, now: datetime) -> PlanRow:
    """The plan when a person lets a connection run again: at once where it failed before."""
    return mended(plan, now) if plan.failures or plan.waits_for is not None else plan


def rescheduled(plan: PlanRow, schedule: str | None, cron: Cron, now: datetime) -> PlanRow:
    """The plan with another schedule, which counts from now on."""
    fired_for = _answered(plan, cron, now) if plan.fired_for is not None else None
    return structs.replace(plan, schedule=schedule, fired_for=fired_for)


def _answered(plan: PlanRow, cron: Cron, until: datetime) -> datetime:
    """The newest due time up to a moment; what was noted before stays unless a clock was wrong."""
    latest = cron.latest(until) or until
    held = plan.fired_for
    return latest if held is None or held > until + CLOCK_TRUST else max(held, latest)


def _is_wished(plan: PlanRow, run: Ended) -> bool:
    return plan.due_at is not None and plan.due_at != run.due_at


def _breaker(plan: PlanRow) -> Breaker:
    return Breaker(plan.breaker, plan.failures, plan.retry_at)


def _unprobed(plan: PlanRow, now: datetime) -> Breaker:
    """The breaker after a probe that came to nothing: open, to be probed again."""
    if plan.breaker != "half_open":
        return _breaker(plan)
    return Breaker("open", plan.failures, now)


def _with(plan: PlanRow, breaker: Breaker) -> PlanRow:
    return structs.replace(
        plan, breaker=breaker.state, failures=breaker.failures, retry_at=breaker.retry_at
    )
