"""What becomes of a delivery, and of its receiver, after a failure: pure decisions.

A refusal is dead at once: the receiver looked at the event and said no, repeating will not help.
Anything else is tried again until it was itself tried over the whole give-up time; time in which it
was due and nobody tried it (the receiver, or the hub, was down) does not count.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct, structs

from canonical.errors import Busy, HubError, Refused
from sync import retry
from sync.context import Limits
from sync.retry import Breaker, RetryIn

# A call that fails as a whole concerns the receiver, unless it carried what failed so often before:
# then the event itself may be what breaks it, and the receiver is not left alone for its sake.
SUSPECT_FROM = 4


class Later(Struct, frozen=True):
    """Tried again, after so many seconds."""

    seconds: float


class Dead(Struct, frozen=True):
    """Given up, until a person replays or drops it."""


def tried_since(first_at: datetime | None, due_at: datetime, now: datetime) -> datetime:
    """Since when a delivery counts as tried, as one more attempt begins.

    Args:
        first_at: As kept since the attempt before; None before the first.
        due_at: When this attempt was due.
        now: When it begins.
    """
    if first_at is None:
        return now
    return min(now, first_at + max(now - due_at, timedelta(0)))


def fate(
    error: HubError, attempt: int, tried_s: float, limits: Limits, draw: float
) -> Later | Dead:
    """What becomes of one delivery that failed by itself.

    Args:
        error: How it failed.
        attempt: Which attempt that was, 1 for the first.
        tried_s: For how long it has been tried (`tried_since`).
        limits: Pauses and the give-up time.
        draw: A random number, 0 <= draw < 1.
    """
    if isinstance(error, Refused) or tried_s >= limits.give_up_s:
        return Dead()
    return Later(wait_s(error, attempt, limits, draw))


def wait_s(error: HubError, attempt: int, limits: Limits, draw: float) -> float:
    """The pause after a failure, in seconds; an event's id makes every one safe to repeat."""
    policy = retry.between_tries(limits)
    decided = retry.decide(error, attempt, policy, draw)
    if isinstance(decided, RetryIn):
        return decided.seconds
    return retry.jitter_s(attempt, policy, draw)


def is_own(error: HubError, attempts: Sequence[int], breaker: Breaker) -> bool:
    """Whether a call that failed as a whole is laid to the events it carried.

    Args:
        error: How it failed.
        attempts: Of the events it carried, this one included.
        breaker: How the receiver fares.
    """
    if isinstance(error, Refused | Busy) or breaker.state != "closed":
        return False
    return min(attempts, default=0) >= SUSPECT_FROM


def after_own(
    breaker: Breaker, error: HubError, now: datetime, limits: Limits, draw: float
) -> Breaker:
    """The receiver after an event failed by itself that had not failed before.

    Those of different dossiers one after another, none taken in between, are the receiver's doing.
    """
    failures = breaker.failures + 1
    if breaker.state == "closed" and failures < limits.breaker_failures:
        return structs.replace(breaker, failures=failures)
    pause_s = wait_s(error, max(1, failures - limits.breaker_failures + 1), limits, draw)
    return retry.after_failure(breaker, now, pause_s, limits.breaker_failures)


def after_whole(
    breaker: Breaker, error: HubError, now: datetime, limits: Limits, draw: float
) -> Breaker:
    """The receiver after a call failed as a whole; what another shard has said already stands."""
    is_said = breaker.retry_at is not None and breaker.retry_at > now
    if is_said and breaker.state != "half_open":
        return breaker
    pause_s = wait_s(error, breaker.failures + 1, limits, draw)
    return retry.after_failure(breaker, now, pause_s, limits.breaker_failures)
