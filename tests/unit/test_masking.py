"""What is shown of a person."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.masking import mask_id, mask_name, mask_phone


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Nguyễn Văn Thử", "N*** V*** T***"),
        ("  Trần   Thị\tMẫu ", "T*** T*** M***"),
        ("Đặng Ủy", "Đ*** Ủ***"),
        ("An", "A***"),
        ("Y", "***"),  # a whole name, so not one letter of it
        ("Y Thử", "*** T***"),
        ("(Bà) X1", "*** ***"),
        ("X.", "***"),
        ("123", "***"),
        ("", ""),
        ("   ", ""),
    ],
)
def test_a_name_shows_the_first_letter_of_each_word(name, shown):
    assert mask_name(name) == shown


def test_decomposed_names_are_masked_like_composed_ones():
    decomposed = unicodedata.normalize("NFD", "Ấn Đức Ảnh")
    assert decomposed != "Ấn Đức Ảnh"
    assert mask_name(decomposed) == "Ấ*** Đ*** Ả***"


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("045090001234", "***234"),
        ("045 090 001 234", "***234"),
        ("B1234567", "***567"),
        ("123456", "***"),
        ("1", "***"),
        ("--", "***"),
        ("", ""),
    ],
)
def test_an_identity_number_shows_its_last_three_characters(number, shown):
    assert mask_id(number) == shown


@pytest.mark.parametrize(
    ("phone", "shown"),
    [
        ("0912345678", "***678"),
        ("+84 (912) 345-678", "***678"),
        ("113", "***"),
        ("gọi sau", "***"),
        (" ", ""),
    ],
)
def test_a_phone_shows_its_last_three_digits(phone, shown):
    assert mask_phone(phone) == shown


@given(st.text())
def test_nothing_is_shown_whole_and_lengths_are_not_told(text):
    for mask in (mask_name, mask_id, mask_phone):
        shown = mask(text)
        if text.strip():
            assert shown != text or set(text) <= {"*", " "}
            assert "***" in shown
        else:
            assert shown == ""


@given(st.text(alphabet=st.characters(categories=["Lu", "Ll"]), min_size=2, max_size=30))
def test_masked_words_are_of_one_width(word):
    # NFC may turn two letters into one (Hangul jamo): then it is a word of one letter.
    assert len(mask_name(word)) in (3, 4)
