"""The watermark of a polled source: inclusive, overlapping by lateness, never far ahead of now."""

from datetime import timedelta

from tests.feed import Feed, Line
from tests.trial import Trial

OVERLAP = timedelta(seconds=300)


async def test_the_first_run_asks_for_everything_and_the_next_overlaps(hub: Trial) -> None:
    feed = Feed(hub)
    feed.add("A-1", ago_s=7_200)
    feed.add("A-2", ago_s=60)
    newest = feed.rows[-1].at
    await feed.run()
    assert feed.asked[0].since is None
    assert feed.watermark() == newest
    hub.clock.forward(minutes=10)
    await feed.run()
    assert feed.asked[1].since == newest - OVERLAP
    assert feed.watermark() == newest, "nothing new, so it stays"


async def test_the_watermark_itself_is_asked_for_again(hub: Trial) -> None:
    feed = Feed(hub, overlap_s=0)
    feed.add("A-1")
    await feed.run()
    # Of the same moment, and the source shows it a minute later.
    feed.add("A-2", late_s=60)
    hub.clock.forward(minutes=2)
    assert (await feed.run()).applied == 1


async def test_equal_moments_across_pages_lose_nothing(hub: Trial) -> None:
    feed = Feed(hub, page_size=2)
    for number in range(7):
        feed.add(f"A-{number}", ago_s=600)
    found = await feed.run(pages_per_run=2)
    found_next = await feed.run(pages_per_run=2)
    assert (found.applied, found_next.applied) == (4, 3)
    for number in range(7, 10):
        feed.add(f"A-{number}", ago_s=600)
    assert (await feed.run()).applied == 3
    assert sorted(feed.codes()) == sorted(f"A-{number}" for number in range(10))


async def test_what_comes_late_within_the_overlap_is_found(hub: Trial) -> None:
    feed = Feed(hub)
    feed.add("A-1")
    feed.add("A-2", ago_s=100, late_s=160)
    await feed.run()
    hub.clock.forward(minutes=5)
    assert (await feed.run()).applied == 1


async def test_what_comes_late_behind_a_window_that_stays_open_for_days_is_found(
    hub: Trial,
) -> None:
    feed = Feed(hub)
    for number in range(4):
        feed.add(f"A-{number}", ago_s=100 - number)
    feed.add("LATE", ago_s=150, late_s=151)
    assert (await feed.run(pages_per_run=1)).applied == 2
    begun = hub.clock()
    hub.clock.forward(days=2)
    feed.add("NEW")
    assert (await feed.run()).error is None
    assert "LATE" not in feed.codes(), "it lies behind the place where the window went on"
    assert feed.watermark() == begun
    assert (await feed.run()).applied == 1
    assert "LATE" in feed.codes()
    assert feed.watermark() == feed.rows[-1].at
    assert "window_at" not in feed.point()


async def test_the_overlap_grows_with_the_lateness_measured(hub: Trial) -> None:
    feed = Feed(hub)
    feed.add("A-1")
    await feed.run()
    feed.add("A-2", ago_s=250, late_s=310)  # near the edge of the overlap
    hub.clock.forward(minutes=5)
    assert (await feed.run()).applied == 1
    hub.clock.forward(minutes=5)
    feed.add("A-3")
    await feed.run()
    mark = feed.watermark()
    assert mark is not None
    await feed.run()
    assert feed.asked[-1].since == mark - timedelta(seconds=500)


async def test_rows_read_again_are_not_late(hub: Trial) -> None:
    """Else every run would reach back twice as far as the one before, up to a week."""
    feed = Feed(hub, page_size=100)
    for number in range(100):
        feed.add(f"A-{number}", ago_s=60.0 * number)
    for _ in range(4):
        await feed.run()
        hub.clock.forward(minutes=1)
    mark = feed.watermark()
    assert mark is not None
    assert feed.asked[-1].since == mark - OVERLAP


async def test_a_moment_in_the_future_does_not_carry_the_watermark_there(hub: Trial) -> None:
    feed = Feed(hub)
    feed.add("A-1", ago_s=60)
    feed.rows.append(ahead_of_time(feed, days=400))
    assert (await feed.run()).applied == 2
    mark = feed.watermark()
    assert mark is not None
    assert mark <= hub.clock() + timedelta(minutes=5)
    # Of a minute ago, shown only now: the whole overlap still reaches it.
    feed.add("A-3", ago_s=60, late_s=90)
    hub.clock.forward(minutes=1)
    assert (await feed.run()).applied == 1


def ahead_of_time(feed: Feed, **ahead: float) -> Line:
    now = feed.hub.clock()
    return Line("A-2", now + timedelta(**ahead), seen_at=now)


async def test_a_clock_a_little_ahead_moves_it_no_further_than_the_windows_beginning(
    hub: Trial,
) -> None:
    feed = Feed(hub)
    feed.rows.append(ahead_of_time(feed, minutes=4))
    await feed.run()
    assert feed.watermark() == hub.clock()
    # Of a minute ago, shown only now.
    feed.add("A-3", ago_s=60, late_s=90)
    hub.clock.forward(minutes=1)
    assert (await feed.run()).applied == 1


async def test_the_watermark_never_moves_back(hub: Trial) -> None:
    feed = Feed(hub)
    feed.add("A-1")
    await feed.run()
    mark = feed.watermark()
    feed.rows.clear()
    feed.add("A-2", ago_s=200)
    await feed.run()
    assert feed.watermark() == mark


async def test_an_empty_answer_moves_nothing(hub: Trial) -> None:
    feed = Feed(hub)
    summary = await feed.run()
    assert (summary.error, summary.pages, summary.records) == (None, 1, 0)
    assert feed.watermark() is None
