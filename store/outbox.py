"""The change feed as the outbox: changes taken up for a receiver, in order, once each.

A change that a cursor has passed (or that was told ahead of one) was delivered, skipped or dropped
and is counted so on its shard, or it is a row of `delivery`. `store.deliveries_proof` holds that
against the feed. Whoever writes holds the shard's lease and locks the shard's row first.
"""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.engine import Connection as Tx

from canonical.events import event_id
from store import bulk
from store.receivers import ReceiverRow, ShardRow
from store.rights import Narrowed
from store.types import Moment
from store.work_tables import Delivery, DeliveryAhead

# Changes looked through in one step, whether the receiver is told of them or not.
LOOKED_THROUGH = 20_000
_COLUMNS = (
    "receiver_id",
    "shard",
    "dossier_id",
    "seq",
    "event_id",
    "lane",
    "state",
    "attempts",
    "due_at",
    "created_at",
)


class Stretch(Struct, frozen=True):
    """Part of the feed: changes after `after`, up to `until`, of one receiver's shard.

    Attributes:
        seen: What the receiver may see (store.rights).
        not_before: Older changes are skipped; None skips none.
    """

    receiver: ReceiverRow
    shard: int
    after: int
    until: int
    seen: Narrowed
    not_before: str | None


def take_up_live(
    tx: Tx, receiver: ReceiverRow, shard: ShardRow, newest: int, seen: Narrowed, limit: int, at: str
) -> ShardRow:
    """Take up live changes after the cursor, at most `limit`; the shard as it is then.

    A dossier with a backlog that is not told yet brings it along: its order holds.

    Args:
        tx: The write transaction that asserts the shard's lease.
        receiver: Whose.
        shard: Where it stands, locked.
        newest: The newest change, read in this transaction.
        seen: What the receiver may see.
        limit: Most changes taken up.
        at: Now, ISO at +07:00.
    """
    until = min(newest, shard.seq + LOOKED_THROUGH)
    stretch = Stretch(receiver, shard.shard, shard.seq, until, seen, receiver.live_not_before)
    told, upto, skipped = _next(tx, stretch, limit, "true", {})
    insert_told(tx, receiver, told, "live", at)
    if shard.backlog_seq < receiver.live_from:
        skipped += _bring_along(tx, stretch, shard, {row.dossier_id for row in told}, at)
    return _move(tx, shard, skipped, upto, shard.backlog_seq)


def take_up_backlog(
    tx: Tx, receiver: ReceiverRow, shard: ShardRow, seen: Narrowed, limit: int, at: str
) -> ShardRow:
    """Take up changes of the backlog, at most `limit`; arguments as of `take_up_live`."""
    until = min(receiver.live_from, shard.backlog_seq + LOOKED_THROUGH)
    stretch = Stretch(receiver, shard.shard, shard.backlog_seq, until, seen, receiver.not_before)
    told, upto, skipped = _next(tx, stretch, limit, _NOT_AHEAD, {"receiver": receiver.id})
    insert_told(tx, receiver, told, "backlog", at)
    if upto >= receiver.live_from:
        tx.execute(
            text(
                "DELETE FROM delivery_ahead WHERE receiver_id = :receiver"
                " AND dossier_id % :shards = :shard"
            ),
            {"receiver": receiver.id, "shards": receiver.shards, "shard": shard.shard},
        )
    return _move(tx, shard, skipped, shard.seq, upto)


class Told(Struct, frozen=True):
    """One change that is taken up."""

    seq: int
    dossier_id: int
    kind: str
    at: str
    public_id: str


_NOT_AHEAD = (
    "NOT EXISTS (SELECT 1 FROM delivery_ahead WHERE receiver_id = :receiver"
    " AND delivery_ahead.dossier_id = change.dossier_id AND change.seq <= through_seq)"
)


def _within(stretch: Stretch) -> tuple[str, dict[str, Any]]:
    """The condition that a change lies in a stretch, whether it is told or not."""
    return (
        "change.seq > :after AND change.seq <= :until AND change.dossier_id % :shards = :shard",
        {
            "after": stretch.after,
            "until": stretch.until,
            "shards": stretch.receiver.shards,
            "shard": stretch.shard,
        },
    )


def _told_of(tx: Tx, stretch: Stretch, more: str, parameters: dict[str, Any]) -> list[Told]:
    """The changes of a stretch that the receiver is told of."""
    condition, bound = _within(stretch)
    if stretch.not_before is not None:
        condition += " AND change.at >= :not_before"
        bound["not_before"] = stretch.not_before
    return told_where(tx, stretch.seen, f"{condition} AND {more}", {**bound, **parameters})


