"""Personal data is shown to who asks for it with a reason, and the asking is kept.

/console/disclose takes the form (templates/disclose.html); /console/disclosures lists who asked.
"""

from datetime import timedelta
from typing import Annotated

from fastapi import Form, Query
from fastapi.responses import Response

from canonical import clock
from canonical.errors import RequestRefused
from canonical.reasons import Reason
from gateway.console.desk import Desk
from gateway.console.door import needs, staff_router
from gateway.console.signing_in import inside
from gateway.console.why import typed
from store import disclosures
from store.staff_rights import Right

router = staff_router()
SHOWN_FOR = timedelta(minutes=15)
_LONGEST_SUBJECT = 300
_PAGE = 50


@router.post("/console/disclose")
def disclose(
    desk: Annotated[Desk, needs(Right.DISCLOSE)],
    subject: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
    back: Annotated[str, Form()] = "",
) -> Response:
    """Keep who asks for what and why, and go back to the page, which shows it then."""
    why, what = typed(desk, reason), typed(desk, subject)
    if len(what) > _LONGEST_SUBJECT:
        raise RequestRefused(Reason.FIELD_TOO_LONG, 422)
    now = desk.context.now()
    at, until = clock.to_iso(now), clock.to_iso(now + SHOWN_FOR)
    desk.context.store.in_write(
        lambda tx: disclosures.note(tx, desk.member.id, what, why, at, until)
    )
    return desk.back(inside(back) or "/console", "disclose.done")


@router.get("/console/disclosures")
def show(
    desk: Annotated[Desk, needs(Right.ADMINISTER)],
    before: Annotated[int | None, Query(ge=1, lt=2**62)] = None,
) -> Response:
    """Who was shown what, newest first."""
    with desk.context.store.read() as tx:
        rows = disclosures.list_shown(tx, before, _PAGE + 1)
    more = rows[_PAGE - 1].id if len(rows) > _PAGE else None
    return desk.page("disclosures.html", rows=rows[:_PAGE], more=more, is_first=before is None)
