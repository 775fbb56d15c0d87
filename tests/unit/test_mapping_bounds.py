"""No expression and no input makes a mapping work for ever, crash, or reach outside its row."""

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canonical.mapping import MappingFault, compile_mapping
from canonical.mapping.bounded import (
    MAX_NODES,
    MAX_STEPS,
    MAX_TEXT,
    Expression,
    ExpressionFault,
    compile_expression,
)
from canonical.mapping.compile import Unmapped
from canonical.mapping.transforms import Bad
from canonical.reasons import Reason

DOUBLING = "[@,@]|" * 40
FEE = {"target": "name", "source": "a"}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text("abc", max_size=2), inner),
    max_leaves=20,
)
WORDS = st.sampled_from(
    ["a", "b", "@", "*", "[*]", "[]", "[0]", "[?a]", ".", "|", "||", "&&", "!", "(", ")", "`1`"],
) | st.sampled_from(
    ["'x'", "length(", "join('',", "sort(", "map(&", "to_string(", "==", "<", ",", "{a:", "}"]
)
WORDS |= st.sampled_from(
    ["ceil(", "sum(", "merge(", "keys(", "reverse(", "[@,@]", "`1e400`", "to_number("]
)


@pytest.mark.parametrize(
    "tail", ["to_string(@)", "[@[0]==@[1]]", "length(to_string(@))", "contains(@, 'x')", "@"]
)
def test_what_doubles_at_every_step_is_given_up_and_counted_not_timed(tail: str) -> None:
    with pytest.raises(Bad) as failure:
        compile_expression(DOUBLING + tail + "|sort(@)").search({"a": "x"})
    assert failure.value.reason is Reason.MAPPING_ERROR


def test_text_that_doubles_is_given_up() -> None:
    with pytest.raises(Bad):
        compile_expression("join('',[@,@])|" * 40 + "@").search("0123456789" * 10)


def test_the_same_steps_are_spent_each_time() -> None:
    """A limit by steps gives the same answer on a slow machine as on a fast one."""
    grown = compile_expression("[@,@]|" * 5 + "[][][][][].a")
    row = [{"a": 1}] * 10
    assert len(grown.search(row)) == 320
    for _ in range(3):
        with pytest.raises(Bad):
            grown.search(row * (MAX_STEPS // 100))


def test_what_only_looks_is_not_counted_however_much_there_is() -> None:
    rows = [{"a": n} for n in range(MAX_STEPS)]
    assert len(compile_expression("[?a>`0`].a").search(rows)) == MAX_STEPS - 1
    assert compile_expression("join('/', [a, b][?@])").search({"a": "x", "b": ""}) == "x"


def test_a_text_between_others_does_not_grow_with_their_number() -> None:
    row = {"sep": "x" * 100_000, "list": [""] * 100_000}
    with pytest.raises(Bad):
        compile_expression("join(sep, list)").search(row)
    with pytest.raises(Bad):
        compile_expression(f"join('{'x' * 1_000}', list)").search(row)
    assert compile_expression("join(', ', list)").search({"list": ["a", "b"]}) == "a, b"


@pytest.mark.parametrize(
    "source",
    [
        "(" * 900 + "a" + ")" * 900,
        "!" * 1500 + "a",
        "a" * (MAX_TEXT + 1),
        "[" + ",".join("a" for _ in range(MAX_NODES + 1)) + "]",
        "a[",
        "nothing_such(a)[",
    ],
)
def test_an_expression_too_long_or_too_deep_is_refused_when_it_is_written(source: str) -> None:
    with pytest.raises(ExpressionFault):
        compile_expression(source)
    with pytest.raises(MappingFault):
        compile_mapping({"shapes": {"s": {"rows": [{"target": "code", "source": source + "|a"}]}}})


@given(st.lists(WORDS, max_size=14), VALUES)
@settings(max_examples=400, deadline=None)
def test_any_expression_over_any_value_ends_and_says_so(words: list[str], value: object) -> None:
    try:
        found: Expression = compile_expression("".join(words))
    except ExpressionFault:
        return
    with contextlib.suppress(Bad):
        found.search(value)


@given(VALUES)
@settings(max_examples=200, deadline=None)
def test_a_mapping_answers_or_refuses_whatever_it_is_given(value: object) -> None:
    mapping = compile_mapping(
        {
            "shapes": {
                "s": {
                    "rows": [
                        {"target": "code", "first_of": ["a.b", "b[0]", "to_string(@)"]},
                        {"target": "status", "source": "a", "table": "t"},
                        {
                            "target": "fees",
                            "each": "b",
                            "items": [{"target": "name", "source": "a"}],
                        },
                    ]
                }
            },
            "tables": {"t": {"x": "finished"}},
        }
    )
    told = mapping.shapes["s"].apply(value)
    assert isinstance(told, (dict, Unmapped))


@pytest.mark.parametrize(
    ("row", "told"),
    [({"b": "2"}, "2"), ({"a": "1", "b": "2"}, "1"), ({"a": " ", "c": {"d": "3"}}, "3")],
)
def test_the_first_source_that_says_something_is_taken(row: dict, told: str) -> None:
    rows = [{"target": "code", "first_of": ["a", "b", "c.d"]}]
    shape = compile_mapping({"shapes": {"s": {"rows": rows}}}).shapes["s"]
    assert shape.apply(row)["code"] == told
    assert shape.known == {"a", "b", "c"}


def test_a_first_of_is_refused_unless_it_is_a_list_of_sources() -> None:
    for wrong in ("a", [], [1], ["a", None]):
        with pytest.raises(MappingFault):
            compile_mapping({"shapes": {"s": {"rows": [{"target": "code", "first_of": wrong}]}}})


def test_an_expression_answers_as_before() -> None:
    row = json.loads('{"a": [{"b": 2, "c": "k"}, {"b": 1, "c": "m"}], "n": "5", "x": "b"}')
    for source, told in [
        ("a[?b>`1`].c|[0]", "k"),
        ("sort_by(a, &b)[0].c", "m"),
        ("a[?c>'l'].c|[0]", "m"),
        ("n=='5' && x", "b"),
        ("length(a)", 2),
    ]:
        assert compile_expression(source).search(row) == told


def test_a_list_without_end_inside_one_record_is_refused() -> None:
    rows = [{"target": "fees", "each": "a", "items": [FEE]}]
    shape = compile_mapping({"shapes": {"s": {"rows": rows}}}).shapes["s"]
    assert len(shape.apply({"a": [{"a": "x"}] * 10_000})["fees"]) == 10_000
    told = shape.apply({"a": [{"a": "x"}] * 10_001})
    assert (told.reason, told.field) == (Reason.FIELD_TOO_LONG, "a")
