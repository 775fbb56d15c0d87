"""The look for what is due outlives everything, and says once what goes wrong (sync.working)."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from canonical.errors import HubError, LeaseLost, StoreUnavailable, Unreachable
from canonical.reasons import Reason
from sync.context import Limits
from sync.jobs import Job, Kind, Stopping
from sync.working import Performer, work

GONE = StoreUnavailable(Reason.STORE_UNAVAILABLE, "no server")


class Told:
    """As much of a context as the look needs."""

    limits = Limits(tick_s=0.01)

    def now(self) -> datetime:
        return datetime(2026, 3, 2, tzinfo=UTC)


class Taken:
    """An engine that only notes what it was given."""

    def __init__(self) -> None:
        self.names: list[str] = []

    async def start(self) -> None: ...

    async def submit(self, job: Job) -> None:
        self.names.append(job.name)

    async def stop(self, within_s: float) -> None: ...


async def never(*_: Any) -> None:
    raise AssertionError


def kind(name: str, script: Sequence[Any]) -> Kind:
    """Due what the script says, turn by turn; its last word stands."""
    turns: Iterator[Any] = iter([*script[:-1]])

    def due(_context: Any, _now: datetime) -> Sequence[Job]:
        said = next(turns, script[-1])
        if isinstance(said, Exception):
            raise said
        return [Job(name, key) for key in said]

    return Kind(name, due, never)


async def looked(*kinds: Kind, turns: int = 8) -> Taken:
    engine, stopping = Taken(), Stopping()
    counted = Kind("count", lambda _c, _n: [Job("count", "")], never)
    task = asyncio.create_task(work(Told(), engine, [*kinds, counted], stopping))  # type: ignore[arg-type]
    async with asyncio.timeout(5):
        while engine.names.count("count:") < turns:  # noqa: ASYNC110 - it is only counted
            await asyncio.sleep(0.005)
    stopping.now()
    await task
    return engine


def events(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.__dict__["event"] for record in caplog.records if "event" in record.__dict__]


async def test_what_is_due_is_submitted_at_every_look() -> None:
    engine = await looked(kind("run", [["a"], [], ["a", "b"], []]))
    assert [name for name in engine.names if name != "count:"] == ["run:a", "run:a", "run:b"]


async def test_an_outage_is_a_line_when_it_begins_and_one_when_it_ends(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    engine = await looked(kind("run", [GONE, GONE, GONE, ["a"]]), kind("file", [GONE, GONE, ["b"]]))
    assert {"run:a", "file:b"} <= set(engine.names)
    assert events(caplog) == ["work.waits", "work.goes_on"]


async def test_a_kind_that_breaks_is_told_once_with_its_place_and_holds_up_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    engine = await looked(
        kind("run", [ValueError("x"), ValueError("x"), ["a"], []]), kind("file", [["b"]])
    )
    assert "run:a" in engine.names
    assert engine.names.count("file:b") >= 8
    assert events(caplog) == ["work.blind", "work.sees"]
    assert caplog.records[0].exc_info is not None


async def performed(error: Exception | None, **more: Any) -> None:
    async def perform(_context: Any, _job: Job, _stopping: Stopping) -> None:
        if error is not None:
            raise error

    stopping = more.get("stopping") or Stopping()
    kinds = [Kind("run", lambda _c, _n: [], perform)]
    await Performer(Told(), kinds, stopping)(more.get("job") or Job("run", "a"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (None, []),
        (Unreachable(Reason.NET_REFUSED, system="tax"), ["job.failed"]),
        (LeaseLost(Reason.CONFLICT), []),
        (HubError(Reason.CONFLICT), []),
        (GONE, []),  # said by the look
        (KeyError("x"), ["job.broke"]),
    ],
)
async def test_how_a_job_ended_is_one_line_or_none(
    caplog: pytest.LogCaptureFixture, error: Exception | None, told: list[str]
) -> None:
    caplog.set_level(logging.INFO)
    await performed(error)
    assert events(caplog) == told
    for record in caplog.records:
        assert (record.__dict__["kind"], record.__dict__["key"]) == ("run", "a")
        assert (record.exc_info is not None) == isinstance(error, KeyError)


async def test_nothing_is_begun_after_the_call_to_stop_nor_of_a_kind_not_known() -> None:
    stopping = Stopping()
    stopping.now()
    await performed(AssertionError(), stopping=stopping)
    await performed(AssertionError(), job=Job("other", "a"))


async def test_the_wait_of_a_performer_ends_with_the_call_to_stop() -> None:
    stopping = Stopping()
    assert not stopping
    assert not await stopping.wait(0.01)
    waiting = asyncio.create_task(stopping.wait(60))
    await asyncio.sleep(0)
    stopping.now()
    assert await asyncio.wait_for(waiting, 1)
    assert stopping
