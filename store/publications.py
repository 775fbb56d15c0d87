"""Publications: the figures of a period as told to a receiver, revision after revision."""

import json
from datetime import date
from typing import Any

from msgspec import Struct
from sqlalchemy import select, text
from sqlalchemy.engine import Connection as Tx

from store.rights import Narrowed, day, days
from store.tables import table
from store.types import Moment
from store.work_tables import Publication


class PublicationRow(Struct, frozen=True):
    """One revision (store.work_tables.Publication).

    Attributes:
        figures: The answer of GET /api/v1/indicators.
        why: Why the revision before no longer stands; "" for the first.
        body: As it is sent, sealed.
        first_at: Since when it counts as tried; None before the first attempt.
    """

    id: int
    receiver_id: str
    agency: str
    period_from: date
    period_to: date
    as_of: date
    revision: int
    known_seq: int
    figures: dict[str, Any]
    why: str
    event_id: str
    body: bytes
    state: str
    attempts: int
    first_at: str | None
    due_at: str
    reason: str | None
    detail: str | None
    created_at: str
    delivered_at: str | None


def _row(row: Any) -> PublicationRow:
    told = {name: getattr(row, name) for name in PublicationRow.__struct_fields__}
    return PublicationRow(**{**told, "figures": json.loads(row.figures), "body": bytes(row.body)})


def add(tx: Tx, row: PublicationRow) -> None:
    """Keep a revision; its `id` is given by the store."""
    told = {name: getattr(row, name) for name in PublicationRow.__struct_fields__ if name != "id"}
    told["figures"] = json.dumps(row.figures, ensure_ascii=False)
    tx.execute(table(Publication).insert().values(**told))


def list_newest(tx: Tx, receiver_id: str) -> list[PublicationRow]:
    """The newest revision of every period of a receiver."""
    held = table(Publication)
    later = held.alias()
    is_newest = (
        ~select(later.c.id)
        .where(
            later.c.receiver_id == held.c.receiver_id,
            later.c.agency == held.c.agency,
            later.c.period_from == held.c.period_from,
            later.c.period_to == held.c.period_to,
            later.c.revision > held.c.revision,
        )
        .exists()
    )
    query = select(held).where(held.c.receiver_id == receiver_id, is_newest).order_by(held.c.id)
    return [_row(row) for row in tx.execute(query)]


def load_newest(
    tx: Tx, receiver_id: str, agency: str, start: date, end: date
) -> PublicationRow | None:
    """The newest revision of one period; None where there is none."""
    held = table(Publication)
    found = tx.execute(
        select(held)
        .where(
            held.c.receiver_id == receiver_id,
            held.c.agency == agency,
            held.c.period_from == start,
            held.c.period_to == end,
        )
        .order_by(held.c.revision.desc())
        .limit(1)
    ).first()
    return _row(found) if found is not None else None


def load(tx: Tx, publication_id: int) -> PublicationRow | None:
    """One revision; None where there is none."""
    held = table(Publication)
    found = tx.execute(select(held).where(held.c.id == publication_id)).first()
    return _row(found) if found is not None else None


def load_before(tx: Tx, row: PublicationRow) -> PublicationRow | None:
    """The revision before one; None for the first."""
    held = table(Publication)
    found = tx.execute(
        select(held).where(
            held.c.receiver_id == row.receiver_id,
            held.c.agency == row.agency,
            held.c.period_from == row.period_from,
            held.c.period_to == row.period_to,
            held.c.revision == row.revision - 1,
        )
    ).first()
    return _row(found) if found is not None else None


def list_all(tx: Tx, receiver_id: str | None) -> list[PublicationRow]:
    """Every revision, of one receiver where it is named, in the order in which they were made."""
    held = table(Publication)
    query = select(held).order_by(held.c.id)
    if receiver_id is not None:
        query = query.where(held.c.receiver_id == receiver_id)
    return [_row(row) for row in tx.execute(query)]


# A revision is sent only when the receiver has all those before it.
_IS_NEXT = (
    "NOT EXISTS (SELECT 1 FROM publication e WHERE e.receiver_id = p.receiver_id"
    " AND e.agency = p.agency AND e.period_from = p.period_from AND e.period_to = p.period_to"
    " AND e.revision < p.revision AND e.state <> 'delivered')"
)
# Due; a moment after `latest` stems from a clock that was wrong.
_IS_DUE = "p.state = 'waiting' AND (p.due_at <= :now OR p.due_at > :latest)"


