"""The working calendar of a Vietnamese office: which hours of which day count.

Public holidays and most swap days come from the package `holidays`; a table of overrides (a day
off, a day worked in its place, explicit hours) wins over it. A calendar is a value built once and
handed in; every question is answered from sums over its days, so that nothing searches day by day
and nothing can run for ever. Moments are taken at any offset (naive is +07:00) and given at +07:00.
"""

import re
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise

from canonical import clock

Hours = tuple[tuple[time, time], ...]
Weekly = tuple[Hours, Hours, Hours, Hours, Hours, Hours, Hours]  # Monday first

_MICROSECOND = timedelta(microseconds=1)
_SPAN = re.compile(r"([0-9]{2}):([0-9]{2})\s*-\s*([0-9]{2}):([0-9]{2})")


class OutsideCalendar(ValueError):
    """The day asked for, or the working time looked for, lies outside this calendar."""


class Day(StrEnum):
    """What an override makes of a day.

    WORKED (làm bù) gives it the hours of the fullest weekday: a Saturday worked in place of a
    Friday is a whole day, also where Saturdays are half days otherwise.
    """

    OFF = "off"
    WORKED = "worked"


Override = Day | Hours


def _checked(hours: Hours) -> Hours:
    moments = [at for span in hours for at in span]
    if any(after <= before for before, after in pairwise(moments)):
        raise ValueError("working hours are out of order or overlap")
    return hours


def read_hours(text: str) -> Hours:
    """Hours of one day from `07:00-11:30,13:30-17:00`; blank text is a day without hours.

    Raises:
        ValueError: not of this form, out of order or overlapping.
    """
    if not text.strip():
        return ()
    spans = []
    for part in text.split(","):
        match = _SPAN.fullmatch(part.strip())
        if match is None:
            raise ValueError("working hours are written like 07:00-11:30,13:30-17:00")
        from_hour, from_minute, to_hour, to_minute = map(int, match.groups())
        spans.append((time(from_hour, from_minute), time(to_hour, to_minute)))
    return _checked(tuple(spans))


def read_override(text: str) -> Override:
    """An override as settings spell it: `off`, `worked`, or hours like `07:00-11:30`.

    Raises:
        ValueError: none of these.
    """
    text = text.strip()
    return Day(text) if text in (Day.OFF, Day.WORKED) else read_hours(text)


def week(office: str, saturday: str = "", sunday: str = "") -> Weekly:
    """A week: Monday to Friday alike, Saturday and Sunday without hours unless told."""
    weekday = read_hours(office)
    return (weekday,) * 5 + (read_hours(saturday), read_hours(sunday))


OFFICE_WEEK = week("07:00-11:30,13:30-17:00")
SATURDAY_MORNING_WEEK = week("07:00-11:30,13:30-17:00", saturday="07:00-11:30")

# Swap days that `holidays` 0.109 does not hold. The list of a year is known when the Government has
# announced it, usually in the last quarter before; then KNOWN_UNTIL moves on.
OVERRIDES: dict[date, Override] = {
    date(2026, 1, 2): Day.OFF,  # 12729/VPCP-KGVX of 25 December 2025
    date(2026, 1, 10): Day.WORKED,  # in its place
}
KNOWN_UNTIL = 2026
# From the first year a record may name (clock.FIRST_YEAR) to well past the last one.
FIRST_YEAR = clock.FIRST_YEAR
LAST_YEAR = 2080


