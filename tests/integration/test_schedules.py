"""When departments are asked, on both stores: one run for each due time, whatever happens."""

import asyncio

import pytest

from canonical.errors import HubError
from hub.commands.connections import alter
from store import connections
from store.tables import Run, table
from sync import runbook, wishes
from sync.run import sync_connection
from tests.asked import (
    Node,
    another_node,
    beside,
    causes,
    held_by_another,
    limited,
    plan_of,
    settled,
)
from tests.feed import NAME, Feed
from tests.trial import Trial

pytestmark = pytest.mark.unproved  # what is asked when: the records are those of other tests


async def test_a_new_connection_is_asked_soon_and_then_by_schedule(hub: Trial) -> None:
    feed = Feed(hub)
    node = Node(hub)
    hub.clock.forward(seconds=60)
    assert await node.tick() == [NAME]
    assert await node.tick() == []
    hub.clock.set("2026-03-02T09:14:59.9")
    assert await node.tick() == []
    hub.clock.set("2026-03-02T09:15:00.4")
    assert await node.tick() == [NAME]
    assert await node.tick() == []
    assert [(row.cause, row.nominal_at) for row in feed.runs()] == [
        ("catch_up", None),
        ("schedule", "2026-03-02T09:15:00+07:00"),
    ]


async def test_two_nodes_answer_a_due_time_once(hub: Trial) -> None:
    feed = await settled(hub)
    one, two = Node(hub), another_node(hub)
    for quarter in ("09:15:00", "09:30:01", "09:45:02"):
        hub.clock.set(f"2026-03-02T{quarter}")
        assert one.due() == two.due() == [NAME]
        await asyncio.gather(one.perform(), two.perform(), one.perform())
        assert one.due() == two.due() == []
    assert causes(feed) == ["catch_up", "schedule", "schedule", "schedule"]


async def test_due_times_missed_while_no_node_was_up_are_one_run_marked_so(hub: Trial) -> None:
    feed = await settled(hub)
    hub.clock.set("2026-03-02T09:50:00")
    assert await Node(hub).tick() == [NAME]
    assert await another_node(hub).tick() == []
    last = feed.runs()[-1]
    assert (last.cause, last.nominal_at) == ("catch_up", "2026-03-02T09:45:00+07:00")
    hub.clock.set("2026-03-02T10:00:00")
    assert await Node(hub).tick() == [NAME]
    assert causes(feed) == ["catch_up", "catch_up", "schedule"]


async def test_runs_of_one_connection_never_overlap(hub: Trial) -> None:
    feed = await settled(hub)
    held_by_another(hub, ttl_s=40 * 60)
    for time in ("09:15:01", "09:30:01", "09:40:00"):
        hub.clock.set(f"2026-03-02T{time}")
        assert await Node(hub).tick() == []
    await Node(hub).perform()  # a job that was handed out before the lease was seen
    assert causes(feed) == ["catch_up"]
    hub.clock.set("2026-03-02T09:42:00")
    assert await Node(hub).tick() == [NAME]
    assert causes(feed) == ["catch_up", "catch_up"], "what passed meanwhile is one run"


async def test_a_run_whose_node_died_is_taken_over_when_its_lease_ends(hub: Trial) -> None:
    feed = await settled(hub)
    hub.clock.set("2026-03-02T09:15:00")
    assert runbook.begin_wanted(hub.context, NAME, "a node that dies") is not None
    hub.clock.forward(seconds=hub.context.limits.lease_s - 1)
    assert await another_node(hub).tick() == []
    hub.clock.forward(seconds=1)
    assert await another_node(hub).tick() == [NAME]
    assert [(r.cause, r.state, r.detail) for r in feed.runs()[1:]] == [
        ("schedule", "failed", "ended without a word"),
        ("schedule", "done", None),
    ]
    assert await Node(hub).tick() == []


async def test_a_paused_connection_is_left_alone_and_caught_up_when_resumed(hub: Trial) -> None:
    feed = await settled(hub)
    wishes.pause(hub.context, NAME)
    hub.clock.set("2026-03-02T12:07:00")
    assert await Node(hub).tick() == []
    await Node(hub).perform()
    with pytest.raises(HubError, match="paused"):
        wishes.run_now(hub.context, NAME)
    wishes.resume(hub.context, NAME)
    assert await Node(hub).tick() == [NAME]
    assert await Node(hub).tick() == []
    assert causes(feed) == ["catch_up", "catch_up"]


