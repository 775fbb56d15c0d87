"""Cleaning: NFC, control characters, surrogates, depth."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical import text
from canonical.text import Forbidden, Malformed, clean, folded

NAME = "Nguyễn Thị Thử"


def nested(levels: int, kind: type) -> object:
    value: object = "x"
    for _ in range(levels):
        value = {"a": value} if kind is dict else [value]
    return value


def test_decomposed_text_and_field_names_come_out_composed():
    decomposed = unicodedata.normalize("NFD", NAME)
    assert decomposed != NAME
    assert clean({"họ tên": [decomposed]}) == {"họ tên": [NAME]}
    assert clean({unicodedata.normalize("NFD", "họ tên"): 1}) == {"họ tên": 1}


@pytest.mark.parametrize("plain", [None, True, 0, -1, 2**70, 1.5, "", "abc", [], {}])
def test_what_needs_no_cleaning_is_the_same_afterwards(plain):
    assert clean(plain) == plain
    assert clean({"a": plain, "b": [plain]}) == {"a": plain, "b": [plain]}


@pytest.mark.parametrize("mark", ["\t", "\n", "\r", "\u200b", "\u00a0", "\U0001f600"])
def test_tab_line_ends_and_characters_that_control_nothing_are_kept(mark):
    assert clean(f"a{mark}b") == f"a{mark}b"


@pytest.mark.parametrize("mark", ["\x00", "\x01", "\x08", "\x0b", "\x0c", "\x1b", "\x7f", "\x85"])
def test_every_other_control_character_is_refused(mark):
    with pytest.raises(Forbidden):
        clean(f"a{mark}b")


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"code": "\0"}, "code"),
        ({"applicant": {"name": "a\0"}}, "applicant.name"),
        ({"history": [{"note": "a"}, {"note": "\x1b"}]}, "history[1].note"),
        ({"applicant": {"na\0me": 1}}, "applicant"),  # a bad name is shown by where it stands
        ({"\0": 1}, ""),
    ],
)
def test_a_control_character_is_named_by_its_path(value, path):
    with pytest.raises(Forbidden) as refused:
        clean(value)
    assert refused.value.path == path


@pytest.mark.parametrize(
    "value", ["\ud800", "a\udfffb", {"\ud800": 1}, {"a": [{"b": "\udc00"}]}, ["ok", "\ud83d"]]
)
def test_a_lone_surrogate_makes_the_whole_body_malformed(value):
    with pytest.raises(Malformed):
        clean(value)


@pytest.mark.parametrize("kind", [dict, list])
def test_nesting_is_taken_to_64_levels_and_no_further(kind):
    assert clean(nested(64, kind)) == nested(64, kind)
    with pytest.raises(Malformed):
        clean(nested(65, kind))


def test_the_caller_may_count_levels_it_has_already_walked():
    with pytest.raises(Malformed):
        clean(nested(64, list), depth=1)


_TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]))


@given(st.recursive(_TEXTS | st.none() | st.integers(), lambda v: st.lists(v, max_size=3)))
def test_cleaning_twice_changes_nothing_more(value):
    once = clean(value)
    assert clean(once) == once


@given(_TEXTS)
def test_cleaned_text_is_composed_and_otherwise_equivalent(value):
    assert clean(value) == unicodedata.normalize("NFC", value)


def test_names_are_compared_without_case_spacing_and_the_two_spellings_of_d():
    assert folded("  ĐÀO  văn\tthử ") == folded("đào Văn Thử")
    assert folded("\u00d0ào Văn Thử") == folded("Đào Văn Thử")
    assert folded("\u00f0ào") == folded("đào")
    assert folded("Đào") != folded("Dao")  # tones and strokes tell people apart


# Texts in which the characters stand that somebody must look at, among others.
_LETTERS = st.sampled_from(
    [*'aĐễ"\\/{}[]:,', "e\u0302", "\n", "\t", "\u00a0", "\0", "\x7f", "\x85"]
)
_ODD = st.lists(_LETTERS | st.characters(), max_size=6).map("".join)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | _ODD,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_ODD, inner, max_size=3),
        max_leaves=8,
    )
)
def test_what_one_look_finds_clean_the_walk_would_not_change(value):
    def walked():
        try:
            return text._clean(value, "", 0)
        except (Forbidden, Malformed) as error:
            return repr(error)

    if text._is_clean(value):
        assert walked() == value
