"""Which calendar periods figures are published of."""

from datetime import date

import pytest

from canonical.errors import HubError
from sync.periods import Period, read_plan, wanted

ADDED = date(2026, 2, 10)


def periods(today: date, **options: str) -> list[tuple[str, str]]:
    plan = read_plan({"agencies": "H50", **options}, ADDED)
    found = list(wanted(plan, today))
    assert {one.agency for one in found} <= {"H50"}
    return [(one.start.isoformat(), one.end.isoformat()) for one in found]


@pytest.mark.parametrize(
    ("today", "settle", "count"),
    [
        (date(2026, 3, 31), "0", 0),
        (date(2026, 4, 1), "0", 1),
        (date(2026, 4, 1), "1", 0),
        (date(2026, 4, 2), "1", 1),
        (date(2026, 4, 4), "", 1),  # three whole days unless said
        (date(2026, 4, 3), "", 0),
    ],
)
def test_a_period_is_over_and_then_settles(today: date, settle: str, count: int) -> None:
    assert len(periods(today, periods="month", settle_days=settle)) == count


def test_a_period_that_began_before_is_not_published_in_part() -> None:
    told = {"periods": "month", "settle_days": "0"}
    assert periods(date(2026, 5, 1), since="2026-02-01", **told)[0][0] == "2026-02-01"
    assert periods(date(2026, 5, 1), since="2026-02-02", **told)[0][0] == "2026-03-01"
    assert periods(date(2026, 5, 1), **told)[0][0] == "2026-03-01", "since the day it was added"


def test_quarters_and_years_are_the_calendars() -> None:
    found = periods(date(2026, 1, 1), since="2024-02-15", periods="quarter,year", settle_days="0")
    assert found == [
        ("2024-04-01", "2024-06-30"),
        ("2024-07-01", "2024-09-30"),
        ("2024-10-01", "2024-12-31"),
        ("2025-01-01", "2025-03-31"),
        ("2025-04-01", "2025-06-30"),
        ("2025-07-01", "2025-09-30"),
        ("2025-10-01", "2025-12-31"),
        ("2025-01-01", "2025-12-31"),
    ]


def test_february_ends_when_it_ends() -> None:
    found = periods(date(2024, 3, 1), since="2024-02-01", periods="month", settle_days="0")
    assert found == [("2024-02-01", "2024-02-29")]


def test_an_agency_is_named_once_however_it_is_spelt() -> None:
    plan = read_plan({"agencies": "H50.12, 000.00.12.H50,", "since": "2024-01-01"}, ADDED)
    assert plan.agencies == ("H50.12",)
    assert list(wanted(plan, date(2025, 1, 4))) == [
        Period("H50.12", date(2024, 1, 1), date(2024, 12, 31))
    ]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({}, "agencies"),
        ({"agencies": " , "}, "agencies"),
        ({"agencies": "H50", "periods": ","}, "periods"),
        ({"agencies": "H50", "periods": "month,week"}, "periods"),
        ({"agencies": "H50", "settle_days": "-1"}, "settle_days"),
        ({"agencies": "H50", "settle_days": "٣"}, "settle_days"),
        ({"agencies": "H50", "since": "2026-02-30"}, "since"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(options: dict[str, str], named: str) -> None:
    with pytest.raises(HubError, match=named):
        read_plan(options, ADDED)
