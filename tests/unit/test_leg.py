"""Folding statements into a leg: any order of arrival gives one leg, and the newest word counts."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from canonical import leg
from canonical.fields import Facet
from canonical.leg import Fold
from canonical.record import Record, Rejected, VersionBy, to_record

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


def record(**over: Any) -> Record:
    made = to_record({"code": "A", "facet": "step", **over}, 0, now=NOW)
    assert not isinstance(made, Rejected), made
    return made


def fold_of(*told: tuple[Record, int]) -> Fold:
    """Statements folded in the order given; each with the id that its intake gave it."""
    fold = Fold({}, {})
    for one, record_id in told:
        leg.tell(fold, one, record_id, NOW + timedelta(seconds=record_id))
    return fold


MOMENTS = st.integers(1, 9).map(lambda n: f"2026-03-{n:02d}T09:00:00+07:00")
MAYBE = st.one_of(st.none(), MOMENTS)


@st.composite
def statements(draw: st.DrawFn) -> dict[str, Any]:
    facet = draw(st.sampled_from(["step", "reception", "result"]))
    told: dict[str, Any] = {"facet": facet}
    version, at = draw(st.one_of(st.none(), st.integers(0, 3))), draw(MAYBE)
    told["version"] = version
    told["updated_at"] = at if version is not None or at is not None else draw(MOMENTS)
    own = {
        "step": {"status", "step", "due_at"},
        "reception": {"status", "due_at", "channel", "applicant", "receipt_number"},
        "result": {"status", "finished_at"},
    }[facet]
    values: dict[str, st.SearchStrategy[Any]] = {
        "status": st.sampled_from(["accepted", "in_progress", None]),
        "step": st.sampled_from(["Một", "Hai", None]),
        "due_at": MAYBE,
        "finished_at": MAYBE,
        "channel": st.sampled_from(["direct", "online", None]),
        "receipt_number": st.sampled_from(["R-1", "R-2", None]),
        "applicant": st.sampled_from([None, {"name": "A"}, {"phone": "1"}, {"name": None}]),
    }
    for name in sorted(own):
        if draw(st.booleans()):
            told[name] = draw(values[name])
    return told


@given(st.data(), st.lists(statements(), max_size=7))
def test_any_order_of_arrival_gives_one_leg(data: st.DataObject, said: list[Any]) -> None:
    told = [(record(**one), number) for number, one in enumerate(said)]
    turned = data.draw(st.permutations(told))
    one, other = fold_of(*told), fold_of(*turned)
    assert leg.encode(one) == leg.encode(other)
    assert leg.view(one) == leg.view(other)
    assert leg.first_due(one) == leg.first_due(other)
    assert leg.state_of(one) == leg.state_of(other)


@given(st.lists(statements(), max_size=5))
def test_a_leg_kept_and_read_again_is_the_same(said: list[Any]) -> None:
    fold = fold_of(*((record(**one), number) for number, one in enumerate(said)))
    again = leg.decode(leg.encode(fold))
    assert leg.encode(again) == leg.encode(fold)
    assert leg.view(again) == leg.view(fold)


@given(st.lists(statements(), max_size=5))
def test_said_again_nothing_changes(said: list[Any]) -> None:
    told = [(record(**one), number) for number, one in enumerate(said)]
    assert leg.encode(fold_of(*told)) == leg.encode(fold_of(*told, *told))


def newest(fold: Fold, path: str) -> Any:
    found = leg.newest(fold, path)
    return found.value if found is not None else "unsaid"


def test_absent_says_nothing_and_null_says_none() -> None:
    fold = fold_of(
        (record(version=1, step="Một", raw_status="R"), 1),
        (record(version=2, status="accepted", raw_status=None), 2),
    )
    assert [newest(fold, p) for p in ("step", "raw_status", "status", "agency")] == [
        "Một",
        None,
        "accepted",
        "unsaid",
    ]


def test_within_a_facet_the_version_counts_and_across_facets_the_moment() -> None:
    at = "2026-03-0{}T09:00:00+07:00".format
    fold = fold_of(
        (record(version=9, updated_at=at(2), due_at=at(5)), 1),
        (record(version=1, updated_at=at(8), due_at=at(6)), 2),
    )
    assert newest(fold, "due_at") == at(5)
    leg.tell(fold, record(facet="reception", version=1, updated_at=at(3), due_at=at(7)), 9, NOW)
    assert newest(fold, "due_at") == at(7)
    # At one moment the higher version, though it came first; then what is later in a case's life.
    leg.tell(
        fold, record(facet="snapshot", version=2, updated_at=at(3), due_at=at(8), **WHOLE), 4, NOW
    )
    assert newest(fold, "due_at") == at(8)
    leg.tell(fold, record(facet="result", version=2, updated_at=at(3), status="finished"), 2, NOW)
    assert newest(fold, "status") == "finished"


WHOLE: dict[str, Any] = {
    "status": "accepted",
    "agency": "H50.12",
    "procedure": {"code": "1.001612"},
}


def test_a_number_stands_after_everything_unnumbered_of_its_facet() -> None:
    fold = fold_of(
        (record(version=1, updated_at="2026-03-01T09:00:00+07:00", step="số"), 1),
        (record(updated_at="2026-03-09T09:00:00+07:00", step="giờ"), 2),
    )
    assert newest(fold, "step") == "số"


def test_the_first_promise_is_the_oldest_statement_that_made_one() -> None:
    at = "2026-03-{:02d}T17:00:00+07:00".format
    fold = fold_of(
        (record(version=3, updated_at=at(3), due_at=at(20)), 1),
        (record(version=1, updated_at=at(1), due_at=None), 2),
        (record(version=2, updated_at=at(2), due_at=at(10)), 3),
    )
    assert leg.first_due(fold) == at(10)
    assert newest(fold, "due_at") == at(20)
    leg.tell(
        fold,
        record(facet="reception", version=7, updated_at=at(1), due_at=at(5)),
        4,
        NOW,
    )
    assert leg.first_due(fold) == at(5)
    assert leg.first_due(Fold({}, {})) is None


def test_an_observed_statement_is_placed_by_its_page() -> None:
    seen = to_record(
        {"code": "A", "facet": "step", "updated_at": "2026-01-01T09:00:00+07:00", "step": "x"},
        0,
        now=NOW,
        version_by=VersionBy.OBSERVED,
    )
    assert isinstance(seen, Record)
    assert leg.sort_at(seen, NOW) == "2026-03-02T09:00:00+07:00"
    assert leg.effective_at(seen, NOW) == "2026-01-01T09:00:00+07:00"
    declared = record(updated_at="2026-01-01T09:00:00+07:00")
    assert leg.sort_at(declared, NOW) == leg.effective_at(declared, NOW)


def test_the_place_of_the_newest_full_history_is_told_by_facet() -> None:
    item = {"status": "accepted", "at": "2026-03-01T09:00:00+07:00"}
    fold = fold_of((record(version=2, history=[item]), 7), (record(version=1, history=[]), 8))
    assert leg.history_place(fold, Facet.STEP) == (2, leg.sort_at(record(version=2), NOW_7), 7)
    assert leg.history_place(fold, Facet.RESULT) is None


NOW_7 = NOW + timedelta(seconds=7)


def test_a_leg_that_tells_only_a_history_has_the_state_of_its_last_item() -> None:
    items = [
        {"status": "finished", "at": "2026-03-05T09:00:00+07:00"},
        {"status": "accepted", "at": "2026-03-01T09:00:00+07:00"},
    ]
    assert leg.state_of(fold_of((record(version=1, history=items), 1))) == (
        "2026-03-05T09:00:00+07:00",
        "finished",
    )
    said = record(
        version=1, updated_at="2026-03-02T09:00:00+07:00", status="supplement", history=items
    )
    assert leg.state_of(fold_of((said, 1))) == ("2026-03-02T09:00:00+07:00", "supplement")
    assert leg.state_of(Fold({}, {})) is None
