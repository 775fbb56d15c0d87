"""/console/connections/ID: how a link stands, its runs, and the buttons that move it on."""

from typing import Annotated, Any

from fastapi import Form, Query
from fastapi.responses import Response

from canonical.errors import RequestRefused
from canonical.reasons import Reason
from gateway.console.connection_frame import (
    PATH,
    Frame,
    attempt,
    framed,
    path_of,
    said,
    shown_task,
)
from gateway.console.desk import Desk
from gateway.console.door import needs, staff_router
from gateway.console.tasks import progress_of
from store import clients, connection_versions, coverage, run_views
from store.staff_rights import Right
from sync import connection_enabling, schedule, wishes

router = staff_router()
_RUNS = 15
_FIRES = 5
# More of stored receipts than this is read by long work with a bar, before a link is enabled.
_AT_ONCE = 8 * 1024 * 1024
Seen = Annotated[int, Form(ge=0)]
Why = Annotated[str, Form()]


@router.get(PATH + "/{connection_id}")
def show(desk: Annotated[Desk, needs(Right.WATCH)], connection_id: str) -> Response:
    """The link as it stands."""
    frame = framed(desk, connection_id)
    context = desk.context
    with context.store.read() as tx:
        pushing = clients.pushing_to(tx, connection_id)
        newest = connection_versions.load_version(tx, connection_id, frame.row.version)
    work = shown_task(desk, connection_enabling.KIND, connection_id)
    is_shown = work is not None and (work.state == "running" or frame.row.state != "enabled")
    return desk.page(
        "connection.html",
        frame=frame,
        tab="state",
        pushing=pushing,
        newest=newest,
        work=progress_of(desk, work) if is_shown and work is not None else None,
        **_runs(desk, frame, None),
    )


@router.get(PATH + "/{connection_id}/runs")
def runs(
    desk: Annotated[Desk, needs(Right.WATCH)],
    connection_id: str,
    before: Annotated[int | None, Query(ge=1, lt=2**62)] = None,
) -> Response:
    """Its runs; asked again by the page while one goes on."""
    frame = framed(desk, connection_id)
    template = "connection_runs.html" if desk.is_part else "connection_runs_page.html"
    return desk.page(template, frame=frame, tab="state", **_runs(desk, frame, before))


def _runs(desk: Desk, frame: Frame, before: int | None) -> dict[str, Any]:
    with desk.context.store.read() as tx:
        found = run_views.list_runs(tx, frame.row.id, before, _RUNS + 1)
    more = found[_RUNS - 1].id if len(found) > _RUNS else None
    is_live = before is None and (frame.standing.is_running or frame.row.state == "enabled")
    return {
        "runs": found[:_RUNS],
        "more": more,
        "is_live": is_live,
        "fires": fires_of(desk, frame),
    }


def fires_of(desk: Desk, frame: Frame) -> list[str]:
    """The next moments at which its schedule has it asked, ISO; none where it is not asked."""
    told = frame.standing.schedule
    if told is None or frame.row.state != "enabled":
        return []
    cron = schedule.read_cron(told)
    found: list[str] = []
    at = frame.standing.next_at or cron.after(desk.context.now())
    while at is not None and len(found) < _FIRES:
        found.append(at.isoformat())
        at = cron.after(at)
    return found


@router.post(PATH + "/{connection_id}/run")
def run(desk: Annotated[Desk, needs(Right.REPAIR)], connection_id: str) -> Response:
    """Have it asked at once."""
    framed(desk, connection_id)
    wishes.run_now(desk.context, connection_id)
    return desk.back(path_of(connection_id), "connection.run_asked")


@router.post(PATH + "/{connection_id}/move")
def move(
    desk: Annotated[Desk, needs(Right.REPAIR)],
    connection_id: str,
    seen: Seen,
    to: Annotated[str, Form()],
    reason: Why = "",
) -> Response:
    """Enable, pause, resume or retire it, as whoever looked at that version says."""
    frame = framed(desk, connection_id)
    context = desk.context
    needed = Right.REPAIR if to in ("pause", "resume") else Right.CONFIGURE
    if not desk.may(needed):
        raise RequestRefused(Reason.FORBIDDEN, 403)
    moves = {
        "pause": wishes.pause,
        "resume": wishes.resume,
        "enable": wishes.enable,
        "retire": wishes.retire,
    }
    if to not in moves:
        raise RequestRefused(Reason.FIELD_TYPE, 422)
    if to == "retire" and not reason.strip():
        raise RequestRefused(Reason.FIELD_MISSING, 422, detail=desk.say("connection.why_missing"))
    by = said(desk, reason, seen, f"connection.by_{to}")
    if to == "enable":
        with context.store.read() as tx:
            size = coverage.left_to_read(tx, connection_id, 0)[1]
        if size > _AT_ONCE:
            connection_enabling.begin(context, connection_id, by, desk.member.id)
            return desk.back(frame.path)
    done = desk.back(frame.path, f"connection.did_{to}")
    return attempt(desk, connection_id, seen, lambda: moves[to](context, connection_id, by), done)
