"""When a dossier is due: a procedure's duration counted on a working calendar, waiting left out.

Where real systems differ (domain/indicators.md 3.4) this module holds the hub's own choice:

- counting starts while the office works: `Calendar.start_of_work`;
- n days end on the n-th day after the day of the start, at its time of day. The Civil Code (BLDS
  2015, 147 and 148) leaves out the first day too but runs to the end of the last; early, on time
  and late are judged by the day, so the time of day only says how much of it is left;
- n calendar days that end on a day off end on the next working day (BLDS 2015, 148.5);
- part of a day is that part of the fullest weekday's hours, and never outlasts the next whole day;
- waiting for papers or for money moves the due by the *working* time waited, also when the dossier
  was late before. A wait still open moves nothing yet: the clock stands (`standing_of_deadline`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction

from msgspec import Struct

from canonical import clock
from canonical.calendar import Calendar
from canonical.fields import Extension


class Unit(StrEnum):
    """What a procedure's duration is counted in."""

    WORKING_DAY = "working_day"
    CALENDAR_DAY = "calendar_day"
    HOUR = "hour"


_MICROSECOND = timedelta(microseconds=1)
# Ten years: longer than any procedure, short enough that no sum leaves a calendar.
_LONGEST = {Unit.WORKING_DAY: 3_660, Unit.CALENDAR_DAY: 3_660, Unit.HOUR: 29_280}


@dataclass(frozen=True, slots=True)
class Duration:
    """How long a procedure may take.

    Attributes:
        count: How many, halves and other parts allowed; 0 to ten years.
        unit: Of what; hours are working hours.
    """

    count: Fraction | int
    unit: Unit

    def __post_init__(self) -> None:
        if not 0 <= self.count <= _LONGEST[self.unit]:
            raise ValueError("a procedure's duration is between 0 and ten years")


class Pause(Struct, frozen=True):
    """A wait for the applicant: a supplement or a financial duty. Open while `until` is None."""

    since: datetime
    until: datetime | None = None


class Standing(Struct, frozen=True):
    """How a deadline stands at a moment.

    Attributes:
        due_at: The due date judged, None where there is none: such a dossier is in term.
        remaining: Working time left, negative once the moment has passed.
        working_days_left: 0 on the due day, negative after it (`Calendar.working_days_between`).
        is_overdue: Whether the due *day* has passed, as the indicators count it.
        is_stopped: Whether the clock stood: the figures are of the moment it stopped.
    """

    due_at: datetime | None
    remaining: timedelta | None
    working_days_left: int | None
    is_overdue: bool
    is_stopped: bool


def due_date(
    accepted_at: datetime | None,
    duration: Duration | None,
    calendar: Calendar,
    pauses: Iterable[Pause] = (),
    extensions: Iterable[Extension] = (),
) -> datetime | None:
    """The due date at +07:00; None where nothing says one.

    Args:
        accepted_at: When the dossier was accepted.
        duration: The procedure's.
        calendar: The handling office's.
        pauses: Waits; those that overlap count once, what lies before `accepted_at` does not count.
        extensions: Declared new due dates (gia hạn); they replace the computed one.

    Raises:
        OutsideCalendar: the calendar ends before the due date.
    """
    computed = None
    if accepted_at is not None and duration is not None:
        computed = promised(accepted_at, duration, calendar)
    return moved(computed, calendar, pauses, extensions, since=accepted_at)


def promised(accepted_at: datetime, duration: Duration, calendar: Calendar) -> datetime:
    """The due date at the moment of acceptance, before any wait or extension.

    Raises:
        OutsideCalendar: the calendar ends before the due date.
    """
    start = calendar.start_of_work(accepted_at)
    if duration.unit is Unit.HOUR:
        return calendar.add_working_time(start, Fraction(duration.count))
    whole, part = divmod(Fraction(duration.count), 1)
    due = _after_days(start, whole, duration.unit, calendar)
    if not part:
        return due
    rest = timedelta(microseconds=round(part * (calendar.day_length // _MICROSECOND)))
    # Over a Saturday morning 1.75 days could otherwise end after 2 days.
    return min(
        calendar.add_working_time(due, rest),
        _after_days(start, whole + 1, duration.unit, calendar),
    )


def moved(
    due_at: datetime | None,
    calendar: Calendar,
    pauses: Iterable[Pause] = (),
    extensions: Iterable[Extension] = (),
    *,
    since: datetime | None = None,
) -> datetime | None:
    """A promised due date after waits and extensions: for a due date that a department states too.

    The extension declared last (`at`) replaces the due date; only what was waited after it, or
    after `since` where there is none, moves it on. A wait that ends before it begins is nothing.

    Raises:
        OutsideCalendar: the calendar ends before the due date.
    """
    declared = sorted(extensions, key=lambda extension: clock.local(extension.at))
    if declared:
        due_at, since = declared[-1].new_due_at, declared[-1].at
    if due_at is None:
        return None
    return calendar.add_working_time(due_at, _waited(pauses, since, calendar))


def standing_of_deadline(
    now: datetime,
    due_at: datetime | None,
    calendar: Calendar,
    stopped_at: datetime | None = None,
) -> Standing:
    """How a due date stands at `now`.

    Args:
        now: The moment asked about.
        due_at: From `due_date` or `moved`.
        calendar: The handling office's.
        stopped_at: When its clock stopped: the start of an open wait, or the end of the work.
    """
    is_stopped = stopped_at is not None and clock.local(stopped_at) <= clock.local(now)
    at = clock.local(stopped_at if stopped_at is not None and is_stopped else now)
    if due_at is None:
        return Standing(None, None, None, is_overdue=False, is_stopped=is_stopped)
    today, due_on = at.date(), clock.day_of(due_at)
    return Standing(
        due_at=clock.local(due_at),
        remaining=calendar.working_time_between(at, due_at),
        working_days_left=calendar.working_days_between(today, due_on),
        is_overdue=today > due_on,
        is_stopped=is_stopped,
    )


def _after_days(start: datetime, whole: int, unit: Unit, calendar: Calendar) -> datetime:
    if unit is Unit.WORKING_DAY:
        return calendar.add_working_days(start, whole)
    last_day = calendar.next_working_day(start.date() + timedelta(days=whole))
    return calendar.within(last_day, start.time())


def _waited(pauses: Iterable[Pause], since: datetime | None, calendar: Calendar) -> timedelta:
    """Working time of all closed waits after `since`, each moment counted once."""
    closed = sorted(
        (clock.local(pause.since), clock.local(pause.until))
        for pause in pauses
        if pause.until is not None
    )
    counted_to = clock.local(since) if since is not None else None
    total = timedelta(0)
    for begin, end in closed:
        if counted_to is not None and begin < counted_to:
            begin = counted_to
        if end > begin:
            total += calendar.working_time_between(begin, end)
            counted_to = end
    return total