@dataclass(frozen=True, slots=True)
class Calendar:
    """Working hours of every day from `first` to `last`, both included.

    Attributes:
        weekly: Hours of each weekday, Monday first.
        off: Public holidays, observed days included.
        overrides: Sorted pairs of day and override; they win over `weekly` and `off`.
        known_until: The last year whose swap days are known.
        day_length: Working time of the fullest weekday: what half a working day is half of.
    """

    weekly: Weekly
    off: frozenset[date] = field(repr=False)
    overrides: tuple[tuple[date, Override], ...] = field(repr=False)
    known_until: int
    first: date
    last: date
    day_length: timedelta = field(init=False, compare=False)
    # Of each day its hours; before each day, and after the last, working microseconds and days.
    _plan: tuple[Hours, ...] = field(init=False, repr=False, compare=False)
    _worked: list[int] = field(init=False, repr=False, compare=False)
    _counted: list[int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        fullest = max((_checked(hours) for hours in self.weekly), key=_length)
        overrides = dict(self.overrides)
        plan, worked, counted = [], [0], [0]
        for offset in range((self.last - self.first).days + 1):
            day = self.first + timedelta(days=offset)
            hours = _hours_of(day, self.weekly, self.off, overrides.get(day), fullest)
            plan.append(hours)
            worked.append(worked[-1] + _length(hours))
            counted.append(counted[-1] + bool(hours))
        for name, value in (
            ("day_length", _length(fullest) * _MICROSECOND),
            ("_plan", tuple(plan)),
            ("_worked", worked),
            ("_counted", counted),
        ):
            object.__setattr__(self, name, value)  # frozen for everyone else

    def is_known(self, year: int) -> bool:
        """Whether the swap days of a year are known; an alarm where next year's are not."""
        return year <= self.known_until

    def working_hours(self, day: date) -> Hours:
        """Opening and closing times of a day, in order; empty on a day off.

        Raises:
            OutsideCalendar: the day is not in this calendar.
        """
        return self._plan[self._index(day)]

    def is_working_day(self, day: date) -> bool:
        """Whether the office works at all that day; half a day counts."""
        return bool(self.working_hours(day))

    def next_working_day(self, day: date) -> date:
        """The day itself when it is worked, else the next one that is."""
        return day if self.is_working_day(day) else self._working_day_after(day, 1)

    def start_of_work(self, moment: datetime) -> datetime:
        """The moment itself while the office works, else the next opening.

        Before opening: that opening; at lunch: the afternoon's; after closing or on a day off: the
        next working morning (domain/indicators.md 3.4).
        """
        moment = clock.local(moment)
        day, at = moment.date(), moment.time()
        for opening, closing in self.working_hours(day):
            if at < closing:
                return moment if opening <= at else _at(day, opening)
        morning = self._working_day_after(day, 1)
        return _at(morning, self.working_hours(morning)[0][0])

    def within(self, day: date, at: time) -> datetime:
        """A time of day brought inside the hours of a working day.

        The last moment of work up to then: inside the hours the time itself, at lunch and after
        closing the closing before it; before opening the opening.
        """
        hours = self.working_hours(day)
        if not hours:
            raise OutsideCalendar(f"{day} has no working hours")
        begun = [span for span in hours if span[0] <= at]
        return _at(day, min(at, begun[-1][1]) if begun else hours[0][0])

    def add_working_days(self, moment: datetime, n: int) -> datetime:
        """The same time of day, `n` working days after work on it starts.

        Every day with hours counts one, half days too; the time of day is brought inside the hours
        of the day reached. `n` = 0 gives the start of work.

        Raises:
            OutsideCalendar: the calendar ends before that day.
            ValueError: `n` is negative.
        """
        if n < 0:
            raise ValueError("a number of working days is not negative")
        start = self.start_of_work(moment)
        if n == 0:
            return start
        return self.within(self._working_day_after(start.date(), n), start.time())

    def add_working_time(self, moment: datetime, hours: Fraction | int | timedelta) -> datetime:
        """The first moment by which so much has been worked since `moment`; zero gives it back.

        Args:
            moment: Where counting starts, inside working hours or not.
            hours: Working hours as a number, or a timedelta; rounded to the microsecond.

        Raises:
            OutsideCalendar: the calendar ends before so much is worked.
            ValueError: the amount is negative.
        """
        amount = _microseconds(hours)
        if amount < 0:
            raise ValueError("an amount of working time is not negative")
        if amount == 0:
            return clock.local(moment)
        target = self._worked_before(moment) + amount
        index = bisect_left(self._worked, target) - 1
        if index >= len(self._plan):
            raise OutsideCalendar(f"the calendar ends first, on {self.last}")
        rest, day = target - self._worked[index], self.first + timedelta(days=index)
        for opening, closing in self._plan[index]:
            span = _into(closing) - _into(opening)
            if rest <= span:
                return _at(day, opening) + rest * _MICROSECOND
            rest -= span
        raise AssertionError("the sums and the hours of a day disagree")

    def working_days_between(self, a: date, b: date) -> int:
        """Working days after `a` up to and including `b`; negative where `b` lies before `a`.

        With `a` today and `b` the due day: 0 on the due day itself, -1 on the first working day
        after it.
        """
        return self._counted[self._index(b) + 1] - self._counted[self._index(a) + 1]

    def working_time_between(self, a: datetime, b: datetime) -> timedelta:
        """Working time from `a` to `b`; negative where `b` lies before `a`."""
        return (self._worked_before(b) - self._worked_before(a)) * _MICROSECOND

    def _index(self, day: date) -> int:
        index = (day - self.first).days
        if not 0 <= index < len(self._plan):
            raise OutsideCalendar(f"{day} lies outside the calendar ({self.first} to {self.last})")
        return index

    def _working_day_after(self, day: date, n: int) -> date:
        """The n-th working day after a day, n at least 1."""
        target = self._counted[self._index(day) + 1] + n
        index = bisect_left(self._counted, target) - 1
        if index >= len(self._plan):
            raise OutsideCalendar(f"the calendar ends first, on {self.last}")
        return self.first + timedelta(days=index)

    def _worked_before(self, moment: datetime) -> int:
        """Working microseconds from the calendar's first day up to a moment."""
        moment = clock.local(moment)
        index, now = self._index(moment.date()), _into(moment.time())
        return self._worked[index] + sum(
            min(now, _into(closing)) - _into(opening)
            for opening, closing in self._plan[index]
            if now > _into(opening)
        )


def vietnam(
    weekly: Weekly = OFFICE_WEEK,
    overrides: Mapping[date, Override] | None = None,
    *,
    known_until: int = KNOWN_UNTIL,
    first_year: int = FIRST_YEAR,
    last_year: int = LAST_YEAR,
) -> Calendar:
    """The calendar of an office in Vietnam; about a tenth of a second, so keep it.

    Args:
        weekly: Its hours (`week`).
        overrides: Its own days; they win over the built-in table, which wins over `holidays`.
        known_until: Last year whose swap days `overrides`, the built-in table and `holidays` hold.
        first_year: The calendar's first year.
        last_year: Its last year, included. Lunar dates are computed, swap days of the future not.
    """
    import holidays  # heavy, and needed only here

    public = holidays.country_holidays("VN", years=range(first_year, last_year + 1))
    days: dict[date, Override] = dict.fromkeys(public.weekend_workdays, Day.WORKED)
    days |= OVERRIDES
    days |= overrides or {}
    return Calendar(
        weekly=weekly,
        off=frozenset(public),
        overrides=tuple(sorted(days.items(), key=lambda item: item[0])),
        known_until=known_until,
        first=date(first_year, 1, 1),
        last=date(last_year, 12, 31),
    )


def _hours_of(
    day: date, weekly: Weekly, off: frozenset[date], override: Override | None, fullest: Hours
) -> Hours:
    if override is None:
        return () if day in off else weekly[day.weekday()]
    if isinstance(override, Day):
        return fullest if override is Day.WORKED else ()
    return _checked(override)


def _length(hours: Hours) -> int:
    return sum(_into(closing) - _into(opening) for opening, closing in hours)


def _into(at: time) -> int:
    """Microseconds since midnight."""
    return ((at.hour * 60 + at.minute) * 60 + at.second) * 1_000_000 + at.microsecond


def _at(day: date, at: time) -> datetime:
    return datetime.combine(day, at, tzinfo=clock.HCM)


def _microseconds(hours: Fraction | int | timedelta) -> int:
    if isinstance(hours, timedelta):
        return hours // _MICROSECOND
    return round(Fraction(hours) * 3_600_000_000)