async def test_run_now_asks_at_once_and_leaves_the_schedule_as_it_is(hub: Trial) -> None:
    feed = await settled(hub)
    hub.clock.set("2026-03-02T09:05:00")
    wishes.run_now(hub.context, NAME)
    assert await Node(hub).tick() == [NAME]
    assert await Node(hub).tick() == []
    hub.clock.set("2026-03-02T09:15:00")
    assert await Node(hub).tick() == [NAME]
    assert causes(feed) == ["catch_up", "now", "schedule"]


async def test_run_now_says_where_it_cannot(hub: Trial) -> None:
    hub.connect("desk")
    hub.connect("dong-ha", system="city_one_stop")
    for name, why in (
        ("desk", "calls the hub"),
        ("dong-ha", "calls the hub"),
        ("nobody", "no connection"),
    ):
        with pytest.raises(HubError, match=why):
            wishes.run_now(hub.context, name)
    hub.clock.forward(days=400)
    assert Node(hub).due() == [], "who has no address calls the hub"


async def test_a_run_wanted_while_one_is_under_way_comes_after_it(hub: Trial) -> None:
    feed = await settled(hub)

    def want_more(_: int) -> None:
        hub.clock.forward(seconds=1)
        wishes.run_now(hub.context, NAME)
        feed.before_page = lambda _: None

    feed.before_page = want_more
    hub.clock.set("2026-03-02T09:15:00")
    assert await Node(hub).tick() == [NAME]
    assert await Node(hub).tick() == [NAME]
    assert await Node(hub).tick() == []
    assert causes(feed) == ["catch_up", "schedule", "now"]


async def test_a_command_answers_the_due_time_it_comes_behind(hub: Trial) -> None:
    feed = await settled(hub)
    hub.clock.set("2026-03-02T09:15:30")
    await sync_connection(hub.context, NAME)
    assert await Node(hub).tick() == []
    assert causes(feed) == ["catch_up", "command"]


@pytest.mark.parametrize(
    ("jump", "runs"),
    [
        # Back a little: the times met a second time are not answered a second time.
        ("2026-03-02T09:05:00", 0),
        # Back far: the next due time by the clock as it is now, and no silence until then.
        ("2025-01-27T09:20:00", 1),
        # On: what was jumped over is one run.
        ("2027-03-02T09:20:00", 1),
    ],
)
async def test_a_wall_clock_that_jumps_fires_nothing_twice_and_silences_nobody(
    hub: Trial, jump: str, runs: int
) -> None:
    feed = await settled(hub)
    hub.clock.set("2026-03-02T09:30:00")
    await Node(hub).tick()
    before = len(feed.runs())
    hub.clock.set(jump)
    for _ in range(3):
        await Node(hub).tick()
        hub.clock.forward(seconds=20)
    assert len(feed.runs()) == before + runs
    hub.clock.set(f"{jump[:10]}T09:45:00")
    assert await Node(hub).tick() == [NAME]
    assert await Node(hub).tick() == []
    assert feed.runs()[-1].nominal_at == f"{jump[:10]}T09:45:00+07:00"


async def test_a_lease_written_by_a_clock_far_ahead_silences_nobody(hub: Trial) -> None:
    feed = await settled(hub)
    hub.clock.set("2027-03-02T09:30:00")
    held_by_another(hub)
    hub.clock.set("2026-03-02T09:15:00")
    assert await Node(hub).tick() == [NAME]
    assert causes(feed) == ["catch_up", "schedule"]


async def test_a_schedule_of_its_own_counts_from_now_on(hub: Trial) -> None:
    feed = await settled(hub)
    wishes.reschedule(hub.context, NAME, "0 6 * * *")
    hub.clock.set("2026-03-02T23:59:00")
    assert await Node(hub).tick() == []
    hub.clock.set("2026-03-03T06:00:00")
    assert await Node(hub).tick() == [NAME]
    wishes.reschedule(hub.context, NAME, None)
    hub.clock.set("2026-03-03T06:15:00")
    assert await Node(hub).tick() == [NAME]
    assert causes(feed) == ["catch_up", "schedule", "schedule"]
    with pytest.raises(HubError, match="is no schedule"):
        wishes.reschedule(hub.context, NAME, "mỗi ngày")
    assert plan_of(hub).schedule is None


async def test_how_it_stands_is_told(hub: Trial) -> None:
    await settled(hub)
    hub.connect("desk")
    with hub.store.read() as tx:
        told = wishes.standings(hub.context, tx)
    assert told["desk"].schedule is None
    assert told["desk"].next_at is None
    standing = told[NAME]
    assert (standing.schedule, standing.breaker, standing.failures) == ("*/15 * * * *", "closed", 0)
    assert standing.next_at is not None
    assert standing.next_at.isoformat() == "2026-03-02T09:15:00+07:00"


