"""When each connection is compared with its source's own list: weekly, and not all at once."""

import contextlib
import functools
import logging
import zlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from canonical import clock
from canonical.errors import HubError
from store import connections, plans, reconciliations
from store.connections import ConnectionRow
from store.reconciliations import Last
from sync.context import Context
from sync.jobs import Job, Kind, Stopping
from sync.reconcile import UnderWay, reconcile
from sync.schedule import Cron, read_cron

logger = logging.getLogger(__name__)
OPTION = "reconcile_schedule"
NEVER = "off"
SPREAD = timedelta(hours=2)
MOST_FAILURES = 5  # one after another; then the next due time is waited for


def cron_of(context: Context, row: ConnectionRow) -> Cron | None:
    """A connection's schedule; None where it has no list, wants none, or it cannot be read."""
    if not context.knows(row):
        return None
    manifest = context.system_of(row).manifest
    text = row.options.get(OPTION) or manifest.reconcile_schedule
    if not manifest.lists or not row.endpoint or text == NEVER:
        return None
    try:
        return read_cron(text)
    except HubError as error:
        _say_once(row.id, error.detail)
        return None


@functools.lru_cache(maxsize=1_000)
def _say_once(connection_id: str, detail: str) -> None:
    logger.error(
        "A connection is never reconciled",
        extra={"event": "schedule.unreadable", "connection": connection_id, "detail": detail},
    )


def is_due(last: Last, cron: Cron, now: datetime, retry_s: float) -> bool:
    """Whether a connection of which no run is under way is to be compared now.

    Args:
        last: How its last reconciliation went.
        cron: Its schedule; each connection has its own place in the two hours after.
        now: The present moment.
        retry_s: How long after a failure it is tried again.
    """
    spread = SPREAD * (zlib.crc32(last.connection.encode()) / 2**32)
    nominal = cron.latest(now - spread)
    if nominal is None:
        return False
    due = nominal + spread
    if clock.from_iso(last.added_at) >= due:
        return False
    if last.started_at is None or clock.from_iso(last.started_at) < due:
        return True
    # One that counts as running and holds no lease was killed.
    if last.state == "done" or last.failures > MOST_FAILURES:
        return False
    return clock.from_iso(last.ended_at or last.started_at) + timedelta(seconds=retry_s) <= now


def _due(context: Context, now: datetime) -> Sequence[Job]:
    with context.store.read() as tx:
        rows = {row.id: row for row in connections.list_connections(tx)}
        lasts = reconciliations.list_last(tx)
        waiting = {p.plan.connection_id for p in plans.list_planned(tx) if _waits(p, now)}
    found = []
    for last in lasts:
        cron = cron_of(context, rows[last.connection])
        if cron is None or last.connection in waiting:
            continue
        if is_due(last, cron, now, context.limits.retry_cap_s):
            found.append(Job(KIND.name, last.connection))
    return found


def _waits(planned: plans.Planned, now: datetime) -> bool:
    """Whether a run is under way, or the source lets nobody in or does not answer.

    When it does again its runs find out.
    """
    is_held = planned.held_until is not None and now < planned.held_until
    return is_held or planned.plan.waits_for is not None or planned.plan.breaker != "closed"


async def _perform(context: Context, job: Job, stopping: Stopping) -> None:
    """Compare one connection, where that is still due.

    Raises:
        LeaseLost: another node took it over.
    """
    if job not in _due(context, context.now()):
        return
    with contextlib.suppress(UnderWay):
        await reconcile(context, job.key, holder="hub", stopping=stopping)


KIND = Kind("reconcile", _due, _perform)
