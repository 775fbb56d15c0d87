"""Dossiers as the console shows them: a line of a list, one whole, with its timeline."""

from datetime import date
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy.engine import Connection as Tx

from canonical import clock, codes
from canonical.catalogue import Books
from canonical.masking import mask_name
from canonical.standing import day
from canonical.states import ENDED, WAITING
from store import console_views, indicators, reads, rights
from store.console_views import Step
from store.reads import Filters, Shown
from store.rights import Narrowed
from sync.context import Context
from sync.shown import findings_of, masked, render


class Line(Struct, frozen=True):
    """A dossier in a list.

    Attributes:
        key: Its place in the list, for the page after it.
        code: National code, else receipt number, else the code of its first leg.
        applicant: Masked.
        days_past_due: Of one that is being worked on; None otherwise.
    """

    key: int
    id: str
    code: str
    status: str | None
    agency: str | None
    procedure: str | None
    applicant: str | None
    accepted_at: str | None
    due_at: str | None
    days_past_due: int | None


class Asked(Struct, frozen=True):
    """What a list is asked for; empty asks nothing."""

    code: str = ""
    agency: str = ""
    procedure: str = ""
    status: str = ""
    connection: str = ""
    is_overdue: bool = False


def list_lines(
    context: Context, tx: Tx, seen: Narrowed, asked: Asked, before: int | None, limit: int
) -> list[Line]:
    """Dossiers that may be seen, newest first; those before one."""
    books, today = context.books(tx), clock.day_of(context.now())
    if asked.code:
        found = reads.find_by_code(tx, asked.code, seen)
        if not found and (one := reads.load_dossier(tx, asked.code, seen)) is not None:
            found = [one]
        return [_line(shown, books, today) for shown in found]
    scope = rights.of_agency(tx, books.agencies, asked.agency, today) if asked.agency else None
    filters = Filters(
        agency=scope,
        procedure=asked.procedure or None,
        status=asked.status or None,
        connection=asked.connection or None,
    )
    if asked.is_overdue:
        late = indicators.overdue_on(tx, today)
        both = f"({seen.condition}) AND {late.condition}"
        seen = Narrowed(both, {**seen.parameters, **late.parameters})
    after = before if before is not None else 2**62
    found = reads.list_dossiers(tx, filters, seen, after, limit, newest_first=True)
    return [_line(shown, books, today) for shown in found]


def _line(shown: Shown, books: Books, today: date) -> Line:
    told: dict[str, Any] = msgspec.json.decode(shown.body)
    name = (told["applicant"] or {}).get("name")
    due, status = told["judged_due_at"] or told["due_at"], told["status"]
    is_running = status not in ENDED and status not in WAITING
    return Line(
        key=shown.id,
        id=shown.public_id,
        code=_code(told),
        status=status,
        agency=books.agency_name(told["agency"], today),
        procedure=_procedure(told, books),
        applicant=mask_name(name) if name else None,
        accepted_at=told["accepted_at"],
        due_at=due,
        days_past_due=max((today - day(due)).days, 0) if due and is_running else None,
    )


def _code(told: dict[str, Any]) -> str:
    """What people call a dossier."""
    leg = told["legs"][0]
    own = f"{leg['namespace']}:{leg['code']}"
    return str(told["national_code"] or told["receipt_number"] or own)


def _procedure(told: dict[str, Any], books: Books) -> str | None:
    """Its procedure's name: as the catalogue has it, else as it was told, else its code."""
    procedure = told["procedure"] or {}
    facts = books.procedures.get(codes.procedure_key(procedure.get("code") or ""))
    if facts is not None:
        return facts.name
    name = procedure.get("name") or procedure.get("code")
    return str(name) if name else None


class Page(Struct, frozen=True):
    """One dossier, whole.

    Attributes:
        title: What people call it.
        procedure: Its procedure's name.
        told: As the portal reads it; people masked unless they were asked for.
        agencies: Code -> name, of the agencies it names.
        is_masked: Whether people are masked.
    """

    id: str
    key: int
    title: str
    procedure: str | None
    told: dict[str, Any]
    findings: list[dict[str, Any]]
    steps: list[Step]
    agencies: dict[str, str]
    is_masked: bool


def load_page(
    context: Context, tx: Tx, public_id: str, seen: Narrowed, *, language: str, is_shown: bool
) -> Page | None:
    """One dossier; None where there is none or it may not be seen."""
    shown = reads.load_dossier(tx, public_id, seen)
    if shown is None:
        return None
    books, today = context.books(tx), clock.day_of(context.now())
    told: dict[str, Any] = msgspec.json.decode(render(shown, books, language))
    named = {told["agency"], told["received_at_agency"]} - {None}
    return Page(
        id=shown.public_id,
        key=shown.id,
        title=_code(told),
        procedure=_procedure(told, books),
        told=told if is_shown else masked(told),
        findings=findings_of(shown, books, language),
        steps=console_views.list_steps(tx, shown.id),
        agencies={code: books.agency_name(code, today) or code for code in named},
        is_masked=not is_shown,
    )
