"""Deliveries again: rows that were given up, and changes told once more by a person's wish."""

import json
from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import select, text
from sqlalchemy.engine import Connection as Tx

from store import bulk
from store.deliveries import IS_HEAD
from store.outbox import LOOKED_THROUGH, insert_told, told_where
from store.receivers import ReceiverRow
from store.rights import Narrowed
from store.tables import table
from store.work_tables import Replay


class ReplayRow(Struct, frozen=True):
    """Changes told again (store.work_tables.Replay).

    Attributes:
        filter: `dossier_id` where it is one dossier's alone.
        at_seq: Taken up so far.
        taken: How many changes that were.
    """

    id: int
    receiver_id: str
    filter: dict[str, Any]
    state: str
    from_seq: int
    at_seq: int
    until_seq: int
    taken: int
    actor: str
    reason: str
    created_at: str


def add_replay(
    tx: Tx,
    receiver_id: str,
    stretch: tuple[int, int],
    dossier_id: int | None,
    by: tuple[str, str],
    at: str,
) -> int:
    """Begin to tell changes again; the replay's id.

    Args:
        tx: An open write transaction.
        receiver_id: Whom.
        stretch: First and last change.
        dossier_id: Only this dossier's; None for all.
        by: Who wishes it, and why.
        at: Now, ISO at +07:00.
    """
    first, last = stretch
    row = tx.execute(
        table(Replay)
        .insert()
        .values(
            receiver_id=receiver_id,
            filter=json.dumps({"dossier_id": dossier_id} if dossier_id is not None else {}),
            state="running",
            from_seq=first,
            at_seq=first - 1,
            until_seq=last,
            taken=0,
            actor=by[0],
            reason=by[1],
            created_at=at,
        )
        .returning(table(Replay).c.id)
    ).one()
    return int(row[0])


def list_replays(tx: Tx) -> list[ReplayRow]:
    """All replays, newest first."""
    replays = table(Replay)
    return [_row(row) for row in tx.execute(select(replays).order_by(replays.c.id.desc()))]


def load_replay(tx: Tx, replay_id: int, *, is_locked: bool = False) -> ReplayRow | None:
    """A replay by id; None where there is none. Locked: until the transaction's end."""
    replays = table(Replay)
    query = select(replays).where(replays.c.id == replay_id)
    if is_locked and tx.dialect.name != "sqlite":
        query = query.with_for_update()
    found = tx.execute(query).first()
    return _row(found) if found is not None else None


def _row(row: Any) -> ReplayRow:
    told = {name: getattr(row, name) for name in ReplayRow.__struct_fields__}
    return ReplayRow(**{**told, "filter": json.loads(row.filter)})


def set_state(tx: Tx, replay_id: int, state: str) -> None:
    """Pause a replay, or let it go on."""
    replays = table(Replay)
    tx.execute(replays.update().where(replays.c.id == replay_id).values(state=state))


def replays_with_work(tx: Tx, now: str, latest: str, room: int) -> list[int]:
    """Replays that can take up more now; arguments as of deliveries.shards_with_work.

    What was put on its way is sent first: fewer than `room` may wait to be sent.
    """
    found = tx.execute(
        text(
            "SELECT p.id FROM replay p JOIN receiver r ON r.id = p.receiver_id"
            " WHERE p.state = 'running' AND r.state = 'enabled' AND r.waits_for IS NULL"
            " AND r.breaker = 'closed'"
            " AND (r.retry_at IS NULL OR r.retry_at <= :now OR r.retry_at > :latest)"
            f" AND ({_WAITING}) < :room ORDER BY p.id"
        ),
        {"now": now, "latest": latest, "room": room},
    )
    return [int(row[0]) for row in found]


