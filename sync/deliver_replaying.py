"""Deliveries told again: changes by a person's wish, in batches, and what was given up.

A replay only puts rows on their way, a few at a time, behind what the cursors have passed. They are
sent like all others: per dossier by seq, so that nothing overtakes a live event and none overtakes
what is told again. The event keeps its id; its body is rendered anew, as the old one is gone.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.engine import Connection as Tx

from canonical import clock
from store import receivers, replays, rights
from sync import leases
from sync.context import Context
from sync.deliver_picking import longest_wait_s
from sync.jobs import Job, Kind, Stopping
from sync.leases import Lease
from sync.threads import to_the_end


def due(context: Context, now: datetime) -> Sequence[Job]:
    """One job for each replay that can put more on its way."""
    latest = clock.to_iso(now + timedelta(seconds=longest_wait_s(context)))
    room = context.limits.deliver_batch
    with context.store.read() as tx:
        found = replays.replays_with_work(tx, clock.to_iso(now), latest, room)
    return [Job("replay", str(one)) for one in found]


async def perform(context: Context, job: Job, stopping: Stopping) -> None:
    """Put changes of a replay on their way while there is room.

    Raises:
        LeaseLost: another works on it now.
    """
    lease = await leases.take(context, f"replay:{job.key}", "replay")
    if lease is None:
        return
    try:
        while not stopping and await to_the_end(_step, context, lease, int(job.key)):
            pass
    finally:
        await lease.free()


def _step(context: Context, lease: Lease, replay_id: int) -> bool:
    """One batch; whether there may be a further one at once."""
    now = context.now()
    at, limit = clock.to_iso(now), context.limits.deliver_batch
    latest = clock.to_iso(now + timedelta(seconds=longest_wait_s(context)))

    def work(tx: Tx) -> bool:
        lease.assert_in(tx)
        if replay_id not in replays.replays_with_work(tx, at, latest, limit):
            return False
        replay = replays.load_replay(tx, replay_id, is_locked=True)
        receiver = receivers.load_receiver(tx, replay.receiver_id) if replay is not None else None
        if replay is None or receiver is None or replay.state != "running":
            return False
        seen = rights.visible(tx, receiver.principal, context.books(tx).agencies, now)
        after = replays.take_up_again(tx, receiver, replay, seen, limit, at)
        return after.state == "running"

    return context.store.in_write(work)


KIND = Kind("replay", due, perform)
