"""/console: all links at a glance."""

from typing import Annotated

from fastapi.responses import Response

from gateway.console import navigation
from gateway.console.desk import Desk
from gateway.console.door import needs, staff_router
from store.staff_rights import Right
from sync import overview

router = staff_router()


@router.get("/console")
def show(desk: Annotated[Desk, needs(Right.DOSSIERS)]) -> Response:
    """The links; whoever may not see them is led to the first page they may."""
    if not desk.may(Right.WATCH):
        return desk.back(navigation.home(desk))
    with desk.context.store.read() as tx:
        seen = overview.look(desk.context, tx)
    return desk.page("overview.html", seen=seen)
