"""How a dossier stood on any day, and the stretches that say the same for all days at once."""

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.standing import (
    Extension,
    Facts,
    Kind,
    Moment,
    Segment,
    finished_does_not_decide,
    odd_transitions,
    segment_on,
    segments,
    state_on,
)
from canonical.states import Status


def at(day: int, time: str = "09:00") -> str:
    return f"2026-03-{day:02d}T{time}:00+07:00"


def on(day: int) -> date:
    return date(2026, 3, day)


def facts(*moments: tuple[int, str], **over: Any) -> Facts:
    given: dict[str, Any] = {
        "accepted_at": at(2),
        "status": Status(moments[-1][1]) if moments else None,
        "finished_at": None,
        "handed_over_at": None,
        "stopped_at": None,
        "withdrawn_at": None,
        "refused_at": None,
        "first_due_at": at(10),
        "extensions": (),
        "moments": tuple(Moment(at(day), Status(status)) for day, status in moments),
    }
    return Facts(**{**given, **over})


DONE = {"status": Status.FINISHED, "finished_at": at(9)}
LIFE = [(2, "accepted"), (4, "supplement"), (6, "in_progress"), (9, "finished")]


@pytest.mark.parametrize(
    ("told", "day", "state"),
    [
        # Nothing told: accepted.
        (facts(), 2, "accepted"),
        (facts(), 30, "accepted"),
        # The last entry on or before the day.
        (facts(*LIFE), 3, "accepted"),
        (facts(*LIFE), 4, "supplement"),
        (facts(*LIFE), 5, "supplement"),
        (facts(*LIFE), 8, "in_progress"),
        (facts(*LIFE), 9, "finished"),
        # Before the first entry.
        (facts((5, "financial")), 4, "accepted"),
        # A terminal date on or before the day decides, whatever was told later.
        (facts((12, "in_progress"), finished_at=at(9)), 12, "finished"),
        (facts((12, "in_progress"), finished_at=at(9)), 8, "accepted"),
        # Of several the latest decides.
        (facts(finished_at=at(9), handed_over_at=at(12)), 11, "finished"),
        (facts(finished_at=at(9), handed_over_at=at(12)), 12, "handed_over"),
        (facts(stopped_at=at(5), finished_at=at(9)), 8, "stopped"),
        (facts(stopped_at=at(5), finished_at=at(9)), 9, "finished"),
        (facts(withdrawn_at=at(9), stopped_at=at(5)), 9, "withdrawn"),
        (facts(refused_at=at(2)), 2, "refused"),
        # finished_at beside stopped or withdrawn does not decide.
        (facts(status=Status.STOPPED, stopped_at=at(5), finished_at=at(9)), 9, "stopped"),
        (facts(status=Status.WITHDRAWN, withdrawn_at=at(5), finished_at=at(9)), 9, "withdrawn"),
        # An ending told before a later terminal date that cannot follow it did not take place.
        (facts((4, "stopped"), **DONE), 4, "accepted"),
        (facts((4, "finished"), **DONE), 4, "accepted"),
        (facts((4, "finished"), handed_over_at=at(9)), 4, "finished"),
        (facts((3, "supplement"), (4, "stopped"), **DONE), 4, "supplement"),
        # What was handed in before it was accepted is over by then.
        (facts((1, "submitted")), 2, "accepted"),
        (facts((2, "submitted")), 2, "submitted"),
        (facts((3, "submitted")), 3, "submitted"),
        # Several of one day: the last.
        (facts((4, "supplement"), (4, "in_progress")), 4, "in_progress"),
    ],
)
def test_the_state_at_the_end_of_a_day(told: Facts, day: int, state: str) -> None:
    assert state_on(told, on(day))[0] == state


def lane(day: int, status: str, *, counts: bool) -> Moment:
    return Moment(at(day), Status(status), "tax:T", counts)


def test_a_lane_speaks_by_its_last_word_and_only_where_it_may() -> None:
    told = facts(
        moments=(
            Moment(at(2), Status.IN_PROGRESS),
            lane(4, "financial", counts=True),
            lane(7, "finished", counts=False),
        )
    )
    states = {day: state_on(told, on(day))[0].value for day in (3, 4, 6, 7, 9)}
    assert states == {
        3: "in_progress",
        4: "financial",
        6: "financial",
        7: "in_progress",  # its duty is done: it says no more that it waits
        9: "in_progress",
    }


