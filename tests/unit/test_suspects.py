"""When silence is odd: by what a source brought on its own working days before."""

from datetime import date, datetime, timedelta

import pytest

from canonical import calendar, clock
from sync.suspects import silent_since

DAYS = calendar.vietnam(first_year=2025, last_year=2027)
# Monday 2 March 2026; the two weeks before had ten working days.
MONDAY = date(2026, 3, 2)


def counts(number: int, *silent: date, last: date = MONDAY) -> dict[date, int]:
    """So many records on each working day of February and after, but on the silent ones."""
    days = (last - timedelta(days=n) for n in range(40))
    return {day: number for day in days if DAYS.is_working_day(day) and day not in silent}


def at(text: str) -> datetime:
    return clock.utc(datetime.fromisoformat(text))


def test_a_whole_working_day_without_any_is_suspect_once_it_is_over() -> None:
    held = counts(20, MONDAY)
    assert silent_since(held, at("2026-03-02T16:59:00+07:00"), DAYS) is None
    found = silent_since(held, at("2026-03-02T17:00:00+07:00"), DAYS)
    assert found == datetime.fromisoformat("2026-03-02T07:00:00+07:00")


def test_it_is_silent_since_the_first_of_several_such_days() -> None:
    held = counts(20, MONDAY, date(2026, 2, 27), date(2026, 2, 26))
    found = silent_since(held, at("2026-03-03T08:00:00+07:00"), DAYS)
    assert found == datetime.fromisoformat("2026-02-26T07:00:00+07:00")


@pytest.mark.parametrize(
    ("held", "now"),
    [
        (counts(4, MONDAY), "2026-03-02T18:00:00+07:00"),  # seldom has any
        (counts(20), "2026-03-02T18:00:00+07:00"),
        (counts(20, MONDAY) | {MONDAY: 1}, "2026-03-02T18:00:00+07:00"),
        # Saturday and Sunday are no working days, Monday is not over.
        (counts(20, MONDAY), "2026-03-02T10:00:00+07:00"),
        # Of Monday's work it told early on Tuesday.
        (counts(20, MONDAY) | {date(2026, 3, 3): 1}, "2026-03-03T07:10:00+07:00"),
        ({}, "2026-03-02T18:00:00+07:00"),  # never told anything
        # Known for a few days only.
        ({date(2026, 2, 27): 50, date(2026, 2, 26): 50}, "2026-03-02T18:00:00+07:00"),
    ],
)
def test_nothing_is_odd_about(held: dict[date, int], now: str) -> None:
    assert silent_since(held, at(now), DAYS) is None


def test_the_new_year_holidays_are_no_silence() -> None:
    """Tết 2026: 14 to 22 February, Saturday to Sunday."""
    held = counts(20, last=date(2026, 2, 13))
    assert silent_since(held, at("2026-02-22T18:00:00+07:00"), DAYS) is None
    found = silent_since(held, at("2026-02-23T18:00:00+07:00"), DAYS)
    assert found == datetime.fromisoformat("2026-02-23T07:00:00+07:00")
