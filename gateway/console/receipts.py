"""/console/receipts: what came in, found by business key or in order; every record as it came."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import Response

from canonical.errors import RequestRefused
from canonical.reasons import Reason
from gateway.console.desk import Desk
from gateway.console.door import needs, staff_router
from gateway.console.dossiers import PAGE, Key, Text
from store import connections, console_views, intake
from store.staff_rights import Right
from sync import raw_view

router = staff_router()


@router.get("/console/receipts")
def search(
    desk: Annotated[Desk, needs(Right.WATCH)],
    key: Text = "",
    connection: Text = "",
    before: Key = None,
) -> Response:
    """The newest receipts, or the records a business key leads to."""
    key = key.strip()
    with desk.context.store.read() as tx:
        links = connections.list_connections(tx)
        by_id = console_views.load_receipt(tx, key) if key else None
        if by_id is not None:
            return desk.back(f"/console/receipts/{by_id.receipt}")
        records = console_views.list_by_code(tx, key, before, PAGE + 1) if key else []
        known = {row.id for row in links}
        only = connection if connection in known else None
        rows = [] if key else console_views.list_receipts(tx, only, before, PAGE + 1)
    listed = records if key else rows
    return desk.page(
        "receipts.html",
        key=key,
        connection=only or "",
        links=links,
        records=records[:PAGE],
        rows=rows[:PAGE],
        more=listed[PAGE - 1].id if len(listed) > PAGE else None,
        is_first=before is None,
    )


@router.get("/console/receipts/{receipt_id}")
def show(
    desk: Annotated[Desk, needs(Right.WATCH)],
    receipt_id: str,
    after: Annotated[int, Query(ge=-1, lt=2**20)] = -1,
) -> Response:
    """One receipt and what became of its records, a page of them at a time."""
    subject = f"receipt:{receipt_id}"
    with desk.context.store.read() as tx:
        receipt = console_views.load_receipt(tx, receipt_id)
        if receipt is None:
            raise RequestRefused(Reason.NOT_FOUND, 404)
        until = desk.shown_until(tx, subject)
        records = console_views.list_of_receipt(tx, receipt.id, after, PAGE + 1)
    return desk.page(
        "receipt.html",
        receipt=receipt,
        records=records[:PAGE],
        more=records[PAGE - 1].position if len(records) > PAGE else None,
        is_first=after < 0,
        subject=subject,
        until=until,
    )


@router.get("/console/receipts/{receipt_id}/records/{position}")
def raw(
    desk: Annotated[Desk, needs(Right.WATCH)],
    receipt_id: str,
    position: int,
) -> Response:
    """One of its records, as it came."""
    subject = f"receipt:{receipt_id}"
    with desk.context.store.read() as tx:
        receipt = console_views.load_receipt(tx, receipt_id)
        record_id = intake.record_id(receipt.id, position) if receipt is not None else 0
        record = console_views.load_record(tx, record_id) if 0 <= position < 2**20 else None
        if record is None:
            raise RequestRefused(Reason.NOT_FOUND, 404)
        until = desk.shown_until(tx, subject)
        found = raw_view.raw_of(
            desk.context, tx, record_id, record.field, is_shown=until is not None
        )
    template = "raw_part.html" if desk.is_part else "raw.html"
    back = f"/console/receipts/{receipt_id}"
    return desk.page(template, record=record, raw=found, subject=subject, until=until, back=back)