def next_due(
    tx: Tx, receiver_id: str, now: str, latest: str, *, is_probe: bool
) -> PublicationRow | None:
    """The revision to send now; None where none is due. A probe takes one that waits, due or not.

    Args:
        tx: An open transaction.
        receiver_id: Whose.
        now: ISO at +07:00.
        latest: No revision waits beyond this moment.
        is_probe: Whether it finds out if the receiver is back.
    """
    due = "p.state = 'waiting'" if is_probe else _IS_DUE
    found = tx.execute(
        text(
            f"SELECT p.id FROM publication p WHERE p.receiver_id = :receiver AND {due}"
            f" AND {_IS_NEXT} ORDER BY p.due_at, p.id LIMIT 1"
        ),
        {"receiver": receiver_id} | ({} if is_probe else {"now": now, "latest": latest}),
    ).scalar()
    return load(tx, int(found)) if found is not None else None


class Watched(Struct, frozen=True):
    """A receiver of figures that may be told something.

    Attributes:
        counted_at: When its periods were last counted; None for never.
        has_due: Whether a revision may be sent now.
    """

    receiver_id: str
    counted_at: str | None
    has_due: bool


def list_watched(tx: Tx, now: str, latest: str) -> list[Watched]:
    """Receivers of figures that are enabled and wait for nobody; arguments as in `next_due`."""
    may_ask = "(r.retry_at IS NULL OR r.retry_at <= :now OR r.retry_at > :latest)"
    found = tx.execute(
        text(
            f"SELECT r.id, c.counted_at, CASE WHEN {may_ask}"
            " AND EXISTS (SELECT 1 FROM publication p"
            " WHERE p.receiver_id = r.id AND p.state = 'waiting'"
            f" AND (r.breaker <> 'closed' OR {_IS_DUE}) AND {_IS_NEXT}) THEN 1 ELSE 0 END"
            " FROM receiver r LEFT JOIN publication_count c ON c.receiver_id = r.id"
            " WHERE r.shards = 0 AND r.state = 'enabled' AND r.waits_for IS NULL ORDER BY r.id"
        ),
        {"now": now, "latest": latest},
    )
    moment = Moment()
    return [
        Watched(row[0], moment.process_result_value(row[1], tx.dialect), bool(row[2]))
        for row in found
    ]


def note_counted(tx: Tx, receiver_id: str, at: str) -> None:
    """Say that all periods of a receiver were counted."""
    tx.execute(
        text(
            "INSERT INTO publication_count (receiver_id, counted_at) VALUES (:id, :at)"
            " ON CONFLICT (receiver_id) DO UPDATE SET counted_at = excluded.counted_at"
        ),
        {"id": receiver_id, "at": at},
    )


def forget_counted(tx: Tx, receiver_id: str) -> None:
    """Have all periods of a receiver counted again at the next look."""
    tx.execute(text("DELETE FROM publication_count WHERE receiver_id = :id"), {"id": receiver_id})


def save_try(
    tx: Tx,
    publication_id: int,
    *,
    attempts: int,
    first_at: str,
    due_at: str,
    state: str,
    reason: str | None = None,
    detail: str | None = None,
    delivered_at: str | None = None,
) -> None:
    """Write what came of an attempt."""
    held = table(Publication)
    tx.execute(
        held.update()
        .where(held.c.id == publication_id)
        .values(
            attempts=attempts,
            first_at=first_at,
            due_at=due_at,
            state=state,
            reason=reason,
            detail=detail,
            delivered_at=delivered_at,
        )
    )


def revive(tx: Tx, publication_id: int, at: str) -> bool:
    """Have a dead revision sent again, its time of trying counted anew; whether it was dead."""
    held = table(Publication)
    found = tx.execute(
        held.update()
        .where(held.c.id == publication_id, held.c.state == "dead")
        .values(state="waiting", first_at=None, due_at=at)
    )
    return found.rowcount > 0


def count_dead(tx: Tx, receiver_id: str) -> int:
    """How many revisions for a receiver are dead."""
    found = tx.execute(
        text("SELECT count(*) FROM publication WHERE receiver_id = :id AND state = 'dead'"),
        {"id": receiver_id},
    )
    return int(found.scalar_one())


def count_changed(tx: Tx, scope: Narrowed, until: date, after_seq: int) -> int:
    """Dossiers of a scope, accepted by a day, that changed after a change of the feed."""
    found = tx.execute(
        text(
            "SELECT count(DISTINCT c.dossier_id) FROM change c"
            " JOIN judgement j ON j.dossier_id = c.dossier_id"
            f" WHERE c.seq > :after AND j.accepted_on <= {day(tx, 'until')}"
            f" AND {scope.condition}"
        ),
        days(tx, {"after": after_seq, "until": until, **scope.parameters}),
    )
    return int(found.scalar_one())
