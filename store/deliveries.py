"""Deliveries on their way: which is sent next, what stands of each, and how receivers fare."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.engine import Connection as Tx

from store import bulk, receivers
from store.receivers import ShardRow
from store.types import Moment
from store.work_tables import Delivery


class Head(Struct, frozen=True):
    """The row of a dossier that is to be sent before all its others.

    Attributes:
        body: Sealed, as first sent; None before.
    """

    id: int
    seq: int
    dossier_id: int
    event_id: str
    lane: str
    body: bytes | None
    attempts: int
    first_at: str | None
    due_at: str
    reason: str | None
    detail: str | None


# Only the lowest row of a dossier may be sent; a dead one holds back those behind it.
IS_HEAD = (
    "NOT EXISTS (SELECT 1 FROM delivery e WHERE e.receiver_id = d.receiver_id"
    " AND e.dossier_id = d.dossier_id AND e.seq < d.seq)"
)
IS_DUE = "(d.due_at <= :now OR d.due_at > :latest)"
_BEHIND_LIVE = (
    "CASE WHEN d.lane = 'live' OR EXISTS (SELECT 1 FROM delivery e WHERE e.receiver_id ="
    " d.receiver_id AND e.dossier_id = d.dossier_id AND e.lane = 'live') THEN 0 ELSE 1 END"
)


def choose_heads(
    tx: Tx,
    receiver_id: str,
    shard: int,
    moments: tuple[str, str],
    limit: int,
    *,
    probe_below: int | None = None,
) -> list[Head]:
    """What is to be sent next: heads that are due, those that a live change waits for first.

    Args:
        tx: A transaction.
        receiver_id: Whose.
        shard: Which.
        moments: Now, and until when anything is due again at the latest: a later moment stems
            from a wrong clock. ISO at +07:00.
        limit: Most of them.
        probe_below: None but for a probe. That takes, due or not, what was tried before less often
            than this (perhaps an answer was lost), then what is new, and what failed more often
            last: it may fail whoever it is told to.
    """
    bound: dict[str, Any] = {"receiver": receiver_id, "shard": shard, "limit": limit}
    if probe_below is None:
        due, order = IS_DUE, f"{_BEHIND_LIVE}, d.due_at, d.seq"
        bound["now"], bound["latest"] = moments
    else:
        due, bound["below"] = "true", probe_below
        order = (
            "CASE WHEN d.attempts >= :below THEN 2 WHEN d.attempts > 0 THEN 0 ELSE 1 END,"
            " d.due_at, d.seq"
        )
    found = tx.execute(
        text(
            "SELECT d.id, d.seq, d.dossier_id, d.event_id, d.lane, d.body, d.attempts, d.first_at,"
            " d.due_at, d.reason, d.detail FROM delivery d WHERE d.receiver_id = :receiver"
            " AND d.shard = :shard"
            f" AND d.state = 'waiting' AND {due} AND {IS_HEAD} ORDER BY {order} LIMIT :limit"
        ),
        bound,
    )
    moment = Moment()
    heads = []
    for row in found:
        values = list(row)
        values[5] = bytes(values[5]) if values[5] is not None else None
        values[7] = moment.process_result_value(values[7], tx.dialect)
        values[8] = moment.process_result_value(values[8], tx.dialect)
        heads.append(Head(*values))
    return heads


class Tried(Struct, frozen=True):
    """What stands of a row once it was tried, or is about to be."""

    id: int
    attempts: int
    first_at: str | None
    due_at: str
    state: str = "waiting"
    reason: str | None = None
    detail: str | None = None


def save_bodies(tx: Tx, bodies: Sequence[tuple[int, bytes | None]]) -> None:
    """Keep, sealed, what is sent for the first time; None for what was not sent after all."""
    if bodies:
        tx.execute(
            text("UPDATE delivery SET body = :body WHERE id = :id"),
            [{"id": row_id, "body": body} for row_id, body in bodies],
        )


def begin_tries(tx: Tx, tries: Sequence[tuple[int, int, str]]) -> None:
    """Count an attempt before it is made; (row, attempts with it, since when it is tried)."""
    bulk.update(tx, Delivery, ("id",), ("attempts", "first_at"), tries)


def save_tries(tx: Tx, tried: Sequence[Tried]) -> None:
    """Write what stands of rows; one that was dropped meanwhile stays away."""
    columns = tuple(name for name in Tried.__struct_fields__ if name != "id")
    rows = [(row.id, *(getattr(row, name) for name in columns)) for row in tried]
    bulk.update(tx, Delivery, ("id",), columns, rows)


def remove(tx: Tx, shard: ShardRow, ids: Sequence[int]) -> int:
    """Take rows away; how many of them count on the shard (those told again do not)."""
    if not ids:
        return 0
    found = tx.execute(
        text(
            "DELETE FROM delivery WHERE receiver_id = :receiver AND shard = :shard"
            f" AND id IN ({bulk.ids_in(tx, 'ids')}) RETURNING lane"
        ),
        {"receiver": shard.receiver_id, "shard": shard.shard, "ids": bulk.pack(ids)},
    )
    return sum(1 for row in found if row[0] != "replay")


def drop(tx: Tx, delivery_id: int) -> bool:
    """Take out one delivery by a person's decision, counted so; False where it was taken."""
    found = tx.execute(
        text("SELECT receiver_id, shard FROM delivery WHERE id = :id"), {"id": delivery_id}
    ).first()
    if found is None:
        return False
    # The shard first, as everyone locks: a step may be about to take the row away.
    shard = receivers.load_shard(tx, found[0], found[1], is_locked=True)
    before = load_lane(tx, delivery_id)
    if shard is None or before is None:
        return False
    dropped = remove(tx, shard, [delivery_id])
    receivers.count_on_shard(tx, shard.receiver_id, shard.shard, dropped=dropped)
    return True


