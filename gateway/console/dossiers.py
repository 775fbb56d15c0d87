"""/console/dossiers: found by code or filter; one dossier with the record behind every step."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import Response

from canonical import clock
from canonical.errors import RequestRefused
from canonical.reasons import Reason
from canonical.states import Status
from gateway.console.desk import Desk
from gateway.console.door import needs, staff_router
from store import connections, console_views
from store.staff_rights import Right
from sync import dossier_pages, raw_view
from sync.dossier_pages import Asked

router = staff_router()
PAGE = 50
Text = Annotated[str, Query(max_length=400)]
Key = Annotated[int | None, Query(ge=1, lt=2**62)]


@router.get("/console/dossiers")
def search(
    desk: Annotated[Desk, needs(Right.DOSSIERS)],
    code: Text = "",
    agency: Text = "",
    procedure: Text = "",
    status: Text = "",
    connection: Text = "",
    overdue: Text = "",
    before: Key = None,
) -> Response:
    """The newest dossiers, or those that are asked for."""
    known = set(Status)
    asked = Asked(
        code=code.strip(),
        agency=agency.strip(),
        procedure=procedure.strip(),
        status=status if status in known else "",
        connection=connection.strip() if desk.may(Right.WATCH) else "",
        is_overdue=bool(overdue),
    )
    with desk.context.store.read() as tx:
        rows = dossier_pages.list_lines(desk.context, tx, desk.visible(tx), asked, before, PAGE + 1)
        books = desk.context.books(tx)
        links = connections.list_connections(tx) if desk.may(Right.WATCH) else []
    today = clock.day_of(desk.context.now())
    more = rows[PAGE - 1].key if len(rows) > PAGE and not asked.code else None
    return desk.page(
        "dossiers.html",
        rows=rows[:PAGE] if not asked.code else rows,
        asked=asked,
        statuses=list(Status),
        links=links,
        agencies=[one for one in books.data.agencies if _holds(one, today)],
        procedures=books.data.procedures,
        more=more,
        is_first=before is None,
    )


def _holds(agency: object, today: object) -> bool:
    begins, ends = getattr(agency, "valid_from", None), getattr(agency, "valid_to", None)
    return (begins is None or begins <= today) and (ends is None or today < ends)


@router.get("/console/dossiers/{dossier_id}")
def show(desk: Annotated[Desk, needs(Right.DOSSIERS)], dossier_id: str) -> Response:
    """One dossier."""
    subject = f"dossier:{dossier_id}"
    with desk.context.store.read() as tx:
        until = desk.shown_until(tx, subject)
        page = dossier_pages.load_page(
            desk.context,
            tx,
            dossier_id,
            desk.visible(tx),
            language=desk.language,
            is_shown=until is not None,
        )
    if page is None:
        raise RequestRefused(Reason.NOT_FOUND, 404)
    if page.id != dossier_id:  # an id that led here once: what was asked for is of this one
        return desk.back(f"/console/dossiers/{page.id}")
    return desk.page("dossier.html", page=page, subject=subject, until=until)


@router.get("/console/dossiers/{dossier_id}/records/{record_id}")
def raw(desk: Annotated[Desk, needs(Right.DOSSIERS)], dossier_id: str, record_id: int) -> Response:
    """The record behind a step, as it came."""
    subject = f"dossier:{dossier_id}"
    with desk.context.store.read() as tx:
        until = desk.shown_until(tx, subject)
        page = dossier_pages.load_page(
            desk.context, tx, dossier_id, desk.visible(tx), language=desk.language, is_shown=False
        )
        if page is None or page.id != dossier_id:
            raise RequestRefused(Reason.NOT_FOUND, 404)
        if console_views.legs_of(tx, [record_id]).get(record_id) != page.key:
            raise RequestRefused(Reason.NOT_FOUND, 404)
        record = console_views.load_record(tx, record_id)
        found = raw_view.raw_of(desk.context, tx, record_id, None, is_shown=until is not None)
    template = "raw_part.html" if desk.is_part else "raw.html"
    back = f"/console/dossiers/{dossier_id}"
    return desk.page(template, record=record, raw=found, subject=subject, until=until, back=back)
