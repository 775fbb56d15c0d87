"""The deadline as the hub computes it, beside what the department claims.

From the procedure's duration in the catalogue, the province's calendar, the waits for more papers
and the declared extensions; None where the catalogue does not say how long a procedure may take.
"""

from collections.abc import Mapping
from typing import Any

from canonical import clock, deadline
from canonical.calendar import OutsideCalendar
from canonical.catalogue import Books
from canonical.deadline import Pause
from canonical.fields import Extension


def computed_due(books: Books, body: Mapping[str, Any]) -> str | None:
    """When a dossier is due by the catalogue, ISO text at +07:00.

    Args:
        books: The catalogue in force.
        body: The dossier as it is shown.
    """
    procedure, accepted = body["procedure"], body["accepted_at"]
    if procedure is None or procedure["code"] is None or accepted is None:
        return None
    duration = books.duration_of(procedure["code"])
    if duration is None:
        return None
    pauses = [
        Pause(
            clock.from_iso(one["asked_at"]),
            clock.from_iso(one["received_at"]) if one["received_at"] else None,
        )
        for one in body["supplements"]
    ]
    extensions = [
        Extension(new_due_at=clock.from_iso(one["new_due_at"]), at=clock.from_iso(one["at"]))
        for one in body["extensions"]
    ]
    try:
        due = deadline.due_date(
            clock.from_iso(accepted), duration, books.working_days, pauses, extensions
        )
    except OutsideCalendar:
        return None  # a moment before 1990 or beyond 2080 has no calendar
    return clock.to_iso(due) if due is not None else None
