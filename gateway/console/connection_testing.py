"""/console/connections/ID/test: the link tried stage by stage, each with how to mend it."""

import asyncio
from typing import Annotated, Any

from fastapi.responses import Response

from gateway.console import form_data
from gateway.console.connection_frame import PATH, framed, path_of, said, shown_task
from gateway.console.desk import Desk
from gateway.console.door import needs, staff_router
from gateway.console.tasks import progress_of
from store.staff_rights import Right
from sync import long_work, trying
from sync.try_stages import Stage
from sync.try_texts import STAGES
from sync.trying import Trial

router = staff_router()
KIND = "trial"
_MOST_OF_A_SAMPLE = 4 * 1024 * 1024


@router.get(PATH + "/{connection_id}/test")
def show(desk: Annotated[Desk, needs(Right.WATCH)], connection_id: str) -> Response:
    """The newest trial, and the button for another."""
    frame = framed(desk, connection_id)
    work = shown_task(desk, KIND, connection_id)
    return desk.page(
        "connection_test.html",
        frame=frame,
        tab="test",
        stages=STAGES,
        work=progress_of(desk, work) if work is not None else None,
    )


@router.post(PATH + "/{connection_id}/test")
def begin(
    desk: Annotated[Desk, needs(Right.REPAIR)], connection_id: str, form: form_data.Form
) -> Response:
    """Try it: nothing is stored but that it was tried."""
    context = desk.context
    framed(desk, connection_id)
    by = said(desk, form.reason, None, "connection.by_test")
    files = list(form.files.get("sample", {}).values())
    sample = files[0][:_MOST_OF_A_SAMPLE] if files else form.raw("pasted").encode() or None

    def work(report: long_work.Progress) -> Trial:
        ended: list[Stage] = []

        def said_of(stage: Stage) -> None:
            ended.append(stage)
            report(min(len(ended), len(STAGES) - 1), len(STAGES))

        report(0, len(STAGES))
        trial: Any = asyncio.run(
            trying.try_link(context, connection_id, by, sample=sample, said=said_of)
        )
        return trial  # type: ignore[no-any-return] # of its own type

    long_work.begin(context, KIND, connection_id, desk.member.id, work)
    return desk.back(path_of(connection_id, "test"))
