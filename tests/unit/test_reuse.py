"""When an ended code is used again for another case: two of procedure, applicant, accepted day."""

from datetime import UTC, datetime
from typing import Any

import pytest

from canonical import leg
from canonical.leg import Fold
from canonical.record import Record, to_record
from canonical.reuse import is_reused
from canonical.states import TERMINAL, Status

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
CASE: dict[str, Any] = {
    "code": "A",
    "version": 1,
    "status": "handed_over",
    "agency": "H50.12",
    "procedure": {"code": "1.001612"},
    "applicant": {"name": "Nguyễn Văn Đức", "id_number": "045"},
    "accepted_at": "2026-03-02T09:00:00+07:00",
}
NEW: dict[str, Any] = {
    "procedure": {"code": "2.000889"},
    "applicant": {"name": "Lê Thị Khác", "id_number": "046"},
    "accepted_at": "2026-05-04T09:00:00+07:00",
}


def record(**over: Any) -> Record:
    made = to_record({**CASE, **over}, 0, now=NOW)
    assert isinstance(made, Record), made
    return made


def held(**over: Any) -> Fold:
    fold = Fold({}, {})
    leg.tell(fold, record(**over), 1, NOW)
    return fold


def reused(*changed: str, **more: Any) -> bool:
    return is_reused(held(), record(**{n: NEW[n] for n in changed}, **more))


def test_one_difference_is_a_correction_and_two_are_another_case() -> None:
    assert not reused()
    for one in NEW:
        assert not reused(one)
        assert reused(*(name for name in NEW if name != one))
    assert reused(*NEW)


@pytest.mark.parametrize("status", list(Status))
def test_only_an_ended_leg_can_be_reused(status: Status) -> None:
    assert is_reused(held(status=status.value), record(**NEW)) is (status in TERMINAL)


def test_what_is_not_said_on_either_side_does_not_differ() -> None:
    assert not reused("procedure", applicant=None)
    silent = held(applicant={}, accepted_at=None)
    assert not is_reused(silent, record(**NEW))
    assert not is_reused(Fold({}, {}), record(**NEW))


def test_spellings_of_one_thing_do_not_differ() -> None:
    same = {
        "procedure": {"code": "1.001612.000.00.00.H50"},
        "applicant": {"name": " NGUYỄN văn  \u00d0ức"},
        "accepted_at": "2026-03-02T23:30:00+07:00",
    }
    assert not is_reused(held(applicant={"name": "Nguyễn Văn Đức"}), record(**same))
    # The same person by number, whatever the name: not another applicant.
    assert not reused("procedure", applicant={"name": "Lê Thị Khác", "id_number": "045"})


def test_the_day_is_counted_at_plus_seven() -> None:
    assert not reused("procedure", accepted_at="2026-03-01T17:30:00Z")
    assert reused("procedure", accepted_at="2026-03-02T17:00:00Z")
