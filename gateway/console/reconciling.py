"""/console/reconciliation: what sources' own lists and the hub did not agree on."""

import asyncio
from typing import Annotated, Any

from fastapi import Form
from fastapi.responses import Response

from canonical.errors import RequestRefused
from canonical.reasons import Reason
from gateway.console import tasks as bars
from gateway.console.desk import Desk
from gateway.console.door import needs, staff_router
from gateway.console.dossiers import PAGE, Key, Text
from store import connections, reconciliations, tasks
from store.connections import ConnectionRow
from store.staff_rights import Right
from sync import long_work
from sync.context import Context
from sync.reconcile import Wish, reconcile

router = staff_router()
PATH = "/console/reconciliation"
_TASK = "reconciliation"
_MOST = 500


@router.get(PATH)
def show(
    desk: Annotated[Desk, needs(Right.WATCH)], connection: Text = "", before: Key = None
) -> Response:
    """Comparisons, newest first; and a form to begin one."""
    with desk.context.store.read() as tx:
        links = connections.list_connections(tx)
        only = connection if connection in {row.id for row in links} else None
        rows = reconciliations.list_past(tx, only, before, PAGE + 1)
        newest = tasks.newest(tx, _TASK, desk.principal.id)
    return desk.page(
        "reconciliation.html",
        rows=rows[:PAGE],
        links=links,
        comparable=[row.id for row in links if _has_list(desk.context, row)],
        connection=only or "",
        work=bars.progress_of(desk, newest) if newest is not None else None,
        more=rows[PAGE - 1].id if len(rows) > PAGE else None,
        is_first=before is None,
    )


def _has_list(context: Context, row: ConnectionRow) -> bool:
    is_there = row.state == "enabled" and context.knows(row)
    return is_there and bool(context.system_of(row).manifest.lists)


@router.get(f"{PATH}/{{reconciliation_id}}")
def one(desk: Annotated[Desk, needs(Right.WATCH)], reconciliation_id: int) -> Response:
    """One comparison and what differed, what is not healed first."""
    with desk.context.store.read() as tx:
        past = reconciliations.load_past(tx, reconciliation_id)
        if past is None:
            raise RequestRefused(Reason.NOT_FOUND, 404)
        found = reconciliations.list_found(tx, reconciliation_id, _MOST)
        counts, healed = reconciliations.count_found(tx, reconciliation_id)
        row = connections.load_connection(tx, past.connection)
    return desk.page(
        "reconciliation_one.html",
        past=past,
        found=found,
        counts=counts,
        healed=healed,
        most=_MOST,
        namespace=row.namespace if row is not None else past.connection,
    )


@router.post(PATH)
def begin(
    desk: Annotated[Desk, needs(Right.REPAIR)],
    connection: Annotated[str, Form()],
    heals: Annotated[str, Form()] = "",
) -> Response:
    """Begin a comparison."""
    context, wish = desk.context, Wish(heals=bool(heals))
    holder = f"console: {desk.member.name}"

    def work(report: long_work.Progress) -> Any:
        def told(done: int, total: int | None) -> None:
            report(done, total or 0)

        made = asyncio.run(reconcile(context, connection, wish, holder, told))
        return {
            "compared": made.compared,
            "found": made.found,
            "healed": made.healed,
            "left": made.left,
            "error": made.error["reason"] if made.error is not None else None,
        }

    long_work.begin(context, _TASK, desk.principal.id, desk.member.id, work)
    return desk.back(PATH, "reconciliation.begun")
