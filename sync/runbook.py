"""How a run begins and ends in the store: its lease, its row, the connection's plan, its alarms.

A run by plan looks again at what is wanted in the transaction that takes its lease, so of all nodes
one alone begins it. Its end asserts that lease before it says anything about the connection.
"""

import logging
import random
from datetime import datetime
from enum import Enum
from typing import Any

from msgspec import Struct
from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.errors import HubError
from canonical.ports import Manifest
from canonical.reasons import Reason
from store import alarms, connections, drifts, plans
from store.connections import ConnectionRow, LeaseToken
from store.plans import PlanRow
from sync import plan as planning
from sync.context import Context
from sync.plan import Ended, Want
from sync.schedule import Cron, read_cron

logger = logging.getLogger(__name__)
_DRIFTED = (Reason.SCHEMA_DRIFT, Reason.BODY_MALFORMED)


class Window(Struct, frozen=True):
    """What a run is asked to cover, where not simply what is new.

    Attributes:
        is_full: Everything, whatever the checkpoint says.
    """

    since: datetime | None = None
    until: datetime | None = None
    is_full: bool = False


class Summary(Struct):
    """What a run did (CONTRACT, `hub sync`)."""

    connection: str
    pages: int = 0
    records: int = 0
    applied: int = 0
    superseded: int = 0
    duplicate: int = 0
    quarantined: int = 0
    pending: int = 0
    total: int | None = None
    drift: list[str] = []
    error: dict[str, str] | None = None


class Running(Struct):
    """A run under way.

    Attributes:
        cause: Why it was begun, one of store.tables.RUN_CAUSES.
        due_at: What the plan held once it had begun.
        point: The checkpoint as it is in the store.
        moves: Whether it may move the checkpoint. A window asked for by hand may not: what lies
            between the checkpoint and that window would never be asked for again.
        covers: Whether it asks for all that is new, so that due times until now are answered.
        newest: The newest update seen.
        cursors: Every cursor seen.
        told: Digests of the pages before the last.
        before: Records that came before the pages were last begun.
    """

    id: int
    connection: ConnectionRow
    manifest: Manifest
    lease: LeaseToken
    cause: str
    due_at: datetime | None
    started_at: datetime
    point: dict[str, Any]
    summary: Summary
    moves: bool
    covers: bool
    newest: datetime | None = None
    cursors: set[str] = set()
    told: set[str] = set()
    before: int = 0


class Way(Enum):
    """How a run ended."""

    DONE = "done"
    GOES_ON = "its pages or its time are used up; the next goes on"
    STOPPED = "ended by the hub before the source had no more"
    FAILED = "failed"
    BROKEN = "broken off by a fault of the hub's own"


def cron_of(plan: PlanRow, manifest: Manifest) -> Cron:
    """A connection's schedule: its own, or its manifest's. Raises HubError: it cannot be read."""
    return read_cron(plan.schedule or manifest.schedule)


def begin(context: Context, connection_id: str, window: Window, holder: str, cause: str) -> Running:
    """Begin a run that somebody wants now.

    Raises:
        HubError: NOT_FOUND, or CONFLICT where the connection is paused, cannot be asked, or another
            run holds its lease.
    """
    now = context.now()

    def work(tx: Tx) -> Running:
        row = connections.load_connection(tx, connection_id)
        if row is None:
            raise HubError(Reason.NOT_FOUND, f"no connection {connection_id!r}")
        manifest = context.system_of(row, tx=tx).manifest
        if row.state != "enabled":
            raise HubError(Reason.CONFLICT, f"{connection_id!r} is {row.state}")
        if not manifest.pulls:
            raise HubError(Reason.CONFLICT, f"{connection_id!r} is not asked; it calls the hub")
        plan = plans.lock_plan(tx, connection_id, clock.to_iso(now))
        lease = connections.take_lease(tx, _lease(connection_id), holder, now, _ttl_s(context))
        if lease is None:
            raise HubError(Reason.CONFLICT, f"another run of {connection_id!r} is under way")
        return _begun(tx, row, manifest, lease, Want(cause, None, now), plan, now, window)

    return context.store.in_write(work)


def begin_wanted(context: Context, connection_id: str, holder: str) -> Running | None:
    """Begin the run that a plan wants now; None where it wants none or another run is under way."""
    now = context.now()

    def work(tx: Tx) -> Running | None:
        row = connections.load_connection(tx, connection_id)
        if row is None or row.state != "enabled":
            return None
        plan = plans.lock_plan(tx, connection_id, clock.to_iso(now))
        planned = plans.load_planned(tx, connection_id)
        if planned is None:
            return None
        manifest = context.system_of(row, tx=tx).manifest
        cron = cron_of(plan, manifest)
        want = planning.wanted(planned, cron, now, context.limits)
        if want is None:
            return None
        lease = connections.take_lease(tx, _lease(connection_id), holder, now, _ttl_s(context))
        if lease is None:
            return None
        plan = planning.begun(plan, want, cron, now, context.limits)
        plans.save_plan(tx, plan, clock.to_iso(now))
        return _begun(tx, row, manifest, lease, want, plan, now, Window())

    return context.store.in_write(work)


