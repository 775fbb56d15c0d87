"""Deliveries as people and gauges see them: what is on its way, and how each receiver fares."""

from typing import Any

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.engine import Connection as Tx

from store.types import Moment


class DeliveryView(Struct, frozen=True):
    """One delivery on its way.

    Attributes:
        dossier: Public id.
        kind: Of the change.
        tried_since: Of its first attempt, time in which nobody tried it left out.
        behind: How many later ones of its dossier it holds back.
    """

    id: int
    receiver: str
    dossier: str
    seq: int
    kind: str
    lane: str
    state: str
    attempts: int
    tried_since: str | None
    due_at: str
    reason: str | None
    detail: str | None
    behind: int
    event_id: str
    created_at: str


_VIEW = (
    "SELECT d.id, d.receiver_id, dossier.public_id, d.seq, change.kind, d.lane, d.state,"
    " d.attempts, d.first_at, d.due_at, d.reason, d.detail,"
    " (SELECT count(*) FROM delivery e WHERE e.receiver_id = d.receiver_id"
    " AND e.dossier_id = d.dossier_id AND e.seq > d.seq), d.event_id, d.created_at"
    " FROM delivery d JOIN change ON change.seq = d.seq JOIN dossier ON dossier.id = d.dossier_id"
)
_STATES = {
    "dead": "d.state = 'dead'",
    "parked": "d.state = 'waiting' AND d.attempts > 0",
    "": "true",
}


def list_deliveries(
    tx: Tx,
    *,
    only: str = "",
    receiver_id: str | None = None,
    limit: int = 200,
    after: tuple[str, int] | None = None,
) -> list[DeliveryView]:
    """Deliveries by receiver and seq.

    Args:
        tx: A read transaction.
        only: dead | parked (failed, and tried again) | "" for all.
        receiver_id: Of this receiver; None for all.
        limit: Most shown.
        after: Only those behind this (receiver, seq).
    """
    said, bound = _STATES[only], dict[str, Any](limit=limit)
    if receiver_id is not None:
        said += " AND d.receiver_id = :receiver"
        bound["receiver"] = receiver_id
    if after is not None:
        said += " AND (d.receiver_id, d.seq) > (:after_receiver, :after_seq)"
        bound |= {"after_receiver": after[0], "after_seq": after[1]}
    found = tx.execute(
        text(f"{_VIEW} WHERE {said} ORDER BY d.receiver_id, d.seq LIMIT :limit"), bound
    )
    return [_view(tx, row) for row in found]


def load_delivery(tx: Tx, delivery_id: int) -> tuple[DeliveryView, bytes | None] | None:
    """A delivery and its sealed body; None where there is no such row (any more)."""
    found = tx.execute(text(f"{_VIEW} WHERE d.id = :id"), {"id": delivery_id}).first()
    if found is None:
        return None
    body = tx.execute(
        text("SELECT body FROM delivery WHERE id = :id"), {"id": delivery_id}
    ).scalar()
    return _view(tx, found), bytes(body) if body is not None else None


def _view(tx: Tx, row: Any) -> DeliveryView:
    values, moment = list(row), Moment()
    for place in (8, 9, 14):
        values[place] = moment.process_result_value(values[place], tx.dialect)
    return DeliveryView(*values)


class Fare(Struct, frozen=True):
    """How one receiver of changes fares.

    Attributes:
        backlog: Changes its cursors have not passed; those it will be told nothing of count too.
        waiting: Deliveries on their way.
        parked: Dossiers of which one failed, dead ones included; what comes behind it waits.
        dead: Deliveries given up.
        oldest_at: Moment of the oldest live change it does not have yet; None where it has all.
        last_at: When it last took one.
    """

    receiver: str
    state: str
    breaker: str
    failures: int
    retry_at: str | None
    waits_for: str | None
    backlog: int
    waiting: int
    parked: int
    dead: int
    oldest_at: str | None
    delivered: int
    skipped: int
    dropped: int
    last_at: str | None


_FARE = (
    "SELECT r.id, r.state, r.breaker, r.failures, r.retry_at, r.waits_for,"
    " (SELECT count(*) FROM receiver_shard s JOIN change ON change.dossier_id % r.shards = s.shard"
    " AND (change.seq > s.seq OR (change.seq <= r.live_from AND change.seq > s.backlog_seq"
    " AND NOT EXISTS (SELECT 1 FROM delivery_ahead a WHERE a.receiver_id = r.id"
    " AND a.dossier_id = change.dossier_id AND change.seq <= a.through_seq)))"
    " WHERE s.receiver_id = r.id AND change.seq > (SELECT min(min_seq) FROM (SELECT CASE WHEN"
    " t.backlog_seq < r.live_from THEN t.backlog_seq ELSE t.seq END AS min_seq"
    " FROM receiver_shard t WHERE t.receiver_id = r.id) AS lowest)),"
    " (SELECT count(*) FROM delivery d WHERE d.receiver_id = r.id AND d.state = 'waiting'),"
    " (SELECT count(DISTINCT d.dossier_id) FROM delivery d WHERE d.receiver_id = r.id"
    " AND (d.state = 'dead' OR d.attempts > 0)),"
    " (SELECT count(*) FROM delivery d WHERE d.receiver_id = r.id AND d.state = 'dead'),"
    " (SELECT min(change.at) FROM delivery d JOIN change ON change.seq = d.seq"
    " WHERE d.receiver_id = r.id AND d.lane = 'live'),"
    " sum(s.delivered), sum(s.skipped), sum(s.dropped), max(s.last_at)"
    " FROM receiver r JOIN receiver_shard s ON s.receiver_id = r.id"
    " GROUP BY r.id, r.state, r.breaker, r.failures, r.retry_at, r.waits_for, r.shards,"
    " r.live_from ORDER BY r.id"
)
_NEXT = (
    "SELECT min(first_at) FROM (SELECT (SELECT change.at FROM change WHERE change.seq > s.seq"
    " AND change.dossier_id % r.shards = s.shard ORDER BY change.seq LIMIT 1) AS first_at"
    " FROM receiver_shard s JOIN receiver r ON r.id = s.receiver_id WHERE r.id = :id) AS firsts"
)


def list_fares(tx: Tx) -> list[Fare]:
    """How every receiver of changes fares, by id; a few look-ups in indexes each."""
    moment, fares = Moment(), []
    for row in tx.execute(text(_FARE)).all():
        values = list(row)
        for place in (4, 10, 14):
            values[place] = moment.process_result_value(values[place], tx.dialect)
        for place in (11, 12, 13):
            values[place] = int(values[place])
        ahead = moment.process_result_value(
            tx.execute(text(_NEXT), {"id": values[0]}).scalar(), tx.dialect
        )
        known = [at for at in (values[10], ahead) if at is not None]
        values[10] = min(known, default=None)
        fares.append(Fare(*values))
    return fares
