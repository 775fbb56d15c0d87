"""Reports of what a candidate mapping would do: read from the long work that made them."""

from typing import Any

from canonical.errors import RequestRefused
from canonical.reasons import Reason
from gateway.console.desk import Desk
from store import tasks
from store.staff_rights import Right
from store.tasks import TaskRow
from sync.mapping_edits import Candidate
from sync.whatif import promoting
from sync.whatif.report import WhatIf

KIND = "whatif"


def task_of(desk: Desk, connection_id: str, task_id: int) -> TaskRow:
    """The work that made a report of this connection; whoever began it, and administrators.

    Raises:
        RequestRefused: 404.
    """
    with desk.context.store.read() as tx:
        row = tasks.load(tx, task_id)
    is_ours = row is not None and row.kind == KIND and row.subject == connection_id
    if row is None or not is_ours or row.result is None:
        raise RequestRefused(Reason.NOT_FOUND, 404)
    if row.staff_id != desk.member.id and not desk.may(Right.ADMINISTER):
        raise RequestRefused(Reason.NOT_FOUND, 404)
    return row


def report_of(desk: Desk, row: TaskRow) -> WhatIf:
    """The report itself. Raises HubError where this hub did not make it."""
    return promoting.unseal(desk.context, (row.result or "").encode())


def candidate_of_task(desk: Desk, connection_id: str, task_id: int) -> Candidate:
    """The candidate that a report is about."""
    told: dict[str, Any] = report_of(desk, task_of(desk, connection_id, task_id)).candidate
    return Candidate(told["overlay"], told["tables"])
