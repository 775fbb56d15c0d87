"""A source that tells nothing where its own history expects work is suspect, and no success.

What a connection brings on a working day is the median of what it brought on the ten before; where
that is some records and a whole working day brought none, silence is no sign that there was no
work. It ends by itself with the next record that says something new. A page or push that is empty,
known already or all refused says nothing new.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import takewhile
from statistics import median

from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.calendar import Calendar
from store import alarms, suspects
from sync.context import Context
from sync.jobs import Job, Kind, Stopping

logger = logging.getLogger(__name__)
ALARM = "suspect"
HISTORY = 10  # working days, before the silent ones
LEAST = 5  # records on an ordinary day, from which on a day without any is odd
_LOOKED_EVERY = timedelta(minutes=15)
_FURTHEST = 60  # calendar days that are looked back on; the longest holidays lie well within
EVERYONE = "all"


def silent_since(counts: Mapping[date, int], now: datetime, calendar: Calendar) -> datetime | None:
    """Since when a source has been silent where work was expected; None where it has not.

    Args:
        counts: Day -> records that said something new; a day that is not there had none.
        now: The present moment.
        calendar: The province's working days.
    """
    if counts.get(clock.day_of(now), 0):
        return None
    days = _whole_days(now, calendar)
    silent = list(takewhile(lambda day: not counts.get(day, 0), days))
    ordinary = [counts.get(day, 0) for day in days[len(silent) : len(silent) + HISTORY]]
    if not silent or len(ordinary) < HISTORY or median(ordinary) < LEAST:
        return None
    if any(number for day, number in counts.items() if day >= silent[-1]):
        return None  # it spoke on a day off
    first = silent[-1]
    return datetime.combine(first, calendar.working_hours(first)[0][0], tzinfo=clock.HCM)


def _whole_days(now: datetime, calendar: Calendar) -> Sequence[date]:
    """The working days that are over, newest first."""
    today, at = clock.day_of(now), clock.local(now).time()
    days = (today - timedelta(days=n) for n in range(_FURTHEST))
    worked = [day for day in days if calendar.is_working_day(day)]
    if worked and worked[0] == today and at < calendar.working_hours(today)[-1][1]:
        return worked[1:]
    return worked


def look(context: Context) -> list[str]:
    """Look at every connection that was not looked at for a while; those that are suspect now."""
    now = context.now()
    with context.store.read() as tx:
        wanted = suspects.list_unwatched(tx, clock.to_iso(now - _LOOKED_EVERY))
        calendar = context.books(tx).working_days if wanted else None
    if calendar is None:
        return []
    return [one for one in wanted if _look_at(context, one, now, calendar)]


def _look_at(context: Context, connection_id: str, now: datetime, calendar: Calendar) -> bool:
    at = clock.to_iso(now)
    news: list[str] = []

    def work(tx: Tx) -> bool:
        news.clear()
        held = suspects.suspect_since(tx, connection_id)
        if held is not None:
            since = None if suspects.spoke_since(tx, connection_id, held) else held
        else:
            begin = clock.day_of(now) - timedelta(days=_FURTHEST)
            counts = suspects.day_counts(tx, connection_id, begin)
            found = silent_since(counts, now, calendar)
            since = clock.to_iso(found) if found is not None else None
        suspects.save_look(tx, connection_id, since, at)
        if since is not None:
            detail = f"nothing new since {since} where its history expects work"
            if alarms.raise_alarm(tx, ALARM, connection_id, detail, at):
                news.append("A source is silent where work is expected")
        elif alarms.end_alarm(tx, ALARM, connection_id, at):
            news.append("A source that was silent speaks again")
        return since is not None

    is_suspect = context.store.in_write(work)
    for sentence in news:
        event = "source.suspect" if is_suspect else "source.well"
        logger.warning(sentence, extra={"event": event, "connection": connection_id})
    return is_suspect


def _due(context: Context, now: datetime) -> Sequence[Job]:
    with context.store.read() as tx:
        waiting = suspects.list_unwatched(tx, clock.to_iso(now - _LOOKED_EVERY))
    return [Job(KIND.name, EVERYONE)] if waiting else []


async def _perform(context: Context, _job: Job, _stopping: Stopping) -> None:
    await asyncio.to_thread(look, context)


KIND = Kind("watch", _due, _perform)
