"""Weekly, each at its own place in the night, once over all nodes; tried again after a failure."""

from datetime import datetime, timedelta

import pytest

from canonical import clock
from store import connections, reconciliations
from store.reconciliations import Last
from sync import kinds
from sync.jobs import Job, Stopping
from sync.reconciling import KIND, is_due
from sync.schedule import read_cron
from tests.trial import Trial

SUNDAY = read_cron("0 2 * * sun")
ADDED = "2026-02-01T00:00:00+07:00"


def at(text: str) -> datetime:
    return clock.utc(datetime.fromisoformat(text))


def last(started: str | None = None, state: str | None = None, failures: int = 0) -> Last:
    ended = started if state in ("done", "failed") else None
    return Last("snv", ADDED, started, ended, state, failures)


@pytest.mark.parametrize(
    ("told", "now", "due"),
    [
        (last(), "2026-03-08T01:59:00+07:00", True),  # that of the Sunday before was missed
        (last("2026-03-01T05:00:00+07:00", "done"), "2026-03-08T01:59:00+07:00", False),
        (last("2026-03-01T05:00:00+07:00", "done"), "2026-03-08T04:01:00+07:00", True),
        (last("2026-03-08T03:59:00+07:00", "done"), "2026-03-08T04:01:00+07:00", False),
        (last("2026-03-08T03:59:00+07:00", "failed", 1), "2026-03-08T04:30:00+07:00", False),
        (last("2026-03-08T03:59:00+07:00", "failed", 1), "2026-03-08T05:00:00+07:00", True),
        (last("2026-03-08T03:59:00+07:00", "failed", 6), "2026-03-09T05:00:00+07:00", False),
        (last("2026-03-08T03:59:00+07:00", "failed", 6), "2026-03-15T05:00:00+07:00", True),
        (last("2026-03-08T03:59:00+07:00", "running"), "2026-03-08T05:00:00+07:00", True),
        (
            Last("new", "2026-03-08T05:00:00+07:00", None, None, None, 0),
            "2026-03-09T05:00:00+07:00",
            False,
        ),
    ],
)
def test_when_it_is_due(told: Last, now: str, due: bool) -> None:
    assert is_due(told, SUNDAY, at(now), 3_600.0) is due


def test_not_all_at_once() -> None:
    """Fifty connections begin in the course of two hours."""
    begins = set()
    for name in range(50):
        row = Last(f"so-{name}", ADDED, "2026-03-01T05:00:00+07:00", None, "done", 0)
        minutes = (
            n
            for n in range(130)
            if is_due(row, SUNDAY, at("2026-03-08T02:00:00+07:00") + timedelta(minutes=n), 3_600)
        )
        begins.add(next(minutes))
    assert len(begins) > 30
    assert max(begins) <= 120


def jobs(hub: Trial) -> list[str]:
    return [job.key for job in KIND.due(hub.context, hub.clock())]


@pytest.mark.unproved
async def test_who_lists_and_is_enabled_is_compared(hub: Trial) -> None:
    hub.clock.set("2026-03-02T09:00:00+07:00")
    hub.connect("snv", system="one_stop", endpoint="http://127.0.0.1:1")
    hub.connect(
        "never", system="tax", endpoint="http://127.0.0.1:1", settings=["reconcile_schedule=off"]
    )
    hub.connect(
        "daily",
        system="tax",
        endpoint="http://127.0.0.1:1",
        settings=["reconcile_schedule=0 1 * * *"],
    )
    hub.connect("paused", system="tax", endpoint="http://127.0.0.1:1")
    hub.connect("queue", system="city_one_stop", endpoint="http://127.0.0.1:1")
    hub.connect("desk")
    hub.store.in_write(lambda tx: connections.set_state(tx, "paused", "paused"))
    assert jobs(hub) == []
    hub.clock.set("2026-03-03T04:00:00+07:00")
    assert jobs(hub) == ["daily"]
    hub.clock.set("2026-03-08T05:00:00+07:00")
    assert jobs(hub) == ["daily", "snv"]
    # A run is under way: it is waited for.
    hub.store.in_write(lambda tx: connections.take_lease(tx, "run:snv", "run", hub.clock(), 60))
    assert jobs(hub) == ["daily"]
    await KIND.perform(hub.context, Job("reconcile", "snv"), Stopping())
    with hub.store.read() as tx:
        assert {one.connection: one.state for one in reconciliations.list_last(tx)}["snv"] is None
    hub.clock.forward(minutes=2)
    await KIND.perform(hub.context, Job("reconcile", "snv"), Stopping())
    assert jobs(hub) == ["daily"]  # nobody listens there: tried again in an hour
    hub.clock.forward(hours=2)
    assert jobs(hub) == ["daily", "snv"]


def test_it_is_among_the_jobs() -> None:
    assert KIND in kinds.KINDS
