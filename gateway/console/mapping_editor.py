"""/console/connections/ID/mapping: rows and codes edited, beside what a sample becomes by them.

Nothing is saved while one edits: the form carries the candidate, and every answer is a new form.
"""

import json
from typing import Annotated, Any

from fastapi import Query
from fastapi.responses import Response
from msgspec import Struct

from canonical.errors import HubError, RequestRefused
from canonical.mapping import transforms
from canonical.mapping.overlay import OverlayFault, laid_over
from canonical.reasons import Reason
from canonical.states import Status
from gateway.console import mapping_samples
from gateway.console.connection_frame import PATH, Frame, attempt, framed, path_of, said
from gateway.console.desk import Desk
from gateway.console.door import needs, staff_router
from gateway.console.form_data import Form, Typed, document_of
from gateway.console.mapping_reports import candidate_of_task
from gateway.console.mapping_rows import shown_row, text_value, typed_row, value_text
from store.staff_rights import Right
from sync import connection_edits, mapping_edits, toml_text
from sync.connection_edits import Change, Told
from sync.mapping_edits import MAPPED, Candidate

router = staff_router()
TARGETS = (
    *("code", "version", "updated_at", "national_code", "receipt_number", "pin", "status"),
    *("raw_status", "step", "agency", "received_at_agency", "procedure.code", "procedure.name"),
    *("procedure.domain", "applicant.kind", "applicant.name", "applicant.id_number"),
    *("applicant.phone", "applicant.email", "applicant.address", "channel", "service_level"),
    *("online_scope", "submitted_at", "accepted_at", "due_at", "finished_at", "handed_over_at"),
    *("refused_at", "withdrawn_at", "stopped_at", "history", "supplements", "extensions", "fees"),
    *("attachments", "results", "rating", "links"),
)


class Edited(Struct, frozen=True):
    """A candidate as the page shows it, and what was wrong with the last step.

    Attributes:
        text: The overlay as TOML, as it was typed where it is no TOML yet.
        tables: The connection's own codes, JSON.
        row: The row that is open: its fields, and `key`.
        code: The code that is open.
        fault: (reason, detail) of what could not be done.
    """

    candidate: Candidate
    text: str
    tables: str
    row: dict[str, str] | None = None
    code: dict[str, str] | None = None
    fault: tuple[str, str] | None = None


@router.get(PATH + "/{connection_id}/mapping")
def show(
    desk: Annotated[Desk, needs(Right.WATCH)],
    connection_id: str,
    task: Annotated[int | None, Query(ge=1, lt=2**62)] = None,
    table: Annotated[str, Query(max_length=200)] = "",
    code: Annotated[str, Query(max_length=1000)] = "",
) -> Response:
    """The mapping in force, or the candidate of a report; a code may be open already."""
    frame = framed(desk, connection_id)
    held = Candidate(frame.row.overlay, frame.row.tables)
    if task is not None:
        held = candidate_of_task(desk, connection_id, task)
    opened = {"table": table, "key": code, "kind": MAPPED, "value": ""} if table else None
    return _page(desk, frame, _edited(held, code=opened), form=None)


@router.post(PATH + "/{connection_id}/mapping/edit")
def edit(desk: Annotated[Desk, needs(Right.CONFIGURE)], connection_id: str, form: Form) -> Response:
    """One step of editing; nothing is saved."""
    frame = framed(desk, connection_id)
    return _page(desk, frame, _step(frame, form), form=form)


@router.post(PATH + "/{connection_id}/mapping/preview")
def preview(desk: Annotated[Desk, needs(Right.WATCH)], connection_id: str, form: Form) -> Response:
    """What the sample becomes by what is being typed; no side effects."""
    frame = framed(desk, connection_id)
    return desk.page("mapping_preview.html", frame=frame, **_previewed(desk, frame, form))


