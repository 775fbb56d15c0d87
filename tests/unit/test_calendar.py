"""The working calendar: hours, holidays, swap days, half days, sums and their inverses."""

from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.calendar import (
    KNOWN_UNTIL,
    OFFICE_WEEK,
    SATURDAY_MORNING_WEEK,
    Calendar,
    Day,
    OutsideCalendar,
    read_hours,
    read_override,
    vietnam,
    week,
)
from canonical.clock import HCM

OFFICE = vietnam(first_year=2014, last_year=2030)
HALF_SATURDAYS = vietnam(SATURDAY_MORNING_WEEK, first_year=2014, last_year=2030)
# Ragged on purpose: unequal weekdays, a long lunch, a day worked late before a holiday.
RAGGED = vietnam(
    (
        read_hours("08:00-11:00,14:00-16:30"),
        read_hours("07:00-11:30,13:30-17:00"),
        (),
        read_hours("13:15-20:45"),
        read_hours("07:00-09:00,10:00-11:00,15:00-17:30"),
        read_hours("07:00-11:30"),
        (),
    ),
    {date(2026, 3, 4): read_hours("09:00-10:00"), date(2026, 3, 6): Day.OFF},
    first_year=2014,
    last_year=2030,
)
CALENDARS = st.sampled_from([OFFICE, HALF_SATURDAYS, RAGGED])
DAYS = st.dates(date(2015, 1, 1), date(2027, 12, 31))
MOMENTS = st.datetimes(datetime(2015, 1, 1), datetime(2027, 12, 31)).map(  # noqa: DTZ001 zone next
    lambda moment: moment.replace(tzinfo=HCM)
)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=HCM)


def days_one_by_one(calendar, a, b):
    """working_days_between, counted the slow way."""
    step = 1 if b >= a else -1
    first, last = (a, b) if step == 1 else (b, a)
    days = (first + timedelta(days=i + 1) for i in range((last - first).days))
    return step * sum(calendar.is_working_day(day) for day in days)


# -- hours --------------------------------------------------------------------------------------


def test_hours_are_read_as_settings_spell_them():
    assert read_hours("07:00-11:30, 13:30 - 17:00") == (
        (time(7), time(11, 30)),
        (time(13, 30), time(17)),
    )
    assert read_hours(" ") == ()


@pytest.mark.parametrize(
    "text",
    [
        "7:00-11:30",
        "07:00",
        "07:00-11:30;13:30-17:00",
        "11:30-07:00",
        "07:00-07:00",
        "07:00-12:00,11:00-17:00",
        "13:30-17:00,07:00-11:30",
        "07:00-24:00",
        "07:00Z-11:30Z",
        "07:00-11:30,",
        "off",
    ],
)
def test_hours_of_another_form_are_refused(text):
    with pytest.raises(ValueError):
        read_hours(text)


def test_an_override_is_off_worked_or_hours():
    assert read_override(" off ") is Day.OFF
    assert read_override("worked") is Day.WORKED
    assert read_override("07:00-11:30") == ((time(7), time(11, 30)),)
    with pytest.raises(ValueError):
        read_override("holiday")


# -- which days ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "is_worked"),
    [
        (date(2016, 3, 1), True),  # a Tuesday
        (date(2016, 3, 5), False),  # a Saturday
        (date(2016, 2, 8), False),  # Tết
        (date(2016, 5, 3), False),  # observed: 1 May 2016 was a Sunday
        (date(2015, 1, 2), False),  # swapped with a Saturday of the year before
        (date(2014, 12, 27), True),  # that Saturday
        (date(2015, 4, 25), True),
        (date(2015, 4, 29), False),
        (date(2026, 1, 2), False),  # the two that the package misses
        (date(2026, 1, 10), True),
        (date(2026, 8, 22), True),
        (date(2026, 8, 31), False),
        (date(2026, 1, 9), True),
        (date(2026, 1, 17), False),
    ],
)
def test_holidays_swap_days_and_weekends(day, is_worked):
    assert OFFICE.is_working_day(day) is is_worked


def test_a_saturday_worked_instead_is_a_whole_day_where_saturdays_are_half_days():
    assert HALF_SATURDAYS.working_hours(date(2026, 1, 17)) == read_hours("07:00-11:30")
    assert HALF_SATURDAYS.working_hours(date(2026, 1, 10)) == OFFICE_WEEK[0]


def test_an_override_of_the_office_wins_over_the_built_in_table_and_the_package():
    own = vietnam(
        overrides={
            date(2026, 1, 2): Day.WORKED,  # built in: off
            date(2026, 9, 2): read_hours("07:00-11:30"),  # package: National Day
            date(2026, 9, 3): Day.OFF,  # an ordinary Thursday
            date(2026, 9, 4): (),
        },
        first_year=2026,
        last_year=2026,
    )
    assert own.working_hours(date(2026, 1, 2)) == OFFICE_WEEK[0]
    assert own.working_hours(date(2026, 9, 2)) == read_hours("07:00-11:30")
    assert not own.is_working_day(date(2026, 9, 3))
    assert not own.is_working_day(date(2026, 9, 4))
    assert not own.is_working_day(date(2026, 8, 31))  # the package still speaks where we do not


