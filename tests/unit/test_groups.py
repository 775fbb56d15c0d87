"""Who waits together: nobody for a clock, everybody for the commit before theirs."""

import asyncio
import threading
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from canonical.errors import RequestRefused, StoreUnavailable
from canonical.reasons import Reason
from sync import groups
from sync.groups import MOST, MOST_WAITING, SMALL_BYTES, Groups
from sync.pushes import End, Push
from sync.taken import Outcome


def push(name: str, raw: bytes = b"{}") -> Push:
    at = datetime(2026, 3, 2, tzinfo=UTC)
    return Push(name, None, None, None, lambda _row, _tx: "json", raw, at)


class Store:
    """Takes groups in; one that is held commits when it is let go."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.fails: Exception | None = None
        self.free = threading.Event()
        self.free.set()
        self.begun = asyncio.Event()
        self.loop = asyncio.get_running_loop()

    def take(self, pushes: Sequence[Push]) -> list[End]:
        self.groups.append([one.client_id for one in pushes])
        self.loop.call_soon_threadsafe(self.begun.set)
        assert self.free.wait(10)
        if self.fails is not None:
            raise self.fails
        return [
            RequestRefused(Reason.FORBIDDEN, 403)
            if one.client_id == "bad"
            else Outcome(one.client_id, "", {}, [], {})
            for one in pushes
        ]

    async def held(self, over: Groups) -> "asyncio.Task[object]":
        """A push whose commit is under way."""
        self.free.clear()
        first = asyncio.ensure_future(over.take(push("first")))
        await self.begun.wait()
        return first


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_who_comes_alone_goes_alone_and_at_once() -> None:
    store = Store()
    over = Groups(store.take)
    for name in ("a", "b"):
        assert (await over.outcome(push(name))).receipt == name
    assert store.groups == [["a"], ["b"]]


async def test_who_comes_in_one_moment_goes_together_each_with_its_own_end() -> None:
    store = Store()
    over = Groups(store.take)
    names = ["a", "bad", "c"]
    ends = await asyncio.gather(*(over.take(push(n)) for n in names), return_exceptions=True)
    assert store.groups == [names]
    assert [getattr(end, "receipt", None) for end in ends] == ["a", None, "c"]
    assert isinstance(ends[1], RequestRefused)


async def test_what_waits_for_a_commit_is_the_next_group() -> None:
    store = Store()
    over = Groups(store.take)
    first = await store.held(over)
    later = [asyncio.ensure_future(over.take(push(f"{n}"))) for n in range(MOST + 3)]
    await turns()
    assert store.groups == [["first"]]
    store.free.set()
    await asyncio.gather(first, *later)
    assert [len(group) for group in store.groups] == [1, MOST, 3]
    assert store.groups[1] == [f"{n}" for n in range(MOST)]


async def test_bytes_bound_a_group_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "MOST_BYTES", 25)
    store = Store()
    over = Groups(store.take)
    await asyncio.gather(*(over.take(push(f"{n}", b"x" * 10)) for n in range(5)))
    assert [len(group) for group in store.groups] == [3, 2]


async def test_a_large_body_neither_waits_nor_keeps_anyone_waiting() -> None:
    store = Store()
    over = Groups(store.take)
    first = await store.held(over)
    large = asyncio.ensure_future(over.take(push("large", b"x" * (SMALL_BYTES + 1))))
    store.begun.clear()
    await asyncio.wait_for(store.begun.wait(), 10)
    assert store.groups == [["first"], ["large"]]
    store.free.set()
    await asyncio.gather(first, large)


@pytest.mark.parametrize(("long_s", "told"), [(0.0, True), (3_600.0, False)])
async def test_who_waited_long_beside_a_group_the_store_failed_does_not_wait_again(
    monkeypatch: pytest.MonkeyPatch, long_s: float, *, told: bool
) -> None:
    monkeypatch.setattr(groups, "LONG_S", long_s)
    store = Store()
    over = Groups(store.take)
    first = await store.held(over)
    beside = asyncio.ensure_future(over.take(push("beside")))
    await turns()
    store.fails = StoreUnavailable(Reason.STORE_UNAVAILABLE)
    store.free.set()
    ends = await asyncio.gather(first, beside, return_exceptions=True)
    assert [type(end) for end in ends] == [StoreUnavailable] * 2
    assert store.groups == ([["first"]] if told else [["first"], ["beside"]])


async def test_one_whose_caller_is_gone_before_its_turn_is_not_taken_in() -> None:
    store = Store()
    over = Groups(store.take)
    first = await store.held(over)
    gone, stays = (asyncio.ensure_future(over.take(push(n))) for n in ("gone", "stays"))
    await turns()
    gone.cancel()
    await turns()
    store.free.set()
    await asyncio.gather(first, stays)
    assert store.groups == [["first"], ["stays"]]


async def test_a_caller_that_leaves_during_the_commit_costs_nobody_anything() -> None:
    store = Store()
    over = Groups(store.take)
    first = await store.held(over)
    first.cancel()
    store.free.set()
    assert (await over.outcome(push("next"))).receipt == "next"


async def test_what_fails_whole_is_told_to_all_and_the_next_goes_on() -> None:
    store = Store()
    over = Groups(store.take)
    store.fails = ZeroDivisionError()
    ends = await asyncio.gather(*(over.take(push(n)) for n in "ab"), return_exceptions=True)
    assert [type(end) for end in ends] == [ZeroDivisionError] * 2
    store.fails = None
    assert (await over.outcome(push("c"))).receipt == "c"


async def test_more_than_may_wait_are_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_WAITING > MOST
    monkeypatch.setattr(groups, "MOST_WAITING", 2)
    store = Store()
    over = Groups(store.take)
    first = await store.held(over)
    later = [asyncio.ensure_future(over.take(push(n))) for n in "ab"]
    await turns()
    with pytest.raises(StoreUnavailable):
        await over.take(push("c"))
    store.free.set()
    await asyncio.gather(first, *later)
