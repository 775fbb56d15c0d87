"""What becomes of a record, as a table: what is held, what is said, what follows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.decide import Candidate, Decision, Disposition, decide_batch
from canonical.leg import Head
from canonical.reasons import Reason
from canonical.record import VersionBy

KEY = (1, "snapshot")
APPLIED, SUPERSEDED = Disposition.APPLIED, Disposition.SUPERSEDED
DUPLICATE, QUARANTINED = Disposition.DUPLICATE, Disposition.QUARANTINED


def day(n: int) -> str:
    return f"2026-03-{n:02d}T09:00:00+07:00"


def said(
    version: int | None,
    n: int,
    digest: str,
    by: VersionBy = VersionBy.DECLARED,
    key: tuple[int, str] = KEY,
) -> Candidate:
    return Candidate(key, by, version, day(n), digest)


def held(version: int | None, n: int, digest: str) -> Head:
    return Head(version, day(n), digest)


NUMBERED = [held(2, 2, "b"), held(4, 4, "d")]
TIMED = [held(None, 2, "b"), held(None, 4, "d")]


@pytest.mark.parametrize(
    ("heads", "candidate", "expected"),
    [
        # Nothing is held.
        ([], said(1, 1, "a"), Decision(APPLIED)),
        ([], said(None, 1, "a"), Decision(APPLIED)),
        # By number.
        (NUMBERED, said(5, 5, "e"), Decision(APPLIED)),
        (NUMBERED, said(5, 1, "e"), Decision(APPLIED)),  # the number counts, not the time
        (NUMBERED, said(3, 9, "c"), Decision(SUPERSEDED)),
        (NUMBERED, said(1, 1, "a"), Decision(SUPERSEDED)),
        (NUMBERED, said(4, 4, "d"), Decision(DUPLICATE)),
        (NUMBERED, said(2, 2, "b"), Decision(DUPLICATE)),  # held, though not the newest
        (NUMBERED, said(4, 4, "x"), Decision(QUARANTINED, Reason.VERSION_CONFLICT)),
        (NUMBERED, said(2, 2, "x"), Decision(QUARANTINED, Reason.VERSION_CONFLICT)),
        (NUMBERED, said(5, 5, "d"), Decision(APPLIED)),  # content said before, as a new version
        # By time.
        (TIMED, said(None, 5, "e"), Decision(APPLIED)),
        (TIMED, said(None, 3, "c"), Decision(SUPERSEDED)),
        (TIMED, said(None, 4, "d"), Decision(DUPLICATE)),
        (TIMED, said(None, 2, "b"), Decision(DUPLICATE)),
        (TIMED, said(None, 4, "x"), Decision(APPLIED, same_time=True)),  # a later step, flagged
        (TIMED, said(None, 2, "x"), Decision(SUPERSEDED, same_time=True)),
        # A number stands after everything that has none; without one, before.
        (TIMED, said(0, 1, "a"), Decision(SUPERSEDED)),
        (TIMED, said(1, 1, "a"), Decision(APPLIED)),
        (NUMBERED, said(None, 9, "e"), Decision(SUPERSEDED)),
        # Observed: compared with the newest alone.
        (TIMED, said(None, 5, "d", VersionBy.OBSERVED), Decision(DUPLICATE)),
        (TIMED, said(None, 5, "b", VersionBy.OBSERVED), Decision(APPLIED)),
        (TIMED, said(None, 4, "x", VersionBy.OBSERVED), Decision(APPLIED)),
        (TIMED, said(None, 3, "x", VersionBy.OBSERVED), Decision(SUPERSEDED)),
    ],
)
def test_each_case_has_one_end(heads: list[Head], candidate: Candidate, expected: Decision) -> None:
    assert decide_batch({KEY: heads}, [candidate]) == [expected]


def test_earlier_records_of_a_batch_are_held_for_later_ones() -> None:
    batch = [said(2, 2, "b"), said(2, 2, "b"), said(1, 1, "a"), said(2, 2, "x"), said(3, 3, "c")]
    assert [d.disposition for d in decide_batch({}, batch)] == [
        APPLIED,
        DUPLICATE,
        SUPERSEDED,
        QUARANTINED,
        APPLIED,
    ]


def test_what_is_refused_is_not_held() -> None:
    batch = [said(1, 1, "a"), said(1, 1, "x"), said(1, 1, "x"), said(1, 1, "a")]
    assert [d.disposition for d in decide_batch({}, batch)] == [
        APPLIED,
        QUARANTINED,
        QUARANTINED,
        DUPLICATE,
    ]


def test_each_leg_and_facet_is_decided_for_itself() -> None:
    step, other = (1, "step"), (2, "snapshot")
    heads = {KEY: [held(9, 9, "z")]}
    batch = [said(1, 1, "a", key=step), said(1, 1, "x", key=other), said(1, 1, "a")]
    assert [d.disposition for d in decide_batch(heads, batch)] == [APPLIED, APPLIED, SUPERSEDED]


WORDS = st.tuples(st.one_of(st.none(), st.integers(0, 4)), st.integers(1, 5), st.sampled_from("ab"))


@given(st.lists(WORDS, max_size=12), st.integers(0, 12))
def test_cutting_a_batch_in_two_changes_no_decision(
    words: list[tuple[int | None, int, str]], cut: int
) -> None:
    batch = [said(v, n, d) for v, n, d in words]
    whole = decide_batch({}, batch)
    first = decide_batch({}, batch[:cut])
    kept = [
        Head(c.version, c.sort_at, c.digest)
        for c, d in zip(batch, first, strict=False)
        if d.disposition in (APPLIED, SUPERSEDED)
    ]
    assert whole == first + decide_batch({KEY: kept}, batch[cut:])


@given(st.lists(WORDS, max_size=12))
def test_said_again_everything_taken_is_a_duplicate(
    words: list[tuple[int | None, int, str]],
) -> None:
    batch = [said(v, n, d) for v, n, d in words]
    decisions = decide_batch({}, batch)
    taken = [c for c, d in zip(batch, decisions, strict=True) if d.reason is None]
    again = decide_batch({}, [*batch, *taken])[len(batch) :]
    assert {d.disposition for d in again} <= {DUPLICATE}
