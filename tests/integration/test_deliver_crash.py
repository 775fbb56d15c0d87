"""Deliveries cut anywhere, doubled, or lost on the way: nothing lost, nothing twice in effect."""

import asyncio
import contextlib
import random
import time
from typing import Any

import pytest
from msgspec import structs
from sqlalchemy import text

from canonical.errors import LeaseLost, StoreUnavailable, TryAgain, Unreachable
from canonical.reasons import Reason
from sync import deliver, deliver_acts, deliver_replaying
from sync.context import Context
from sync.jobs import Job, Stopping
from tests.told import Told, changes, proved
from tests.trial import Trial

LOST = Unreachable(Reason.NET_RESET, "no answer")
TROUBLE = TryAgain(Reason.HTTP_5XX, "HTTP 500")


@pytest.fixture
def told(hub: Trial) -> Told:
    return Told(hub)


def take_over(hub: Trial) -> None:
    """As another node does once a lease has run out: whoever had it may not write any more."""
    hub.store.in_write(lambda tx: tx.execute(text("UPDATE lease SET token = token + 1")))


def free_leases(hub: Trial) -> None:
    hub.store.in_write(
        lambda tx: tx.execute(
            text("UPDATE lease SET expires_at = :at"), {"at": "2020-01-01T00:00:00+07:00"}
        )
    )


async def test_a_node_that_lost_its_lease_writes_nothing_and_what_it_sent_goes_again(
    hub: Trial, told: Told
) -> None:
    told.add()
    await changes(hub, 5, versions=2)
    told.loses = lambda seqs: take_over(hub) if seqs == [3] else None
    with pytest.raises(LeaseLost):
        await deliver.perform(hub.context, Job("deliver", "portal/0"), Stopping())
    assert told.fare().delivered == 0
    told.loses = lambda _: None
    free_leases(hub)
    await told.run()
    assert sorted(told.seqs) == list(range(1, 11))
    assert (told.wrong, told.rows(), proved(hub)) == ([], [], [])
    assert told.again == 5, "one step's worth, under the same ids"


async def test_one_that_was_stopped_for_longer_than_its_lease_sends_nothing_more(
    hub: Trial, told: Told
) -> None:
    told.add()
    await changes(hub, 5)
    told.limits(lease_s=0.2)

    def stopped(seqs: list[int]) -> None:
        if seqs == [2]:
            take_over(hub)
            until = time.monotonic() + 0.3
            while time.monotonic() < until:
                pass

    told.loses = stopped
    with pytest.raises(LeaseLost):
        await deliver.perform(hub.context, Job("deliver", "portal/0"), Stopping())
    assert told.seqs == [1, 2]


class Cuts:
    """A store that breaks at the commit of one transaction, before it or just after it."""

    def __init__(self, hub: Trial) -> None:
        self.at: int | None = None
        self.after = False
        self.seen = 0
        self._hub = hub

    def __enter__(self) -> "Cuts":
        store = self._hub.store
        self._kept = store.in_write

        def in_write(work: Any) -> Any:
            self.seen += 1
            if self.at == self.seen and not self.after:
                raise StoreUnavailable(Reason.STORE_UNAVAILABLE, "cut before its commit")
            made = self._kept(work)
            if self.at == self.seen:
                raise StoreUnavailable(Reason.STORE_UNAVAILABLE, "cut after its commit")
            return made

        store.in_write = in_write  # type: ignore[method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        del self._hub.store.in_write


@pytest.mark.parametrize(
    "after",
    [pytest.param(False, id="before"), pytest.param(True, id="after", marks=pytest.mark.long_form)],
)
async def test_cut_at_every_transaction_nothing_is_lost_or_doubled(
    hub: Trial, told: Told, *, after: bool
) -> None:
    told.add(shards=2)
    await changes(hub, 6, versions=2)
    told.fails = lambda one: TROUBLE if random.Random(one["seq"]).random() < 0.2 else None
    for number in range(1, 25):
        with Cuts(hub) as cuts:
            cuts.at, cuts.after = number, after
            for job in told.jobs():
                with contextlib.suppress(StoreUnavailable):
                    await deliver.perform(hub.context, job, Stopping())
        free_leases(hub)
        assert proved(hub) == []
        hub.clock.forward(minutes=10)
        await changes(hub, 2, first=100 + number * 2)
    told.fails = lambda _: None
    await told.run_for(hours=3)
    assert sorted(told.seqs) == list(range(1, await hub.seq() + 1))
    assert (told.wrong, told.rows(), proved(hub)) == ([], [], [])
    assert told.fare().delivered == len(told.taken)


