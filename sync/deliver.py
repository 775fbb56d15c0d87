"""Deliveries: the change feed told to receivers, in order per dossier, once in effect.

A receiver is a few cursors on the feed, one per shard. A job works on one shard under its lease,
step by step: what is sent stands in the store before it leaves (sync.deliver_picking), is sent
(sync.deliver_sending), and what came of it is written (sync.deliver_parking). Whatever is lost in
between is sent again: the same bytes under the same id.
"""

import contextlib
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from canonical import clock
from canonical.errors import HubError
from canonical.ports import Receiver as Port
from canonical.reasons import Reason
from store import deliveries, receivers
from store.receivers import ReceiverRow
from sync import leases
from sync.context import Context
from sync.deliver_parking import settle
from sync.deliver_picking import Turn, longest_wait_s, prepare
from sync.deliver_sending import Report, send
from sync.jobs import Job, Kind, Stopping
from sync.leases import Lease
from sync.threads import to_the_end

# A job ends after so long, so that many receivers take turns at few places.
BUDGET_S = 10.0
_UNDER_WAY: Counter[tuple[int, str]] = Counter()  # shards of a receiver, in this process


def due(context: Context, now: datetime) -> Sequence[Job]:
    """One job for each shard that has something to take up or to send."""
    latest = clock.to_iso(now + timedelta(seconds=longest_wait_s(context)))
    with context.store.read() as tx:
        found = deliveries.shards_with_work(tx, clock.to_iso(now), latest)
    jobs, probed = [], set()
    for receiver_id, shard, breaker in found:
        if breaker != "closed":  # one shard is enough to find out
            if receiver_id in probed:
                continue
            probed.add(receiver_id)
        jobs.append(Job("deliver", f"{receiver_id}/{shard}"))
    return jobs


async def perform(context: Context, job: Job, stopping: Stopping) -> None:
    """Work on a shard while there is work, for a while.

    Raises:
        HubError: the receiver's system has no folder any more; LeaseLost; StoreUnavailable.
    """
    receiver_id, _, shard = job.key.rpartition("/")
    with _place(context, receiver_id) as has_room:
        lease = await leases.take(context, f"deliver:{job.key}", "deliver") if has_room else None
        if lease is None:
            return
        try:
            async with lease.kept():
                await _work(context, lease, receiver_id, int(shard), stopping)
        finally:
            await lease.free()


@contextlib.contextmanager
def _place(context: Context, receiver_id: str) -> Iterator[bool]:
    """One of a receiver's places in this process, if it has any left: of all places half.

    One that takes calls and says nothing would else hold every place until its calls time out.
    """
    key = id(context), receiver_id
    has_room = _UNDER_WAY[key] < max(1, context.limits.jobs_at_once // 2)
    _UNDER_WAY[key] += has_room
    try:
        yield has_room
    finally:
        _UNDER_WAY[key] -= has_room


async def _work(
    context: Context, lease: Lease, receiver_id: str, shard: int, stopping: Stopping
) -> None:
    receiver = await to_the_end(_load, context, receiver_id)
    if receiver is None:
        return
    try:
        batch, port = _connect(context, receiver)
    except HubError as error:  # a folder that is gone, a setting it cannot work with
        await to_the_end(settle, context, lease, Turn(receiver, shard), Report(whole=error))
        return
    begun = time.monotonic()
    try:
        while not stopping and time.monotonic() - begun < BUDGET_S:
            if not await _step(context, lease, port, (receiver_id, shard, batch), stopping):
                return
    finally:
        with contextlib.suppress(HubError):
            await port.close()


def _load(context: Context, receiver_id: str) -> ReceiverRow | None:
    with context.store.read() as tx:
        return receivers.load_receiver(tx, receiver_id)


def _connect(context: Context, receiver: ReceiverRow) -> tuple[int, Port]:
    """How many events it is told in one call, and its adapter."""
    system = context.systems[receiver.system]
    if system.receive is None:
        raise HubError(Reason.CONFLICT, f"{receiver.system!r} is told no changes")
    return system.manifest.batch, system.receive(receiver.settings(context.vault))


async def _step(
    context: Context,
    lease: Lease,
    port: Port,
    about: tuple[str, int, int],
    stopping: Stopping,
) -> bool:
    """One step of a shard; whether there may be a further one at once."""
    receiver_id, shard, batch = about
    turn = await to_the_end(prepare, context, lease, port, receiver_id, shard)
    if turn is None:
        return False
    if not (turn.sends or turn.stuck):
        return turn.goes_on
    begun, report = time.monotonic(), Report()

    def is_over() -> bool:
        return bool(stopping) or time.monotonic() - begun > context.limits.lease_s / 3

    try:
        await send(port, lease, turn.sends, batch, is_over, report)
    finally:
        # Also when this is broken off: what was taken until then is not sent again.
        await to_the_end(settle, context, lease, turn, report)
    return True


KIND = Kind("deliver", due, perform)
