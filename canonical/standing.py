"""How a dossier stood on any day: terminal dates first, else its timeline (CONTRACT).

The same facts answer every day: `segments` cuts a dossier's life into stretches of one kind, which
the store keeps (one judgement row, earlier stretches beside it), so that any as-of is one query.
"""

import functools
from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from itertools import pairwise

from msgspec import Struct

from canonical.states import ENDED, WAITING, Status, is_usual


class Kind(StrEnum):
    """What a dossier counts as on a day."""

    NOT_RECEIVED = "not_received"
    OPEN = "open"
    WAITING = "waiting"
    DONE = "done"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"
    UNDETERMINED = "undetermined"


class Moment(Struct, frozen=True, gc=False):
    """One timeline entry as standing needs it: when, which state, whose leg.

    Attributes:
        lane: "" for legs that may set any state; else the leg, whose word counts only while it
            speaks a state it is allowed (a money leg: `financial`).
        counts: Whether this entry's state is one its leg may speak.
    """

    at: str
    status: Status
    lane: str = ""
    counts: bool = True


class Extension(Struct, frozen=True):
    """A declared new due date."""

    at: str
    new_due_at: str


class Facts(Struct, frozen=True):
    """All that decides how a dossier stood, after precedence. Moments are ISO text at +07:00.

    Attributes:
        status: The state now.
        first_due_at: The due date promised first.
        moments: Timeline entries of the legs allowed to speak, oldest first.
    """

    accepted_at: str
    status: Status | None
    finished_at: str | None
    handed_over_at: str | None
    stopped_at: str | None
    withdrawn_at: str | None
    refused_at: str | None
    first_due_at: str | None
    extensions: tuple[Extension, ...]
    moments: tuple[Moment, ...]


class Segment(Struct, frozen=True, gc=False):
    """A stretch of days of one kind, from `from_day` until the next segment begins.

    Attributes:
        end_on: The day of work's end that is compared with the due day; DONE only.
        closed_on: The day it was closed; DONE, RETURNED, WITHDRAWN.
        due_on: The due day in force.
    """

    from_day: date
    kind: Kind
    end_on: date | None
    closed_on: date | None
    due_on: date | None


@functools.lru_cache(65_536)
def _day(text: str) -> date:
    return date.fromisoformat(text)


def day(iso: str) -> date:
    """The calendar day of ISO text at +07:00."""
    return _day(iso[:10])


def finished_does_not_decide(facts: Facts) -> bool:
    """`finished_at` beside status stopped or withdrawn: noted ORDER_ODD and left aside."""
    return facts.finished_at is not None and facts.status in (Status.STOPPED, Status.WITHDRAWN)


def _terminals(facts: Facts) -> list[tuple[str, Status]]:
    finished = None if finished_does_not_decide(facts) else facts.finished_at
    dated = [
        (facts.refused_at, Status.REFUSED),
        (facts.withdrawn_at, Status.WITHDRAWN),
        (facts.stopped_at, Status.STOPPED),
        (finished, Status.FINISHED),
        (facts.handed_over_at, Status.HANDED_OVER),
    ]
    return sorted(((at, s) for at, s in dated if at is not None), key=lambda t: t[0])


def state_on(facts: Facts, on: date) -> tuple[Status, str | None]:
    """The state at the end of a day, and the moment that says so (None: accepted, unsaid)."""
    return _state_on(facts, on, _terminals(facts))


def _state_on(
    facts: Facts, on: date, terminals: Sequence[tuple[str, Status]]
) -> tuple[Status, str | None]:
    until = on.isoformat()  # text order is time order
    past = [t for t in terminals if t[0][:10] <= until]
    if past:
        return past[-1][1], past[-1][0]
    later = [status for _, status in terminals]
    best: Moment | None = None
    silent: set[str] = set()
    for moment in reversed(facts.moments):
        if moment.at[:10] > until or moment.lane in silent:
            continue
        if moment.lane:
            silent.add(moment.lane)  # only a lane's last word counts
        if not moment.counts or _contradicted(moment.status, later):
            continue
        if moment.status is Status.SUBMITTED and moment.at < facts.accepted_at:
            continue
        best = moment
        break
    return (best.status, best.at) if best is not None else (Status.ACCEPTED, None)


def _contradicted(status: Status, later: Sequence[Status]) -> bool:
    """An ending told of before a later ending that cannot follow it did not take place then."""
    return status in ENDED and any(s == status or not is_usual(status, s) for s in later)


def segment_on(facts: Facts, on: date) -> Segment:
    """How the dossier stood at the end of a day."""
    return _segment_on(facts, on, _terminals(facts))


def _segment_on(facts: Facts, on: date, terminals: Sequence[tuple[str, Status]]) -> Segment:
    status, at = _state_on(facts, on, terminals)
    due_on = _due_on(facts, on)
    closed = day(at) if at is not None else None
    match status:
        case Status.FINISHED | Status.HANDED_OVER:
            end = _end_on(facts, on)
            if end is None:
                return Segment(on, Kind.UNDETERMINED, None, None, due_on)
            return Segment(on, Kind.DONE, end, end, due_on)
        case Status.STOPPED:
            return Segment(on, Kind.RETURNED, None, closed, due_on)
        case Status.WITHDRAWN:
            return Segment(on, Kind.WITHDRAWN, None, closed, due_on)
        case Status.REFUSED | Status.SUBMITTED:
            return Segment(on, Kind.NOT_RECEIVED, None, None, due_on)
        case _ if status in WAITING:
            return Segment(on, Kind.WAITING, None, None, due_on)
        case _:
            return Segment(on, Kind.OPEN, None, None, due_on)


def _end_on(facts: Facts, on: date) -> date | None:
    """The day work ended: that of finished_at where it decides, else of handed_over_at."""
    finished = None if finished_does_not_decide(facts) else facts.finished_at
    for at in (finished, facts.handed_over_at):
        if at is not None and day(at) <= on:
            return day(at)
    return None


def _due_on(facts: Facts, on: date) -> date | None:
    """The first promise plus what was declared until then."""
    declared = [e for e in facts.extensions if day(e.at) <= on]
    if declared:
        return day(max(declared, key=lambda e: e.at).new_due_at)
    return day(facts.first_due_at) if facts.first_due_at is not None else None


def segments(facts: Facts) -> list[Segment]:
    """The dossier's life from its accepted day on, equal neighbours merged; never empty."""
    terminals = _terminals(facts)
    start = facts.accepted_at[:10]
    days = {start}
    days |= {at[:10] for at, _ in terminals}
    days |= {m.at[:10] for m in facts.moments}
    days |= {e.at[:10] for e in facts.extensions}
    found: list[Segment] = []
    for on in sorted(d for d in days if d >= start):
        now = _segment_on(facts, day(on), terminals)
        if not found or _differs(found[-1], now):
            found.append(now)
    return found


def _differs(one: Segment, other: Segment) -> bool:
    return (one.kind, one.end_on, one.closed_on, one.due_on) != (
        other.kind,
        other.end_on,
        other.closed_on,
        other.due_on,
    )


def odd_transitions(facts: Facts) -> list[tuple[Status, Status]]:
    """Steps between neighbouring timeline states that the procedure does not know, each once."""
    told = [m.status for m in facts.moments if m.counts and not m.lane]
    return list(dict.fromkeys((a, b) for a, b in pairwise(told) if not is_usual(a, b)))


__all__ = ["Extension", "Facts", "Kind", "Moment", "Segment", "segments", "state_on"]
