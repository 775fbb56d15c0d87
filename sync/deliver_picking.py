"""The first transaction of a delivery step: changes taken up, heads chosen, their bodies kept.

Everything that will be sent stands in the store before it leaves, so that whatever happens later
the same bytes go out under the same id.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct
from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.errors import HubError
from canonical.events import event_id
from canonical.ports import Event, Outgoing
from canonical.ports import Receiver as Port
from canonical.reasons import Reason
from store import deliveries, outbox, reads, receivers, rights, told
from store.deliveries import Head
from store.reads import TimelineItem
from store.receivers import ReceiverRow, ShardRow
from store.rights import Narrowed
from store.told import ToldChange
from sync import retry
from sync.context import Context
from sync.deliver_fate import SUSPECT_FROM, tried_since
from sync.leases import Lease
from sync.retry import Breaker
from sync.shown import render

logger = logging.getLogger(__name__)
# Sent between two commits: what a crash may send twice, under the same ids.
AT_ONCE = 20


class Due(Struct, frozen=True):
    """One delivery about to be sent, or one that cannot be rendered."""

    head: Head
    since: datetime
    outgoing: Outgoing


class Turn(Struct):
    """What one step does.

    Attributes:
        is_probe: Whether it finds out if the receiver is back; at most one delivery then.
        sends: To be sent, in this order; no two of one dossier.
        stuck: Those that could not be rendered, with the reason.
        goes_on: Whether there may be more to do after it.
    """

    receiver: ReceiverRow
    shard: int
    is_probe: bool = False
    sends: list[Due] = []
    stuck: list[tuple[Due, HubError]] = []
    goes_on: bool = False


def breaker_of(receiver: ReceiverRow) -> Breaker:
    """How a receiver fares, as sync.retry has it."""
    at = clock.utc(clock.from_iso(receiver.retry_at)) if receiver.retry_at is not None else None
    return Breaker(receiver.breaker, receiver.failures, at)


def prepare(
    context: Context, lease: Lease, port: Port, receiver_id: str, shard: int
) -> Turn | None:
    """Take up changes and choose what is sent now; None where nothing may be sent.

    Raises:
        LeaseLost: another works on the shard now.
    """

    def work(tx: Tx) -> Turn | None:
        lease.assert_in(tx)
        found = receivers.load_receiver(tx, receiver_id)
        row = receivers.load_shard(tx, receiver_id, shard, is_locked=True)
        now = context.now()
        if found is None or row is None or not _is_open(context, found, now):
            return None
        turn = Turn(found, shard)
        if found.breaker != "closed":
            locked = receivers.load_receiver(tx, receiver_id, is_locked=True)
            if locked is None or not _is_open(context, locked, now):
                return None
            turn.receiver, turn.is_probe = locked, True
        picked = _Picked(context, tx, turn, row, now)
        picked.take_up()
        _keep(context, tx, port, turn, picked)
        if turn.is_probe and turn.sends:
            _begin_probe(context, tx, turn.receiver, now)
        return turn

    return context.store.in_write(work)


def _is_open(context: Context, receiver: ReceiverRow, now: datetime) -> bool:
    if receiver.state != "enabled" or receiver.waits_for is not None:
        return False
    return retry.may_ask(breaker_of(receiver), now, longest_wait_s(context))


def longest_wait_s(context: Context) -> float:
    """No receiver waits for longer than this."""
    return max(context.limits.retry_cap_s, context.limits.lease_s)


def _begin_probe(context: Context, tx: Tx, receiver: ReceiverRow, now: datetime) -> None:
    probe = retry.probing(breaker_of(receiver), now, context.limits.lease_s)
    receivers.save_health(
        tx,
        receiver.id,
        failures=probe.failures,
        breaker=probe.state,
        retry_at=clock.to_iso(probe.retry_at) if probe.retry_at is not None else None,
        waits_for=receiver.waits_for,
    )


class _Picked:
    """What a step has in hand: live changes first, the backlog with the room that is left."""

    def __init__(
        self, context: Context, tx: Tx, turn: Turn, shard: ShardRow, now: datetime
    ) -> None:
        self.shard = shard
        self.now = now
        self.heads: list[Head] = []
        self._tx = tx
        self._turn = turn
        self._limits = context.limits
        self._at = clock.to_iso(now)
        self._latest = clock.to_iso(now + timedelta(seconds=longest_wait_s(context)))
        receiver = turn.receiver
        books = context.books(tx)
        self.seen: Narrowed = rights.visible(tx, receiver.principal, books.agencies, now)
        self._room = 1 if turn.is_probe else min(AT_ONCE, context.limits.deliver_batch)

    def take_up(self) -> None:
        """Take up changes where what is in hand does not fill a step; choose its heads."""
        receiver, newest = self._turn.receiver, reads.newest_seq(self._tx)
        limit = 1 if self._turn.is_probe else self._limits.deliver_batch
        self._choose()
        if self._is_short() and self.shard.seq < newest:
            self.shard = outbox.take_up_live(
                self._tx, receiver, self.shard, newest, self.seen, limit, self._at
            )
            self._turn.goes_on = True
            self._choose()
        has_backlog = self.shard.backlog_seq < receiver.live_from
        if self._is_short() and has_backlog and self.shard.seq >= newest:
            limit = self._room - len(self.heads)
            self.shard = outbox.take_up_backlog(
                self._tx, receiver, self.shard, self.seen, limit, self._at
            )
            self._turn.goes_on = True
            self._choose()
        self._turn.goes_on = self._turn.goes_on or bool(self.heads)

    def _is_short(self) -> bool:
        return len(self.heads) < self._room

    def _choose(self) -> None:
        self.heads = deliveries.choose_heads(
            self._tx,
            self._turn.receiver.id,
            self._turn.shard,
            (self._at, self._latest),
            self._room,
            probe_below=SUSPECT_FROM if self._turn.is_probe else None,
        )


def _keep(context: Context, tx: Tx, port: Port, turn: Turn, picked: _Picked) -> None:
    """Render what is sent for the first time, keep it sealed, count the attempt."""
    new = [head for head in picked.heads if head.body is None]
    events = _events(context, tx, [head.seq for head in new], picked.seen)
    bodies, tries, silent = [], [], []
    for head in picked.heads:
        due_at = clock.from_iso(head.due_at)
        first_at = clock.from_iso(head.first_at) if head.first_at is not None else None
        since = tried_since(first_at, due_at, picked.now)
        raw: bytes | None = None
        failure: HubError | None = None
        if head.body is not None:
            raw = context.vault.open(head.body)
        elif (event := events.get(head.seq)) is not None:
            raw, failure = _rendered(port, event, turn.receiver.id)
        if raw is None and failure is None:
            silent.append(head.id)
            continue
        tries.append((head.id, head.attempts + 1, clock.to_iso(since)))
        due = Due(head, since, Outgoing(head.event_id, head.seq, raw or b"", head.attempts + 1))
        if failure is not None:
            turn.stuck.append((due, failure))
            continue
        turn.sends.append(due)
        if head.body is None and raw is not None:
            bodies.append((head.id, context.vault.seal(raw)))
    skipped = deliveries.remove(tx, picked.shard, silent)
    if skipped:
        receivers.count_on_shard(tx, turn.receiver.id, turn.shard, skipped=skipped)
    deliveries.begin_tries(tx, tries)
    deliveries.save_bodies(tx, bodies)


def _rendered(port: Port, event: Event, receiver_id: str) -> tuple[bytes | None, HubError | None]:
    """The bytes of an event, or why there are none; a fault of the adapter's stops one dossier."""
    try:
        return port.render(event), None
    except HubError as error:
        return None, error
    except Exception as error:
        logger.exception(
            "An event cannot be rendered",
            extra={"event": "deliver.unrendered", "receiver": receiver_id, "seq": event.seq},
        )
        detail = f"the adapter broke off: {type(error).__name__}"
        return None, HubError(Reason.MAPPING_ERROR, detail, system=receiver_id)


def _events(context: Context, tx: Tx, seqs: Sequence[int], seen: Narrowed) -> dict[int, Event]:
    """The events of changes as they are told now; one whose dossier may not be seen is missing."""
    if not seqs:
        return {}
    found = told.load_changes_told(tx, seqs, seen)
    learnt = told.load_entries_learnt(tx, list(found.values()))
    books = context.books(tx)
    return {
        seq: event_of(change, render(change.shown, books, "vi"), learnt.get(seq, ()))
        for seq, change in found.items()
    }


def event_of(change: ToldChange, shown: bytes, learnt: Sequence[TimelineItem]) -> Event:
    """What a receiver's adapter is given of a change."""
    return Event(
        id=event_id(change.seq, change.kind, change.at, change.dossier),
        seq=change.seq,
        kind=change.kind,
        at=change.at,
        dossier=change.dossier,
        into=change.into,
        body=msgspec.json.decode(shown),
        entries=[msgspec.to_builtins(item) for item in learnt],
    )
