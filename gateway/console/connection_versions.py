"""/console/connections/ID/versions: who changed what, any two compared, any one taken up again."""

from typing import Annotated, Any

from fastapi import Query
from fastapi.responses import Response

from canonical.errors import RequestRefused
from canonical.reasons import Reason
from gateway.console import form_data
from gateway.console.connection_frame import PATH, attempt, framed, path_of, said
from gateway.console.desk import HEADERS, Desk
from gateway.console.door import needs, staff_router
from store.staff_rights import Right
from sync import connection_exports, connection_history
from sync.connection_documents import Difference

router = staff_router()
_LONGEST = 400
_Number = Annotated[int | None, Query(ge=1, lt=2**31)]


@router.get(PATH + "/{connection_id}/versions")
def show(
    desk: Annotated[Desk, needs(Right.WATCH)],
    connection_id: str,
    first: _Number = None,
    second: _Number = None,
) -> Response:
    """Its versions, newest first, and two of them side by side."""
    frame = framed(desk, connection_id)
    steps = connection_history.history(desk.context, connection_id)
    old, new = 0, frame.row.version
    found: list[Difference] = []
    if steps:
        old, new, found = connection_history.compare(desk.context, connection_id, first, second)
    return desk.page(
        "connection_versions.html",
        frame=frame,
        tab="versions",
        steps=list(reversed(steps)),
        old=old,
        new=new,
        lines=[line_of(desk, one) for one in found],
    )


@router.post(PATH + "/{connection_id}/rollback")
def roll_back(
    desk: Annotated[Desk, needs(Right.CONFIGURE)], connection_id: str, form: form_data.Form
) -> Response:
    """Configure it as a version of it was, as the next version."""
    framed(desk, connection_id)
    seen, version = form.seen, form.number("version")
    if version is None or not form.reason:
        raise RequestRefused(Reason.FIELD_MISSING, 422, detail=desk.say("connection.why_missing"))
    by = said(desk, form.reason, seen, "connection.by_rollback")
    return attempt(
        desk,
        connection_id,
        seen,
        lambda: connection_history.roll_back(desk.context, connection_id, version, by),
        desk.back(path_of(connection_id, "versions"), "connection.did_rollback", version=version),
    )


@router.get(PATH + "/{connection_id}/export")
def export(desk: Annotated[Desk, needs(Right.CONFIGURE)], connection_id: str) -> Response:
    """The connection as TOML; no secret is in it."""
    framed(desk, connection_id)
    text = connection_exports.export(desk.context, [connection_id])
    headers = {
        **HEADERS,
        "Content-Disposition": f'attachment; filename="{connection_id}.toml"',
    }
    return Response(text, media_type="application/toml", headers=headers)


def line_of(desk: Desk, one: Difference) -> dict[str, str]:
    """A difference as a person reads it."""
    return {
        "field": one.field,
        "before": _told(desk, one, one.before),
        "after": _told(desk, one, one.after),
    }


def _told(desk: Desk, one: Difference, value: Any) -> str:
    if value is None:
        return "–"
    if one.field.startswith("secrets.") and isinstance(value, str):
        words = {"set": "is_set", "missing": "is_missing", "another value": "is_another"}
        return desk.say(f"connection.secret_{words[value]}") if value in words else value
    text = toml_line(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def toml_line(value: Any) -> str:
    """A value on one line."""
    from sync import toml_text

    if isinstance(value, str):
        return value
    return toml_text.write({"x": value}).strip().removeprefix("x = ")