async def test_the_same_jobs_on_two_nodes_do_everything_once(hub: Trial, told: Told) -> None:
    told.add(shards=3)
    await changes(hub, 30, versions=2)
    other = Context(hub.store, hub.context.vault, hub.context.systems, hub.context.limits)
    other.now = hub.clock
    dice = random.Random(5)
    told.fails = lambda _: TROUBLE if dice.random() < 0.2 else None

    async def node(context: Context) -> None:
        for _ in range(30):
            for job in deliver.due(context, context.now()):
                with contextlib.suppress(LeaseLost):  # the common clock may run past a lease
                    await deliver.perform(context, job, Stopping())
            await asyncio.sleep(0)
            hub.clock.forward(seconds=10)

    await asyncio.gather(node(hub.context), node(other), node(hub.context))
    told.fails = lambda _: None
    await told.run_for(hours=3)
    assert (sorted(told.seqs), told.wrong) == (list(range(1, 61)), [])
    assert proved(hub) == []


async def test_every_first_answer_is_lost(hub: Trial, told: Told) -> None:
    told.add()
    count = 200  # a thousand over sockets: tests/e2e/test_deliveries.py
    await changes(hub, count // 4, versions=4)
    lost: set[int] = set()

    def loses(seqs: list[int]) -> None:
        if seqs[0] not in lost:
            lost.add(seqs[0])
            raise LOST

    told.loses = loses
    looks = 0
    while len(told.taken) < count or told.rows():
        await told.run()
        hub.clock.forward(seconds=31)
        looks += 1
        assert looks < 3 * count
    assert len(lost) == told.again == count
    assert len(set(told.seqs)) == len(told.seqs) == count
    assert (told.wrong, proved(hub)) == ([], [])
    assert told.row().breaker == "closed"


async def test_a_third_fails_at_random_while_eight_shards_work_at_once(
    hub: Trial, told: Told
) -> None:
    told.add(shards=8)
    await changes(hub, 60, versions=3)
    dice = random.Random(7)

    def fails(_: dict[str, Any]) -> Any:
        return TROUBLE if dice.random() < 0.2 else None

    def breaks(_: list[int]) -> None:
        if dice.random() < 0.05:
            raise LOST

    def loses(_: list[int]) -> None:
        if dice.random() < 0.05:
            raise LOST

    told.fails, told.breaks, told.loses = fails, breaks, loses
    for _ in range(2_000):
        jobs = told.jobs()
        await asyncio.gather(*(deliver.perform(hub.context, j, Stopping()) for j in jobs))
        if not jobs and not told.rows():
            break
        hub.clock.forward(seconds=20)
    assert sorted(told.seqs) == list(range(1, 181))
    assert (told.wrong, told.rows("dead"), proved(hub)) == ([], [], [])


async def test_a_thousand_events_after_an_outage_come_in_order(hub: Trial, told: Told) -> None:
    told.add(shards=4)
    told.breaks = lambda _: (_ for _ in ()).throw(LOST)
    for version in range(1, 6):
        await changes(hub, 200, versions=version)
        await told.run_for(minutes=30, step_s=300)
    told.breaks = lambda _: None
    await told.run_for(hours=2, step_s=120)
    assert sorted(told.seqs) == list(range(1, 1_001))
    assert (told.wrong, told.again, told.rows(), proved(hub)) == ([], 0, [], [])


async def test_a_replay_done_twice_at_once_puts_everything_on_its_way_once(
    hub: Trial, told: Told
) -> None:
    told.add(shards=2)
    await changes(hub, 30)
    await told.run()
    told.forget()
    told.context.limits = structs.replace(told.context.limits, deliver_batch=7)
    for _ in range(2):
        deliver_acts.tell_again(hub.context, "portal", (None, None), None, "x", "x")
    for _ in range(60):
        jobs = [*deliver_replaying.due(hub.context, hub.clock()), *told.jobs()]
        await asyncio.gather(
            *(
                (deliver_replaying if j.kind == "replay" else deliver).perform(
                    hub.context, j, Stopping()
                )
                for j in jobs
            )
        )
    assert (sorted(told.seqs), told.wrong) == (list(range(1, 31)), [])
    assert (told.rows(), proved(hub), told.fare().delivered) == ([], [], 30)
