"""/console/staff: accounts of the console; a one-time password is shown once, on the answer."""

from typing import Annotated

from fastapi import Form
from fastapi.responses import Response

from canonical.errors import HubError, RequestRefused
from canonical.reasons import Reason
from gateway.console.desk import Desk
from gateway.console.door import needs, staff_router
from store import staff as accounts
from store.console_tables import ROLES
from store.staff_rights import Right
from sync import staff
from sync.staff import Made

router = staff_router()
PATH = "/console/staff"


@router.get(PATH)
def show(desk: Annotated[Desk, needs(Right.ADMINISTER)]) -> Response:
    """Every account."""
    return _page(desk)


@router.post(PATH)
def add(
    desk: Annotated[Desk, needs(Right.ADMINISTER)],
    name: Annotated[str, Form()] = "",
    role: Annotated[str, Form()] = "",
    agencies: Annotated[str, Form()] = "",
) -> Response:
    """Add an account."""
    try:
        made = staff.add(desk.context, name, role, agencies.replace(",", " ").split())
    except HubError as error:
        is_taken = error.reason is Reason.CONFLICT
        return _page(desk, fault="staff.taken" if is_taken else "staff.unfit", typed=name[:100])
    return _page(desk, made=made)


@router.post(f"{PATH}/reset")
def reset(
    desk: Annotated[Desk, needs(Right.ADMINISTER)], name: Annotated[str, Form()] = ""
) -> Response:
    """Give somebody a new one-time password."""
    _not_oneself(desk, name)
    return _page(desk, made=staff.reset(desk.context, name))


@router.post(f"{PATH}/disable")
def disable(
    desk: Annotated[Desk, needs(Right.ADMINISTER)], name: Annotated[str, Form()] = ""
) -> Response:
    """Let somebody in no more."""
    _not_oneself(desk, name)
    staff.disable(desk.context, name)
    return desk.back(PATH, "staff.disabled", name=name)


def _not_oneself(desk: Desk, name: str) -> None:
    """An administrator who shut themselves out would leave nobody to let them in."""
    if name == desk.member.name:
        raise RequestRefused(Reason.CONFLICT, 409, detail=desk.say("staff.oneself"))


def _page(desk: Desk, *, made: Made | None = None, fault: str = "", typed: str = "") -> Response:
    with desk.context.store.read() as tx:
        rows = accounts.list_members(tx)
    told = desk.say(fault) if fault else ""
    status = 422 if fault else 200
    return desk.page(
        "staff.html", status, rows=rows, roles=ROLES, made=made, fault=told, typed=typed
    )