@router.post(PATH + "/{connection_id}/mapping/save")
def save(desk: Annotated[Desk, needs(Right.CONFIGURE)], connection_id: str, form: Form) -> Response:
    """Put the candidate into force as the next version, its gates asked."""
    frame = framed(desk, connection_id)
    candidate = candidate_of(frame, form)
    change = Change(told=Told(overlay=candidate.overlay), own_tables=candidate.tables)
    by = said(desk, form.reason, form.seen, "mapping.by_save")
    return attempt(
        desk,
        connection_id,
        form.seen,
        lambda: connection_edits.mend(desk.context, connection_id, change, by),
        desk.back(path_of(connection_id, "mapping"), "mapping.saved"),
    )


# ------------------------------------------------------------------ the candidate


def candidate_of(frame: Frame, form: Typed) -> Candidate:
    """What a form carries, with the row that is open in it as it is being typed.

    Raises:
        HubError: the text is no TOML or JSON, or cannot be laid over the mapping.
    """
    held = _without_open(frame, form)
    key = form.text("row.key")
    if not key or not form.text("row.target"):
        return held
    try:
        laid = mapping_edits.with_row(_document(frame), held.overlay, key, typed_row(form))
    except OverlayFault as fault:
        raise HubError(Reason.FIELD_TYPE, str(fault)) from fault
    return Candidate(laid, held.tables)


def _without_open(frame: Frame, form: Typed) -> Candidate:
    """What a form carries, but for the row that is open in it."""
    overlay = document_of(form.raw("overlay"), "overlay") if form.text("overlay") else {}
    try:
        laid_over(_document(frame), overlay)
    except OverlayFault as fault:
        raise HubError(Reason.FIELD_TYPE, str(fault)) from fault
    return Candidate(overlay, _own_tables(frame, form))


def _own_tables(frame: Frame, form: Typed) -> dict[str, dict[str, Any]]:
    if not form.text("tables"):
        return frame.row.tables
    told = document_of(form.text("tables"), "tables")
    if not all(isinstance(codes, dict) for codes in told.values()):
        raise HubError(Reason.FIELD_TYPE, "tables")
    return told


def _document(frame: Frame) -> dict[str, Any]:
    document = frame.system.mapping_document if frame.system is not None else None
    if document is None:
        raise RequestRefused(Reason.CONFLICT, 409)
    return document


def _edited(held: Candidate, **more: Any) -> Edited:
    text = toml_text.write(held.overlay) if held.overlay else ""
    return Edited(held, text, json.dumps(held.tables, ensure_ascii=False), **more)


def _step(frame: Frame, form: Typed) -> Edited:
    """The candidate after one step; as it was, with what is wrong, where that cannot be taken."""
    act, _, told = form.text("act").partition(" ")
    open_row = form.under("row.") if form.text("row.key") else None
    try:
        is_closing = act in ("save-row", "text")
        held = candidate_of(frame, form) if is_closing else _without_open(frame, form)
        return _done(frame, form, held, act, told)
    except (HubError, OverlayFault) as error:
        reason = error.reason.value if isinstance(error, HubError) else Reason.FIELD_TYPE.value
        detail = (error.detail or "") if isinstance(error, HubError) else str(error)
        kept = Candidate(frame.row.overlay, frame.row.tables)
        return Edited(
            kept, form.raw("overlay"), form.text("tables"), open_row, fault=(reason, detail)
        )


def _done(frame: Frame, form: Typed, held: Candidate, act: str, told: str) -> Edited:
    document = _document(frame)
    overlay = held.overlay
    if act == "row":
        return _edited(held, row={"key": told} | shown_row(_row_of(document, held, told)))
    if act == "new-row":
        return _edited(held, row={"key": f"new:{told}"} | shown_row({"target": ""}))
    if act == "drop-row":
        held = Candidate(mapping_edits.without_row(document, overlay, told), held.tables)
    elif act == "undo-row":
        held = Candidate(mapping_edits.as_base(document, overlay, told), held.tables)
    elif act in ("code", "drop-code", "undo-code"):
        table, _, key = told.partition(" ")
        if act == "code":
            return _edited(held, code=_code_of(document, held, table, key))
        undo = act == "undo-code"
        held = mapping_edits.without_code(document, held, table, key, undo=undo)
    elif act == "save-code":
        held = _with_code(document, held, form)
    mapping_edits.lines(document, held.overlay)  # says what cannot be laid over
    return _edited(held)