def _begun(
    tx: Tx,
    row: ConnectionRow,
    manifest: Manifest,
    lease: LeaseToken,
    want: Want,
    plan: PlanRow,
    now: datetime,
    window: Window,
) -> Running:
    return Running(
        id=connections.start_run(tx, row.id, clock.to_iso(now), want.cause, want.nominal_at),
        connection=row,
        manifest=manifest,
        lease=lease,
        cause=want.cause,
        due_at=plan.due_at,
        started_at=now,
        point=connections.load_checkpoint(tx, row.id),
        summary=Summary(row.id),
        moves=window.since is None,
        covers=window.since is None and window.until is None,
    )


def _lease(connection_id: str) -> str:
    return f"run:{connection_id}"


def _ttl_s(context: Context) -> float:
    return context.limits.lease_s


def end(context: Context, run: Running, way: Way, error: HubError | None, detail: str) -> None:
    """Close a run: its row, its lease, and what it means for the connection.

    Args:
        context: The hub's parts.
        run: The run.
        way: How it ended.
        error: How it failed; None where it did not, or not by a reason of the closed list.
        detail: What its row says where it did not come to its end and there is no error.
    """
    now = context.now()
    at = clock.to_iso(now)
    reason = error.reason if error is not None else None
    is_done = way in (Way.DONE, Way.GOES_ON)
    told = error.detail if error is not None else None if is_done else detail

    def work(tx: Tx) -> tuple[PlanRow, PlanRow] | None:
        # The plan first, then the lease, as at a run's beginning: else two would wait crosswise.
        before = plans.lock_plan(tx, run.connection.id, at)
        changed = None
        if connections.is_held(tx, run.lease):
            changed = before, _settle(context, tx, run, way, error, before)
            if reason is Reason.CURSOR_LOST:
                _give_up_place(tx, run, at)
        connections.end_run(tx, run.id, reason, told, run.summary.drift, at)
        connections.free_lease(tx, run.lease, now)
        return changed

    changed = context.store.in_write(work)
    if changed is not None:
        _say(run, way, reason, *changed)


def _settle(
    context: Context, tx: Tx, run: Running, way: Way, error: HubError | None, before: PlanRow
) -> PlanRow:
    """Write what a run's end means for its connection; its plan from now on."""
    now = context.now()
    at = clock.to_iso(now)
    ending = Ended(
        cause=run.cause,
        due_at=run.due_at,
        started_at=run.started_at,
        covers=run.covers,
        goes_on=way is Way.GOES_ON,
        was_stopped=way is Way.STOPPED,
        error=error,
        is_broken=way is Way.BROKEN,
    )
    cron = cron_of(before, run.manifest)
    draw = random.random()  # noqa: S311 - spreads repeats, keeps no secret
    after = planning.ended(before, ending, cron, now, context.limits, draw)
    plans.save_plan(tx, after, at)
    _raise_and_end_alarms(tx, run, way, error, after, at)
    return after


def _raise_and_end_alarms(
    tx: Tx, run: Running, way: Way, error: HubError | None, plan: PlanRow, at: str
) -> None:
    key = run.connection.id
    if way in (Way.DONE, Way.GOES_ON):
        for kind in ("credentials", "breaker", "cursor_lost"):
            alarms.end_alarm(tx, kind, key, at)
        # What its records look like is settled behind the run (sync.drift), and ends it there.
        if run.summary.records and not drifts.list_drifts(tx, key):
            alarms.end_alarm(tx, "schema_drift", key, at)
    if error is None:
        return
    told = f"{error.reason}: {error.detail}"[:500]
    if plan.waits_for is not None:
        alarms.raise_alarm(tx, "credentials", key, told, at)
    if plan.breaker == "open":
        alarms.raise_alarm(tx, "breaker", key, f"{plan.failures} failures; {told}"[:500], at)
    if error.reason in _DRIFTED:
        alarms.raise_alarm(tx, "schema_drift", key, told, at)
    if error.reason is Reason.CURSOR_LOST:
        alarms.raise_alarm(tx, "cursor_lost", key, told, at)


def _give_up_place(tx: Tx, run: Running, at: str) -> None:
    """Let the next run begin the window anew: the source no longer knows the place inside it.

    The place of a drop is kept, since a gap there is for a person to look at.
    """
    if run.manifest.durable_cursor or not run.moves:
        return
    connections.save_checkpoint(tx, run.connection.id, {**run.point, "cursor": None}, at)


def _say(run: Running, way: Way, reason: Reason | None, before: PlanRow, after: PlanRow) -> None:
    """One line when a department goes down, one when it is back; the silence between is counted."""
    told = {"connection": run.connection.id, "run": run.id, "cause": run.cause}
    if way in (Way.FAILED, Way.BROKEN):
        is_news = after.failures <= 1 or (after.breaker, after.waits_for) != (
            before.breaker if before.breaker != "half_open" else "open",
            before.waits_for,
        )
        logger.log(
            logging.WARNING if is_news else logging.DEBUG,
            "A run failed",
            extra={
                "event": "run.failed",
                **told,
                "reason": reason.value if reason is not None else None,
                "failures": after.failures,
                "breaker": after.breaker,
                "waits_for": after.waits_for,
            },
        )
    elif before.failures and not after.failures:
        logger.warning(
            "A connection answers again",
            extra={"event": "run.back", **told, "failures": before.failures},
        )
