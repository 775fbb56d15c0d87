"""/console/catalogue/plan and save: a day, or until when something is valid; what it moves first.

The forms stand on the pages of the calendar, the agencies and the procedures.
"""

from datetime import date
from typing import Annotated

from fastapi.responses import Response
from msgspec import Struct

from canonical.errors import HubError, RequestRefused
from canonical.reasons import Reason
from gateway.console.catalogues import FIRST_SHOWN_YEAR
from gateway.console.desk import Desk
from gateway.console.door import needs, staff_router
from gateway.console.form_data import Form, Typed
from store.staff_rights import Right
from sync import catalogue_edits
from sync.catalogue_edits import Edit

router = staff_router()
_LONGEST_REASON = 500


class Line(Struct, frozen=True):
    """One thing that changes, as the page says it."""

    what: str
    before: str
    after: str


class Wish(Struct, frozen=True):
    """A change as its form says it.

    Attributes:
        back: The page it came from.
        carried: Its fields, for the second form.
    """

    edit: Edit
    lines: list[Line]
    back: str
    carried: dict[str, str]
    agency: str | None = None
    procedure: str | None = None


@router.post("/console/catalogue/plan")
def plan(desk: Annotated[Desk, needs(Right.ADMINISTER)], form: Form) -> Response:
    """What a change would move; nothing is saved."""
    return _page(desk, _wish(desk, form))


@router.post("/console/catalogue/save")
def save(desk: Annotated[Desk, needs(Right.ADMINISTER)], form: Form) -> Response:
    """Save it as the next version of the catalogue, with who and why."""
    wish = _wish(desk, form)
    if not form.reason:
        raise RequestRefused(Reason.FIELD_MISSING, 422, detail=desk.say("connection.why_missing"))
    reason = form.reason[:_LONGEST_REASON]
    try:
        books = catalogue_edits.save(desk.context, wish.edit, desk.member.name, reason, form.seen)
    except HubError as error:
        if error.reason is not Reason.CONFLICT:
            raise
        return _page(desk, wish, is_late=True)
    return desk.back(wish.back, "catalogue.done", version=books.version)


def _page(desk: Desk, wish: Wish, *, is_late: bool = False) -> Response:
    before = catalogue_edits.foreseen(
        desk.context, wish.edit, agency=wish.agency, procedure=wish.procedure
    )
    return desk.page(
        "catalogue_plan_part.html" if desk.is_part else "catalogue_plan.html",
        409 if is_late else 200,
        wish=wish,
        before=before,
        is_late=is_late,
        most=catalogue_edits.LOOKED_AT,
    )


def _wish(desk: Desk, form: Typed) -> Wish:
    match form.text("what"):
        case "day":
            return _days(desk, form)
        case "agency":
            return _agency(desk, form)
        case "procedure":
            return _procedure(desk, form)
        case _:
            raise RequestRefused(Reason.FIELD_MISSING, 422)


def _days(desk: Desk, form: Typed) -> Wish:
    on, worked = _day(form, "on"), _day(form, "worked_on")
    if on is None:
        raise RequestRefused(Reason.FIELD_MISSING, 422, detail=desk.say("catalogue.no_day"))
    said, hours = form.text("said"), form.text("hours")
    if said not in ("off", "worked", "hours", "remove") or (said == "hours" and not hours):
        raise RequestRefused(Reason.FIELD_MISSING, 422, detail=desk.say("catalogue.no_kind"))
    told: dict[date, str | None] = {
        on: None if said == "remove" else hours if said == "hours" else said
    }
    if worked is not None and said == "off":
        told[worked] = "worked"
    with desk.context.store.read() as tx:
        held = desk.context.books(tx).data.days
    lines = [
        Line(one.strftime("%d/%m/%Y"), _said(desk, held.get(one)), _said(desk, after))
        for one, after in told.items()
    ]
    carried = {name: form.text(name) for name in ("what", "on", "said", "hours", "worked_on")}
    back = f"/console/calendar?year={max(on.year, FIRST_SHOWN_YEAR)}"
    return Wish(catalogue_edits.with_days(told), lines, back, carried)


def _said(desk: Desk, told: str | None) -> str:
    if told is None:
        return desk.say("catalogue.as_country")
    return desk.say(f"catalogue.day_{told}") if told in ("off", "worked") else told


def _agency(desk: Desk, form: Typed) -> Wish:
    code, begins, until = form.text("code"), _day(form, "valid_from"), _day(form, "until")
    with desk.context.store.read() as tx:
        data = desk.context.books(tx).data
    row = next((a for a in data.agencies if (a.code, a.valid_from) == (code, begins)), None)
    if row is None:
        raise RequestRefused(Reason.NOT_FOUND, 404)
    edit = catalogue_edits.with_agency_until(code, begins, until)
    line = Line(f"{row.name} ({code})", _until(desk, row.valid_to), _until(desk, until))
    carried = {name: form.text(name) for name in ("what", "code", "valid_from", "until")}
    return Wish(edit, [line], f"/console/agencies?q={code}", carried, agency=code)


def _procedure(desk: Desk, form: Typed) -> Wish:
    code, until = form.text("code"), _day(form, "until")
    with desk.context.store.read() as tx:
        data = desk.context.books(tx).data
    row = next((one for one in data.procedures if one.code == code), None)
    if row is None:
        raise RequestRefused(Reason.NOT_FOUND, 404)
    edit = catalogue_edits.with_procedure_until(code, until)
    line = Line(f"{row.name} ({code})", _until(desk, row.valid_to), _until(desk, until))
    carried = {name: form.text(name) for name in ("what", "code", "until")}
    return Wish(edit, [line], f"/console/procedures?q={code}", carried, procedure=code)


def _until(desk: Desk, day: date | None) -> str:
    if day is None:
        return desk.say("catalogue.for_good")
    return desk.say("catalogue.before_day", day=day.strftime("%d/%m/%Y"))


def _day(form: Typed, name: str) -> date | None:
    """A day of the form; None where nothing was typed."""
    told = form.text(name)
    try:
        found = date.fromisoformat(told) if told else None
    except ValueError:
        raise RequestRefused(Reason.DATE_INVALID, 422) from None
    if found is not None and not 1990 <= found.year <= 2080:
        raise RequestRefused(Reason.DATE_INVALID, 422)
    return found
