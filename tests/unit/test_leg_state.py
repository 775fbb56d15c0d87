"""A leg's state: outright word over history within a facet, the latest over facets."""

from datetime import UTC, datetime

import pytest

from canonical import leg
from canonical.leg import Fold
from canonical.record import Record, to_record

NOW = datetime(2026, 3, 10, tzinfo=UTC)


def _told(**said: object) -> Record:
    made = to_record({"code": "A-1", **said}, 0, now=NOW)
    assert isinstance(made, Record)
    return made


def _item(status: str, day: int) -> dict[str, str]:
    return {"status": status, "at": f"2026-03-{day:02d}T09:00:00+07:00"}


_AT = "2026-03-{:02d}T09:00:00+07:00"
_RECEPTION = {"facet": "reception", "updated_at": _AT.format(2), "status": "accepted"}


@pytest.mark.parametrize(
    ("statements", "state"),
    [
        ([_RECEPTION], "accepted"),
        # A facet without a state of its own speaks by its history, where that is later.
        (
            [
                _RECEPTION,
                {
                    "facet": "step",
                    "updated_at": _AT.format(5),
                    "history": [_item("in_progress", 4), _item("supplement", 3)],
                },
            ],
            "in_progress",
        ),
        # Within a facet the outright word stands, whatever its history says.
        (
            [
                {
                    "facet": "step",
                    "updated_at": _AT.format(3),
                    "status": "supplement",
                    "history": [_item("finished", 6)],
                }
            ],
            "supplement",
        ),
        ([{"facet": "money", "updated_at": _AT.format(3)}], None),
    ],
)
def test_the_state_of_a_leg(statements: list[dict[str, object]], state: str | None) -> None:
    for order in (statements, statements[::-1]):
        fold = Fold({}, {})
        for number, said in enumerate(order):
            leg.tell(fold, _told(**said), number, NOW)
        found = leg.state_of(fold)
        assert (found[1] if found is not None else None) == state