def told_where(tx: Tx, seen: Narrowed, more: str, parameters: dict[str, Any]) -> list[Told]:
    """Changes for which a condition holds and whose living dossier may be seen.

    The row of a dossier that was joined leads to the living one.
    """
    found = tx.execute(
        text(
            "SELECT change.seq, change.dossier_id, change.kind, change.at, old.public_id"
            " FROM change JOIN dossier old ON old.id = change.dossier_id"
            " JOIN member ON member.leg_id = change.dossier_id"
            " JOIN dossier ON dossier.id = member.dossier_id"
            f" WHERE {seen.condition} AND {more}"
        ),
        {**seen.parameters, **parameters},
    )
    moment = Moment()
    return [
        Told(r[0], r[1], r[2], moment.process_result_value(r[3], tx.dialect) or "", r[4])
        for r in found
    ]


def _count(tx: Tx, stretch: Stretch, more: str, parameters: dict[str, Any]) -> int:
    """All changes of a stretch, told or not."""
    condition, bound = _within(stretch)
    found = tx.execute(
        text(f"SELECT count(*) FROM change WHERE {condition} AND {more}"), {**bound, **parameters}
    )
    return int(found.scalar_one())


def _next(
    tx: Tx, stretch: Stretch, limit: int, more: str, parameters: dict[str, Any]
) -> tuple[list[Told], int, int]:
    """The next changes that are told, how far that goes, and how many of it are not."""
    told = _told_of(
        tx, stretch, f"{more} ORDER BY change.seq LIMIT :limit", {**parameters, "limit": limit}
    )
    upto = told[-1].seq if len(told) == limit else stretch.until
    passed = Stretch(
        stretch.receiver, stretch.shard, stretch.after, upto, stretch.seen, stretch.not_before
    )
    return told, upto, _count(tx, passed, more, parameters) - len(told)


def _bring_along(tx: Tx, live: Stretch, shard: ShardRow, dossiers: set[int], at: str) -> int:
    """Take up the backlog of these dossiers now; how many of it the receiver is not told of."""
    if not dossiers:
        return 0
    receiver = live.receiver
    back = Stretch(
        receiver,
        live.shard,
        shard.backlog_seq,
        receiver.live_from,
        live.seen,
        receiver.not_before,
    )
    more = f"{_NOT_AHEAD} AND change.dossier_id IN ({bulk.ids_in(tx, 'dossiers')})"
    bound = {"receiver": receiver.id, "dossiers": bulk.pack(sorted(dossiers))}
    told = _told_of(tx, back, f"{more} ORDER BY change.seq", bound)
    skipped = _count(tx, back, more, bound) - len(told)
    insert_told(tx, receiver, told, "backlog", at)
    bulk.insert(
        tx,
        DeliveryAhead,
        ("receiver_id", "dossier_id", "through_seq"),
        [(receiver.id, one, receiver.live_from) for one in sorted(dossiers)],
        "ON CONFLICT DO NOTHING",
    )
    return skipped


def insert_told(tx: Tx, receiver: ReceiverRow, told: Sequence[Told], lane: str, at: str) -> None:
    """Put changes on their way to a receiver; they are due at once."""
    rows = [
        (
            receiver.id,
            row.dossier_id % receiver.shards,
            row.dossier_id,
            row.seq,
            event_id(row.seq, row.kind, row.at, row.public_id),
            lane,
            "waiting",
            0,
            at,
            at,
        )
        for row in told
    ]
    # Two replays may put the same change on its way; a cursor passes each but once.
    conflict = "ON CONFLICT DO NOTHING" if lane == "replay" else ""
    bulk.insert(tx, Delivery, _COLUMNS, rows, conflict)


def _move(tx: Tx, shard: ShardRow, skipped: int, seq: int, backlog_seq: int) -> ShardRow:
    tx.execute(
        text(
            "UPDATE receiver_shard SET seq = :seq, backlog_seq = :backlog,"
            " skipped = skipped + :skipped WHERE receiver_id = :receiver AND shard = :shard"
        ),
        {
            "seq": seq,
            "backlog": backlog_seq,
            "skipped": skipped,
            "receiver": shard.receiver_id,
            "shard": shard.shard,
        },
    )
    return ShardRow(
        shard.receiver_id,
        shard.shard,
        seq,
        backlog_seq,
        shard.delivered,
        shard.skipped + skipped,
        shard.dropped,
        shard.last_at,
    )
