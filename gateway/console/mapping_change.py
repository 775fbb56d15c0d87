"""/console/connections/ID/change: a mapping proved before it is live.

Coverage, then what-if over everything stored, then promotion of exactly what was foreseen, then the
replay of what it lets in.
"""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Query
from fastapi.responses import Response
from msgspec import structs, to_builtins

from canonical.errors import HubError, RequestRefused
from canonical.reasons import Reason
from gateway.console import mapping_reports
from gateway.console.connection_frame import PATH, attempt, framed, path_of, said, shown_task
from gateway.console.desk import Desk
from gateway.console.door import needs, staff_router
from gateway.console.form_data import Form
from gateway.console.mapping_editor import candidate_of
from gateway.console.tasks import progress_of
from store import promotions
from store.promotions import PromotionRow
from store.staff_rights import Right
from store.tasks import TaskRow
from sync import coverage, long_work, promotion_replay
from sync.whatif import promoting, shadow
from sync.whatif.candidate import Candidate
from sync.whatif.report import WhatIf

router = staff_router()
COVERAGE = "coverage"
_DOSSIERS = 50


@router.get(PATH + "/{connection_id}/change")
def show(
    desk: Annotated[Desk, needs(Right.WATCH)],
    connection_id: str,
    page: Annotated[int, Query(ge=0, le=10_000)] = 0,
    version: Annotated[int | None, Query(ge=1, lt=2**31)] = None,
) -> Response:
    """How far the proof is: coverage, the newest report or a kept one, its replay."""
    frame = framed(desk, connection_id)
    proof, trial = (shown_task(desk, kind, connection_id) for kind in (COVERAGE, _WHATIF))
    report = None
    if version is not None:
        report = promoting.report_of(desk.context, connection_id, version)
    elif trial is not None and trial.state == "done":
        report = _readable(desk, trial)
    first = page * _DOSSIERS
    return desk.page(
        "connection_change.html",
        frame=frame,
        tab="change",
        proof=progress_of(desk, proof) if proof is not None else None,
        trial=progress_of(desk, trial) if trial is not None and version is None else None,
        report=report,
        dossiers=report.dossiers[first : first + _DOSSIERS] if report is not None else [],
        page=page,
        first=first,
        per_page=_DOSSIERS,
        version=version,
        is_open=report is not None and version is None and report.version == frame.row.version,
        kept=promoting.reports(desk.context, connection_id),
        replay=_standing(desk, connection_id),
    )


_WHATIF = mapping_reports.KIND


def _readable(desk: Desk, row: TaskRow) -> WhatIf | None:
    """A report; None where another program made it in words of its own."""
    try:
        return mapping_reports.report_of(desk, row)
    except HubError:
        return None


def _standing(desk: Desk, connection_id: str) -> PromotionRow | None:
    with desk.context.store.read() as tx:
        return promotions.load(tx, connection_id)


@router.post(PATH + "/{connection_id}/coverage")
def cover(desk: Annotated[Desk, needs(Right.REPAIR)], connection_id: str, form: Form) -> Response:
    """Look at the coverage: of the candidate that a form carries, else of what is in force."""
    context, frame = desk.context, framed(desk, connection_id)
    row = frame.row
    if form.raw("overlay") or form.text("tables"):
        told = candidate_of(frame, form)
        row = structs.replace(row, overlay=told.overlay, tables=told.tables)
    is_candidate = row != frame.row

    def work(report: long_work.Progress) -> dict[str, Any]:
        found: dict[str, Any] = to_builtins(coverage.look(context, row, report))
        return found | {"is_candidate": is_candidate}

    long_work.begin(context, COVERAGE, connection_id, desk.member.id, work)
    return desk.back(path_of(connection_id, "change"))


@router.post(PATH + "/{connection_id}/whatif")
def what_if(
    desk: Annotated[Desk, needs(Right.CONFIGURE)], connection_id: str, form: Form
) -> Response:
    """Run the candidate over everything stored, in a shadow; its report is sealed."""
    context, frame = desk.context, framed(desk, connection_id)
    told = candidate_of(frame, form)
    candidate = Candidate(overlay=told.overlay, tables=told.tables)

    def work(report: long_work.Progress) -> promoting.Sealed:
        found = shadow.preview(context, connection_id, candidate, report)
        return promoting.seal(context, found)

    long_work.begin(context, _WHATIF, connection_id, desk.member.id, work)
    return desk.back(path_of(connection_id, "change"))


@router.post(PATH + "/{connection_id}/promote")
def promote(
    desk: Annotated[Desk, needs(Right.CONFIGURE)], connection_id: str, form: Form
) -> Response:
    """Put exactly what was foreseen into force; its report is kept with the version."""
    frame = framed(desk, connection_id)
    task_id = form.number("task")
    if task_id is None or not form.reason:
        raise RequestRefused(Reason.FIELD_MISSING, 422, detail=desk.say("connection.why_missing"))
    row = mapping_reports.task_of(desk, connection_id, task_id)
    sealed = (row.result or "").encode()
    by = said(desk, form.reason, form.seen, "mapping.by_save")
    return attempt(
        desk,
        connection_id,
        form.seen,
        lambda: promoting.promote(desk.context, connection_id, sealed, by),
        desk.back(f"{frame.path}/change", "change.promoted"),
    )


@router.post(PATH + "/{connection_id}/replay")
def replay(desk: Annotated[Desk, needs(Right.REPAIR)], connection_id: str, form: Form) -> Response:
    """Begin, pause or go on with taking up what the newest promotion lets in."""
    framed(desk, connection_id)
    context, by = desk.context, said(desk, form.reason, None, "change.by_replay")
    acts: dict[str, Callable[[], PromotionRow]] = {
        "begin": lambda: promotion_replay.begin(context, connection_id, by),
        "pause": lambda: promotion_replay.pause(context, connection_id),
        "resume": lambda: promotion_replay.resume(context, connection_id),
    }
    act = form.text("act")
    if act not in acts:
        raise RequestRefused(Reason.FIELD_TYPE, 422)
    acts[act]()
    return desk.back(path_of(connection_id, "change"), f"change.did_{act}")


@router.get(PATH + "/{connection_id}/replay")
def progress(desk: Annotated[Desk, needs(Right.WATCH)], connection_id: str) -> Response:
    """How far the replay is; asked again by the page while it goes on."""
    frame = framed(desk, connection_id)
    standing = _standing(desk, connection_id)
    if not desk.is_part:
        return desk.back(f"{frame.path}/change")
    return desk.page("connection_replay.html", frame=frame, replay=standing)
