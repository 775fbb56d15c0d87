"""Profile `seed` as a pure function: the buckets exclude each other and add up."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.indicators import BUCKETS, RESOLVED, Count, Judged, bucket, count_seed
from canonical.standing import Kind, Segment

START, END = date(2026, 1, 1), date(2026, 12, 31)


def on(day: int, month: int = 3) -> date:
    return date(2026, month, day)


def segment(kind: Kind, end: int | None = None, due: int | None = 10) -> Segment:
    ended = on(end) if end is not None else None
    closed = ended if kind in (Kind.DONE, Kind.RETURNED, Kind.WITHDRAWN) else None
    return Segment(
        on(1), kind, ended if kind is Kind.DONE else None, closed, on(due) if due else None
    )


@pytest.mark.parametrize(
    ("stood", "as_of", "name"),
    [
        (segment(Kind.DONE, 9), 31, "early"),
        (segment(Kind.DONE, 10), 31, "on_time"),
        (segment(Kind.DONE, 11), 31, "late"),
        (segment(Kind.DONE, 11, due=None), 31, "on_time"),
        (segment(Kind.OPEN), 9, "open_in_term"),
        (segment(Kind.OPEN), 10, "open_in_term"),
        (segment(Kind.OPEN), 11, "open_overdue"),
        (segment(Kind.OPEN, due=None), 31, "open_in_term"),
        (segment(Kind.WAITING), 31, "waiting"),
        (segment(Kind.RETURNED, 5), 31, "returned"),
        (segment(Kind.WITHDRAWN, 5), 31, "withdrawn"),
        (segment(Kind.UNDETERMINED), 31, "undetermined"),
        (segment(Kind.NOT_RECEIVED), 31, None),
    ],
)
def test_each_kind_has_its_bucket(stood: Segment, as_of: int, name: str | None) -> None:
    assert bucket(stood, on(as_of)) == name
    counted = count_seed([Judged(on(1), False, (stood,))], START, END, on(as_of))
    assert {k: v for k, v in counted.buckets.items() if v} == ({name: 1} if name else {})
    assert counted.total == (name is not None)


def open_from(day: date, *later: Segment, online: bool = False) -> Judged:
    return Judged(day, online, (Segment(day, Kind.OPEN, None, None, on(10)), *later))


def done(from_day: date) -> Segment:
    return Segment(from_day, Kind.DONE, from_day, from_day, on(10))


def test_the_period_takes_its_first_and_its_last_day_in() -> None:
    days = [START - timedelta(days=1), START, END, END + timedelta(days=1)]
    counted = count_seed([open_from(d) for d in days], START, END, END + timedelta(days=9))
    assert (counted.total, counted.carried_over) == (2, 1)


def test_what_is_accepted_after_as_of_does_not_count() -> None:
    counted = count_seed([open_from(on(6))], START, END, on(5))
    assert counted == Count(0, dict.fromkeys(BUCKETS, 0), 0, 0, 0)


def test_carried_over_asks_the_start_of_the_period_whatever_as_of_is() -> None:
    carried = count_seed([open_from(on(6))], on(1, 6), on(30, 6), on(5))
    assert (carried.carried_over, carried.total) == (1, 0)


def test_it_is_judged_as_it_stood_that_day() -> None:
    life = open_from(on(2), Segment(on(4), Kind.WAITING, None, None, on(10)), done(on(9)))
    for day, name in ((2, "open_in_term"), (3, "open_in_term"), (4, "waiting"), (9, "early")):
        assert count_seed([life], START, END, on(day)).buckets[name] == 1


def test_resolved_counts_what_closed_in_the_period_whenever_accepted() -> None:
    before = date(2025, 6, 1)
    lives = [
        open_from(before, done(on(9)), online=True),
        open_from(before, done(date(2025, 12, 31)), online=True),
        open_from(on(2), done(date(2027, 1, 1))),
        open_from(on(2), Segment(on(5), Kind.RETURNED, None, on(5), on(10))),
        open_from(on(2), Segment(on(5), Kind.UNDETERMINED, None, None, on(10))),
    ]
    counted = count_seed(lives, START, END, date(2027, 6, 1))
    assert (counted.resolved, counted.resolved_online) == (2, 1)
    assert counted.carried_over == 1
    assert counted.total == 3


DAYS = st.integers(-40, 400).map(lambda n: START + timedelta(days=n))


@st.composite
def lives(draw: st.DrawFn) -> Judged:
    turns = sorted(draw(st.sets(DAYS, min_size=1, max_size=4)))
    cut = []
    for turn in turns:
        kind = draw(st.sampled_from(list(Kind)))
        closed = turn if kind in (Kind.DONE, Kind.RETURNED, Kind.WITHDRAWN) else None
        end = turn if kind is Kind.DONE else None
        cut.append(Segment(turn, kind, end, closed, draw(st.one_of(st.none(), DAYS))))
    return Judged(turns[0], draw(st.booleans()), tuple(cut))


@given(st.lists(lives(), max_size=8), DAYS, DAYS, DAYS)
def test_the_buckets_exclude_each_other_and_add_up(
    told: list[Judged], one: date, other: date, as_of: date
) -> None:
    start, end = sorted((one, other))
    counted = count_seed(told, start, end, as_of)
    assert tuple(counted.buckets) == BUCKETS
    assert counted.total == sum(counted.buckets.values())
    received = [j for j in told if start <= j.accepted_on <= min(end, as_of)]
    stood = [j.on(as_of) for j in received]
    assert counted.total == sum(s is not None and s.kind is not Kind.NOT_RECEIVED for s in stood)
    assert counted.resolved_online <= counted.resolved
    # One by one they count as together: no dossier's bucket depends on another's.
    alone = [count_seed([j], start, end, as_of) for j in told]
    assert all(sum(c.buckets.values()) <= 1 for c in alone)
    for name in BUCKETS:
        assert sum(c.buckets[name] for c in alone) == counted.buckets[name]
    for figure in ("carried_over", "resolved", "resolved_online"):
        assert sum(getattr(c, figure) for c in alone) == getattr(counted, figure)


@given(st.lists(lives(), max_size=6), DAYS)
def test_what_is_received_and_closed_within_the_period_is_resolved(
    told: list[Judged], as_of: date
) -> None:
    start, end = date(2000, 1, 1), date(2050, 1, 1)
    counted = count_seed(told, start, end, as_of)
    assert counted.resolved == sum(counted.buckets[name] for name in RESOLVED)
    assert counted.carried_over == 0
