"""What a promoted mapping lets in, taken up from the quarantine: a job, in batches, to be paused.

Every receipt is a commit of its own and a record that is settled is not taken up again, so a job
that is killed, paused or done twice goes on where the last commit left it.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from msgspec import structs
from sqlalchemy.engine import Connection as Tx

from canonical.errors import HubError
from canonical.reasons import Reason
from store import connections, intake, promotions, quarantine
from store.connections import LeaseToken
from store.promotions import PromotionRow
from store.quarantine import Chosen
from sync.connecting import By
from sync.context import Context
from sync.jobs import Job, Kind, Stopping
from sync.quarantine_replay import Replaying, Summary, Why
from sync.threads import to_the_end

_AT_ONCE = 50  # receipts between two looks at whether it is paused


def begin(context: Context, connection_id: str, by: By) -> PromotionRow:
    """Let the newest promotion of a connection be replayed by the workers, from the beginning.

    Raises:
        HubError: CONFLICT where nothing was promoted, or a replay goes on.
    """

    def work(tx: Tx) -> PromotionRow:
        row = _newest(tx, connection_id)
        if row.state in ("running", "paused"):
            raise HubError(Reason.CONFLICT, f"the replay of {connection_id!r} is {row.state}")
        begun = PromotionRow(
            row.connection_id, row.version, "running", actor=by.author, reason=by.reason
        )
        promotions.save(tx, begun)
        return begun

    return context.store.in_write(work)


def pause(context: Context, connection_id: str) -> PromotionRow:
    """Let it end at the next batch. Raises HubError CONFLICT where none goes on."""
    return _turn(context, connection_id, "running", "paused")


def resume(context: Context, connection_id: str) -> PromotionRow:
    """Let it go on where it was paused. Raises HubError CONFLICT where it is not paused."""
    return _turn(context, connection_id, "paused", "running")


def standing(context: Context, connection_id: str) -> PromotionRow:
    """How far the replay of the newest promotion is. Raises HubError CONFLICT: there is none."""
    with context.store.read() as tx:
        return _newest(tx, connection_id)


def _newest(tx: Tx, connection_id: str) -> PromotionRow:
    connections.lock_connection(tx, connection_id)
    row = promotions.load(tx, connection_id)
    if row is None:
        raise HubError(Reason.CONFLICT, f"nothing was promoted of {connection_id!r}")
    return row


def _turn(context: Context, connection_id: str, known: str, state: str) -> PromotionRow:
    def work(tx: Tx) -> PromotionRow:
        row = _newest(tx, connection_id)
        if row.state != known:
            raise HubError(Reason.CONFLICT, f"the replay of {connection_id!r} is {row.state}")
        turned = structs.replace(row, state=state)
        promotions.save(tx, turned)
        return turned

    return context.store.in_write(work)


def due(context: Context, _now: datetime) -> Sequence[Job]:
    """One job for each replay that goes on."""
    with context.store.read() as tx:
        return [Job("promotion", one) for one in promotions.running(tx)]


async def perform(context: Context, job: Job, stopping: Stopping) -> None:
    """Take up what the promotion lets in, a batch at a time."""
    lease = await to_the_end(_take_lease, context, job.key)
    if lease is None:
        return
    try:
        while not stopping and await to_the_end(_step, context, lease, job.key):
            pass
    finally:
        await to_the_end(_free, context, lease)


def _take_lease(context: Context, connection_id: str) -> LeaseToken | None:
    # The same as of a replay by hand: one at a time.
    name, limits, now = f"replay:quarantine:{connection_id}", context.limits, context.now()
    return context.store.in_write(
        lambda tx: connections.take_lease(tx, name, "promotion", now, limits.lease_s)
    )


def _free(context: Context, lease: LeaseToken) -> None:
    context.store.in_write(lambda tx: connections.free_lease(tx, lease, context.now()))


def _step(context: Context, lease: LeaseToken, connection_id: str) -> bool:
    """One batch; whether there may be a further one."""
    with context.store.read() as tx:
        row = promotions.load(tx, connection_id)
        if row is None or row.state != "running":
            return False
        groups = quarantine.next_groups(tx, Chosen(connection_id), row.after_id)[:_AT_ONCE]
    summary = Summary(connection_id, Counter())
    replaying = Replaying(context, lease, Why(row.actor, row.reason), summary, _nobody)
    for origin_id, positions in groups:
        replaying.receipt(origin_id, positions)
    if not groups:
        replaying.end_alarm()
    after = intake.record_id(groups[-1][0], groups[-1][1][-1]) if groups else row.after_id
    settled = summary.applied + summary.superseded + summary.duplicate

    def note(tx: Tx) -> bool:
        connections.hold_lease(tx, lease, context.now(), context.limits.lease_s)
        held = _newest(tx, connection_id)
        if held.version != row.version:
            return held.state == "running"
        state = "done" if not groups and held.state == "running" else held.state
        promotions.save(
            tx,
            structs.replace(
                held,
                state=state,
                after_id=after,
                tried=held.tried + summary.tried,
                settled=held.settled + settled,
            ),
        )
        return state == "running"

    return context.store.in_write(note)


def _nobody(_tried: int) -> None:
    """Nobody watches a job."""


KIND = Kind("promotion", due, perform)
