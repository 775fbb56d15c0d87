"""The second transaction of a delivery step: what was taken goes, what failed waits or is dead.

A dossier whose delivery fails is parked: its row stays, due later, and holds back what comes behind
it. What concerns the receiver as a whole is kept at the receiver, and no row is marked for it.
"""

import logging
import random
from datetime import datetime, timedelta

from msgspec import structs
from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.errors import HubError, Refused
from store import alarms, deliveries, receivers
from store.deliveries import Tried
from store.receivers import ReceiverRow, ShardRow
from sync import deliver_fate, retry
from sync.context import Context
from sync.deliver_fate import Dead
from sync.deliver_picking import Due, Turn, breaker_of
from sync.deliver_sending import Report
from sync.leases import Lease
from sync.retry import Breaker

logger = logging.getLogger(__name__)


def alarm_key(receiver_id: str) -> str:
    """What a receiver's alarms are kept under; a connection may have the same name."""
    return f"receiver:{receiver_id}"


def settle(context: Context, lease: Lease, turn: Turn, report: Report) -> None:
    """Write what came of a step.

    Raises:
        LeaseLost: another works on the shard now; nothing is written, and what was sent will be
            sent again under its ids.
    """
    said: list[tuple[str, str]] = []

    def work(tx: Tx) -> None:
        said.clear()
        lease.assert_in(tx)
        shard = receivers.load_shard(tx, turn.receiver.id, turn.shard, is_locked=True)
        if shard is not None:
            _Settling(context, tx, turn, shard, said).write(report)

    context.store.in_write(work)
    for event, message in said:
        logger.warning(message, extra={"event": event, "receiver": turn.receiver.id})


