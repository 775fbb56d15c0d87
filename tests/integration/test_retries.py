"""Departments that fail, on both stores: repeats in a step, between runs, breakers, credentials."""

from collections.abc import Callable
from typing import Any

import pytest

from canonical.errors import (
    Busy,
    Garbled,
    HubError,
    NotAllowed,
    Refused,
    TryAgain,
    Unreachable,
)
from canonical.reasons import Reason
from hub.commands.connections import alter
from sync import wishes
from sync.run import sync_connection
from tests.asked import (
    Node,
    alarmed,
    another_node,
    beside,
    causes,
    limited,
    plan_of,
    settled,
)
from tests.feed import NAME, Feed
from tests.trial import Trial

pytestmark = pytest.mark.unproved  # what is asked when: the records are those of other tests


def failing(*errors: HubError | None) -> Callable[[int], None]:
    """Fails the pages asked for so, one after another; None lets one through."""
    left = list(errors)

    def fail(_: int) -> None:
        if left and (error := left.pop(0)) is not None:
            raise error

    return fail


def always(error: HubError) -> Callable[[int], None]:
    def fail(_: int) -> None:
        raise error

    return fail


DOWN = Unreachable(Reason.NET_REFUSED, "nobody there")


def fill(feed: Feed, count: int) -> None:
    for number in range(count):
        feed.add(f"A-{number}", ago_s=3_600 - number)


# ---------------------------------------------------------------------- inside a step


async def test_a_page_that_does_not_come_is_asked_for_again_from_behind_the_last(
    hub: Trial,
) -> None:
    feed = Feed(hub)
    fill(feed, 6)
    feed.total = -1
    limited(hub, call_attempts=3)
    feed.before_page = failing(None, None, DOWN, TryAgain(Reason.HTTP_5XX), None)
    summary = await sync_connection(hub.context, NAME)
    assert (summary.error, summary.records, summary.total) == (None, 6, 6)
    assert [ask.cursor for ask in feed.asked] == [None, "4", "4"]
    assert feed.codes() == [f"A-{n}" for n in range(6)], "no page was asked for twice in vain"


async def test_a_step_gives_up_after_its_attempts_and_a_page_that_came_counts_anew(
    hub: Trial,
) -> None:
    feed = Feed(hub)
    fill(feed, 6)
    limited(hub, call_attempts=2)
    feed.before_page = failing(DOWN, None, DOWN, None, DOWN, DOWN)
    summary = await sync_connection(hub.context, NAME)
    assert summary.error is not None
    assert summary.error["reason"] == "NET_REFUSED"
    assert summary.pages == 2
    assert feed.point()["cursor"] == "4", "what came is kept"


async def test_pages_without_order_begin_anew_and_not_more_often_than_a_call(hub: Trial) -> None:
    feed = Feed(hub, ordered=False)
    fill(feed, 6)
    feed.total = -1
    limited(hub, call_attempts=3)
    feed.before_page = failing(None, DOWN, None, None, DOWN, None, None, None)
    summary = await sync_connection(hub.context, NAME)
    assert (summary.error, summary.applied, summary.duplicate) == (None, 6, 6)
    assert [ask.cursor for ask in feed.asked] == [None, None, None]
    feed.before_page = failing(None, DOWN, None, DOWN, None, DOWN)
    again = await sync_connection(hub.context, NAME)
    assert again.error is not None
    assert again.error["reason"] == "NET_REFUSED"
    assert len(feed.asked) == 6


async def test_an_acknowledgement_is_repeated_and_its_page_not_asked_for_again(
    hub: Trial,
) -> None:
    feed = Feed(hub, ordered=False)
    feed.two_step = True
    fill(feed, 3)
    limited(hub, call_attempts=2)
    fail = failing(DOWN)
    feed.on_acknowledge = lambda _: fail(0)
    summary = await sync_connection(hub.context, NAME)
    assert (summary.error, summary.applied, summary.duplicate) == (None, 3, 0)
    assert [entry for entry in feed.log if entry.startswith("ack")] == ["ack A-0,A-1", "ack A-2"]


@pytest.mark.parametrize(
    "error",
    [
        NotAllowed(Reason.AUTH_DENIED),
        Garbled(Reason.CTYPE_UNEXPECTED),
        Refused(Reason.SOURCE_ERROR),
        Busy(Reason.RATE_LIMITED, retry_after_s=3_000),
    ],
)
async def test_what_a_repeat_cannot_help_is_asked_once_in_a_step(
    hub: Trial, error: HubError
) -> None:
    feed = Feed(hub)
    limited(hub, call_attempts=5)
    feed.before_page = always(error)
    assert (await sync_connection(hub.context, NAME)).error is not None
    assert len(feed.asked) == 1


