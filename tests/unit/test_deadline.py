"""Due dates: durations, starts, waits, extensions, and how a deadline stands."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.calendar import SATURDAY_MORNING_WEEK, Day, vietnam, week
from canonical.clock import HCM
from canonical.deadline import (
    Duration,
    Pause,
    Unit,
    due_date,
    moved,
    promised,
    standing_of_deadline,
)
from canonical.fields import Extension

OFFICE = vietnam(first_year=2014, last_year=2050)
HALF_SATURDAYS = vietnam(SATURDAY_MORNING_WEEK, first_year=2014, last_year=2050)
SHORT_DAYS = vietnam(week("07:30-11:30,13:30-16:50"), first_year=2014, last_year=2050)
CALENDARS = st.sampled_from([OFFICE, HALF_SATURDAYS, SHORT_DAYS])
MOMENTS = st.datetimes(datetime(2015, 1, 1), datetime(2027, 12, 31)).map(  # noqa: DTZ001 zone next
    lambda moment: moment.replace(tzinfo=HCM)
)
DURATIONS = st.builds(
    Duration, st.fractions(0, 120, max_denominator=8), st.sampled_from(list(Unit))
)
PAUSES = st.lists(
    st.builds(
        lambda since, length: Pause(since, since + length),
        MOMENTS,
        st.timedeltas(timedelta(0), timedelta(days=40)),
    ),
    max_size=4,
)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=HCM)


def days(count):
    return Duration(Fraction(count), Unit.WORKING_DAY)


def calendar_days(count):
    return Duration(Fraction(count), Unit.CALENDAR_DAY)


def hours(count):
    return Duration(Fraction(count), Unit.HOUR)


@pytest.mark.parametrize(
    ("accepted", "duration", "due"),
    [
        ("2016-03-01T09:00", days(5), "2016-03-08T09:00"),
        ("2016-03-01T06:00", days(1), "2016-03-02T07:00"),  # before opening -> opening
        ("2016-03-01T12:00", days(1), "2016-03-02T13:30"),  # lunch -> afternoon
        ("2016-03-01T17:30", days(1), "2016-03-03T07:00"),  # after closing -> next morning
        ("2016-03-04T23:30", days(1), "2016-03-08T07:00"),  # Friday night -> Monday morning
        ("2016-03-01T17:30", days(0), "2016-03-02T07:00"),  # at once, once somebody works
        ("2016-02-05T10:00", days(3), "2016-02-17T10:00"),  # over Tết
        ("2016-03-01T07:00", days("0.5"), "2016-03-01T11:00"),
        ("2016-03-01T15:00", days("0.5"), "2016-03-02T09:00"),
        ("2016-03-01T15:00", days("2.5"), "2016-03-04T09:00"),
        ("2016-03-01T09:00", hours(4), "2016-03-01T15:00"),
        ("2016-03-01T09:00", hours(8), "2016-03-02T09:00"),
        ("2016-03-01T17:30", hours("1.5"), "2016-03-02T08:30"),
        ("2016-03-01T17:30", hours(0), "2016-03-02T07:00"),
        ("2016-03-01T09:00", calendar_days(7), "2016-03-08T09:00"),
        ("2016-03-01T09:00", calendar_days(4), "2016-03-07T09:00"),  # a Saturday -> Monday
        ("2016-02-03T09:00", calendar_days(5), "2016-02-15T09:00"),  # in Tết -> after Tết
        ("2016-03-01T15:00", calendar_days("0.5"), "2016-03-02T09:00"),
    ],
)
def test_due_dates_of_an_ordinary_office(accepted, duration, due):
    assert due_date(at(accepted), duration, OFFICE) == at(due)


def test_a_swap_day_counts_and_its_day_off_does_not():
    accepted = at("2025-12-31T09:00")
    assert due_date(accepted, days(1), OFFICE) == at("2026-01-05T09:00")
    assert due_date(at("2026-01-09T09:00"), days(1), OFFICE) == at("2026-01-10T09:00")


@pytest.mark.parametrize(
    ("duration", "due"),
    [
        (days(1), "2016-03-05T11:30"),  # half a day is a working day; it ends at its closing
        (days("1.5"), "2016-03-07T11:00"),
        (days(2), "2016-03-07T15:00"),
        (hours(4), "2016-03-05T09:00"),
        (calendar_days(1), "2016-03-05T11:30"),
        (calendar_days(2), "2016-03-07T15:00"),
    ],
)
def test_saturday_mornings(duration, due):
    assert due_date(at("2016-03-04T15:00"), duration, HALF_SATURDAYS) == at(due)


def test_part_of_a_day_never_outlasts_the_next_whole_day():
    friday = at("2016-03-04T07:00")
    assert due_date(friday, days("1.75"), HALF_SATURDAYS) == at("2016-03-07T07:00")
    assert due_date(friday, days(2), HALF_SATURDAYS) == at("2016-03-07T07:00")


def test_half_a_day_is_half_of_what_this_office_works():
    # 7 h 20 a day
    assert due_date(at("2016-03-01T07:30"), days("0.5"), SHORT_DAYS) == at("2016-03-01T11:10")


def test_times_of_any_offset_give_a_due_date_at_seven_hours_east():
    accepted = datetime(2016, 3, 1, 2, 0, tzinfo=UTC)
    due = due_date(accepted, days(1), OFFICE)
    assert due is not None
    assert due.isoformat() == "2016-03-02T09:00:00+07:00"


@pytest.mark.parametrize("count", [-1, Fraction(-1, 2), 3661, 10**12])
def test_a_duration_below_zero_or_beyond_ten_years_is_refused(count):
    with pytest.raises(ValueError):
        Duration(count, Unit.WORKING_DAY)


def test_the_longest_duration_still_lies_inside_the_calendar_as_built():
    whole = vietnam()
    for unit in Unit:
        longest = Duration(3660, unit)
        assert due_date(at("2046-12-31T09:00"), longest, whole) is not None


def test_nothing_known_gives_no_due_date():
    assert due_date(None, days(5), OFFICE) is None
    assert due_date(at("2016-03-01T09:00"), None, OFFICE) is None
    pause = Pause(at("2016-03-02T09:00"), at("2016-03-03T09:00"))
    assert due_date(at("2016-03-01T09:00"), None, OFFICE, [pause]) is None


# -- waits --------------------------------------------------------------------------------------

ACCEPTED = at("2016-03-01T09:00")


def due_with(*pauses, extensions=()):
    found = due_date(ACCEPTED, days(5), OFFICE, pauses, extensions)
    assert found is not None
    return found.isoformat()[:16]


@pytest.mark.parametrize(
    ("pauses", "due"),
    [
        ([], "2016-03-08T09:00"),
        ([("2016-03-02T09:00", "2016-03-02T10:00")], "2016-03-08T10:00"),
        ([("2016-03-02T09:00", "2016-03-03T09:00")], "2016-03-09T09:00"),
        ([("2016-03-05T09:00", "2016-03-06T09:00")], "2016-03-08T09:00"),  # a weekend
        ([("2016-03-02T16:00", "2016-03-03T08:00")], "2016-03-08T11:00"),  # a night between
        # the tax duty is asked while papers are waited for: the time both wait counts once
        (
            [
                ("2016-03-02T09:00", "2016-03-03T09:00"),
                ("2016-03-02T14:00", "2016-03-04T09:00"),
            ],
            "2016-03-10T09:00",
        ),
        (
            [
                ("2016-03-02T09:00", "2016-03-04T09:00"),
                ("2016-03-02T14:00", "2016-03-03T09:00"),
            ],
            "2016-03-10T09:00",
        ),
        ([("2016-02-25T09:00", "2016-03-01T10:00")], "2016-03-08T10:00"),  # began before acceptance
        ([("2016-02-25T09:00", "2016-02-26T10:00")], "2016-03-08T09:00"),
        ([("2016-03-03T09:00", "2016-03-02T09:00")], "2016-03-08T09:00"),  # ends before it begins
        ([("2016-03-02T09:00", None)], "2016-03-08T09:00"),  # still open: the clock stands
        ([("2016-03-10T09:00", "2016-03-11T09:00")], "2016-03-09T09:00"),  # late already
    ],
)
def test_waits_move_the_due_date_by_the_working_time_waited(pauses, due):
    waits = [Pause(at(since), at(until) if until else None) for since, until in pauses]
    assert due_with(*waits) == due
    assert due_with(*reversed(waits)) == due


def test_the_extension_declared_last_wins_and_only_later_waits_move_it():
    first = Extension(new_due_at=at("2016-03-20T17:00"), at=at("2016-03-04T10:00"))
    last = Extension(new_due_at=at("2016-03-15T17:00"), at=at("2016-03-07T10:00"))
    for extensions in ([first, last], [last, first]):
        assert due_with(extensions=extensions) == "2016-03-15T17:00"
        before = Pause(at("2016-03-02T09:00"), at("2016-03-03T09:00"))
        across = Pause(at("2016-03-07T09:00"), at("2016-03-07T11:00"))
        assert due_with(before, extensions=extensions) == "2016-03-15T17:00"
        assert due_with(before, across, extensions=extensions) == "2016-03-16T08:00"


def test_an_extension_is_a_due_date_where_none_could_be_counted():
    extension = Extension(new_due_at=at("2016-03-15T17:00"), at=at("2016-03-07T10:00"))
    assert due_date(None, None, OFFICE, (), [extension]) == at("2016-03-15T17:00")


def test_a_due_date_that_a_department_states_moves_alike():
    pause = Pause(at("2016-03-02T09:00"), at("2016-03-03T09:00"))
    assert moved(at("2016-03-08T17:00"), OFFICE, [pause]) == at("2016-03-09T17:00")
    assert moved(at("2016-03-05T23:59"), OFFICE) == at("2016-03-05T23:59")  # as stated
    assert moved(None, OFFICE, [pause]) is None


# -- how it stands ------------------------------------------------------------------------------

DUE = at("2016-03-08T09:00")


@pytest.mark.parametrize(
    ("now", "left", "days_left", "is_overdue"),
    [
        ("2016-03-01T09:00", timedelta(hours=40), 5, False),
        ("2016-03-07T16:00", timedelta(hours=3), 1, False),
        ("2016-03-08T08:00", timedelta(hours=1), 0, False),
        ("2016-03-08T15:00", timedelta(hours=-4), 0, False),  # judged by the day
        ("2016-03-09T07:30", timedelta(hours=-6, minutes=-30), -1, True),
        ("2016-03-12T10:00", timedelta(hours=-30), -3, True),
    ],
)
def test_how_a_deadline_stands(now, left, days_left, is_overdue):
    standing = standing_of_deadline(at(now), DUE, OFFICE)
    assert standing.remaining == left
    assert standing.working_days_left == days_left
    assert standing.is_overdue is is_overdue
    assert not standing.is_stopped


def test_a_clock_that_stands_is_not_overdue_however_long_it_stands():
    standing = standing_of_deadline(at("2016-06-01T09:00"), DUE, OFFICE, at("2016-03-07T09:00"))
    assert standing.is_stopped
    assert not standing.is_overdue
    assert standing.remaining == timedelta(hours=8)
    assert standing.working_days_left == 1
    assert standing_of_deadline(
        at("2016-06-01T09:00"), DUE, OFFICE, at("2016-03-09T09:00")
    ).is_overdue


def test_a_stop_that_lies_ahead_does_not_stop_yet():
    standing = standing_of_deadline(at("2016-03-09T09:00"), DUE, OFFICE, at("2016-03-10T09:00"))
    assert standing.is_overdue
    assert not standing.is_stopped


def test_without_a_due_date_a_dossier_is_in_term():
    standing = standing_of_deadline(at("2016-06-01T09:00"), None, OFFICE)
    assert (standing.due_at, standing.remaining, standing.working_days_left) == (None, None, None)
    assert not standing.is_overdue


# -- laws ---------------------------------------------------------------------------------------


@given(CALENDARS, MOMENTS, DURATIONS, st.fractions(0, 120, max_denominator=8))
def test_a_longer_procedure_is_not_due_earlier(calendar, accepted, duration, count):
    other = Duration(count, duration.unit)
    short, long = sorted((duration, other), key=lambda duration: duration.count)
    assert promised(accepted, short, calendar) <= promised(accepted, long, calendar)


@given(CALENDARS, MOMENTS, MOMENTS, DURATIONS)
def test_who_is_accepted_later_is_not_due_earlier(calendar, a, b, duration):
    a, b = sorted((a, b))
    assert promised(a, duration, calendar) <= promised(b, duration, calendar)


@given(CALENDARS, MOMENTS, DURATIONS)
def test_a_due_date_falls_on_a_working_day_after_acceptance(calendar, accepted, duration):
    due = promised(accepted, duration, calendar)
    assert due >= calendar.start_of_work(accepted) >= accepted
    assert calendar.is_working_day(due.date())


@given(CALENDARS, MOMENTS, DURATIONS, PAUSES)
def test_waits_never_shorten_and_add_at_most_what_was_waited(calendar, accepted, duration, pauses):
    plain = due_date(accepted, duration, calendar)
    shifted = due_date(accepted, duration, calendar, pauses)
    assert plain is not None
    assert shifted is not None
    assert shifted >= plain
    waited = sum((calendar.working_time_between(p.since, p.until) for p in pauses), timedelta(0))
    assert calendar.working_time_between(plain, shifted) <= waited


@given(CALENDARS, MOMENTS, DURATIONS, PAUSES, st.randoms())
def test_the_order_in_which_waits_are_told_does_not_matter(
    calendar, accepted, duration, pauses, dice
):
    told = list(pauses)
    dice.shuffle(told)
    assert due_date(accepted, duration, calendar, told) == due_date(
        accepted, duration, calendar, pauses
    )


@given(CALENDARS, MOMENTS, st.fractions(0, 300, max_denominator=60))
def test_hours_promised_are_hours_worked(calendar, accepted, count):
    due = promised(accepted, Duration(count, Unit.HOUR), calendar)
    worked = calendar.working_time_between(accepted, due)
    assert abs(worked - timedelta(hours=1) * float(count)) < timedelta(milliseconds=1)


@given(MOMENTS, st.integers(0, 60))
def test_a_whole_day_is_eight_hours_where_all_days_are_alike(accepted, count):
    start = OFFICE.start_of_work(accepted)
    by_days = promised(accepted, days(count), OFFICE)
    by_hours = promised(accepted, hours(8 * count), OFFICE)
    # At an opening the hours end at the closing before; not a working moment lies between.
    assert by_hours <= by_days
    assert OFFICE.working_time_between(by_hours, by_days) == timedelta(0)
    assert start <= by_days


@given(CALENDARS, MOMENTS, MOMENTS, DURATIONS)
def test_what_is_left_runs_out_as_work_goes_on(calendar, a, b, duration):
    a, b = sorted((a, b))
    due = promised(a, duration, calendar)
    early, late = (standing_of_deadline(now, due, calendar) for now in (a, b))
    assert early.remaining - late.remaining == calendar.working_time_between(a, b)
    assert early.is_overdue <= late.is_overdue


def test_a_holiday_declared_later_moves_what_falls_on_it():
    storm = vietnam(overrides={date(2016, 3, 8): Day.OFF}, first_year=2016, last_year=2017)
    assert due_date(ACCEPTED, days(5), storm) == at("2016-03-09T09:00")