_WAITING = (
    "SELECT count(*) FROM delivery d WHERE d.receiver_id = r.id AND d.lane = 'replay'"
    f" AND d.state = 'waiting' AND d.attempts = 0 AND {IS_HEAD}"
)
# Only what a cursor has passed, or what was told ahead of one: the others will be told anyhow.
_PASSED = (
    "EXISTS (SELECT 1 FROM receiver_shard s WHERE s.receiver_id = :receiver"
    " AND s.shard = change.dossier_id % :shards AND ((change.seq > :live_from"
    " AND change.seq <= s.seq) OR (change.seq <= :live_from AND (change.seq <= s.backlog_seq"
    " OR EXISTS (SELECT 1 FROM delivery_ahead a WHERE a.receiver_id = s.receiver_id"
    " AND a.dossier_id = change.dossier_id AND change.seq <= a.through_seq)))))"
)
_NOT_ON_ITS_WAY = (
    "NOT EXISTS (SELECT 1 FROM delivery d WHERE d.receiver_id = :receiver AND d.seq = change.seq)"
)


def take_up_again(
    tx: Tx, receiver: ReceiverRow, replay: ReplayRow, seen: Narrowed, limit: int, at: str
) -> ReplayRow:
    """Put the next changes of a replay on their way, at most `limit`; the replay as it is then.

    What the receiver may not see, and what is older than it is told of, stays untold.
    """
    dossier_id = replay.filter.get("dossier_id")
    end = replay.until_seq
    until = end if dossier_id is not None else min(end, replay.at_seq + LOOKED_THROUGH)
    conditions = ["change.seq > :after AND change.seq <= :until", _PASSED, _NOT_ON_ITS_WAY]
    bound = {
        "after": replay.at_seq,
        "until": until,
        "receiver": receiver.id,
        "shards": receiver.shards,
        "live_from": receiver.live_from,
        "limit": limit,
    }
    for live, not_before in ((True, receiver.live_not_before), (False, receiver.not_before)):
        if not_before is not None:
            sign = "<=" if live else ">"
            name = "live_not_before" if live else "not_before"
            conditions.append(f"(change.seq {sign} :live_from OR change.at >= :{name})")
            bound[name] = not_before
    if dossier_id is not None:
        conditions.append("change.dossier_id = :dossier")
        bound["dossier"] = dossier_id
    told = told_where(
        tx, seen, f"{' AND '.join(conditions)} ORDER BY change.seq LIMIT :limit", bound
    )
    insert_told(tx, receiver, told, "replay", at)
    upto = told[-1].seq if len(told) == limit else until
    state = "done" if upto >= end else replay.state
    replays = table(Replay)
    tx.execute(
        replays.update()
        .where(replays.c.id == replay.id)
        .values(at_seq=upto, taken=replays.c.taken + len(told), state=state)
    )
    return ReplayRow(
        replay.id,
        replay.receiver_id,
        replay.filter,
        state,
        replay.from_seq,
        upto,
        end,
        replay.taken + len(told),
        replay.actor,
        replay.reason,
        replay.created_at,
    )


def try_anew(tx: Tx, at: str, *, ids: Sequence[int] = (), receiver_id: str | None = None) -> int:
    """Let deliveries wait again from the beginning, their bytes and ids as they were.

    Args:
        tx: An open write transaction.
        at: Now, ISO at +07:00.
        ids: These, dead or parked; empty for all dead ones.
        receiver_id: Of this receiver alone; None for all.

    Returns:
        How many those are.
    """
    said, bound = ["true"], {"at": at}
    if ids:
        said.append(f"id IN ({bulk.ids_in(tx, 'ids')})")
        bound["ids"] = bulk.pack(ids)
    else:
        said.append("state = 'dead'")
    if receiver_id is not None:
        said.append("receiver_id = :receiver")
        bound["receiver"] = receiver_id
    found = tx.execute(
        text(
            "UPDATE delivery SET state = 'waiting', attempts = 0, first_at = NULL, due_at = :at,"
            f" reason = NULL, detail = NULL WHERE {' AND '.join(said)}"
        ),
        bound,
    )
    return int(found.rowcount)
