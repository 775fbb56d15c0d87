import math
from datetime import UTC, datetime, timedelta

import pytest

from canonical.errors import (
    Busy,
    Garbled,
    HubError,
    LeaseLost,
    NotAllowed,
    NotOnFile,
    OutcomeUnknown,
    Refused,
    StoreUnavailable,
    TryAgain,
    Unreachable,
)
from canonical.reasons import Reason
from sync.jobs import Stopping
from sync.retry import (
    AskAPerson,
    Breaker,
    Decision,
    GiveUp,
    LookUpReceipt,
    RetryIn,
    RetryPolicy,
    after_failure,
    after_success,
    decide,
    jitter_s,
    may_ask,
    probing,
    repeated,
)

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
PATIENT = RetryPolicy(attempts=3, first_wait_s=2.0, longest_wait_s=30.0, longest_asked_s=600.0)
TIMELESS = RetryPolicy(attempts=None, first_wait_s=30, longest_wait_s=3600, longest_asked_s=3600)
HURRIED = RetryPolicy(attempts=4, first_wait_s=0.0, longest_wait_s=0.0, longest_asked_s=600.0)


def busy(asked: float | None) -> Busy:
    return Busy(Reason.RATE_LIMITED, retry_after_s=asked)


@pytest.mark.parametrize(
    ("error", "attempt", "decision"),
    [
        (Unreachable(Reason.NET_REFUSED), 1, RetryIn(1.0)),
        (Unreachable(Reason.TIMEOUT_TOTAL), 2, RetryIn(2.0)),
        (TryAgain(Reason.HTTP_5XX), 1, RetryIn(1.0)),
        (StoreUnavailable(Reason.STORE_UNAVAILABLE), 1, RetryIn(1.0)),
        (Unreachable(Reason.NET_REFUSED), 3, GiveUp()),
        (busy(None), 1, RetryIn(1.0)),
        (busy(20.0), 1, RetryIn(20.0)),
        (busy(20), 2, RetryIn(20)),
        # Never sooner than the hub would come by itself, and never later than is sane.
        (busy(0.0), 1, RetryIn(1.0)),
        (busy(-7.0), 1, RetryIn(1.0)),
        (busy(math.nan), 1, RetryIn(1.0)),
        (busy(1e12), 1, RetryIn(600.0)),
        (busy(math.inf), 1, RetryIn(600.0)),
        (busy(20.0), 3, GiveUp()),
        (NotAllowed(Reason.AUTH_DENIED), 1, AskAPerson()),
        (NotAllowed(Reason.AUTH_DENIED), 99, AskAPerson()),
        (OutcomeUnknown(Reason.TIMEOUT_TOTAL), 1, LookUpReceipt()),
        (OutcomeUnknown(Reason.TIMEOUT_TOTAL), 99, LookUpReceipt()),
        (Refused(Reason.HTTP_4XX), 1, GiveUp()),
        (NotOnFile(Reason.NOT_FOUND), 1, GiveUp()),
        (Garbled(Reason.BODY_MALFORMED), 1, GiveUp()),
        (LeaseLost(Reason.CONFLICT), 1, GiveUp()),
        (HubError(Reason.CONFLICT), 1, GiveUp()),
    ],
)
def test_every_error_says_by_its_consequence_what_comes_next(
    error: HubError, attempt: int, decision: Decision
) -> None:
    assert decide(error, attempt, PATIENT, draw=0.5) == decision


@pytest.mark.parametrize(
    ("attempt", "bound"), [(1, 30), (2, 60), (3, 120), (7, 1920), (8, 3600), (10_000, 3600)]
)
def test_a_pause_lies_anywhere_below_a_bound_that_doubles_up_to_its_cap(
    attempt: int, bound: float
) -> None:
    assert jitter_s(attempt, TIMELESS, 0.0) == 0.0
    assert jitter_s(attempt, TIMELESS, 0.25) == bound / 4
    assert jitter_s(attempt, TIMELESS, 0.999) < bound


def test_where_time_decides_no_number_of_attempts_is_the_last() -> None:
    assert decide(Unreachable(Reason.NET_DNS), 10_000, TIMELESS, 0.5) == RetryIn(1800.0)


