"""/console/connections/+import: a file of connections, its plan shown first, then taken whole.

Between the two nothing is kept: the page carries the file with it, and the version that its plan
saw of each connection. `+` stands in no connection's id.
"""

import base64
import binascii
from typing import Annotated

from fastapi.responses import Response
from msgspec import Struct

from canonical.errors import HubError, RequestRefused
from canonical.reasons import Reason
from gateway.console.connection_frame import PATH, path_of, said
from gateway.console.connection_versions import line_of
from gateway.console.desk import HEADERS, Desk
from gateway.console.door import needs, staff_router
from gateway.console.form_data import Form, Typed
from store.staff_rights import Right
from sync import connection_exports, connection_file_faults
from sync.connection_exports import File, Step
from sync.connection_file_faults import Fault
from sync.gates import NotEnabled, Objection

router = staff_router()
IMPORT, EXPORT = f"{PATH}/+import", f"{PATH}/+export"
# As text of a form it is longer by a third, and a field of a form has 4 MiB.
MOST_BYTES = 3 * 1024 * 1024


class Read(Struct, frozen=True):
    """A file that was handed in.

    Attributes:
        name: As it was chosen.
        text: Whole; "" where it is none.
        file: None where it cannot be taken.
        fault: Why not.
    """

    name: str
    text: str = ""
    file: File | None = None
    fault: Fault | None = None


class Shown(Struct, frozen=True):
    """One connection of a plan as the page shows it."""

    step: Step
    lines: list[dict[str, str]]


class Blocked(Struct, frozen=True):
    """What keeps a connection of the file from being enabled; nothing of the file was taken."""

    connection: str
    path: str
    objections: list[Objection]


@router.get(IMPORT)
def show(desk: Annotated[Desk, needs(Right.CONFIGURE)]) -> Response:
    """The form for a file."""
    return _page(desk, None)


@router.get(EXPORT)
def export(desk: Annotated[Desk, needs(Right.CONFIGURE)]) -> Response:
    """Every connection as one TOML; no secret is in it."""
    text = connection_exports.export(desk.context)
    headers = {**HEADERS, "Content-Disposition": 'attachment; filename="connections.toml"'}
    return Response(text, media_type="application/toml", headers=headers)


@router.post(IMPORT)
def plan(desk: Annotated[Desk, needs(Right.CONFIGURE)], form: Form) -> Response:
    """What a file would do; nothing is done."""
    files = form.files.get("file", {})
    if not files:
        raise RequestRefused(Reason.FIELD_MISSING, 422, detail=desk.say("importing.no_file"))
    name, raw = next(iter(files.items()))
    return _page(desk, _read(desk, name, raw))


@router.post(f"{IMPORT}/apply")
def apply(desk: Annotated[Desk, needs(Right.CONFIGURE)], form: Form) -> Response:
    """Take the file as its plan was shown: all of it or nothing."""
    read = _read(desk, form.text("name"), _carried(form))
    if not form.reason:
        raise RequestRefused(Reason.FIELD_MISSING, 422, detail=desk.say("connection.why_missing"))
    if read.file is None:
        return _page(desk, read)
    seen = {name: form.number(f"seen.{name}") or 0 for name in form.under("seen.")}
    by = said(desk, form.reason, None, "importing.by")
    try:
        steps = connection_exports.apply(desk.context, read.file, by, seen)
    except NotEnabled as refused:
        path = path_of(refused.connection)
        return _page(desk, read, Blocked(refused.connection, path, refused.objections))
    except HubError as error:
        fault = connection_file_faults.explained(read.text, error)
        return _page(desk, Read(read.name, read.text, read.file, fault))
    done = [step for step in steps if step.act != "nothing"]
    missing = ", ".join(
        f"{one.connection}: {', '.join(one.missing)}" for one in done if one.missing
    )
    word = "importing.done_missing" if missing else "importing.done"
    told = {"missing": missing[:600]} if missing else {}
    return desk.back(PATH, word, count=len(done), **told)


def _carried(form: Typed) -> bytes:
    """The file that the plan was of, as the page carried it."""
    try:
        return base64.b64decode(form.text("carried"), validate=True)
    except binascii.Error:
        raise RequestRefused(Reason.BODY_MALFORMED, 422) from None


def _read(desk: Desk, name: str, raw: bytes) -> Read:
    if len(raw) > MOST_BYTES:
        detail = desk.say("importing.too_large", size=MOST_BYTES // 1024 // 1024)
        raise RequestRefused(Reason.BODY_TOO_LARGE, 413, detail=detail)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        vi, en = "tệp không phải UTF-8", "the file is not UTF-8"
        return Read(name, fault=Fault(line, "", Reason.ENC_INVALID.value, vi, en, ""))
    try:
        return Read(name, text, connection_exports.read(text))
    except HubError as error:
        return Read(name, text, fault=connection_file_faults.explained(text, error))


def _page(desk: Desk, read: Read | None, blocked: Blocked | None = None) -> Response:
    """The form, and what is known of the file that was handed in."""
    fault = read.fault if read is not None else None
    steps: list[Step] = []
    if read is not None and read.file is not None:
        try:
            steps = connection_exports.plan(desk.context, read.file)
        except HubError as error:
            fault = fault or connection_file_faults.explained(read.text, error)
    is_news = any(step.act != "nothing" for step in steps)
    return desk.page(
        "connection_plan_part.html" if desk.is_part else "connection_import.html",
        409 if blocked is not None else 422 if fault is not None else 200,
        read=read,
        fault=fault,
        blocked=blocked,
        frame=blocked,
        steps=[Shown(step, [line_of(desk, one) for one in step.changes]) for step in steps],
        is_news=is_news,
        carried=base64.b64encode(read.text.encode()).decode()
        if read is not None and is_news
        else "",
    )
