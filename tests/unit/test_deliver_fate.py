"""What becomes of a delivery and of its receiver after a failure, by the pure function."""

from datetime import UTC, datetime, timedelta

import pytest

from canonical.errors import Busy, Garbled, HubError, NotAllowed, Refused, TryAgain, Unreachable
from canonical.events import event_id
from canonical.reasons import Reason
from sync import deliver_fate
from sync.context import Limits
from sync.deliver_fate import Dead, Later
from sync.retry import Breaker

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
LIMITS = Limits(retry_base_s=30, retry_cap_s=3_600, breaker_failures=3, give_up_s=1_000)
TROUBLE = TryAgain(Reason.HTTP_5XX)
LOST = Unreachable(Reason.NET_RESET)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("first_at", "due_at", "since"),
    [
        (None, ago(50), NOW),
        (ago(600), NOW, ago(600)),
        (ago(600), ago(100), ago(500)),  # for 100 s it was due and nobody tried
        (ago(600), ago(900), NOW),
        (ago(600), NOW + timedelta(seconds=9), ago(600)),  # a probe does not wait
    ],
)
def test_time_counts_while_a_delivery_waits_for_its_own_turn(
    first_at: datetime | None, due_at: datetime, since: datetime
) -> None:
    assert deliver_fate.tried_since(first_at, due_at, NOW) == since


@pytest.mark.parametrize(
    ("error", "tried_s", "fate"),
    [
        (TROUBLE, 0, Later(15)),
        (TROUBLE, 999, Later(15)),
        (TROUBLE, 1_000, Dead()),
        (LOST, 1_000, Dead()),
        (Busy(Reason.RATE_LIMITED, retry_after_s=120), 0, Later(120)),
        (Busy(Reason.RATE_LIMITED, retry_after_s=1e9), 0, Later(3_600)),
        (Garbled(Reason.BODY_MALFORMED), 0, Later(15)),
        (HubError(Reason.MAPPING_ERROR), 0, Later(15)),
        (Refused(Reason.HTTP_4XX), 0, Dead()),
        (NotAllowed(Reason.AUTH_DENIED), 0, Dead()),
    ],
)
def test_a_refusal_is_dead_at_once_and_anything_else_is_tried_for_its_time(
    error: HubError, tried_s: float, fate: Later | Dead
) -> None:
    assert deliver_fate.fate(error, 1, tried_s, LIMITS, 0.5) == fate


def test_a_call_is_laid_to_its_events_only_where_all_of_them_failed_often() -> None:
    assert deliver_fate.is_own(LOST, [4], Breaker())
    assert not deliver_fate.is_own(LOST, [4, 1], Breaker())
    assert not deliver_fate.is_own(LOST, [3], Breaker())
    assert not deliver_fate.is_own(LOST, [], Breaker())
    assert not deliver_fate.is_own(LOST, [9], Breaker("half_open", 5, NOW))
    assert not deliver_fate.is_own(Busy(Reason.RATE_LIMITED), [9], Breaker())
    assert not deliver_fate.is_own(NotAllowed(Reason.AUTH_DENIED), [9], Breaker())


def test_events_that_fail_one_after_another_open_the_breaker_and_no_pause_before() -> None:
    breaker = Breaker()
    for failures in (1, 2):
        breaker = deliver_fate.after_own(breaker, TROUBLE, NOW, LIMITS, 0.5)
        assert breaker == Breaker("closed", failures, None)
    breaker = deliver_fate.after_own(breaker, TROUBLE, NOW, LIMITS, 0.5)
    assert breaker == Breaker("open", 3, NOW + timedelta(seconds=15))
    breaker = deliver_fate.after_own(breaker, TROUBLE, NOW, LIMITS, 0.5)
    assert breaker == Breaker("open", 4, NOW + timedelta(seconds=30))


def test_a_call_that_fails_as_a_whole_makes_the_receiver_wait_at_once() -> None:
    first = deliver_fate.after_whole(Breaker(), LOST, NOW, LIMITS, 0.5)
    assert first == Breaker("closed", 1, NOW + timedelta(seconds=15))
    # Another shard met the same outage: it is known already.
    assert deliver_fate.after_whole(first, LOST, NOW, LIMITS, 0.9) == first
    later = NOW + timedelta(minutes=1)
    second = deliver_fate.after_whole(first, LOST, later, LIMITS, 0.5)
    third = deliver_fate.after_whole(second, LOST, later + timedelta(minutes=1), LIMITS, 0.5)
    assert (second.state, third.state, third.failures) == ("closed", "open", 3)


def test_a_probe_that_fails_opens_the_breaker_again() -> None:
    probing = Breaker("half_open", 5, NOW + timedelta(seconds=60))
    after = deliver_fate.after_whole(probing, LOST, NOW, LIMITS, 0.5)
    assert (after.state, after.failures) == ("open", 6)
    assert after.retry_at is not None
    assert after.retry_at > NOW


def test_an_event_has_one_id_and_no_other_has_it() -> None:
    told = (7, "changed", "2026-03-02T09:00:00+07:00", "0a5f0f36-9d1b-5c6f-8d2a-5b1f2f0c9f11")
    assert event_id(*told) == event_id(*told) == "8b74628e-f4bc-5b00-a9a1-5ca0fa26d42c"
    others = [
        (8, *told[1:]),
        (told[0], "corrected", *told[2:]),
        (*told[:2], "2026-03-02T09:00:01+07:00", told[3]),
        (*told[:3], "1b5f0f36-9d1b-5c6f-8d2a-5b1f2f0c9f22"),
    ]
    assert len({event_id(*one) for one in [told, *others]}) == 5