def test_failures_below_the_limit_keep_a_breaker_closed_and_delay_the_next_call() -> None:
    once = after_failure(Breaker(), NOW, 10.0, opens_at=3)
    assert once == Breaker("closed", 1, NOW + timedelta(seconds=10))
    assert not may_ask(once, NOW + timedelta(seconds=9), 3600)
    assert may_ask(once, NOW + timedelta(seconds=10), 3600)


def test_the_last_failure_allowed_opens_a_breaker_and_success_forgets_all() -> None:
    breaker = Breaker()
    for _ in range(3):
        breaker = after_failure(breaker, NOW, 10.0, opens_at=3)
    assert (breaker.state, breaker.failures) == ("open", 3)
    assert after_success() == Breaker("closed", 0, None)


def test_an_open_breaker_lets_exactly_one_probe_through() -> None:
    breaker = Breaker("open", 3, NOW)
    assert may_ask(breaker, NOW, 3600)
    probed = probing(breaker, NOW, lost_after_s=60)
    assert probed.state == "half_open"
    assert not may_ask(probed, NOW + timedelta(seconds=59), 3600), "a second probe beside the first"
    assert may_ask(probed, NOW + timedelta(seconds=60), 3600), "the prober died: for ever silent"


def test_a_failed_probe_opens_the_breaker_again_at_once() -> None:
    probed = probing(Breaker("open", 3, NOW), NOW, lost_after_s=60)
    again = after_failure(probed, NOW, 20.0, opens_at=100)
    assert again == Breaker("open", 4, NOW + timedelta(seconds=20))


def test_a_closed_breaker_is_not_changed_by_asking() -> None:
    breaker = Breaker("closed", 2, NOW)
    assert probing(breaker, NOW, 60) == breaker


def test_a_clock_that_went_back_does_not_silence_anyone() -> None:
    ahead = Breaker("open", 9, NOW + timedelta(days=400))
    assert may_ask(ahead, NOW, longest_s=3600)


class Line:
    """A call that fails so often before it answers, and remembers how often it was made."""

    def __init__(self, *failures: HubError) -> None:
        self.failures = list(failures)
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return "answer"


async def test_a_call_is_repeated_until_it_answers() -> None:
    line = Line(Unreachable(Reason.NET_RESET), TryAgain(Reason.HTTP_5XX))
    assert await repeated(line, HURRIED) == "answer"
    assert line.calls == 3


async def test_a_call_may_be_anything_that_gives_something_to_wait_for() -> None:
    line = Line(Unreachable(Reason.NET_RESET))
    assert await repeated(lambda: line(), HURRIED) == "answer"


async def test_after_the_last_attempt_the_last_failure_comes_out_as_it_was() -> None:
    last = TryAgain(Reason.HTTP_5XX, "the fourth")
    line = Line(*[Unreachable(Reason.NET_RESET)] * 3, last)
    with pytest.raises(TryAgain) as failure:
        await repeated(line, HURRIED)
    assert failure.value is last
    assert line.calls == 4


@pytest.mark.parametrize(
    "error",
    [
        NotAllowed(Reason.AUTH_DENIED),
        Refused(Reason.HTTP_4XX),
        Garbled(Reason.BODY_MALFORMED),
        OutcomeUnknown(Reason.TIMEOUT_TOTAL),
    ],
)
async def test_what_repeating_cannot_help_is_asked_once(error: HubError) -> None:
    line = Line(error)
    with pytest.raises(type(error)):
        await repeated(line, HURRIED)
    assert line.calls == 1


async def test_a_bug_is_not_repeated() -> None:
    async def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await repeated(broken, HURRIED)


async def test_a_pause_longer_than_a_step_is_left_to_a_due_time() -> None:
    line = Line(busy(31.0))
    with pytest.raises(Busy):
        await repeated(line, HURRIED)
    assert line.calls == 1


async def test_whoever_is_asked_to_end_does_not_wait_to_repeat() -> None:
    stopping = Stopping()
    line = Line(busy(20.0), busy(20.0))

    async def call() -> str:
        stopping.now()
        return await line()

    with pytest.raises(Busy):
        await repeated(call, HURRIED, stopping)
    assert line.calls == 1


async def test_a_wait_to_repeat_ends_when_the_process_is_asked_to_end() -> None:
    stopping = Stopping()
    line = Line(busy(20.0), busy(20.0))

    def draw() -> float:
        stopping.now()  # after the failure was looked at, before the pause
        return 0.5

    with pytest.raises(Busy):
        await repeated(line, HURRIED, stopping, draw)
    assert line.calls == 1