@pytest.mark.parametrize(
    ("told", "day", "expected"),
    [
        (facts(), 2, Segment(on(2), Kind.OPEN, None, None, on(10))),
        (facts(*LIFE), 4, Segment(on(4), Kind.WAITING, None, None, on(10))),
        (facts((4, "financial")), 4, Segment(on(4), Kind.WAITING, None, None, on(10))),
        (
            facts(finished_at=at(9, "23:30")),
            9,
            Segment(on(9), Kind.DONE, on(9), on(9), on(10)),
        ),
        (
            facts(finished_at=at(9), handed_over_at=at(12)),
            12,
            Segment(on(12), Kind.DONE, on(9), on(9), on(10)),
        ),
        (  # left aside for the state, and for the day work ended too
            facts(status=Status.STOPPED, finished_at=at(9), handed_over_at=at(12)),
            12,
            Segment(on(12), Kind.DONE, on(12), on(12), on(10)),
        ),
        (facts(handed_over_at=at(12)), 12, Segment(on(12), Kind.DONE, on(12), on(12), on(10))),
        (facts((9, "finished")), 9, Segment(on(9), Kind.UNDETERMINED, None, None, on(10))),
        (facts(stopped_at=at(5)), 7, Segment(on(7), Kind.RETURNED, None, on(5), on(10))),
        (facts((5, "stopped")), 7, Segment(on(7), Kind.RETURNED, None, on(5), on(10))),
        (facts(withdrawn_at=at(5)), 7, Segment(on(7), Kind.WITHDRAWN, None, on(5), on(10))),
        (facts(refused_at=at(2)), 7, Segment(on(7), Kind.NOT_RECEIVED, None, None, on(10))),
        (facts((3, "submitted")), 7, Segment(on(7), Kind.NOT_RECEIVED, None, None, on(10))),
        (facts(first_due_at=None), 2, Segment(on(2), Kind.OPEN, None, None, None)),
    ],
)
def test_what_it_counts_as_on_a_day(told: Facts, day: int, expected: Segment) -> None:
    assert segment_on(told, on(day)) == expected


def test_the_due_day_is_the_first_promise_plus_what_was_declared_until_then() -> None:
    told = facts(extensions=(Extension(at(12), at(25)), Extension(at(8), at(20))))
    due = {day: segment_on(told, on(day)).due_on for day in (7, 8, 11, 12)}
    assert due == {7: on(10), 8: on(20), 11: on(20), 12: on(25)}


def test_finished_beside_returned_is_odd() -> None:
    assert finished_does_not_decide(facts(status=Status.STOPPED, finished_at=at(9)))
    assert not finished_does_not_decide(facts(status=Status.STOPPED))
    assert not finished_does_not_decide(facts(status=Status.HANDED_OVER, finished_at=at(9)))


def test_odd_steps_are_named_once_and_lanes_make_none() -> None:
    told = facts((2, "finished"), (3, "accepted"), (4, "finished"), (5, "accepted"))
    assert odd_transitions(told) == [(Status.FINISHED, Status.ACCEPTED)]
    mixed = facts(
        moments=(
            Moment(at(2), Status.FINISHED),
            lane(3, "financial", counts=True),
            Moment(at(4), Status.HANDED_OVER),
        )
    )
    assert odd_transitions(mixed) == []


# ---------------------------------------------------------------- stretches say the same

DAYS = [on(1) + timedelta(days=n) for n in range(20)]
WHEN = st.integers(1, 18).map(at)
MAYBE = st.one_of(st.none(), WHEN)


@st.composite
def lives(draw: st.DrawFn) -> Facts:
    moments = draw(
        st.lists(
            st.builds(
                Moment,
                at=WHEN,
                status=st.sampled_from(list(Status)),
                lane=st.sampled_from(["", "", "tax:T", "tax:U"]),
                counts=st.booleans(),
            ),
            max_size=6,
        )
    )
    free = [Moment(m.at, m.status, m.lane, m.counts or not m.lane) for m in moments]
    return Facts(
        accepted_at=draw(st.integers(1, 6).map(at)),
        status=draw(st.one_of(st.none(), st.sampled_from(list(Status)))),
        finished_at=draw(MAYBE),
        handed_over_at=draw(MAYBE),
        stopped_at=draw(MAYBE),
        withdrawn_at=draw(st.one_of(st.none(), st.none(), WHEN)),
        refused_at=draw(st.one_of(st.none(), st.none(), WHEN)),
        first_due_at=draw(MAYBE),
        extensions=tuple(
            draw(st.lists(st.builds(Extension, at=WHEN, new_due_at=WHEN), max_size=2))
        ),
        moments=tuple(sorted(free, key=lambda m: m.at)),
    )


@given(lives())
def test_the_stretches_reproduce_every_single_day(told: Facts) -> None:
    cut = segments(told)
    assert cut[0].from_day == date.fromisoformat(told.accepted_at[:10])
    assert [s.from_day for s in cut] == sorted({s.from_day for s in cut})
    for day in DAYS:
        if day < cut[0].from_day:
            continue
        held = [s for s in cut if s.from_day <= day][-1]
        now = segment_on(told, day)
        assert (held.kind, held.end_on, held.closed_on, held.due_on) == (
            now.kind,
            now.end_on,
            now.closed_on,
            now.due_on,
        ), day


@given(lives())
def test_neighbouring_stretches_differ(told: Facts) -> None:
    cut = segments(told)
    for one, other in pairwise(cut):
        assert (one.kind, one.end_on, one.closed_on, one.due_on) != (
            other.kind,
            other.end_on,
            other.closed_on,
            other.due_on,
        )