# ---------------------------------------------------------------------- between runs


async def down_until_open(hub: Trial) -> Feed:
    """A source that failed so often that its breaker opened."""
    feed = await settled(hub)
    limited(hub, breaker_failures=3)
    feed.before_page = always(DOWN)
    hub.clock.set("2026-03-02T09:15:00")
    for _ in range(3):
        assert await Node(hub).tick() == [NAME]
        until_due(hub)
    return feed


def until_due(hub: Trial) -> None:
    """Let the time pass until a failed run may be repeated."""
    again = plan_of(hub).retry_at
    assert again is not None
    hub.clock.at = max(hub.clock.at, again)


async def test_a_failed_run_is_repeated_before_the_next_due_time(hub: Trial) -> None:
    feed = await settled(hub)
    hub.clock.set("2026-03-02T09:15:00")
    feed.before_page = failing(DOWN)
    await Node(hub).tick()
    plan = plan_of(hub)
    assert plan.retry_at is not None
    assert 0 <= (plan.retry_at - hub.clock()).total_seconds() < 30
    assert await Node(hub).tick() == ([NAME] if plan.retry_at <= hub.clock() else [])
    until_due(hub)
    await Node(hub).tick()
    assert causes(feed) == ["catch_up", "schedule", "retry"]
    assert plan_of(hub).failures == 0
    assert await Node(hub).tick() == []


async def test_an_open_breaker_lets_one_probe_through_whatever_the_schedule_says(
    hub: Trial,
) -> None:
    feed = await down_until_open(hub)
    plan = plan_of(hub)
    assert (plan.breaker, plan.failures) == ("open", 3)
    assert alarmed(hub) == [("breaker", NAME, 1)]
    one, two = Node(hub), another_node(hub)
    asked = len(feed.asked)
    assert one.due() == two.due() == [NAME]

    async def beside_the_probe() -> None:
        assert plan_of(hub).breaker == "half_open"
        assert two.due() == []
        await two.perform()

    pages = feed.pages

    async def watched(ask: Any) -> Any:
        await beside_the_probe()
        async for page in pages(ask):
            yield page

    feed.pages = watched  # type: ignore[method-assign]
    await one.perform()
    assert len(feed.asked) == asked + 1, "two probes"
    assert (plan_of(hub).breaker, plan_of(hub).failures) == ("open", 4)
    assert alarmed(hub) == [("breaker", NAME, 2)], "one alarm that is counted"


async def test_a_department_that_is_back_closes_its_breaker_and_its_alarm(hub: Trial) -> None:
    feed = await down_until_open(hub)
    feed.before_page = lambda _: None
    assert await Node(hub).tick() == [NAME]
    plan = plan_of(hub)
    assert (plan.breaker, plan.failures, plan.retry_at, plan.due_at) == ("closed", 0, None, None)
    assert alarmed(hub) == []
    hub.clock.forward(minutes=15)
    assert await Node(hub).tick() == [NAME]


async def test_no_pause_is_longer_than_its_cap_however_long_it_lasts(hub: Trial) -> None:
    feed = await down_until_open(hub)
    limited(hub, retry_cap_s=600.0)
    for _ in range(12):
        hub.clock.forward(seconds=600)
        assert await Node(hub).tick() == [NAME]
    assert plan_of(hub).failures == 15
    assert len(feed.runs()) == 16, "one run each, none piled up"


async def test_a_person_may_probe_at_once(hub: Trial) -> None:
    feed = await down_until_open(hub)
    await Node(hub).tick()
    wishes.run_now(hub.context, NAME)
    assert await Node(hub).tick() == [NAME]
    assert (feed.runs()[-1].cause, plan_of(hub).breaker) == ("now", "open")
    feed.before_page = lambda _: None
    wishes.run_now(hub.context, NAME)
    await Node(hub).tick()
    assert plan_of(hub).breaker == "closed"


@pytest.mark.parametrize(
    ("asked_s", "least_s", "most_s"), [(120.0, 120, 120), (1e12, 3_600, 3_600), (-9.0, 0, 30)]
)
async def test_a_pause_that_was_asked_for_is_kept_within_reason(
    hub: Trial, asked_s: float, least_s: float, most_s: float
) -> None:
    feed = await settled(hub)
    hub.clock.set("2026-03-02T09:15:00")
    feed.before_page = always(Busy(Reason.RATE_LIMITED, retry_after_s=asked_s))
    await Node(hub).tick()
    plan = plan_of(hub)
    assert plan.retry_at is not None
    assert least_s <= (plan.retry_at - hub.clock()).total_seconds() <= most_s