async def test_a_changed_connection_is_asked_at_once(hub: Trial) -> None:
    feed = await settled(hub)
    alter(hub.context, NAME, "http://elsewhere.test", [], [])
    assert await Node(hub).tick() == [NAME]
    assert causes(feed) == ["catch_up", "now"]


# ---------------------------------------------------------------------- budgets and stopping


def add(feed: Feed, count: int) -> None:
    for number in range(count):
        feed.add(f"A-{number}", ago_s=3_600 - number)


async def test_a_run_that_used_up_its_pages_goes_on_behind_those_who_wait(hub: Trial) -> None:
    feed = await settled(hub)
    add(feed, 10)
    other = Feed.__new__(Feed)
    other.__dict__.update(feed.__dict__, rows=[], asked=[], log=[])
    beside(hub, "other", lambda _: other)
    limited(hub, pages_per_run=2)
    hub.clock.set("2026-03-02T09:15:00")
    served = []
    for _ in range(4):
        first = Node(hub).due()[0]
        served.append(first)
        await Node(hub).perform(first)
        hub.clock.forward(seconds=1)
    assert sorted(served[:2]) == [NAME, "other"], "nobody waits for the whole of another"
    assert served[2:] == [NAME, NAME]
    assert await Node(hub).tick() == []
    mine = [r for r in feed.runs() if r.connection_id == NAME][1:]
    assert [(r.cause, r.state, r.pages) for r in mine] == [
        ("schedule", "done", 2),
        ("schedule", "done", 2),
        ("schedule", "done", 1),
    ]
    assert feed.watermark() is not None


async def test_a_run_whose_time_is_over_goes_on_too(hub: Trial) -> None:
    feed = await settled(hub)
    add(feed, 4)
    limited(hub, run_s=0.5)
    pages = feed.pages

    async def slow(ask: object) -> object:
        async for page in pages(ask):  # type: ignore[arg-type]
            yield page
            await asyncio.sleep(60)

    feed.pages = slow  # type: ignore[method-assign, assignment]
    hub.clock.set("2026-03-02T09:15:00")
    assert await Node(hub).tick() == [NAME]
    [row] = feed.runs()[1:]
    assert (row.state, row.reason, row.pages) == ("done", None, 1)
    feed.pages = pages  # type: ignore[method-assign]
    assert await Node(hub).tick() == [NAME]
    assert feed.codes() == ["A-0", "A-1", "A-2", "A-3"]


async def test_a_stop_ends_a_run_between_pages_and_the_next_goes_on_there(hub: Trial) -> None:
    feed = await settled(hub)
    add(feed, 6)
    node = Node(hub)
    feed.before_page = lambda number: node.stopping.now() if number == 1 else None
    hub.clock.set("2026-03-02T09:15:00")
    await node.tick()
    [row] = feed.runs()[1:]
    assert (row.state, row.reason, row.pages) == ("failed", None, 2)
    assert plan_of(hub).failures == 0
    feed.before_page = lambda _: None
    assert await another_node(hub).tick() == [NAME], "it is due still, and its lease is free"
    assert feed.asked[-1].cursor == "4"
    assert feed.codes() == [f"A-{n}" for n in range(6)]
    assert await Node(hub).tick() == []


async def test_a_manifest_whose_schedule_cannot_be_read_stops_nobody_else(hub: Trial) -> None:
    from msgspec import structs

    await settled(hub)
    beside(hub, "other", lambda _: None)  # type: ignore[arg-type, return-value]
    systems = dict(hub.context.systems)
    manifest = structs.replace(systems["other"].manifest, schedule="mỗi ngày")
    systems["other"] = structs.replace(systems["other"], manifest=manifest)
    hub.context.systems = systems
    hub.clock.set("2026-03-02T09:15:00")
    assert Node(hub).due() == [NAME]


async def test_every_run_row_says_why_it_was_begun(hub: Trial) -> None:
    await settled(hub)
    hub.store.in_write(
        lambda tx: connections.start_run(tx, NAME, "2026-03-02T09:00:00+07:00", "reconcile")
    )
    with hub.store.read() as tx:
        told = list(tx.execute(table(Run).select().order_by(table(Run).c.id)))
    assert [row.cause for row in told] == ["catch_up", "reconcile"]
