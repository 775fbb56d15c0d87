"""An overlay changes what it names, by what the base has; the base itself never changes."""

import contextlib
import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.mapping import compile_mapping
from canonical.mapping.overlay import OverlayAdrift, OverlayFault, laid_over

BASE: dict[str, Any] = {
    "version": 1,
    "shapes": {
        "list": {
            "facet": "step",
            "rows": [
                {"target": "code", "source": "ma", "required": True},
                {"target": "status", "source": "tt", "table": "status"},
                {"target": "status", "source": "tt2", "table": "status", "when": "tt2"},
                {"target": "step", "source": "buoc"},
            ],
        },
    },
    "tables": {"status": {"1": "accepted", "6": "finished"}},
}


def line(do: str, target: str, source: str = "", **more: Any) -> dict[str, Any]:
    row = {"row": {"target": target, "source": source}} if source else {}
    return {"do": do, "shape": "list", "target": target, **row, **more}


def sources(document: dict[str, Any]) -> list[str]:
    return [row["source"] for row in document["shapes"]["list"]["rows"]]


def laid(*rows: dict[str, Any], **tables: Any) -> dict[str, Any]:
    return laid_over(BASE, {"rows": list(rows), "tables": tables})


def test_nothing_over_a_document_is_the_document() -> None:
    assert laid_over(BASE, {}) == BASE


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([line("replace", "status", "x", place=1)], ["ma", "tt", "x", "buoc"]),
        ([line("replace", "status", "x")], ["ma", "x", "tt2", "buoc"]),
        ([line("remove", "step")], ["ma", "tt", "tt2"]),
        ([line("add", "note", "gc")], ["ma", "tt", "tt2", "buoc", "gc"]),
        ([line("add", "status", "x", place=1)], ["ma", "tt", "x", "tt2", "buoc"]),
        # Places count the base's rows, whatever else is laid over it.
        (
            [line("remove", "status", place=0), line("replace", "status", "x", place=1)],
            ["ma", "x", "buoc"],
        ),
    ],
)
def test_rows_by_shape_target_and_place(lines: list[dict[str, Any]], expected: list[str]) -> None:
    before = copy.deepcopy(BASE)
    assert sources(laid(*lines)) == expected
    assert before == BASE


def test_tables_by_entry() -> None:
    document = laid(status={"set": {"7": "stopped", "1": "submitted"}, "remove": ["6"]}, new={})
    assert document["tables"] == {"status": {"1": "submitted", "7": "stopped"}, "new": {}}


def test_what_comes_out_is_compiled_and_has_the_last_word() -> None:
    document = laid(line("add", "step", "moi"), status={"set": {"9": "handed_over"}, "remove": []})
    shape = compile_mapping(document).shapes["list"]
    told = shape.apply({"ma": "A1", "tt": "9", "buoc": "cu", "moi": "moi nhat"})
    assert isinstance(told, dict)
    assert (told["status"], told["step"]) == ("handed_over", "moi nhat")
    assert "moi" in shape.known


@pytest.mark.parametrize(
    "overlay",
    [
        {"rows": [line("replace", "status", "x", place=2)]},
        {"rows": [line("remove", "money")]},
        {"rows": [{**line("remove", "step"), "shape": "gone"}]},
        {"tables": {"status": {"remove": ["99"]}}},
    ],
)
def test_what_the_base_no_longer_has_is_said(overlay: dict[str, Any]) -> None:
    with pytest.raises(OverlayAdrift):
        laid_over(BASE, overlay)


@pytest.mark.parametrize(
    ("overlay", "why"),
    [
        ({"row": []}, "no such key"),
        ({"rows": {}}, "not a list"),
        ({"rows": [line("change", "status", "x")]}, "do is none"),
        ({"rows": [line("replace", "status")]}, "have a row"),
        ({"rows": [line("remove", "status", "x")]}, "have a row"),
        ({"rows": [line("remove", "status", place=-1)]}, "place"),
        ({"rows": [line("remove", "status", place=True)]}, "place"),
        ({"rows": [{**line("add", "step", "x"), "target": "note"}]}, "target"),
        ({"rows": [line("remove", "step"), line("replace", "step", "x")]}, "another line"),
        ({"tables": {"status": {"sets": {}}}}, "no such key"),
    ],
)
def test_what_is_misspelt_is_refused_with_its_line(overlay: dict[str, Any], why: str) -> None:
    with pytest.raises(OverlayFault, match=why):
        laid_over(BASE, overlay)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["rows", "tables", "do", "shape", "target", "place", "row", "set"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    ).filter(lambda told: isinstance(told, dict))
)
def test_no_overlay_breaks_in_another_way(overlay: Any) -> None:
    with contextlib.suppress(OverlayFault):
        laid_over(BASE, overlay)
