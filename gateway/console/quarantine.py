"""/console/quarantine: what was refused, by cause; the raw record beside the reason; replay."""

from collections import Counter
from typing import Annotated, Any

from fastapi import Form, Query
from fastapi.responses import Response
from msgspec import structs

from canonical.errors import RequestRefused
from canonical.reasons import Reason
from gateway.console import tasks as bars
from gateway.console.desk import Desk
from gateway.console.door import needs, staff_router
from gateway.console.dossiers import PAGE, Text
from gateway.console.why import typed
from store import connections, console_views, quarantine, tasks
from store.quarantine import Chosen
from store.staff_rights import Right
from sync import long_work, overview, raw_view, resolve
from sync.context import Context
from sync.quarantine_replay import Why, replay

router = staff_router()
PATH = "/console/quarantine"
_TASK = "quarantine"


@router.get(PATH)
def causes(desk: Annotated[Desk, needs(Right.WATCH)], connection: Text = "") -> Response:
    """The causes, those of most records first."""
    with desk.context.store.read() as tx:
        links = connections.list_connections(tx)
        known = {row.id: overview.who(desk.context, row) for row in links}
        rows = quarantine.list_causes(tx, connection if connection in known else None)
        newest = tasks.newest(tx, _TASK, desk.principal.id)
    return desk.page(
        "quarantine.html",
        rows=rows,
        links=links,
        known=known,
        connection=connection if connection in known else "",
        work=bars.progress_of(desk, newest) if newest is not None else None,
    )


@router.get(f"{PATH}/cause")
def cause(
    desk: Annotated[Desk, needs(Right.WATCH)],
    connection: Text,
    reason: Text,
    field: Text = "",
    after: Annotated[int, Query(ge=0, lt=2**62)] = 0,
) -> Response:
    """The records of one cause, those refused first first."""
    chosen = Chosen(connection, _reason(reason), field or None)
    with desk.context.store.read() as tx:
        rows = console_views.list_refused(tx, chosen, after, PAGE + 1)
        count = sum(quarantine.count_chosen(tx, chosen).values())
    return desk.page(
        "quarantine_cause.html",
        rows=rows[:PAGE],
        chosen=chosen,
        count=count,
        more=rows[PAGE - 1].id if len(rows) > PAGE else None,
        is_first=after == 0,
    )


@router.post(f"{PATH}/replay")
def take_up_again(
    desk: Annotated[Desk, needs(Right.REPAIR)],
    why: Annotated[str, Form()] = "",
    connection: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
    field: Annotated[str, Form()] = "",
    record: Annotated[list[int] | None, Form()] = None,
) -> Response:
    """Begin to read records again: these, or all of a cause, of a connection, or of everything."""
    said = Why(desk.member.name, typed(desk, why))
    chosen = Chosen(
        connection or None,
        _reason(reason) if reason else None,
        field or None,
        tuple(record) if record else None,
    )
    context, subject = desk.context, desk.principal.id
    long_work.begin(
        context,
        _TASK,
        subject,
        desk.member.id,
        lambda report: _replayed(context, chosen, said, report),
    )
    return desk.back(PATH, "quarantine.begun")


def _replayed(
    context: Context, chosen: Chosen, why: Why, report: long_work.Progress
) -> list[dict[str, Any]]:
    told = []
    for one in replay(context, chosen, why, report):
        counts = structs.asdict(one)
        still: Counter[Any] = counts.pop("still")
        told.append({**counts, "still": still.total()})
    return told


@router.get(f"{PATH}/{{record_id}}")
def show(desk: Annotated[Desk, needs(Right.WATCH)], record_id: int) -> Response:
    """One refused record: why, and what came."""
    subject = f"quarantine:{record_id}"
    with desk.context.store.read() as tx:
        record = console_views.load_record(tx, record_id)
        if record is None or record.disposition != "quarantined":
            raise RequestRefused(Reason.NOT_FOUND, 404)
        until = desk.shown_until(tx, subject)
        row = connections.load_connection(tx, record.connection)
        found = raw_view.raw_of(
            desk.context, tx, record_id, record.field, is_shown=until is not None
        )
    return desk.page(
        "quarantine_record.html",
        record=record,
        raw=found,
        owner=overview.who(desk.context, row)[1] if row is not None else "",
        opens=record.reason == Reason.CODE_REUSED.value,
        subject=subject,
        until=until,
    )


@router.post(f"{PATH}/{{record_id}}/as-new")
def as_new(
    desk: Annotated[Desk, needs(Right.REPAIR)],
    record_id: int,
    why: Annotated[str, Form()] = "",
) -> Response:
    """Say that a reused code is another case: it opens the next generation."""
    resolve.resolve_as_new(desk.context, record_id, desk.member.name, typed(desk, why))
    return desk.back(PATH, "quarantine.opened")


def _reason(told: str) -> str:
    if told not in set(Reason):
        raise RequestRefused(Reason.NOT_FOUND, 404)
    return told
