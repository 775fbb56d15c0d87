"""The deadline as the hub computes it, beside what the department claims.

From the procedure's duration in the catalogue, the province's calendar, the waits for more papers
and the declared extensions; None where the catalogue does not say how long a procedure may take.
"""

import msgspec
from msgspec import Struct

from canonical import clock, deadline
from canonical.calendar import OutsideCalendar
from canonical.catalogue import Books
from canonical.deadline import Pause
from canonical.fields import Extension


class _Procedure(Struct):
    code: str | None = None


class _Supplement(Struct):
    asked_at: str
    received_at: str | None = None


class _Extension(Struct):
    new_due_at: str
    at: str


class _Dossier(Struct):
    """Of a dossier's body what a deadline follows from; the rest is passed over unread."""

    procedure: _Procedure | None
    accepted_at: str | None
    supplements: list[_Supplement]
    extensions: list[_Extension]


_DECODER = msgspec.json.Decoder(_Dossier)


def computed_due(books: Books, body: str) -> str | None:
    """When a dossier is due by the catalogue, ISO text at +07:00.

    Args:
        books: The catalogue in force.
        body: The dossier as it is stored, JSON.
    """
    told = _DECODER.decode(body)
    if told.procedure is None or told.procedure.code is None or told.accepted_at is None:
        return None
    duration = books.duration_of(told.procedure.code)
    if duration is None:
        return None
    pauses = [
        Pause(
            clock.from_iso(one.asked_at),
            clock.from_iso(one.received_at) if one.received_at else None,
        )
        for one in told.supplements
    ]
    extensions = [
        Extension(new_due_at=clock.from_iso(one.new_due_at), at=clock.from_iso(one.at))
        for one in told.extensions
    ]
    try:
        due = deadline.due_date(
            clock.from_iso(told.accepted_at), duration, books.working_days, pauses, extensions
        )
    except OutsideCalendar:
        return None  # a moment before 1990 or beyond 2080 has no calendar
    return clock.to_iso(due) if due is not None else None
