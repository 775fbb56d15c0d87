"""Working days by number, so that a due date is an addition."""

import random
from bisect import bisect_right
from datetime import date, datetime, time, timedelta

from canonical import calendar

_DAY = timedelta(days=1)


class WorkingDays:
    """The public calendar's working days from `first` to `last`."""

    def __init__(self, first: date, last: date) -> None:
        known = calendar.vietnam()
        span = (first + n * _DAY for n in range((last - first).days + 1))
        self._days = [day for day in span if known.is_working_day(day)]

    def __getitem__(self, number: int) -> date:
        """The working day with this number."""
        return self._days[number]

    def upto(self, day: date) -> int:
        """Number of the last working day on or before a day."""
        return bisect_right(self._days, day) - 1

    def after(self, day: date) -> int:
        """Number of the first working day on or after a day."""
        return self.upto(day - _DAY) + 1


def in_office(dice: random.Random, day: date, first: int = 8, last: int = 16) -> datetime:
    """Some moment of a day's office hours, in the department's own clock."""
    minute = dice.randrange(first * 60, last * 60)
    return datetime.combine(day, time(minute // 60, minute % 60, dice.randrange(60)))


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """A moment of a day."""
    return datetime.combine(day, time(hour, minute))