class _Settling:
    """One step's end, inside its transaction."""

    def __init__(
        self,
        context: Context,
        tx: Tx,
        turn: Turn,
        shard: ShardRow,
        said: list[tuple[str, str]],
    ) -> None:
        self._limits = context.limits
        self._tx = tx
        self._turn = turn
        self._shard = shard
        self._said = said
        self._now: datetime = context.now()
        self._at = clock.to_iso(self._now)
        self._key = alarm_key(turn.receiver.id)

    def write(self, report: Report) -> None:
        """Write everything."""
        own = [(due, error) for due, error in report.told if error is not None]
        own += self._turn.stuck
        whole = report.whole
        if whole is not None and self._is_own(whole, report):
            own += [(self._judged(due), whole) for due in report.unanswered]
            whole = None
        self._taken([due for due, error in report.told if error is None])
        rows = [self._failed(due, error) for due, error in own]
        if whole is not None:
            rows += [self._again(due, whole) for due in report.unanswered]
        rows += [self._unsent(due) for due in report.unsent]
        deliveries.save_tries(self._tx, rows)
        dead = sum(row.state == "dead" for row in rows)
        if dead:
            self._raise_dead(dead)
        never_sent = [(due.head.id, None) for due in report.unsent if due.head.body is None]
        deliveries.save_bodies(self._tx, never_sent)
        self._fare(report, whole)

    def _is_own(self, whole: HubError, report: Report) -> bool:
        attempts = [due.outgoing.attempt for due in report.unanswered]
        return not self._turn.is_probe and deliver_fate.is_own(
            whole, attempts, breaker_of(self._turn.receiver)
        )

    def _judged(self, due: Due) -> Due:
        """A delivery whose call failed: its time of trying counts where others were taken since.

        Else the receiver may be away after all, and nothing dies of that.
        """
        taken_at = receivers.last_taken_at(self._tx, self._turn.receiver.id)
        was_there = taken_at is not None and clock.from_iso(taken_at) >= due.since
        return due if was_there else structs.replace(due, since=self._now)

    def _taken(self, taken: list[Due]) -> None:
        if not taken:
            return
        counted = deliveries.remove(self._tx, self._shard, [due.head.id for due in taken])
        receivers.count_on_shard(
            self._tx,
            self._turn.receiver.id,
            self._turn.shard,
            delivered=counted,
            last_at=self._at,
        )

    def _failed(self, due: Due, error: HubError) -> Tried:
        """One that failed by itself: parked, or dead."""
        attempt, tried_s = due.outgoing.attempt, (self._now - due.since).total_seconds()
        fate = deliver_fate.fate(error, attempt, tried_s, self._limits, _draw())
        is_dead = isinstance(fate, Dead)
        due_at = self._at if isinstance(fate, Dead) else self._after(fate.seconds)
        return self._row(due, error, due_at, "dead" if is_dead else "waiting")

    def _again(self, due: Due, error: HubError) -> Tried:
        """One that was in a call that failed as a whole: due as before, in its old place."""
        return self._row(due, error, due.head.due_at, "waiting")

    def _row(self, due: Due, error: HubError, due_at: str, state: str) -> Tried:
        since = clock.to_iso(due.since)
        return Tried(
            due.head.id,
            due.outgoing.attempt,
            since,
            due_at,
            state,
            error.reason.value,
            error.detail or None,
        )

    def _unsent(self, due: Due) -> Tried:
        """One that never left: as it was before the step."""
        head = due.head
        return Tried(
            head.id, head.attempts, head.first_at, head.due_at, "waiting", head.reason, head.detail
        )

    def _after(self, seconds: float) -> str:
        return clock.to_iso(self._now + timedelta(seconds=seconds))

    def _raise_dead(self, new: int) -> None:
        dead = deliveries.count_dead(self._tx, self._turn.receiver.id)
        alarms.raise_alarm(
            self._tx, "dead_delivery", self._key, f"{dead} deliveries are dead", self._at
        )
        self._said.append(("deliver.dead", f"{new} deliveries are given up"))

    def _fare(self, report: Report, whole: HubError | None) -> None:
        """How the receiver fares after the step; its row is touched where that changes only."""
        known = breaker_of(self._turn.receiver)
        has_failed = whole is not None or any(error is not None for _, error in report.told)
        if not has_failed and known == Breaker():
            return
        held = receivers.load_receiver(self._tx, self._turn.receiver.id, is_locked=True)
        if held is None:
            return
        before = breaker_of(held)
        after = self._after_told(before, report)
        waits_for = held.waits_for
        if isinstance(whole, Refused):
            waits_for = whole.reason.value
            self._ask_a_person(whole)
        elif whole is not None:
            after = deliver_fate.after_whole(after, whole, self._now, self._limits, _draw())
        if after != before or waits_for != held.waits_for:
            self._save(held, before, after, waits_for, whole)

    def _after_told(self, breaker: Breaker, report: Report) -> Breaker:
        for due, error in report.told:
            if error is None:
                breaker = retry.after_success()
            elif self._turn.is_probe or (due.outgoing.attempt == 1 and breaker.state == "closed"):
                breaker = deliver_fate.after_own(breaker, error, self._now, self._limits, _draw())
        return breaker

    def _ask_a_person(self, refusal: Refused) -> None:
        told = f"{refusal.reason}: {refusal.detail}"
        alarms.raise_alarm(self._tx, "credentials", self._key, told, self._at)
        self._said.append(("deliver.refused", "A receiver refuses the hub; a person must look"))

    def _save(
        self,
        held: ReceiverRow,
        before: Breaker,
        after: Breaker,
        waits_for: str | None,
        whole: HubError | None,
    ) -> None:
        receivers.save_health(
            self._tx,
            held.id,
            failures=after.failures,
            breaker=after.state,
            retry_at=clock.to_iso(after.retry_at) if after.retry_at is not None else None,
            waits_for=waits_for,
        )
        if after.state == "open":
            told = f"{after.failures} failures in a row"
            told += f", {whole.reason}: {whole.detail}" if whole is not None else ""
            alarms.raise_alarm(self._tx, "breaker", self._key, told, self._at)
            if before.state == "closed":
                self._said.append(("deliver.down", "A receiver takes nothing; it is left alone"))
        elif before.state != "closed":
            alarms.end_alarm(self._tx, "breaker", self._key, self._at)
            self._said.append(("deliver.up", "A receiver takes deliveries again"))


def resume(context: Context, tx: Tx, receiver: ReceiverRow) -> ReceiverRow:
    """A receiver as if nothing had been: a person has looked; its alarms are over."""
    at = clock.to_iso(context.now())
    receivers.set_state(tx, receiver.id, "enabled")
    receivers.save_health(
        tx, receiver.id, failures=0, breaker="closed", retry_at=None, waits_for=None
    )
    for kind in ("credentials", "breaker"):
        alarms.end_alarm(tx, kind, alarm_key(receiver.id), at)
    return structs.replace(
        receiver, state="enabled", failures=0, breaker="closed", retry_at=None, waits_for=None
    )


def _draw() -> float:
    return random.random()  # noqa: S311 - a pause, not a secret
