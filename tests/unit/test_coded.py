"""Coded fields: what a wire row gives to be looked up, and where each value leads."""

from typing import Any

import pytest

from canonical.mapping import MappingFault, compile_mapping
from canonical.mapping.coded import Codes
from canonical.mapping.overlay import OverlayFault, laid_over

DOCUMENT: dict[str, Any] = {
    "shapes": {
        "list": {
            "rows": [
                {"target": "code", "source": "ma", "transforms": ["trim"]},
                {"target": "status", "source": "tt", "table": "status", "sentinels": ["-"]},
                {
                    "target": "status",
                    "source": "join('/', [tt, buoc])",
                    "table": "status",
                    "when": "buoc",
                },
                {"target": "channel", "source": "kenh"},
                {
                    "target": "history",
                    "each": "lich",
                    "items": [{"target": "status", "source": "tt", "table": "status"}],
                },
            ]
        }
    },
    "tables": {"status": {"1": "accepted", "2": "in_progres"}},
    "refused": {"status": {"300": "bước riêng / a step of its own"}},
}


def codes(**over: Any) -> Codes:
    return Codes({**DOCUMENT, **over})


def keys(wire: dict[str, Any]) -> list[tuple[str, list[str]]]:
    return [(one.target, one.keys(wire)) for one in codes().fields]


def test_a_row_gives_what_would_be_looked_up() -> None:
    wire = {"ma": " A-1 ", "tt": 1, "buoc": "x", "kenh": "post", "lich": [{"tt": "5"}, {"tt": 6}]}
    assert keys({**wire, "tt": "1"}) == [
        ("status", ["1"]),
        ("status", ["1/x"]),
        ("channel", ["post"]),
        ("history.status", ["5", "6"]),
    ]
    assert keys({"tt": "-", "buoc": None}) == [
        ("status", []),
        ("status", []),
        ("channel", []),
        ("history.status", []),
    ]
    assert codes().code("list", wire) == "A-1"


def test_a_value_has_a_target_a_name_or_neither() -> None:
    made = codes()
    status, channel = made.fields[0], made.fields[2]
    assert made.is_mapped(status, "1")
    assert not made.is_covered(status, "2")  # its target is no state
    assert made.is_covered(status, "300")
    assert not made.is_mapped(status, "300")
    assert not made.is_covered(status, "4")
    assert made.is_covered(channel, "online")
    assert not made.is_covered(channel, "mail")
    assert made.listed(status) == ["1", "2", "300"]


def test_a_name_is_a_sentence_and_no_second_word_for_what_is_mapped() -> None:
    for refused, told in (
        ({"status": {"1": "x"}}, "is mapped"),
        ({"status": {"9": " "}}, "no sentence"),
        ({"status": "x"}, "a table of tables"),
    ):
        with pytest.raises(MappingFault, match=told):
            compile_mapping({**DOCUMENT, "refused": refused})


def test_an_overlay_maps_what_was_refused_and_refuses_what_was_mapped() -> None:
    laid = laid_over(
        DOCUMENT,
        {
            "tables": {"status": {"set": {"300": "stopped"}}},
            "refused": {"status": {"set": {"1": "không dùng / not used"}}},
        },
    )
    assert laid["tables"]["status"] == {"2": "in_progres", "300": "stopped"}
    assert laid["refused"]["status"] == {"1": "không dùng / not used"}
    both = {"status": {"set": {"7": "stopped"}}}
    with pytest.raises(OverlayFault, match="at once"):
        laid_over(DOCUMENT, {"tables": both, "refused": both})


def test_a_connections_own_table_wins_over_a_name() -> None:
    made = Codes(DOCUMENT, None, {"status": {"300": "stopped"}})
    assert made.is_mapped(made.fields[0], "300")
