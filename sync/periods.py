"""Which calendar periods figures are published of, by a receiver's settings; +07:00. Pure."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from msgspec import Struct

from canonical.codes import agency_code
from canonical.errors import HubError
from canonical.reasons import Reason

MONTHS = {"month": 1, "quarter": 3, "year": 12}
_SETTLE_DAYS = "3"


class Period(Struct, frozen=True, order=True):
    """One agency and its calendar period, both days included.

    Attributes:
        agency: With all below it; in the new form of its code.
    """

    agency: str
    start: date
    end: date


class Plan(Struct, frozen=True):
    """What a receiver of figures wants, read from its settings.

    Attributes:
        kinds: Names in MONTHS.
        since: Periods that begin on this day or later.
        settle_days: Whole days between a period's end and its first publication.
    """

    agencies: tuple[str, ...]
    kinds: tuple[str, ...]
    since: date
    settle_days: int


def read_plan(options: Mapping[str, str], added_on: date) -> Plan:
    """What the settings of a receiver of figures say.

    Args:
        options: agencies, periods, since, settle_days.
        added_on: The day the receiver was added, +07:00: `since` where none is set.

    Raises:
        HubError: FIELD_MISSING or FIELD_TYPE, with the setting's name.
    """
    agencies = tuple(agency_code(code) for code in _listed(options.get("agencies", "")))
    if not agencies:
        raise HubError(Reason.FIELD_MISSING, "setting agencies: whose figures?")
    kinds = tuple(_listed(options.get("periods", "year")))
    if not kinds or not set(kinds) <= set(MONTHS):
        raise HubError(Reason.FIELD_TYPE, f"setting periods: some of {', '.join(MONTHS)}")
    told = options.get("settle_days") or _SETTLE_DAYS
    if not (told.isascii() and told.isdecimal() and len(told) < 4):
        raise HubError(Reason.FIELD_TYPE, "setting settle_days: a number of days")
    try:
        since = date.fromisoformat(options["since"]) if options.get("since") else added_on
    except ValueError as error:
        raise HubError(Reason.FIELD_TYPE, "setting since: yyyy-mm-dd") from error
    return Plan(tuple(dict.fromkeys(agencies)), tuple(dict.fromkeys(kinds)), since, int(told))


def wanted(plan: Plan, today: date) -> Iterator[Period]:
    """The periods that are over and settled on a day, agency by agency, oldest first."""
    for agency in plan.agencies:
        for kind in plan.kinds:
            for start, end in _calendar(MONTHS[kind], plan.since, today):
                if end + timedelta(days=plan.settle_days) < today:
                    yield Period(agency, start, end)


def _calendar(months: int, since: date, until: date) -> Iterator[tuple[date, date]]:
    """Whole periods of so many months that begin from one day to another."""
    start = date(since.year, since.month - (since.month - 1) % months, 1)
    while start <= until:
        following = _later(start, months)
        if start >= since:
            yield start, following - timedelta(days=1)
        start = following


def _later(first: date, months: int) -> date:
    place = first.month - 1 + months
    return date(first.year + place // 12, place % 12 + 1, 1)


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
