"""Moments and days as the province counts them: Asia/Ho_Chi_Minh, which is +07:00 without change.

Naive times are +07:00 (DESIGN 3). Inside the model a moment is ISO text at +07:00, so that text
order is time order and both stores, the digest and every answer agree on one spelling.
"""

from datetime import UTC, date, datetime, timedelta, timezone

HCM = timezone(timedelta(hours=7))
FIRST_YEAR = 1990
YEARS_AHEAD = 20


def local(moment: datetime) -> datetime:
    """The same moment at +07:00; a naive one is taken to be there already.

    Raises:
        OverflowError: the moment is too close to year 1 or 9999 to be moved.
    """
    if moment.tzinfo is None:
        return moment.replace(tzinfo=HCM)
    return moment if moment.tzinfo is HCM else moment.astimezone(HCM)


def to_iso(moment: datetime) -> str:
    """ISO text at +07:00, to the microsecond where there is one."""
    return local(moment).isoformat()


def from_iso(text: str) -> datetime:
    """A moment from text this module wrote."""
    return local(datetime.fromisoformat(text))


def day_of(moment: datetime) -> date:
    """The calendar day at +07:00."""
    return local(moment).date()


def utc(moment: datetime) -> datetime:
    """The same moment in UTC; naive is +07:00."""
    return local(moment).astimezone(UTC)


def is_plausible(moment: datetime, now: datetime) -> bool:
    """Whether the year lies in 1990 to now + 20 (CONTRACT), counted at +07:00."""
    last = local(now).year + YEARS_AHEAD
    if FIRST_YEAR < moment.year < last:
        return True  # no zone moves it over the edge
    try:
        return FIRST_YEAR <= local(moment).year <= last
    except OverflowError:
        return False
