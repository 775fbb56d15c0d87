"""Figures counted for those who are told them: a first publication, or a restatement, or nothing.

A period is counted and its document made in one look at the store, so that `known_seq` says exactly
which changes are counted in. What was published and no longer holds is restated, never replaced.
"""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.errors import HubError
from canonical.ports import Figures, Publisher
from canonical.reasons import Reason
from store import publications, reads, rights
from store.publications import PublicationRow
from store.receivers import ReceiverRow
from sync import indicators
from sync.context import Context
from sync.indicators import Ask
from sync.jobs import Stopping
from sync.leases import Lease
from sync.periods import Period, read_plan, wanted

_PUBLICATIONS = uuid.UUID("0c7e7f0b-8a5c-5d43-9b1e-6f7a2c9d4e21")
# What is published of a period. How complete and fresh it was is told and never restated for.
_STATED = ("total", "buckets", "carried_over", "resolved", "resolved_online")


def count_all(
    context: Context, lease: Lease, port: Publisher, receiver: ReceiverRow, stopping: Stopping
) -> None:
    """Count every period that is wanted or was published, and keep what has to be told.

    Raises:
        HubError: a setting that cannot be worked with, or an agency beyond the receiver's.
        LeaseLost: another counts for this receiver now.
    """
    now = context.now()
    plan = read_plan(receiver.options, clock.day_of(clock.from_iso(receiver.created_at)))
    with context.store.read() as tx:
        _check_agencies(context, tx, receiver, plan.agencies)
        newest = {_period(row): row for row in publications.list_newest(tx, receiver.id)}
    for period in dict.fromkeys([*newest, *wanted(plan, clock.day_of(now))]):
        if stopping:
            return
        held = newest.get(period)
        if held is None or held.state == "delivered":
            _count_one(context, lease, port, receiver, period)

    def note(tx: Tx) -> None:
        lease.assert_in(tx)
        publications.note_counted(tx, receiver.id, clock.to_iso(now))

    context.store.in_write(note)


def _count_one(
    context: Context, lease: Lease, port: Publisher, receiver: ReceiverRow, period: Period
) -> None:
    now = context.now()
    with context.store.read() as tx:
        held = publications.load_newest(tx, receiver.id, period.agency, period.start, period.end)
        told = _told(context, tx, period, now)
        if held is not None and is_same(held.figures, told):
            return
        known_seq = reads.newest_seq(tx)
        why = _why(context, tx, period, held, now) if held is not None else ""
    row = _made(context, port, receiver, period, held, told, known_seq, why, now)

    def work(tx: Tx) -> None:
        lease.assert_in(tx)
        publications.add(tx, row)

    context.store.in_write(work)


def _ask(period: Period) -> Ask:
    return Ask(period.agency, period.start, period.end, as_of=period.end)


def _told(context: Context, tx: Tx, period: Period, now: datetime) -> dict[str, Any]:
    return indicators.answer(tx, context.books(tx), _ask(period), now, context.scopes)


def is_same(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether two answers state the same figures."""
    return all(before[name] == now[name] for name in _STATED)


def _why(context: Context, tx: Tx, period: Period, held: PublicationRow, now: datetime) -> str:
    """Why the revision before no longer stands, for people."""
    scope = indicators.question_of(tx, context.books(tx), _ask(period), now, context.scopes).scope
    changed = publications.count_changed(tx, scope, period.end, held.known_seq)
    if not changed:
        return "Phạm vi cơ quan theo danh mục đã thay đổi sau lần công bố trước."
    return (
        f"{changed} hồ sơ trong phạm vi được bổ sung hoặc đính chính sau lần công bố trước"
        f" (các thay đổi sau số {held.known_seq})."
    )


def _made(
    context: Context,
    port: Publisher,
    receiver: ReceiverRow,
    period: Period,
    held: PublicationRow | None,
    told: dict[str, Any],
    known_seq: int,
    why: str,
    now: datetime,
) -> PublicationRow:
    revision = held.revision + 1 if held is not None else 1
    at = clock.to_iso(now)
    event_id = publication_id(receiver.id, period, revision, known_seq)
    figures = Figures(
        id=event_id,
        revision=revision,
        told=told,
        before=held.figures if held is not None else None,
        known_seq=known_seq,
        at=at,
        why=why,
    )
    return PublicationRow(
        id=0,
        receiver_id=receiver.id,
        agency=period.agency,
        period_from=period.start,
        period_to=period.end,
        as_of=period.end,
        revision=revision,
        known_seq=known_seq,
        figures=told,
        why=why,
        event_id=event_id,
        body=context.vault.seal(port.render(figures)),
        state="waiting",
        attempts=0,
        first_at=None,
        due_at=at,
        reason=None,
        detail=None,
        created_at=at,
        delivered_at=None,
    )


def publication_id(receiver_id: str, period: Period, revision: int, known_seq: int) -> str:
    """The id of a revision, the same at every attempt; it is also the idempotency key.

    A store put back from a backup counts anew from another state of the feed: another id.
    """
    name = f"{receiver_id} {period.agency} {period.start} {period.end} {revision} {known_seq}"
    return str(uuid.uuid5(_PUBLICATIONS, name))


def _period(row: PublicationRow) -> Period:
    return Period(row.agency, row.period_from, row.period_to)


def _check_agencies(
    context: Context, tx: Tx, receiver: ReceiverRow, agencies: tuple[str, ...]
) -> None:
    catalogue = context.books(tx).agencies
    for agency in agencies:
        if not rights.may_ask_for(receiver.principal, agency, catalogue, context.now()):
            raise HubError(Reason.FORBIDDEN, f"setting agencies: {agency} is not the receiver's")