def load_lane(tx: Tx, delivery_id: int) -> str | None:
    """The lane of a delivery; None where it is gone."""
    found = tx.execute(text("SELECT lane FROM delivery WHERE id = :id"), {"id": delivery_id})
    lane = found.scalar()
    return str(lane) if lane is not None else None


def dossier_id_of(tx: Tx, public_id: str) -> int | None:
    """The dossier of a public id, be it joined to another by now; None where there is none."""
    found = tx.execute(text("SELECT id FROM dossier WHERE public_id = :id"), {"id": public_id})
    value = found.scalar()
    return int(value) if value is not None else None


def count_dead(tx: Tx, receiver_id: str) -> int:
    """How many deliveries to a receiver are dead."""
    found = tx.execute(
        text("SELECT count(*) FROM delivery WHERE receiver_id = :id AND state = 'dead'"),
        {"id": receiver_id},
    )
    return int(found.scalar_one())


def shards_with_work(tx: Tx, now: str, latest: str) -> list[tuple[str, int, str]]:
    """(receiver, shard, breaker) where something can be taken up or sent now.

    First shards first, so that many shards of one receiver do not stand before another's.

    Args:
        tx: A read transaction.
        now: ISO at +07:00.
        latest: Everything is tried again by then; a later moment stems from a wrong clock.
    """
    found = tx.execute(
        text(
            "SELECT s.receiver_id, s.shard, r.breaker FROM receiver_shard s"
            " JOIN receiver r ON r.id = s.receiver_id"
            " WHERE r.state = 'enabled' AND r.waits_for IS NULL"
            " AND (r.retry_at IS NULL OR r.retry_at <= :now OR r.retry_at > :latest)"
            " AND (s.seq < (SELECT seq FROM feed WHERE id = 1) OR s.backlog_seq < r.live_from"
            " OR EXISTS (SELECT 1 FROM delivery d WHERE d.receiver_id = s.receiver_id"
            " AND d.shard = s.shard AND d.state = 'waiting'"
            f" AND ({IS_DUE} OR r.breaker <> 'closed') AND {IS_HEAD}))"
            " ORDER BY s.shard, s.receiver_id"
        ),
        {"now": now, "latest": latest},
    )
    return [(row[0], int(row[1]), row[2]) for row in found]
