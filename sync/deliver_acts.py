"""What a person decides about deliveries: try again, tell again, drop. Each is kept as an act."""

from collections.abc import Sequence

from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.errors import HubError
from canonical.reasons import Reason
from store import acts, alarms, deliveries, delivery_views, reads, receivers, replays
from store.receivers import ReceiverRow
from sync.context import Context
from sync.deliver_parking import alarm_key


def try_again(
    context: Context, ids: Sequence[int], receiver_id: str | None, actor: str, reason: str
) -> int:
    """Let dead or parked deliveries be tried anew, the same bytes under the same ids.

    Args:
        context: The hub's parts.
        ids: These; empty for all dead ones.
        receiver_id: Of this receiver alone; None for all.
        actor: Who decides.
        reason: Why.

    Returns:
        How many those are.

    Raises:
        HubError: NOT_FOUND where one of them is not there.
    """
    at = clock.to_iso(context.now())

    def work(tx: Tx) -> int:
        subjects = [f"delivery:{_there(tx, one)}" for one in ids]
        count = replays.try_anew(tx, at, ids=ids, receiver_id=receiver_id)
        for subject in subjects or [f"receiver:{receiver_id or '*'}"]:
            if count:
                acts.save_act(tx, "replay", None, actor, reason, at, subject)
        for row in receivers.list_receivers(tx):
            _end_alarm(tx, row.id, at)
        return count

    return context.store.in_write(work)


def tell_again(
    context: Context,
    receiver_id: str,
    stretch: tuple[int | None, int | None],
    dossier: str | None,
    actor: str,
    reason: str,
) -> int:
    """Begin to tell a receiver changes once more; the replay's id.

    Args:
        context: The hub's parts.
        receiver_id: Whom.
        stretch: First and last change; None for the first or the newest there is.
        dossier: Public id, where only one dossier's are meant.
        actor: Who decides.
        reason: Why.

    Raises:
        HubError: NOT_FOUND, or CONFLICT where the receiver is told no changes.
    """
    at = clock.to_iso(context.now())

    def work(tx: Tx) -> int:
        row = known(tx, receiver_id)
        if not row.shards:
            raise HubError(Reason.CONFLICT, f"{receiver_id!r} is told no changes")
        dossier_id = deliveries.dossier_id_of(tx, dossier) if dossier is not None else None
        if dossier is not None and dossier_id is None:
            raise HubError(Reason.NOT_FOUND, f"no dossier {dossier!r}")
        newest = reads.newest_seq(tx)
        first = max(stretch[0] or 1, 1)
        last = min(stretch[1] if stretch[1] is not None else newest, newest)
        replay_id = replays.add_replay(
            tx, receiver_id, (first, max(last, first - 1)), dossier_id, (actor, reason), at
        )
        acts.save_act(tx, "replay", None, actor, reason, at, f"replay:{replay_id}")
        return replay_id

    return context.store.in_write(work)


def drop(context: Context, delivery_id: int, actor: str, reason: str) -> str:
    """Take out a delivery that failed; those behind it go on. What it was, "receiver/seq".

    Raises:
        HubError: NOT_FOUND, or CONFLICT where it has not failed.
    """
    at = clock.to_iso(context.now())

    def work(tx: Tx) -> str:
        name = _there(tx, delivery_id)
        found = delivery_views.load_delivery(tx, delivery_id)
        if found is None or (found[0].state != "dead" and not found[0].attempts):
            raise HubError(Reason.CONFLICT, f"delivery {delivery_id} has not failed")
        if not deliveries.drop(tx, delivery_id):
            raise HubError(Reason.CONFLICT, f"delivery {delivery_id} was taken meanwhile")
        acts.save_act(tx, "drop_delivery", None, actor, reason, at, f"delivery:{name}")
        _end_alarm(tx, found[0].receiver, at)
        return name

    return context.store.in_write(work)


def set_replay(context: Context, replay_id: int, state: str) -> None:
    """Pause a replay ("paused"), or let it go on ("running").

    Raises:
        HubError: NOT_FOUND, or CONFLICT where it is done.
    """

    def work(tx: Tx) -> None:
        row = replays.load_replay(tx, replay_id, is_locked=True)
        if row is None:
            raise HubError(Reason.NOT_FOUND, f"no replay {replay_id}")
        if row.state == "done":
            raise HubError(Reason.CONFLICT, f"replay {replay_id} is done")
        replays.set_state(tx, replay_id, state)

    context.store.in_write(work)


def known(tx: Tx, receiver_id: str) -> ReceiverRow:
    """A receiver that must be there. Raises NOT_FOUND."""
    row = receivers.load_receiver(tx, receiver_id)
    if row is None:
        raise HubError(Reason.NOT_FOUND, f"no receiver {receiver_id!r}")
    return row


def _there(tx: Tx, delivery_id: int) -> str:
    found = delivery_views.load_delivery(tx, delivery_id)
    if found is None:
        raise HubError(Reason.NOT_FOUND, f"no delivery {delivery_id}")
    return f"{found[0].receiver}/{found[0].seq}"


def _end_alarm(tx: Tx, receiver_id: str, at: str) -> None:
    if not deliveries.count_dead(tx, receiver_id):
        alarms.end_alarm(tx, "dead_delivery", alarm_key(receiver_id), at)
