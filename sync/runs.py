"""Runs of the connections that the hub asks: which are due, and performing one."""

import functools
import logging
import os
import socket
from datetime import datetime, timedelta

from canonical.errors import HubError
from store import plans
from store.connections import CLOCK_TRUST
from store.plans import Planned
from sync import plan as planning
from sync.context import Context
from sync.jobs import Job, Kind, Stopping
from sync.plan import Want
from sync.run import run_wanted
from sync.runbook import cron_of
from sync.schedule import Cron

logger = logging.getLogger(__name__)


def is_asked(context: Context, planned: Planned) -> bool:
    """Whether the hub asks this connection by itself; one without an address calls the hub."""
    return (
        planned.state == "enabled"
        and planned.endpoint != ""
        and context.knows(planned)
        and context.system_of(planned).manifest.pulls
    )


def schedule_of(context: Context, planned: Planned) -> Cron | None:
    """A connection's schedule; None, and a line in the log, where it cannot be read."""
    try:
        return cron_of(planned.plan, context.system_of(planned).manifest)
    except HubError as error:
        _say_once(planned.plan.connection_id, error.detail)
        return None


@functools.lru_cache(maxsize=1_000)
def _say_once(connection_id: str, detail: str) -> None:
    logger.error(
        "A connection is never asked",
        extra={"event": "schedule.unreadable", "connection": connection_id, "detail": detail},
    )


def due(context: Context, now: datetime) -> list[Job]:
    """Connections to be asked now that are not being asked, what waits longest first."""
    with context.store.read() as tx:
        rows = plans.list_planned(tx)
    found = [
        (want.since, row.plan.connection_id)
        for row in rows
        if (want := _want(context, row, now)) is not None
    ]
    return [Job(KIND.name, connection_id) for _, connection_id in sorted(found)]


def _want(context: Context, row: Planned, now: datetime) -> Want | None:
    if not is_asked(context, row) or _is_held(context, row, now):
        return None
    cron = schedule_of(context, row)
    return planning.wanted(row, cron, now, context.limits) if cron is not None else None


def _is_held(context: Context, row: Planned, now: datetime) -> bool:
    longest = timedelta(seconds=context.limits.lease_s) + CLOCK_TRUST
    return row.held_until is not None and now < row.held_until <= now + longest


async def perform(context: Context, job: Job, stopping: Stopping) -> None:
    """Ask one connection, if its plan still wants that; how its source fails is no failure here.

    Raises:
        LeaseLost: another node took the run over.
    """
    holder = f"{socket.gethostname()}:{os.getpid()}"
    await run_wanted(context, job.key, holder, stopping)


KIND = Kind("run", due, perform)
