"""Publications: figures told to receivers, each revision once in effect and in order.

A job works for one receiver under its lease: once a day everything is counted again
(sync.publish_counting), then what is due is sent, one document after another. A document was made
when it was counted and is sent byte for byte the same under the same id; revision n+1 never leaves
before n was taken.
"""

import contextlib
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.errors import HubError, LeaseLost, StoreUnavailable
from canonical.ports import Outgoing, Publisher
from canonical.reasons import Reason
from store import publications, receivers
from store.receivers import ReceiverRow
from sync import deliver_fate, leases, retry
from sync.context import Context
from sync.deliver_picking import breaker_of, longest_wait_s
from sync.jobs import Job, Kind, Stopping
from sync.leases import Lease
from sync.publish_counting import count_all
from sync.publish_settling import Turn, ask_a_person, is_refused_itself, save_fares, settle
from sync.threads import to_the_end

# A job ends after so long, so that many receivers take turns at few places.
BUDGET_S = 10.0


def due(context: Context, now: datetime) -> Sequence[Job]:
    """One job for each receiver of figures that is to be counted for today, or told something."""
    with context.store.read() as tx:
        found = publications.list_watched(tx, *_window(context, now))
    return [
        Job("publish", one.receiver_id)
        for one in found
        if one.has_due or not _is_counted(one.counted_at, now)
    ]


def _window(context: Context, now: datetime) -> tuple[str, str]:
    """Now, and the moment beyond which nothing waits."""
    latest = now + timedelta(seconds=longest_wait_s(context))
    return clock.to_iso(now), clock.to_iso(latest)


def _is_counted(counted_at: str | None, now: datetime) -> bool:
    """Whether everything was counted on this day; any other day is another, earlier or later."""
    return counted_at is not None and clock.day_of(clock.from_iso(counted_at)) == clock.day_of(now)


async def perform(context: Context, job: Job, stopping: Stopping) -> None:
    """Count for a receiver where it is time, then tell it what is due.

    Raises:
        HubError: LeaseLost; StoreUnavailable.
    """
    lease = await leases.take(context, f"publish:{job.key}", "publish")
    if lease is None:
        return
    try:
        async with lease.kept():
            await _work(context, lease, job.key, stopping)
    finally:
        await lease.free()


async def _work(context: Context, lease: Lease, receiver_id: str, stopping: Stopping) -> None:
    receiver = await to_the_end(_load, context, receiver_id)
    if receiver is None or receiver.state != "enabled" or receiver.waits_for is not None:
        return
    port: Publisher | None = None
    try:
        port = _connect(context, receiver)
        if not await to_the_end(_is_counted_today, context, receiver_id):
            await to_the_end(count_all, context, lease, port, receiver, stopping)
        begun = time.monotonic()
        while not stopping and time.monotonic() - begun < BUDGET_S:
            if not await _step(context, lease, port, receiver_id):
                return
    except (LeaseLost, StoreUnavailable):
        raise
    except HubError as error:  # a folder that is gone, a setting it cannot work with
        await to_the_end(ask_a_person, context, lease, receiver_id, error)
    finally:
        if port is not None:
            with contextlib.suppress(HubError):
                await port.close()


def _load(context: Context, receiver_id: str) -> ReceiverRow | None:
    with context.store.read() as tx:
        return receivers.load_receiver(tx, receiver_id)


def _is_counted_today(context: Context, receiver_id: str) -> bool:
    now = context.now()
    with context.store.read() as tx:
        found = publications.list_watched(tx, *_window(context, now))
    return all(_is_counted(one.counted_at, now) for one in found if one.receiver_id == receiver_id)


def _connect(context: Context, receiver: ReceiverRow) -> Publisher:
    system = context.systems[receiver.system]
    if system.publish is None:
        raise HubError(Reason.CONFLICT, f"{receiver.system!r} is told no figures")
    return system.publish(receiver.settings(context.vault))


async def _step(context: Context, lease: Lease, port: Publisher, receiver_id: str) -> bool:
    """Send one revision; whether there may be a further one at once."""
    turn = await to_the_end(_pick, context, lease, receiver_id)
    if turn is None:
        return False
    row = turn.row
    body = context.vault.open(row.body)
    await lease.sure()
    failure: HubError | None = None
    try:
        await port.send(Outgoing(row.event_id, row.known_seq, body, turn.attempt))
    except HubError as error:
        failure = error
    await to_the_end(settle, context, lease, turn, failure)
    return failure is None or is_refused_itself(failure)


def _pick(context: Context, lease: Lease, receiver_id: str) -> Turn | None:
    def work(tx: Tx) -> Turn | None:
        lease.assert_in(tx)
        receiver = receivers.load_receiver(tx, receiver_id, is_locked=True)
        now = context.now()
        if receiver is None or receiver.state != "enabled" or receiver.waits_for is not None:
            return None
        fares = breaker_of(receiver)
        if not retry.may_ask(fares, now, longest_wait_s(context)):
            return None
        is_probe = fares.state != "closed"
        row = publications.next_due(tx, receiver_id, *_window(context, now), is_probe=is_probe)
        if row is None:
            return None
        if is_probe:
            probing = retry.probing(fares, now, context.limits.lease_s)
            save_fares(tx, receiver, probing, receiver.waits_for)
        first_at = clock.from_iso(row.first_at) if row.first_at is not None else None
        since = deliver_fate.tried_since(first_at, clock.from_iso(row.due_at), now)
        return Turn(row, since, is_probe)

    return context.store.in_write(work)


KIND = Kind("publish", due, perform)
