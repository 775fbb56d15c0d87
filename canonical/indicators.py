"""Profile `seed`: the founding interview's buckets, as a pure function (CONTRACT, Indicators).

The nine buckets exclude each other and add up to the total. The store answers the same question in
one statement; `hub verify` holds the two against each other.
"""

from collections.abc import Iterable
from datetime import date, timedelta

from msgspec import Struct

from canonical.standing import Kind, Segment

BUCKETS = (
    "early",
    "on_time",
    "late",
    "open_in_term",
    "open_overdue",
    "waiting",
    "returned",
    "withdrawn",
    "undetermined",
)
RESOLVED = frozenset({"early", "on_time", "late", "returned", "withdrawn"})


class Judged(Struct, frozen=True):
    """One dossier as profile `seed` needs it."""

    accepted_on: date
    is_online: bool
    segments: tuple[Segment, ...]

    def on(self, when: date) -> Segment | None:
        """The segment in force at the end of a day; None before it was accepted."""
        found = None
        for segment in self.segments:
            if segment.from_day > when:
                break
            found = segment
        return found


class Count(Struct):
    """What profile `seed` says of a period."""

    total: int
    buckets: dict[str, int]
    carried_over: int
    resolved: int
    resolved_online: int


def bucket(segment: Segment, as_of: date) -> str | None:
    """The bucket a dossier falls into on a day; None where it does not count as received."""
    match segment.kind:
        case Kind.DONE:
            if segment.due_on is None or segment.end_on is None or segment.end_on == segment.due_on:
                return "on_time"
            return "early" if segment.end_on < segment.due_on else "late"
        case Kind.RETURNED:
            return "returned"
        case Kind.WITHDRAWN:
            return "withdrawn"
        case Kind.UNDETERMINED:
            return "undetermined"
        case Kind.WAITING:
            return "waiting"
        case Kind.OPEN:
            overdue = segment.due_on is not None and segment.due_on < as_of
            return "open_overdue" if overdue else "open_in_term"
        case Kind.NOT_RECEIVED:
            return None


def count_seed(dossiers: Iterable[Judged], start: date, end: date, as_of: date) -> Count:
    """Profile `seed` over dossiers of one agency scope.

    Args:
        dossiers: Judged dossiers; those outside the period are passed over.
        start: First day of the period, inclusive, +07:00.
        end: Last day of the period, inclusive.
        as_of: The day at whose end everything is judged.
    """
    buckets = dict.fromkeys(BUCKETS, 0)
    carried = resolved = online = 0
    for dossier in dossiers:
        before = dossier.on(start - timedelta(days=1))
        if before is not None and before.kind in (Kind.OPEN, Kind.WAITING):
            carried += 1
        now = dossier.on(as_of)
        if now is None:
            continue
        name = bucket(now, as_of)
        if name is not None and start <= dossier.accepted_on <= end:
            buckets[name] += 1
        closed = now.closed_on
        if name in RESOLVED and closed is not None and start <= closed <= end:
            resolved += 1
            online += dossier.is_online
    return Count(sum(buckets.values()), buckets, carried, resolved, online)
