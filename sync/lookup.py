"""The citizen's answer: where is my dossier; nothing that tells who it is of."""

from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from canonical import clock
from canonical.errors import RequestRefused
from canonical.masking import mask_name
from canonical.reasons import Reason
from canonical.standing import day
from canonical.states import ENDED, TEXT_VI, Status
from store import lookups, reads
from store.failures import WINDOW_S
from sync.context import Context


class Line(Struct, frozen=True):
    """One line of the citizen's timeline."""

    at: str
    text: str


class Answer(Struct, frozen=True):
    """What a citizen is told (CONTRACT, Look-up).

    Attributes:
        due_on: The day promised, extensions included; None where none was.
        working_days_left: 0 on that day, negative after it; None once the dossier has ended.
    """

    code: str
    status: str | None
    status_text: str
    agency_name: str | None
    procedure_name: str | None
    due_on: str | None
    working_days_left: int | None
    applicant_masked: str | None
    timeline: list[Line]


def look_up(context: Context, code: str, pin: str) -> Answer:
    """The dossier with this code and PIN.

    Raises:
        RequestRefused: 404 for an unknown code and for a wrong PIN alike; 429 after too many.
    """
    now = context.now()
    with context.store.read() as tx:
        if not lookups.failures_left(tx, code, now.timestamp()):
            raise RequestRefused(Reason.TOO_MANY, 429, retry_after_s=WINDOW_S)
        found = lookups.find_with_pin(tx, context.vault, code, pin)
        books = context.books(tx)
        items = reads.load_timeline(tx, found.id) if found is not None else []
    if found is None:
        context.store.in_write(lambda tx: lookups.note_failure(tx, code, now.timestamp()))
        raise RequestRefused(Reason.NOT_FOUND, 404)
    body: dict[str, Any] = msgspec.json.decode(found.body)
    status = Status(body["status"]) if body["status"] is not None else None
    procedure, applicant = body["procedure"] or {}, body["applicant"] or {}
    due = body["judged_due_at"] or body["due_at"]
    listed = books.procedures.get(procedure.get("code") or "")
    return Answer(
        code=body["national_code"] or body["receipt_number"] or code,
        status=body["status"],
        status_text=TEXT_VI[status] if status is not None else "Chưa rõ",
        agency_name=books.agency_name(body["agency"], clock.day_of(now)),
        procedure_name=procedure.get("name") or (listed.name if listed is not None else None),
        due_on=day(due).isoformat() if due else None,
        working_days_left=None if status in ENDED else _days_left(context, due, now),
        applicant_masked=mask_name(applicant["name"]) if applicant.get("name") else None,
        timeline=_lines(items),
    )


def _lines(items: list[reads.TimelineItem]) -> list[Line]:
    """One line per step: a state told outright and again in a history is one step to a citizen."""
    told: dict[tuple[str, str], reads.TimelineItem] = {}
    for item in items:
        if item.retracted_by is not None:
            continue
        held = told.setdefault((item.at, item.status), item)
        if held.unit is None and item.unit is not None:
            told[(item.at, item.status)] = item
    return [Line(item.at, _text(item)) for item in told.values()]


def _text(item: reads.TimelineItem) -> str:
    text = TEXT_VI[Status(item.status)]
    return f"{text} ({item.unit})" if item.unit else text


def _days_left(context: Context, due: str | None, now: datetime) -> int | None:
    if due is None:
        return None
    with context.store.read() as tx:
        working_days = context.books(tx).working_days
    return working_days.working_days_between(clock.day_of(now), day(due))