# ---------------------------------------------------------------------- what a person must settle


async def refused(hub: Trial) -> Feed:
    """A source that took the hub's credentials no longer."""
    feed = await settled(hub)
    hub.clock.set("2026-03-02T09:15:00")
    feed.before_page = always(NotAllowed(Reason.AUTH_DENIED))
    assert await Node(hub).tick() == [NAME]
    assert plan_of(hub).waits_for is Reason.AUTH_DENIED
    assert alarmed(hub) == [("credentials", NAME, 1)]
    return feed


async def test_refused_credentials_are_not_tried_again_until_a_person_settles_it(
    hub: Trial,
) -> None:
    feed = await refused(hub)
    for _ in range(3):
        hub.clock.forward(days=1)
        assert await Node(hub).tick() == []
    feed.before_page = lambda _: None
    wishes.resume(hub.context, NAME)
    assert await Node(hub).tick() == [NAME]
    assert await Node(hub).tick() == []
    assert plan_of(hub).waits_for is None
    assert alarmed(hub) == []


async def test_changed_secrets_are_tried_at_once_and_wait_again_where_they_are_wrong(
    hub: Trial,
) -> None:
    feed = await refused(hub)
    alter(hub.context, NAME, "http://elsewhere.test", [], [])
    assert await Node(hub).tick() == [NAME]
    assert plan_of(hub).waits_for is Reason.AUTH_DENIED
    assert alarmed(hub) == [("credentials", NAME, 2)]
    assert await Node(hub).tick() == []
    assert causes(feed) == ["catch_up", "schedule", "retry"]


async def test_run_now_is_not_swallowed_by_refused_credentials(hub: Trial) -> None:
    feed = await refused(hub)
    wishes.run_now(hub.context, NAME)
    assert await Node(hub).tick() == [NAME]
    assert feed.runs()[-1].cause == "now"


async def test_a_command_that_goes_well_settles_it_too(hub: Trial) -> None:
    feed = await refused(hub)
    feed.before_page = lambda _: None
    assert (await sync_connection(hub.context, NAME)).error is None
    assert plan_of(hub).waits_for is None
    assert alarmed(hub) == []


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Garbled(Reason.SCHEMA_DRIFT, "field x"), "schema_drift"),
        (Garbled(Reason.BODY_MALFORMED, "no JSON"), "schema_drift"),
        (Refused(Reason.CURSOR_LOST), "cursor_lost"),
    ],
)
async def test_a_department_outside_its_contract_is_an_alarm_until_it_is_inside_again(
    hub: Trial, error: HubError, kind: str
) -> None:
    feed = await settled(hub)
    hub.clock.set("2026-03-02T09:15:00")
    feed.before_page = always(error)
    await Node(hub).tick()
    assert alarmed(hub) == [(kind, NAME, 1)]
    feed.before_page = lambda _: None
    feed.add("A-1")
    until_due(hub)
    await Node(hub).tick()
    assert alarmed(hub) == []


async def test_a_fault_of_the_hubs_own_is_repeated_ever_later(hub: Trial) -> None:
    feed = await settled(hub)
    hub.clock.set("2026-03-02T09:15:00")

    def slip(_: int) -> None:
        raise KeyError("a slip in an adapter")

    feed.before_page = slip
    with pytest.raises(KeyError):
        await Node(hub).tick()
    assert plan_of(hub).failures == 1
    assert feed.runs()[-1].detail == "broke off: KeyError"


# ---------------------------------------------------------------------- the others


async def test_a_dead_department_and_a_noisy_one_change_nothing_for_the_others(
    hub: Trial,
) -> None:
    feed = await settled(hub)
    dead, noisy = (Feed.__new__(Feed) for _ in range(2))
    dead.__dict__.update(feed.__dict__, before_page=always(DOWN), asked=[], log=[])
    noisy.__dict__.update(
        feed.__dict__, before_page=always(Garbled(Reason.BODY_MALFORMED)), asked=[], log=[]
    )
    beside(hub, "dead", lambda _: dead)
    beside(hub, "noisy", lambda _: noisy)
    limited(hub, breaker_failures=2)
    for quarter in range(1, 9):
        hub.clock.set(f"2026-03-02T{9 + quarter // 4:02}:{quarter % 4 * 15:02}:00")
        await Node(hub).tick()
    mine = [row for row in feed.runs() if row.connection_id == NAME]
    assert [row.cause for row in mine] == ["catch_up", *["schedule"] * 8]
    assert all(row.state == "done" for row in mine)
    assert plan_of(hub, "dead").breaker == plan_of(hub, "noisy").breaker == "open"
    assert plan_of(hub).failures == 0