def test_a_year_whose_swap_days_nobody_knows_is_told():
    assert OFFICE.is_known(KNOWN_UNTIL)
    assert not OFFICE.is_known(KNOWN_UNTIL + 1)
    assert vietnam(known_until=2027, first_year=2026, last_year=2028).is_known(2027)


def test_a_day_outside_is_an_error_and_not_a_day_off():
    for day in (date(2013, 12, 31), date(2031, 1, 1)):
        with pytest.raises(OutsideCalendar):
            OFFICE.is_working_day(day)
    with pytest.raises(OutsideCalendar):
        OFFICE.working_days_between(date(2026, 1, 1), date(2031, 1, 1))


def test_a_calendar_without_working_hours_ends_in_an_error_and_never_hangs():
    never = Calendar(week(""), frozenset(), (), KNOWN_UNTIL, date(2026, 1, 1), date(2026, 12, 31))
    noon = at("2026-03-02T12:00")
    for ask in (
        lambda: never.start_of_work(noon),
        lambda: never.add_working_days(noon, 1),
        lambda: never.add_working_time(noon, 1),
        lambda: never.next_working_day(noon.date()),
        lambda: never.within(noon.date(), time(9)),
    ):
        with pytest.raises(OutsideCalendar):
            ask()
    assert never.working_days_between(date(2026, 1, 1), date(2026, 12, 31)) == 0


def test_more_than_the_calendar_holds_is_an_error():
    with pytest.raises(OutsideCalendar):
        OFFICE.add_working_days(at("2026-03-02T09:00"), 10**9)
    with pytest.raises(OutsideCalendar):
        OFFICE.add_working_time(at("2026-03-02T09:00"), 10**9)


def test_negative_amounts_are_refused():
    with pytest.raises(ValueError):
        OFFICE.add_working_days(at("2026-03-02T09:00"), -1)
    with pytest.raises(ValueError):
        OFFICE.add_working_time(at("2026-03-02T09:00"), Fraction(-1, 2))


def test_one_calendar_built_twice_is_one_value():
    again = vietnam(first_year=2014, last_year=2030)
    assert again == OFFICE
    assert hash(again) == hash(OFFICE)
    assert again != HALF_SATURDAYS


def test_the_calendar_as_built_holds_every_day_a_record_may_name():
    whole = vietnam()
    assert whole.is_working_day(date(1990, 1, 2))
    assert whole.working_days_between(date(2026, 1, 1), date(2046, 12, 31)) > 5000


# -- moments ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "start"),
    [
        ("2016-03-01T06:10", "2016-03-01T07:00"),  # before opening
        ("2016-03-01T07:00", "2016-03-01T07:00"),
        ("2016-03-01T09:15", "2016-03-01T09:15"),
        ("2016-03-01T11:30", "2016-03-01T13:30"),  # lunch
        ("2016-03-01T12:45", "2016-03-01T13:30"),
        ("2016-03-01T16:59:59", "2016-03-01T16:59:59"),
        ("2016-03-01T17:00", "2016-03-02T07:00"),  # after closing
        ("2016-03-04T23:30", "2016-03-07T07:00"),  # Friday night
        ("2016-02-06T10:00", "2016-02-15T07:00"),  # Tết
        ("2026-01-09T18:00", "2026-01-10T07:00"),  # a Saturday worked instead
    ],
)
def test_work_starts_at_the_next_opening(moment, start):
    assert OFFICE.start_of_work(at(moment)) == at(start)


def test_moments_of_any_offset_are_counted_at_seven_hours_east():
    assert OFFICE.start_of_work(datetime(2016, 3, 1, 23, 0, tzinfo=UTC)) == at("2016-03-02T07:00")
    assert OFFICE.start_of_work(datetime(2016, 3, 1, 6, 0)) == at("2016-03-01T07:00")  # noqa: DTZ001 naive is the point
    found = OFFICE.add_working_time(datetime(2016, 3, 1, 2, 0, tzinfo=UTC), 1)
    assert found.isoformat() == "2016-03-01T10:00:00+07:00"


@pytest.mark.parametrize(
    ("moment", "hours", "reached"),
    [
        ("2016-03-01T09:00", 1, "2016-03-01T10:00"),
        (
            "2016-03-01T09:00",
            Fraction(5, 2),
            "2016-03-01T11:30",
        ),  # closing, not the afternoon
        ("2016-03-01T09:00", 3, "2016-03-01T14:00"),
        ("2016-03-01T09:00", 8, "2016-03-02T09:00"),
        ("2016-03-01T07:00", 8, "2016-03-01T17:00"),
        ("2016-03-01T03:00", 8, "2016-03-01T17:00"),
        ("2016-03-04T16:00", timedelta(hours=2), "2016-03-07T08:00"),
        ("2016-03-05T10:00", 0, "2016-03-05T10:00"),  # nothing moves nothing
        ("2016-03-01T09:00", Fraction(1, 3), "2016-03-01T09:20"),
    ],
)
def test_working_time_runs_only_while_the_office_works(moment, hours, reached):
    assert OFFICE.add_working_time(at(moment), hours) == at(reached)


