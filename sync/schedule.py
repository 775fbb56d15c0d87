"""When a schedule is due, by its cron text: the only place that knows APScheduler.

Its cron trigger is asked, at every tick of every node; no scheduler of its own runs beside, since
what it remembers would be a second truth next to the tables (docs/decisions/0012).
"""

import functools
from datetime import datetime, timedelta

from apscheduler.triggers.cron import CronTrigger

from canonical import clock
from canonical.errors import HubError
from canonical.reasons import Reason

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS = 5
_WEEKDAY = 4
_MONTH_DAY = 2
_MONTH = 3
# How far back the newest due time is looked for: the 29th of February comes every eight years at
# the worst.
_FURTHEST = timedelta(days=9 * 366)
_INSTANT = timedelta(microseconds=1)


class Cron:
    """A schedule in cron text, counted in Asia/Ho_Chi_Minh."""

    def __init__(self, text: str) -> None:
        """Read five fields: minute, hour, day of month, month, day of week (0 and 7 are Sunday).

        A sixth one before them is the second, for trials and for a source that may be asked so
        often.

        Raises:
            HubError: FIELD_TYPE for what is no cron text, can never be due, or restricts both the
                day of the month and the day of the week, which crons do not agree about.
        """
        told = text.split()
        if len(told) not in (_FIELDS, _FIELDS + 1):
            raise _unreadable(text, "five fields are wanted")
        second, fields = (told[0] if len(told) > _FIELDS else "0"), told[-_FIELDS:]
        if fields[_MONTH_DAY] != "*" and fields[_WEEKDAY] != "*":
            raise _unreadable(text, "either a day of the month or a day of the week")
        self.text = " ".join(told)
        try:
            self._trigger = CronTrigger(
                second=second,
                minute=fields[0],
                hour=fields[1],
                day=fields[_MONTH_DAY],
                month=fields[_MONTH],
                day_of_week=_named(fields[_WEEKDAY].lower()),
                timezone=clock.HCM,
            )
        except (ValueError, KeyError) as error:
            raise _unreadable(text, "a field is out of bounds") from error
        if self.after(datetime(2000, 1, 1, tzinfo=clock.HCM)) is None:
            raise _unreadable(text, "such a day never comes")

    def after(self, moment: datetime) -> datetime | None:
        """The first due time after a moment; None where there is none any more."""
        found: datetime | None = self._trigger.get_next_fire_time(
            None, clock.local(moment) + _INSTANT
        )
        return found

    def latest(self, now: datetime) -> datetime | None:
        """The newest due time that has come; None where there was none."""
        back = timedelta(minutes=1)
        while back <= _FURTHEST:
            found = self.after(now - back - _INSTANT)
            if found is not None and found <= now:
                return self._last_of(found, now)
            back *= 2
        return None

    def _last_of(self, found: datetime, now: datetime) -> datetime:
        while (later := self.after(found)) is not None and later <= now:
            found = later
        return found


@functools.lru_cache(maxsize=1_000)
def read_cron(text: str) -> Cron:
    """A schedule, read once per process. Raises HubError as `Cron`."""
    return Cron(text)


def _named(weekdays: str) -> str:
    """Days of the week by name: APScheduler counts from Monday, cron from Sunday."""
    if not any(character.isdigit() for character in weekdays):
        return weekdays
    return ",".join(_DAYS[number % 7] for part in weekdays.split(",") for number in _numbers(part))


def _numbers(part: str) -> range:
    """Which days one part of the field stands for: 3, 1-5, 1-5/2, */2 or mon-5."""
    span, _, step = part.partition("/")
    first, dash, last = span.partition("-")
    if span == "*":
        begin, end = 0, 6
    else:
        begin = _number(first)
        end = _number(last) if dash else (6 if step else begin)
    if begin > end or not 0 <= begin <= 7 or end > 7:
        raise ValueError(part)
    return range(begin, end + 1, int(step) if step else 1)


def _number(day: str) -> int:
    return _DAYS.index(day) if day in _DAYS else int(day)


def _unreadable(text: str, why: str) -> HubError:
    return HubError(Reason.FIELD_TYPE, f"{text[:100]!r} is no schedule: {why}")
