"""/console/tasks: how far long work has come, asked again every second until it has ended."""

from typing import Annotated, Any

from fastapi.responses import Response
from msgspec import Struct

from canonical.errors import RequestRefused
from canonical.reasons import Reason
from gateway.console.desk import Desk
from gateway.console.door import needs, staff_router
from store import tasks
from store.staff_rights import Right
from store.tasks import TaskRow
from sync import long_work

router = staff_router()


class Progress(Struct, frozen=True):
    """Long work as a page shows it.

    Attributes:
        state: running | done | failed | broken_off.
        percent: How much of it is done; None until the whole is known.
    """

    task: TaskRow
    state: str
    percent: int | None
    result: Any


def progress_of(desk: Desk, row: TaskRow) -> Progress:
    """How far work has come."""
    percent = min(100, row.done * 100 // row.total) if row.total else None
    state = long_work.state_of(desk.context, row)
    return Progress(row, state, percent, long_work.result_of(row))


@router.get("/console/tasks/{task_id}")
def show(desk: Annotated[Desk, needs(Right.WATCH)], task_id: int) -> Response:
    """The bar as it stands; whoever began the work, and administrators, may look."""
    with desk.context.store.read() as tx:
        row = tasks.load(tx, task_id)
    if row is None or not (row.staff_id == desk.member.id or desk.may(Right.ADMINISTER)):
        raise RequestRefused(Reason.NOT_FOUND, 404)
    template = "task_part.html" if desk.is_part else "task.html"
    return desk.page(template, work=progress_of(desk, row))