def _row_of(document: dict[str, Any], held: Candidate, key: str) -> dict[str, Any]:
    for found in mapping_edits.lines(document, held.overlay).values():
        for line in found:
            if line.key == key:
                return line.row
    raise HubError(Reason.NOT_FOUND, key)


def _code_of(document: dict[str, Any], held: Candidate, table: str, key: str) -> dict[str, str]:
    for one in mapping_edits.entries(document, held).get(table, []):
        if one.key == key and key:
            value = one.value if one.kind != MAPPED else value_text(one.value)
            return {"table": table, "key": key, "kind": one.kind, "value": value}
    return {"table": table, "key": key, "kind": MAPPED, "value": ""}


def _with_code(document: dict[str, Any], held: Candidate, form: Typed) -> Candidate:
    table, key = form.text("code.table"), form.text("code.key")
    kind, value = form.text("code.kind") or MAPPED, form.text("code.value")
    if not (table and key and value):
        raise HubError(Reason.FIELD_MISSING, "code")
    meant = text_value(value) if kind == MAPPED else value
    return mapping_edits.with_code(document, held, table, key, kind, meant)


# ------------------------------------------------------------------ what is shown


def _page(desk: Desk, frame: Frame, edited: Edited, form: Typed | None) -> Response:
    template = "mapping_form.html" if desk.is_part else "connection_mapping.html"
    document = frame.system.mapping_document if frame.system is not None else None
    subject = f"connection:{frame.row.id}"
    with desk.context.store.read() as tx:
        until = desk.shown_until(tx, subject)
    told: dict[str, Any] = {"frame": frame, "tab": "mapping", "edited": edited}
    told |= {"subject": subject, "until": until, "is_mapped": document is not None}
    if document is not None:
        told |= _tables(frame, document, edited)
        told["sampling"] = mapping_samples.asked(desk, frame, form)
        told |= {"shown": None, "trouble": None}
        if form is not None:
            told |= _seen_by(desk, frame, edited.candidate, form, until)
    return desk.page(template, **told)


def _tables(frame: Frame, document: dict[str, Any], edited: Edited) -> dict[str, Any]:
    candidate = edited.candidate
    try:
        shapes = mapping_edits.lines(document, candidate.overlay)
        tables = mapping_edits.entries(document, candidate)
    except OverlayFault:  # what is in force no longer fits the program's mapping
        bare = Candidate({}, candidate.tables)
        shapes = mapping_edits.lines(document, {})
        tables = mapping_edits.entries(document, bare)
    own = frame.system.transforms if frame.system is not None else {}
    return {
        "shapes": shapes,
        "tables": tables,
        "targets": TARGETS,
        "steps": [*transforms.names(), *sorted(own)],
        "states": list(Status),
        "rows_text": {line.key: shown_row(line.row) for rows in shapes.values() for line in rows},
        "is_changed": (candidate.overlay, candidate.tables)
        != (frame.row.overlay, frame.row.tables),
    }


def _previewed(desk: Desk, frame: Frame, form: Typed) -> dict[str, Any]:
    with desk.context.store.read() as tx:
        until = desk.shown_until(tx, f"connection:{frame.row.id}")
    try:
        candidate = candidate_of(frame, form)
    except HubError as error:
        return {"shown": None, "trouble": (error.reason.value, error.detail or "")}
    return _seen_by(desk, frame, candidate, form, until)


def _seen_by(
    desk: Desk, frame: Frame, candidate: Candidate, form: Typed, until: str | None
) -> dict[str, Any]:
    try:
        shown = mapping_samples.previewed(desk, frame, candidate, form, personal=until is not None)
    except HubError as error:
        return {"shown": None, "trouble": (error.reason.value, error.detail or "")}
    return {"shown": shown, "trouble": None}
