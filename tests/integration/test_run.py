"""A run of a connection on both stores: leases, guards, failures (long because all are one run)."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from canonical.errors import Garbled, HubError, LeaseLost, NotAllowed, Refused, Unreachable
from canonical.reasons import Reason
from store import connections
from store.tables import Lease, Receipt, table
from sync.run import Window, sync_connection
from tests.feed import NAME, Feed, Line, page
from tests.trial import Trial


def rows_of(hub: Trial, model: Any) -> list[Any]:
    with hub.store.read() as tx:
        return list(tx.execute(table(model).select()))


def is_free(hub: Trial) -> bool:
    """Whether another run may begin at once."""
    taken = hub.store.in_write(
        lambda tx: connections.take_lease(tx, f"run:{NAME}", "trial", hub.clock(), 0.0)
    )
    return taken is not None


def fill(feed: Feed, count: int) -> None:
    for number in range(count):
        feed.add(f"A-{number}", ago_s=3_600 - number)


async def test_a_run_says_what_it_did_and_leaves_its_row(hub: Trial) -> None:
    feed = Feed(hub)
    fill(feed, 5)
    summary = await feed.run()
    assert summary.error is None
    assert (summary.pages, summary.records, summary.applied) == (3, 5, 5)
    [row] = feed.runs()
    assert (row.state, row.reason, row.pages, row.records) == ("done", None, 3, 5)
    assert row.ended_at is not None
    assert is_free(hub)
    assert feed.log == ["page 0", "page 1", "page 2", "close"]


async def test_nothing_new_writes_a_receipt_per_page_and_no_row_per_record(hub: Trial) -> None:
    feed = Feed(hub, page_size=10)
    fill(feed, 5)
    await feed.run()
    before, receipts, seq = feed.codes(), len(rows_of(hub, Receipt)), await hub.seq()
    again = await feed.run()
    assert (again.records, again.duplicate) == (5, 5)
    assert feed.codes() == before
    assert len(rows_of(hub, Receipt)) == receipts + 1
    assert await hub.seq() == seq


async def test_while_another_holds_the_lease_nothing_is_asked_and_nothing_written(
    hub: Trial,
) -> None:
    feed = Feed(hub)
    fill(feed, 2)
    hub.store.in_write(
        lambda tx: connections.take_lease(tx, f"run:{NAME}", "another", hub.clock(), 60)
    )
    with pytest.raises(HubError) as failure:
        await feed.run()
    assert failure.value.reason is Reason.CONFLICT
    assert (feed.log, feed.runs(), feed.point(), feed.codes()) == ([], [], {}, [])
    hub.clock.forward(seconds=61)  # the other fell silent
    assert (await feed.run()).error is None


async def test_a_lease_taken_over_midway_keeps_nothing_more(hub: Trial) -> None:
    feed = Feed(hub)
    fill(feed, 6)

    def take_over(number: int) -> None:
        if number == 1:
            hub.clock.forward(seconds=hub.context.limits.lease_s + 1)
            taken = hub.store.in_write(
                lambda tx: connections.take_lease(tx, f"run:{NAME}", "another", hub.clock(), 60)
            )
            assert taken is not None

    feed.before_page = take_over
    with pytest.raises(LeaseLost):
        await feed.run()
    assert feed.codes() == ["A-0", "A-1"], "a page was kept without the lease"
    assert len(rows_of(hub, Receipt)) == 1
    assert feed.point()["cursor"] == "2"
    [row] = feed.runs()
    assert (row.state, row.reason) == ("failed", "CONFLICT")
    [lease] = rows_of(hub, Lease)
    assert lease.holder == "another"
    assert not is_free(hub), "the lease of another was given back"


async def test_each_page_prolongs_the_lease(hub: Trial) -> None:
    feed = Feed(hub)
    fill(feed, 6)
    feed.before_page = lambda _: hub.clock.forward(seconds=hub.context.limits.lease_s - 1)
    assert (await feed.run()).error is None


async def test_a_cursor_that_comes_again_is_a_loop(hub: Trial) -> None:
    feed = Feed(hub)
    lines = [Line(f"A-{n}", hub.clock()) for n in range(3)]
    feed.pages_as_is = [
        page(hub, lines[:1], cursor="x"),
        page(hub, lines[1:2], cursor="y"),
        page(hub, lines[2:], cursor="x"),
    ]
    summary = await feed.run()
    assert summary.error is not None
    assert summary.error["reason"] == "PAGE_LOOP"
    assert feed.codes() == ["A-0", "A-1"], "the page that went in a circle is not kept"
    assert feed.watermark() is None


async def test_a_declared_total_that_does_not_arrive_is_no_success(hub: Trial) -> None:
    feed = Feed(hub)
    fill(feed, 3)
    feed.total = 4
    summary = await feed.run()
    assert summary.error is not None
    assert summary.error["reason"] == "PAGE_SHORT"
    assert summary.applied == 3, "what did arrive stays"
    assert feed.watermark() is None, "the window has not arrived"
    [row] = feed.runs()
    assert (row.state, row.reason) == ("failed", "PAGE_SHORT")
    feed.total = 3
    assert (await feed.run()).error is None
    assert feed.watermark() == max(line.at for line in feed.rows)


@pytest.mark.parametrize(
    "failure",
    [
        Unreachable(Reason.NET_RESET, "gone"),
        Garbled(Reason.BODY_TRUNCATED),
        NotAllowed(Reason.AUTH_DENIED),
        Refused(Reason.SOURCE_ERROR),
    ],
)
async def test_a_failure_midway_keeps_what_came_and_goes_on_there(
    hub: Trial, failure: HubError
) -> None:
    feed = Feed(hub)
    feed.total = -1
    fill(feed, 5)

    def fail(number: int) -> None:
        if number == 1:
            raise failure

    feed.before_page = fail
    summary = await feed.run()
    assert summary.error == {"reason": failure.reason.value, "detail": failure.detail}
    assert feed.watermark() is None
    assert feed.codes() == ["A-0", "A-1"]
    assert is_free(hub)
    feed.before_page = lambda _: None
    rest = await feed.run()
    assert (rest.error, rest.applied, rest.duplicate) == (None, 3, 0)
    assert feed.asked[1].cursor == "2"
    assert feed.watermark() == max(line.at for line in feed.rows)


async def test_a_source_without_order_begins_anew_after_a_failure(hub: Trial) -> None:
    feed = Feed(hub, ordered=False)
    fill(feed, 5)
    feed.before_page = _failing_at(1)
    assert (await feed.run()).error is not None
    assert feed.point().get("cursor") is None
    feed.before_page = lambda _: None
    rest = await feed.run()
    assert (feed.asked[1].cursor, rest.applied, rest.duplicate) == (None, 3, 2)


def _failing_at(place: int) -> Any:
    def fail(number: int) -> None:
        if number == place:
            raise Unreachable(Reason.NET_RESET, "gone")

    return fail


async def test_what_is_no_error_of_a_department_is_a_failed_run_all_the_same(hub: Trial) -> None:
    feed = Feed(hub)
    fill(feed, 2)

    def crash(_: int) -> None:
        raise KeyError("a slip in an adapter")

    feed.before_page = crash
    with pytest.raises(KeyError):
        await feed.run()
    [row] = feed.runs()
    assert row.state == "failed"
    assert row.ended_at is not None
    assert is_free(hub)


async def test_a_client_that_cannot_be_made_fails_the_run_and_gives_the_lease_back(
    hub: Trial,
) -> None:
    feed = Feed(hub)

    def refuse(_: Any) -> Any:
        raise Refused(Reason.FIELD_MISSING, "option ma_don_vi")

    systems = dict(hub.context.systems)
    hub.context.systems = {**systems, NAME: structs.replace(systems[NAME], connect=refuse)}
    summary = await feed.run()
    assert summary.error == {"reason": "FIELD_MISSING", "detail": "option ma_don_vi"}
    [row] = feed.runs()
    assert (row.state, row.reason) == ("failed", "FIELD_MISSING")
    assert is_free(hub)


async def test_a_run_that_is_stopped_is_no_run_that_is_done(hub: Trial) -> None:
    feed = Feed(hub)
    fill(feed, 4)
    asking = asyncio.Event()
    pages = feed.pages

    async def slow(ask: Any) -> Any:
        async for one in pages(ask):
            yield one
            asking.set()
            await asyncio.sleep(60)

    feed.pages = slow  # type: ignore[method-assign]
    task = asyncio.create_task(sync_connection(hub.context, NAME))
    await asyncio.wait_for(asking.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    [row] = feed.runs()
    assert row.state == "failed"
    assert is_free(hub)


async def test_a_run_whose_process_died_is_told_by_the_next(hub: Trial) -> None:
    feed = Feed(hub)
    hub.store.in_write(lambda tx: connections.start_run(tx, NAME, "2026-03-02T08:00:00+07:00"))
    assert (await feed.run()).error is None
    assert [(r.state, r.detail) for r in feed.runs()] == [
        ("failed", "ended without a word"),
        ("done", None),
    ]


async def test_the_runs_own_time_is_limited(hub: Trial) -> None:
    feed = Feed(hub)
    fill(feed, 2)

    async def silent(_: Any) -> Any:
        await asyncio.sleep(60)
        yield page(hub, [])

    feed.pages = silent  # type: ignore[method-assign]
    summary = await feed.run(run_s=0.05)
    assert summary.error is not None
    assert summary.error["reason"] == "TIMEOUT_TOTAL"


async def test_a_run_ends_after_its_pages_and_the_next_goes_on(hub: Trial) -> None:
    feed = Feed(hub)
    fill(feed, 5)
    first = await feed.run(pages_per_run=2)
    assert (first.error, first.applied) == (None, 4)
    assert feed.watermark() is None
    rest = await feed.run(pages_per_run=2)
    assert (rest.applied, rest.duplicate) == (1, 0)
    assert feed.watermark() == max(line.at for line in feed.rows)


async def test_pages_without_order_that_never_all_fit_into_a_run_are_no_success(
    hub: Trial,
) -> None:
    feed = Feed(hub, ordered=False)
    fill(feed, 5)
    summary = await feed.run(pages_per_run=2)
    assert summary.error is not None
    assert summary.error["reason"] == "PAGE_SHORT"
    assert (await feed.run(pages_per_run=3)).error is None, "the last page it may ask for is enough"


# ---------------------------------------------------------------------- the pull in two steps


async def test_a_page_is_acknowledged_after_it_is_durable(hub: Trial) -> None:
    feed = Feed(hub, ordered=False)
    feed.two_step = True
    fill(feed, 3)
    held: list[list[str]] = []
    feed.on_acknowledge = lambda _: held.append(feed.codes())
    assert (await feed.run()).error is None
    assert held == [["A-0", "A-1"], ["A-0", "A-1", "A-2"]]
    assert (await feed.run()).records == 0


async def test_a_crash_before_the_acknowledgement_costs_a_duplicate_and_nothing_else(
    hub: Trial,
) -> None:
    feed = Feed(hub, ordered=False)
    feed.two_step = True
    fill(feed, 3)

    def crash(_: str) -> None:
        raise Unreachable(Reason.NET_RESET, "between the commit and the acknowledgement")

    feed.on_acknowledge = crash
    first = await feed.run()
    assert first.error is not None
    assert (first.error["reason"], first.applied) == ("NET_RESET", 2)
    feed.on_acknowledge = lambda _: None
    rest = await feed.run()
    assert (rest.error, rest.duplicate, rest.applied) == (None, 2, 1)
    assert [entry for entry in feed.log if entry.startswith("ack")] == ["ack A-0,A-1", "ack A-2"]
    assert feed.codes() == ["A-0", "A-1", "A-2"]


# ---------------------------------------------------------------------- places that are lost


async def test_a_place_the_source_no_longer_knows_is_given_up_for_the_watermark(
    hub: Trial,
) -> None:
    feed = Feed(hub)
    fill(feed, 5)
    feed.before_page = _failing_at(1)
    await feed.run()

    def lost(_: int) -> None:
        raise Refused(Reason.CURSOR_LOST)

    feed.before_page = lost
    summary = await feed.run()
    assert summary.error is not None
    assert summary.error["reason"] == "CURSOR_LOST"
    feed.before_page = lambda _: None
    rest = await feed.run()
    assert (feed.asked[-1].cursor, rest.error, rest.applied) == (None, None, 3)


async def test_a_gap_in_a_drop_stays_a_gap_until_a_person_looks(hub: Trial) -> None:
    feed = Feed(hub, durable_cursor=True)
    fill(feed, 5)
    feed.before_page = _failing_at(1)
    await feed.run()

    def lost(_: int) -> None:
        raise Garbled(Reason.CURSOR_LOST)

    feed.before_page = lost
    for _ in range(2):
        await feed.run()
        assert feed.asked[-1].cursor == "2"
    assert feed.point()["cursor"] == "2"


async def test_a_window_asked_for_by_hand_leaves_the_checkpoint_alone(hub: Trial) -> None:
    feed = Feed(hub)
    fill(feed, 6)
    summary = await feed.run(Window(since=hub.clock() - timedelta(seconds=3_597)))
    assert (summary.error, summary.applied) == (None, 3)
    assert feed.watermark() is None, "what lies before the window would never be asked for"
    assert (await feed.run()).applied == 3
    mark = feed.watermark()
    hub.clock.forward(hours=2)
    feed.add("B-1", ago_s=5_000)
    feed.add("B-2")
    await feed.run(Window(since=hub.clock() - timedelta(seconds=60)))
    assert feed.watermark() == mark
    assert (await feed.run()).applied == 1, "what lay between watermark and window"
    feed.before_page = _failing_at(1)
    feed.page_size = 1
    hub.clock.forward(hours=2)
    feed.add("C-1", ago_s=60)
    feed.add("C-2")
    await feed.run(Window(since=hub.clock() - timedelta(seconds=120)))
    assert feed.point().get("cursor") is None


async def test_a_full_run_asks_for_everything_and_moves_the_watermark(hub: Trial) -> None:
    feed = Feed(hub)
    fill(feed, 4)
    await feed.run()
    hub.clock.forward(hours=1)
    feed.add("B-1")
    summary = await feed.run(Window(is_full=True))
    assert (summary.applied, summary.duplicate) == (1, 4)
    assert feed.asked[-1].since is None
    assert feed.watermark() == hub.clock()
