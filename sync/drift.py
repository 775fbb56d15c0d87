"""How a connection's records drift from what they were: learnt, compared, told, taken as known.

What a sample shows is settled in one transaction per run, and every few seconds for pushes: the
number of its statements depends on what changed and not on how many records came. While something
has changed and nobody took it as known, one alarm lasts that names it.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy.engine import Connection as Tx

from canonical import clock, drifting
from canonical.drifting import Change
from canonical.errors import HubError
from canonical.live_shape import Looks, from_json, merged
from canonical.reasons import Reason
from store import alarms, connections, drifts
from store.connections import ConnectionRow
from store.drifts import DriftRow, LiveRow
from sync import drift_finding as finding
from sync.connecting import By
from sync.context import Context
from sync.drift_finding import ALL, Looked
from sync.drift_texts import sentence_of

logger = logging.getLogger(__name__)
ALARM = "schema_drift"
_MOST_TOLD = 6


class DriftShown(Struct, frozen=True):
    """One finding as people read it.

    Attributes:
        to: The new name of a renamed field; "" else.
        before: Kinds or forms it had.
        after: Kinds or forms it has now; codes that are new.
        places: The mapping rows that read it.
        procedures: Whose records show it.
        vi: One Vietnamese sentence; `en` in English.
        ended_by: accepted | gone | mapped; None while it lasts.
    """

    id: int
    shape: str
    kind: str
    field: str
    to: str
    before: list[str]
    after: list[str]
    places: list[str]
    procedures: list[str]
    since: str
    last_at: str
    rows: int
    vi: str
    en: str
    ended_at: str | None = None
    ended_by: str | None = None
    author: str | None = None
    reason: str | None = None


class ShapeShown(Struct, frozen=True):
    """What is known of the records of one procedure.

    Attributes:
        procedure: Its code; "-" where records do not say.
        rows: Sampled records that it was learnt from.
        fields: Wire path -> {"present", "kinds", "forms"}.
    """

    shape: str
    procedure: str
    rows: int
    fields: dict[str, dict[str, Any]]


class Drifting(Struct, frozen=True):
    """How a connection's records stand with what is known of them.

    Attributes:
        fingerprint: Of its contract as held here; "" where there is none.
        findings: What has changed and nobody took as known.
        past: What was settled before, newest first; where asked.
        shapes: What is known; where asked.
    """

    connection: str
    fingerprint: str
    findings: list[DriftShown]
    past: list[DriftShown] = []
    shapes: list[ShapeShown] = []


def settle(context: Context, connection_id: str) -> list[DriftShown]:
    """Take what was seen of a connection into what is known of it; what is new of it.

    Never raises: whoever calls it has something else to bring to its end.
    """
    looked = context.learner.take(connection_id)
    if not looked:
        return []
    now = context.now()
    try:
        news = context.store.in_write(
            lambda tx: _settle_in(context, tx, connection_id, looked, now)
        )
    except Exception:
        logger.exception(
            "What records look like could not be kept",
            extra={"event": "drift.broke", "connection": connection_id},
        )
        return []
    for one in news:
        logger.warning(
            "A department's records have changed",
            extra={
                "event": "drift.found",
                "connection": connection_id,
                "kind": one.kind,
                "field": one.field,
                "to": one.to,
            },
        )
    return news


def settle_all(context: Context) -> None:
    """Settle every connection of which this process has seen something."""
    for connection_id in context.learner.waiting():
        settle(context, connection_id)


def _settle_in(
    context: Context, tx: Tx, connection_id: str, looked: Looked, now: datetime
) -> list[DriftShown]:
    row = connections.lock_connection(tx, connection_id)
    if row is None:
        return []
    at = clock.to_iso(now)
    system = context.system_of(row, tx=tx)
    lens = context.learner.lens(tx, row.id, row.mapping_version, system)
    procedures = {procedure for _, procedure in looked}
    held = finding.held(drifts.load_shapes(tx, connection_id, {ALL, *procedures}))
    lasting = drifts.list_drifts(tx, connection_id)
    over, held = finding.over(lasting, looked, lens.reads, held)
    for by in ("mapped", "gone"):
        ids = [one.id for one in lasting if over.get(one.id) == by]
        if ids:
            drifts.end_drifts(tx, ids, by, at)
    lasting = [one for one in lasting if one.id not in over]
    found = finding.compared(looked, held, lens.reads)
    known = finding.known(lasting)
    news = []
    for (shape, change), named in finding.gathered(found).items():
        before = known.get((shape, change.kind, change.field))
        told = finding.told(change, named, before, lens.reads.get(shape))
        drifts.save_drift(
            tx,
            connection_id,
            at,
            shape=shape,
            kind=change.kind,
            field=change.field,
            told=told,
            rows=change.rows,
        )
        if before is None:
            news.append((shape, change.kind, change.field))
    _save(tx, connection_id, looked, held, found, at)
    left = drifts.list_drifts(tx, connection_id)
    _alarm(tx, connection_id, left, at)
    return [shown(one) for one in left if (one.shape, one.kind, one.field) in news]


def _save(
    tx: Tx,
    connection_id: str,
    looked: Looked,
    held: Looked,
    found: Mapping[tuple[str, str], Sequence[Change]],
    at: str,
) -> None:
    """What is known from now on: of every procedure that was seen, and of all together."""
    told = dict(held)
    for (shape, procedure), fresh in looked.items():
        changes = found.get((shape, procedure), ())
        taught = drifting.taught(told.get((shape, procedure), Looks(0, {})), fresh, changes)
        told[shape, procedure] = taught
        every = told.get((shape, ALL), Looks(0, {}))
        own = drifting.taught(Looks(0, {}), fresh, changes)
        told[shape, ALL] = merged(every, own)
    rows = [
        LiveRow(shape, procedure, looks.rows, looks.to_json())
        for (shape, procedure), looks in sorted(told.items())
    ]
    drifts.save_shapes(tx, connection_id, rows, at)


def _alarm(tx: Tx, connection_id: str, lasting: Sequence[DriftRow], at: str) -> None:
    if not lasting:
        alarms.end_alarm(tx, ALARM, connection_id, at)
        return
    told = "; ".join(shown(one).vi for one in lasting[:_MOST_TOLD])
    more = len(lasting) - _MOST_TOLD
    alarms.raise_alarm(
        tx, ALARM, connection_id, (told + (f"; và {more} nữa" if more > 0 else ""))[:500], at
    )


def shown(one: DriftRow) -> DriftShown:
    """A finding as people read it."""
    told = one.told
    vi, en = sentence_of(one.kind, one.field, told)
    return DriftShown(
        id=one.id,
        shape=one.shape,
        kind=one.kind,
        field=one.field,
        to=told.get("to", ""),
        before=told.get("before", []),
        after=told.get("after", []),
        places=told.get("places", []),
        procedures=told.get("procedures", []),
        since=one.since,
        last_at=one.last_at,
        rows=one.rows,
        vi=vi,
        en=en,
        ended_at=one.ended_at,
        ended_by=one.ended_by,
        author=one.author,
        reason=one.reason,
    )


def drift_of(
    context: Context, connection_id: str, *, with_past: bool = False, with_shapes: bool = False
) -> Drifting:
    """How a connection's records stand with what is known of them.

    Raises:
        HubError: NOT_FOUND.
    """
    with context.store.read() as tx:
        row = _row(connections.load_connection(tx, connection_id), connection_id)
        found = [shown(one) for one in drifts.list_drifts(tx, connection_id, with_past=with_past)]
        rows = drifts.load_shapes(tx, connection_id) if with_shapes else []
    shapes = [
        ShapeShown(
            one.shape,
            one.procedure,
            one.rows,
            {
                path: {"present": seen.present, "kinds": seen.kinds, "forms": seen.forms}
                for path, seen in sorted(from_json(one.rows, one.body).fields.items())
            },
        )
        for one in rows
    ]
    fingerprint = context.system_of(row).fingerprint if context.knows(row) else ""
    past = [one for one in reversed(found) if one.ended_at is not None]
    return Drifting(
        connection_id, fingerprint, [one for one in found if one.ended_at is None], past, shapes
    )


def accept(
    context: Context, connection_id: str, by: By, ids: Collection[int] | None = None
) -> list[DriftShown]:
    """Take what has changed as known from now on, and end the alarm where nothing is left.

    Args:
        context: The hub's parts.
        connection_id: Which.
        by: Who says so, and why.
        ids: Which findings; all that last unless said.

    Raises:
        HubError: NOT_FOUND: no such connection, or nothing of this lasts; FIELD_MISSING: no reason.
    """
    if not by.reason.strip():
        raise HubError(Reason.FIELD_MISSING, "say why it is taken as known")
    at = clock.to_iso(context.now())

    def work(tx: Tx) -> list[DriftShown]:
        _row(connections.lock_connection(tx, connection_id), connection_id)
        lasting = drifts.list_drifts(tx, connection_id)
        chosen = [one for one in lasting if ids is None or one.id in ids]
        if not chosen:
            raise HubError(Reason.NOT_FOUND, f"nothing of {connection_id!r} waits to be accepted")
        held = finding.held(drifts.load_shapes(tx, connection_id))
        for one in chosen:
            change = {"kind": one.kind, "field": one.field, **one.told}
            touched = {ALL, *one.told.get("procedures", ())}
            held = {
                key: drifting.accepted(looks, change)
                if key[0] == one.shape and key[1] in touched
                else looks
                for key, looks in held.items()
            }
        rows = [LiveRow(s, p, looks.rows, looks.to_json()) for (s, p), looks in held.items()]
        drifts.save_shapes(tx, connection_id, rows, at)
        done = {one.id for one in chosen}
        drifts.end_drifts(tx, done, "accepted", at, by.author, by.reason)
        _alarm(tx, connection_id, [one for one in lasting if one.id not in done], at)
        past = drifts.list_drifts(tx, connection_id, with_past=True)
        return [shown(one) for one in past if one.id in done]

    return context.store.in_write(work)


def _row(row: ConnectionRow | None, connection_id: str) -> ConnectionRow:
    if row is None:
        raise HubError(Reason.NOT_FOUND, f"no connection {connection_id!r}")
    return row
