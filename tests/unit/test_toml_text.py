"""What is written as TOML is read back the same, and looks as an engineer expects."""

import tomllib
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sync.toml_text import read, write

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
LEAF = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
VALUE = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


def same(first: Any, second: Any) -> bool:
    """Equal also in kind: 1 is neither true nor 1.0, and no zero is another."""
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(same(first[k], second[k]) for k in first)
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(same, first, second))
    return type(first) is type(second) and repr(first) == repr(second)


@given(st.dictionaries(TEXT, VALUE, max_size=6))
@example({"0\n": None})  # a bare key ends before the end of the line
def test_what_is_written_is_read_back(document: dict[str, Any]) -> None:
    text = write(document)
    assert same(read(text), document)
    assert write(read(text)) == text


@given(st.dictionaries(TEXT, VALUE, max_size=6))
@example({"0\n": None})
def test_it_is_toml_to_others_too(document: dict[str, Any]) -> None:
    tomllib.loads(write(document))


def test_it_looks_as_an_engineer_expects() -> None:
    document = {
        "version": 1,
        "connections": {
            "mot-cua": {
                "system": "one_stop",
                "secrets": ["client_secret"],
                "empty": {},
                "options": {"page size": "500", "from": 'ngày "1"\n'},
            },
            "thuế.2": {"rows": [{"do": "add", "row": {"target": "code"}}, {"do": "remove"}]},
        },
    }
    assert write(document) == (
        "version = 1\n"
        "\n"
        "[connections.mot-cua]\n"
        'system = "one_stop"\n'
        "secrets = [\n"
        '    "client_secret",\n'
        "]\n"
        "empty = {}\n"
        "\n"
        "[connections.mot-cua.options]\n"
        '"page size" = "500"\n'
        'from = "ngày \\"1\\"\\n"\n'
        "\n"
        '[connections."thuế.2"]\n'
        "rows = [\n"
        '    { do = "add", row = { target = "code" } },\n'
        '    { do = "remove" },\n'
        "]\n"
    )


@pytest.mark.parametrize("value", [object(), b"x", {1, 2}, "\ud800"])
def test_what_toml_cannot_say_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="cannot be written"):
        write({"a": {"b": [value]}})