def test_a_saturday_morning_is_worked_where_the_office_opens_then():
    friday = at("2016-03-04T15:00")
    assert HALF_SATURDAYS.add_working_time(friday, 4) == at("2016-03-05T09:00")
    assert OFFICE.add_working_time(friday, 4) == at("2016-03-07T09:00")


@pytest.mark.parametrize(
    ("calendar", "moment", "n", "reached"),
    [
        (OFFICE, "2016-03-01T09:00", 5, "2016-03-08T09:00"),
        (OFFICE, "2016-03-01T18:00", 1, "2016-03-03T07:00"),
        (OFFICE, "2016-03-01T18:00", 0, "2016-03-02T07:00"),
        (OFFICE, "2016-02-05T10:00", 1, "2016-02-15T10:00"),  # over Tết
        (HALF_SATURDAYS, "2016-03-04T09:00", 1, "2016-03-05T09:00"),
        (HALF_SATURDAYS, "2016-03-04T15:00", 1, "2016-03-05T11:30"),  # brought inside half a day
        (HALF_SATURDAYS, "2016-03-04T15:00", 2, "2016-03-07T15:00"),
        (RAGGED, "2026-03-03T07:30", 1, "2026-03-04T09:00"),  # opens later that day
    ],
)
def test_working_days_keep_the_time_of_day(calendar, moment, n, reached):
    assert calendar.add_working_days(at(moment), n) == at(reached)


@pytest.mark.parametrize(
    ("a", "b", "days"),
    [
        (date(2026, 11, 18), date(2026, 11, 18), 0),
        (date(2026, 11, 18), date(2026, 11, 19), 1),
        (date(2026, 11, 20), date(2026, 11, 23), 1),  # over a weekend
        (date(2026, 11, 23), date(2026, 11, 25), 1),  # the 24th: Ngày Văn hóa
        (date(2026, 11, 20), date(2026, 11, 18), -2),
        (date(2026, 11, 21), date(2026, 11, 20), 0),  # a Saturday is no working day late
        (date(2026, 11, 23), date(2026, 11, 20), -1),
    ],
)
def test_working_days_left_as_a_citizen_reads_them(a, b, days):
    assert OFFICE.working_days_between(a, b) == days


# -- laws ---------------------------------------------------------------------------------------


@given(CALENDARS, DAYS, DAYS)
def test_days_between_are_the_days_one_finds_one_by_one(calendar, a, b):
    assert calendar.working_days_between(a, b) == days_one_by_one(calendar, a, b)


@given(CALENDARS, MOMENTS, st.integers(0, 400))
def test_days_added_are_days_between(calendar, moment, n):
    start = calendar.start_of_work(moment)
    reached = calendar.add_working_days(moment, n)
    assert calendar.working_days_between(start.date(), reached.date()) == n


@given(CALENDARS, MOMENTS, st.timedeltas(timedelta(0), timedelta(days=60)))
def test_time_added_is_time_between(calendar, moment, amount):
    reached = calendar.add_working_time(moment, amount)
    assert calendar.working_time_between(moment, reached) == amount
    assert reached >= moment


@given(
    CALENDARS,
    MOMENTS,
    st.timedeltas(timedelta(0), timedelta(days=9)),
    st.timedeltas(timedelta(0), timedelta(days=9)),
)
def test_time_added_in_two_goes_is_time_added_in_one(calendar, moment, first, then):
    in_two = calendar.add_working_time(calendar.add_working_time(moment, first), then)
    assert in_two == calendar.add_working_time(moment, first + then)


@given(CALENDARS, MOMENTS, MOMENTS, MOMENTS)
def test_time_between_adds_up_and_turns_its_sign(calendar, a, b, c):
    between = calendar.working_time_between
    assert between(a, b) + between(b, c) == between(a, c)
    assert between(b, a) == -between(a, b)
    assert abs(between(a, b)) <= abs(b - a)


@given(CALENDARS, MOMENTS, MOMENTS, st.integers(0, 100))
def test_who_comes_later_is_not_due_earlier(calendar, a, b, n):
    a, b = sorted((a, b))
    assert calendar.start_of_work(a) <= calendar.start_of_work(b)
    assert calendar.add_working_days(a, n) <= calendar.add_working_days(b, n)
    assert calendar.add_working_time(a, n) <= calendar.add_working_time(b, n)


@given(CALENDARS, MOMENTS)
def test_start_of_work_lies_in_working_hours_and_loses_none(calendar, moment):
    start = calendar.start_of_work(moment)
    hours = calendar.working_hours(start.date())
    assert any(opening <= start.time() < closing for opening, closing in hours)
    assert calendar.working_time_between(moment, start) == timedelta(0)
