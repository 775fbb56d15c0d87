"""Whether to ask again, and when: the only place that decides to repeat a call.

`decide` and the breaker are pure: error, attempt, policy, the random draw and the present moment
are handed in. Waits have full jitter (uniform from nothing to a bound that doubles), so that what
failed together does not come back together. `repeated` is the one place that waits and repeats
inside a step, for seconds; hours of waiting are due times in the tables.
"""

import asyncio
import math
import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeVar

import tenacity
from msgspec import Struct, structs

from canonical.errors import Busy, HubError, NotAllowed, OutcomeUnknown, TryAgain
from sync.context import Limits
from sync.jobs import Stopping

STEP_S = 30.0
_MOST_DOUBLINGS = 60
T = TypeVar("T")


class RetryPolicy(Struct, frozen=True):
    """How patient the hub is with one counterpart.

    Attributes:
        attempts: Calls in all, the first one included; None where something else (the age of a
            delivery) decides.
        first_wait_s: Bound of the pause before the second attempt, in seconds; doubles each time.
        longest_wait_s: Ceiling of any pause the hub chooses itself, in seconds.
        longest_asked_s: Ceiling of a pause the counterpart asks for, in seconds.
    """

    attempts: int | None
    first_wait_s: float
    longest_wait_s: float
    longest_asked_s: float


def in_step(limits: Limits) -> RetryPolicy:
    """Between the calls of one step."""
    return RetryPolicy(
        limits.call_attempts, limits.first_wait_s, limits.longest_wait_s, limits.retry_cap_s
    )


def between_tries(limits: Limits) -> RetryPolicy:
    """Between failed runs, deliveries and look-ups; who asks decides when to give up."""
    return RetryPolicy(None, limits.retry_base_s, limits.retry_cap_s, limits.retry_cap_s)


class RetryIn(Struct, frozen=True):
    """Nothing happened: the same call again, after so many seconds."""

    seconds: float


class LookUpReceipt(Struct, frozen=True):
    """Something may have happened: look it up before anything is sent again."""


class GiveUp(Struct, frozen=True):
    """The same call would end the same way, or was made often enough."""


class AskAPerson(Struct, frozen=True):
    """The counterpart does not let the hub in: nothing changes until a person settles it."""


Decision = RetryIn | LookUpReceipt | GiveUp | AskAPerson


def decide(error: HubError, attempt: int, policy: RetryPolicy, draw: float) -> Decision:
    """What to do after a call failed.

    Args:
        error: How it failed.
        attempt: Which attempt that was, 1 for the first.
        policy: How patient to be.
        draw: A random number, 0 <= draw < 1.
    """
    match error:
        case OutcomeUnknown():
            return LookUpReceipt()
        case NotAllowed():
            return AskAPerson()
        case TryAgain() if policy.attempts is not None and attempt >= policy.attempts:
            return GiveUp()
        case Busy(retry_after_s=float() | int() as asked):
            return RetryIn(max(_bearable_s(asked, policy), jitter_s(attempt, policy, draw)))
        case TryAgain():
            return RetryIn(jitter_s(attempt, policy, draw))
        case _:
            return GiveUp()


def jitter_s(attempt: int, policy: RetryPolicy, draw: float) -> float:
    """Full jitter: a part `draw` of the bound, which doubles with each attempt up to its cap."""
    doubled = policy.first_wait_s * 2.0 ** min(max(attempt, 1) - 1, _MOST_DOUBLINGS)
    return draw * min(policy.longest_wait_s, doubled)


def _bearable_s(asked: float, policy: RetryPolicy) -> float:
    """What a counterpart asked for, within what is sane; nonsense asks for nothing."""
    if math.isnan(asked):
        return 0.0
    return min(max(asked, 0.0), policy.longest_asked_s)


class Breaker(Struct, frozen=True):
    """What is remembered of a counterpart that failed; begins closed.

    Attributes:
        state: closed (asked as usual) | open (not asked before `retry_at`) | half_open (one probe
            is under way; `retry_at` is when it counts as lost).
        failures: One after another.
        retry_at: Not to be asked before.
    """

    state: str = "closed"
    failures: int = 0
    retry_at: datetime | None = None


def may_ask(breaker: Breaker, now: datetime, longest_s: float) -> bool:
    """Whether the counterpart may be asked now; where it is not closed, by one probe alone.

    Whoever asks a breaker that is not closed commits `probing` first, with a condition that makes
    the second of two nodes fail.

    Args:
        breaker: As stored.
        now: The present moment.
        longest_s: Longest wait there is: a moment further ahead stems from a clock that was wrong.
    """
    if breaker.retry_at is None:
        return True
    return now >= breaker.retry_at or breaker.retry_at > now + timedelta(seconds=longest_s)


def probing(breaker: Breaker, now: datetime, lost_after_s: float) -> Breaker:
    """The breaker while it is asked: half open where it was not closed, so that one alone asks."""
    if breaker.state == "closed":
        return breaker
    return structs.replace(
        breaker, state="half_open", retry_at=now + timedelta(seconds=lost_after_s)
    )


def after_failure(breaker: Breaker, now: datetime, wait_s: float, opens_at: int) -> Breaker:
    """The breaker after a failure; a failed probe opens it again at once.

    Args:
        breaker: Before it.
        now: The present moment.
        wait_s: Not to be asked for so long.
        opens_at: Failures one after another that open it.
    """
    failures = breaker.failures + 1
    is_open = breaker.state != "closed" or failures >= opens_at
    return Breaker("open" if is_open else "closed", failures, now + timedelta(seconds=wait_s))


def after_success() -> Breaker:
    """The breaker once the counterpart has answered: as if nothing had been."""
    return Breaker()


async def repeated(
    call: Callable[[], Awaitable[T]],
    policy: RetryPolicy,
    stopping: Stopping | None = None,
    draw: Callable[[], float] = random.random,
) -> T:
    """What `call` gives, repeated inside one step as `decide` says and for 30 s at the most.

    A pause that does not fit is not cut short: the step ends, and a due time takes it up.

    Args:
        call: Asks once; whatever it did before it failed with TryAgain it can do again.
        policy: How patient to be.
        stopping: No more repeats once the process is asked to end.
        draw: Gives random numbers, 0 <= n < 1.

    Raises:
        HubError: the last failure as it was.
    """
    failure: BaseException | None = None
    decision: Decision = GiveUp()

    def is_repeated(state: tenacity.RetryCallState) -> bool:
        nonlocal failure, decision
        failure = state.outcome.exception() if state.outcome is not None else None
        if not isinstance(failure, TryAgain) or stopping:
            return False
        decision = decide(failure, state.attempt_number, policy, draw())
        return isinstance(decision, RetryIn)

    def wait(_: tenacity.RetryCallState) -> float:
        return decision.seconds if isinstance(decision, RetryIn) else 0.0

    def is_over(state: tenacity.RetryCallState) -> bool:
        return (state.seconds_since_start or 0.0) + state.upcoming_sleep > STEP_S

    async def pause(seconds: float) -> None:
        if stopping is None:
            await asyncio.sleep(seconds)
        elif await stopping.wait(seconds) and failure is not None:
            raise failure

    async def attempt() -> T:  # tenacity awaits only what is plainly a coroutine function
        return await call()

    return await tenacity.AsyncRetrying(
        retry=is_repeated, wait=wait, stop=is_over, sleep=pause, reraise=True
    )(attempt)
