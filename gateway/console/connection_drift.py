"""/console/connections/ID/drift: what a department sends has changed; taken as known or not."""

from typing import Annotated

from fastapi.responses import Response

from canonical.errors import RequestRefused
from canonical.reasons import Reason
from gateway.console import form_data
from gateway.console.connection_frame import PATH, framed, path_of, said
from gateway.console.desk import Desk
from gateway.console.door import needs, staff_router
from store.staff_rights import Right
from sync import drift

router = staff_router()


@router.get(PATH + "/{connection_id}/drift")
def show(desk: Annotated[Desk, needs(Right.WATCH)], connection_id: str) -> Response:
    """What has changed, what was settled before, and what is known of its records."""
    frame = framed(desk, connection_id)
    told = drift.drift_of(desk.context, connection_id, with_past=True, with_shapes=True)
    return desk.page("connection_drift.html", frame=frame, tab="drift", told=told)


@router.post(PATH + "/{connection_id}/drift")
def accept(
    desk: Annotated[Desk, needs(Right.CONFIGURE)], connection_id: str, form: form_data.Form
) -> Response:
    """Take findings as known from now on."""
    framed(desk, connection_id)
    ids = [int(one) for one in form.all("id") if one.isascii() and one.isdecimal()]
    if not ids or not form.reason:
        raise RequestRefused(Reason.FIELD_MISSING, 422, detail=desk.say("drift.choose"))
    by = said(desk, form.reason, None, "connection.by_test")
    drift.accept(desk.context, connection_id, by, ids)
    return desk.back(path_of(connection_id, "drift"), "drift.accepted")
