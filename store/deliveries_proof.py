"""The proof of deliveries: every change a cursor has passed is told, skipped, dropped, or a row."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Connection as Tx

from canonical.events import event_id
from store.receivers import ReceiverRow, ShardRow, list_receivers, list_shards
from store.types import Moment


def counted(tx: Tx) -> tuple[int, list[str]]:
    """How many shards were looked at, and what does not add up: table and row, never a value."""
    shards = list_shards(tx)
    return len(shards), list(_counted(tx, list_receivers(tx), shards))


def _counted(tx: Tx, rows: list[ReceiverRow], shards: list[ShardRow]) -> Iterator[str]:
    newest = _number(tx, "SELECT seq FROM feed WHERE id = 1")
    for row in rows:
        own = [shard for shard in shards if shard.receiver_id == row.id]
        if [shard.shard for shard in own] != list(range(row.shards)):
            yield f"receiver {row.id}: its shards are not 0 to {row.shards - 1}"
        if not 0 <= row.live_from <= newest:
            yield f"receiver {row.id}: live_from {row.live_from}, the feed ends at {newest}"
        for shard in own:
            name = f"receiver_shard {row.id} {shard.shard}"
            if not row.live_from <= shard.seq <= newest:
                yield f"{name}: seq {shard.seq}, the feed ends at {newest}"
            if not 0 <= shard.backlog_seq <= row.live_from:
                yield f"{name}: backlog_seq {shard.backlog_seq} lies beyond {row.live_from}"
            passed = _passed(tx, row, shard)
            on_way = _number(
                tx,
                "SELECT count(*) FROM delivery WHERE receiver_id = :receiver AND shard = :shard"
                " AND lane <> 'replay'",
                receiver=row.id,
                shard=shard.shard,
            )
            told = shard.delivered + shard.skipped + shard.dropped + on_way
            if told != passed:
                yield (
                    f"{name}: {passed} changes passed; {shard.delivered} delivered,"
                    f" {shard.skipped} skipped, {shard.dropped} dropped, {on_way} on their way"
                )


def _passed(tx: Tx, row: ReceiverRow, shard: ShardRow) -> int:
    """Changes of a shard that a cursor has passed, or that were told ahead of it."""
    return _number(
        tx,
        "SELECT count(*) FROM change WHERE dossier_id % :shards = :shard"
        " AND ((seq > :live AND seq <= :seq) OR (seq <= :live AND (seq <= :backlog"
        " OR EXISTS (SELECT 1 FROM delivery_ahead a WHERE a.receiver_id = :receiver"
        " AND a.dossier_id = change.dossier_id AND change.seq <= a.through_seq))))",
        shards=row.shards,
        shard=shard.shard,
        live=row.live_from,
        seq=shard.seq,
        backlog=shard.backlog_seq,
        receiver=row.id,
    )


_PLACE = (
    "SELECT d.id, d.receiver_id, d.shard, d.dossier_id, d.seq, d.event_id, d.lane, d.state,"
    " d.reason, d.attempts, change.dossier_id, change.kind, change.at, dossier.public_id,"
    " r.shards, r.live_from, s.seq, s.backlog_seq,"
    " (SELECT max(through_seq) FROM delivery_ahead a WHERE a.receiver_id = d.receiver_id"
    " AND a.dossier_id = d.dossier_id)"
    " FROM delivery d LEFT JOIN change ON change.seq = d.seq"
    " LEFT JOIN dossier ON dossier.id = change.dossier_id"
    " LEFT JOIN receiver r ON r.id = d.receiver_id"
    " LEFT JOIN receiver_shard s ON s.receiver_id = d.receiver_id AND s.shard = d.shard"
    " ORDER BY d.id"
)


def placed(tx: Tx) -> tuple[int, list[str]]:
    """How many deliveries were looked at, and what is wrong with which.

    Every one is of a change that was passed, under its id, where its dossier belongs.
    """
    wrong, checked = [], 0
    for row in tx.execution_options(yield_per=500).execute(text(_PLACE)):
        checked += 1
        wrong += [f"delivery {row[0]} {told}" for told in _faults(tx, row)]
    alarmed = {
        key
        for (key,) in tx.execute(
            text("SELECT key FROM alarm WHERE kind = 'dead_delivery' AND until IS NULL")
        )
    }
    for (receiver_id,) in tx.execute(
        text("SELECT DISTINCT receiver_id FROM delivery WHERE state = 'dead' ORDER BY 1")
    ):
        if f"receiver:{receiver_id}" not in alarmed:
            wrong.append(f"receiver {receiver_id}: dead deliveries and no alarm")
    return checked, wrong


def _faults(tx: Tx, row: Any) -> Iterator[str]:
    shard, dossier_id, seq, given, lane, state, reason, attempts = row[2:10]
    of, kind, at, public_id, shards, live_from, cursor, backlog, ahead = row[10:]
    if of is None or public_id is None or cursor is None:
        yield "is of a change, dossier or shard that is not there"
        return
    if of != dossier_id or dossier_id % shards != shard:
        yield "is not where its dossier belongs"
    moment = Moment().process_result_value(at, tx.dialect) or ""
    if given != event_id(seq, kind, moment, public_id):
        yield "has the id of another event"
    if seq > live_from:
        is_passed = seq <= cursor
    else:
        is_passed = seq <= backlog or (ahead is not None and seq <= ahead)
    if not is_passed:
        yield "is of a change that no cursor has passed"
    if lane != "replay" and (lane == "live") != (seq > live_from):
        yield f"is in the lane {lane}"
    if state == "dead" and (reason is None or not attempts):
        yield "is dead for no reason"


def _number(tx: Tx, sql: str, **bound: Any) -> int:
    found = tx.execute(text(sql), bound).scalar()
    return int(found) if found is not None else -1
