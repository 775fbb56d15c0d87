"""/console/connections/ID/ca: whom a link trusts besides the usual authorities.

The certificates are handed in as a file or as text, and shown by whose they are and until when.
"""

from typing import Annotated

from fastapi.responses import Response

from canonical.errors import RequestRefused
from canonical.ports import TLS_CA
from canonical.reasons import Reason
from gateway.console import form_data
from gateway.console.connection_frame import PATH, attempt, framed, path_of, said
from gateway.console.desk import Desk
from gateway.console.door import needs, staff_router
from store.staff_rights import Right
from sync import connection_edits
from sync.connection_edits import Change

router = staff_router()


@router.post(PATH + "/{connection_id}/ca")
def save(
    desk: Annotated[Desk, needs(Right.CONFIGURE)], connection_id: str, form: form_data.Form
) -> Response:
    """Trust the certificates that are handed in, and no others of before; or none any more."""
    framed(desk, connection_id)
    files = list(form.files.get("file", {}).values())
    text = files[0].decode("utf-8", "replace") if files else form.text("pem")
    is_taken_away = form.text("do") == "remove"
    if not text and not is_taken_away:
        raise RequestRefused(Reason.FIELD_MISSING, 422, detail=desk.say("ca.none_given"))
    change = Change(cleared=(TLS_CA,)) if is_taken_away else Change(settings={TLS_CA: text})
    seen = form.seen
    by = said(desk, form.reason, seen, "ca.by_remove" if is_taken_away else "ca.by_set")
    return attempt(
        desk,
        connection_id,
        seen,
        lambda: connection_edits.mend(desk.context, connection_id, change, by),
        desk.back(
            path_of(connection_id, "settings"), "ca.did_remove" if is_taken_away else "ca.did_set"
        ),
    )
