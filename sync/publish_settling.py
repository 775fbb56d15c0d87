"""What came of an attempt at telling figures: written of the revision and of its receiver."""

import logging
import random
from datetime import datetime, timedelta

from msgspec import Struct
from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.errors import HubError, NotAllowed, Refused
from canonical.reasons import Reason
from store import alarms, publications, receivers
from store.publications import PublicationRow
from store.receivers import ReceiverRow
from sync import deliver_fate, retry
from sync.context import Context
from sync.deliver_fate import Dead
from sync.deliver_parking import alarm_key
from sync.deliver_picking import breaker_of
from sync.leases import Lease
from sync.retry import Breaker

logger = logging.getLogger(__name__)


class Turn(Struct, frozen=True):
    """One revision about to be sent.

    Attributes:
        since: Since when it counts as tried.
        is_probe: Whether it finds out if the receiver is back.
    """

    row: PublicationRow
    since: datetime
    is_probe: bool

    @property
    def attempt(self) -> int:
        """Which attempt this is, 1 for the first."""
        return self.row.attempts + 1


def is_refused_itself(failure: HubError) -> bool:
    """Whether the receiver looked at the document and said no; any other refusal is the hub's."""
    return (
        isinstance(failure, Refused)
        and not isinstance(failure, NotAllowed)
        and failure.reason is Reason.SOURCE_ERROR
    )


def settle(context: Context, lease: Lease, turn: Turn, failure: HubError | None) -> None:
    """Write what came of an attempt, of the revision and of its receiver."""
    is_dead = False

    def work(tx: Tx) -> None:
        nonlocal is_dead
        is_dead = False
        lease.assert_in(tx)
        now = context.now()
        held = receivers.load_receiver(tx, turn.row.receiver_id, is_locked=True)
        if held is None:
            return
        if failure is None:
            _taken(tx, turn, held, clock.to_iso(now))
        else:
            is_dead = _failed(context, tx, turn, held, failure, now)

    context.store.in_write(work)
    extra = {"receiver": turn.row.receiver_id, "publication": turn.row.id}
    if is_dead:
        logger.warning("A publication is given up", extra={"event": "publish.dead", **extra})
    elif failure is not None and _asks_a_person(failure):
        _say_refused(turn.row.receiver_id, failure)


def _say_refused(receiver_id: str, failure: HubError) -> None:
    logger.warning(
        "Figures cannot be told; a person must look",
        extra={
            "event": "publish.refused",
            "receiver": receiver_id,
            "reason": failure.reason.value,
            "detail": failure.detail,
        },
    )


def _taken(tx: Tx, turn: Turn, held: ReceiverRow, at: str) -> None:
    publications.save_try(
        tx,
        turn.row.id,
        attempts=turn.attempt,
        first_at=clock.to_iso(turn.since),
        due_at=at,
        state="delivered",
        delivered_at=at,
    )
    if breaker_of(held) != Breaker():
        save_fares(tx, held, retry.after_success(), held.waits_for)
        alarms.end_alarm(tx, "breaker", alarm_key(held.id), at)


def _asks_a_person(failure: HubError) -> bool:
    return isinstance(failure, Refused) and not is_refused_itself(failure)


def _failed(
    context: Context, tx: Tx, turn: Turn, held: ReceiverRow, failure: HubError, now: datetime
) -> bool:
    """Write a failed attempt; whether the revision is given up."""
    limits, draw, at = context.limits, _draw(), clock.to_iso(now)
    is_dead, due_at = False, at
    if _asks_a_person(failure):
        _waits(tx, held, retry.Breaker(), failure, at)
    else:
        tried_s = (now - turn.since).total_seconds()
        fate = deliver_fate.fate(failure, turn.attempt, tried_s, limits, draw)
        is_dead = isinstance(fate, Dead)
        if not isinstance(fate, Dead):
            due_at = clock.to_iso(now + timedelta(seconds=fate.seconds))
        _fare(context, tx, held, failure, now, draw)
    publications.save_try(
        tx,
        turn.row.id,
        attempts=turn.attempt,
        first_at=clock.to_iso(turn.since),
        due_at=due_at,
        state="dead" if is_dead else "waiting",
        reason=failure.reason.value,
        detail=failure.detail or None,
    )
    if is_dead:
        told = f"{publications.count_dead(tx, held.id)} publications are dead"
        alarms.raise_alarm(tx, "dead_delivery", alarm_key(held.id), told, at)
    return is_dead


def _fare(
    context: Context,
    tx: Tx,
    held: ReceiverRow,
    failure: HubError,
    now: datetime,
    draw: float,
) -> None:
    """How the receiver fares after a failure.

    A document that alone breaks it holds nobody back: it is due later than the others, so that the
    next probe is one of those.
    """
    before = breaker_of(held)
    if is_refused_itself(failure):
        after = retry.after_success()  # it answered
    else:
        after = deliver_fate.after_whole(before, failure, now, context.limits, draw)
    if after == before:
        return
    save_fares(tx, held, after, held.waits_for)
    if after.state == "open" and before.state == "closed":
        told = f"{failure.reason}: {failure.detail}"
        alarms.raise_alarm(tx, "breaker", alarm_key(held.id), told, clock.to_iso(now))


def _draw() -> float:
    return random.random()  # noqa: S311 - a pause, not a secret


def ask_a_person(context: Context, lease: Lease, receiver_id: str, error: HubError) -> None:
    """Leave a receiver alone until a person has looked; the alarm says why."""

    def work(tx: Tx) -> None:
        lease.assert_in(tx)
        held = receivers.load_receiver(tx, receiver_id, is_locked=True)
        if held is not None:
            _waits(tx, held, breaker_of(held), error, clock.to_iso(context.now()))

    context.store.in_write(work)
    _say_refused(receiver_id, error)


def _waits(tx: Tx, held: ReceiverRow, fares: Breaker, error: HubError, at: str) -> None:
    told = f"{error.reason}: {error.detail}"
    alarms.raise_alarm(tx, "credentials", alarm_key(held.id), told, at)
    save_fares(tx, held, fares, error.reason.value)


def save_fares(tx: Tx, held: ReceiverRow, fares: Breaker, waits_for: str | None) -> None:
    """Write how a receiver fares."""
    receivers.save_health(
        tx,
        held.id,
        failures=fares.failures,
        breaker=fares.state,
        retry_at=clock.to_iso(fares.retry_at) if fares.retry_at is not None else None,
        waits_for=waits_for,
    )
