"""Strict JSON: what is refused whole, and what is one record's fault only."""

import json
import math

import pytest

from canonical.reading.json import decode, lines
from canonical.text import Malformed


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"{}", {}),
        (b' [1, 2.5, null, true, "\xc4\x90"]\r\n', [1, 2.5, None, True, "Đ"]),
        (b'{"a": {"x": 1}, "b": {"x": 2}}', {"a": {"x": 1}, "b": {"x": 2}}),
        (b'"\\u0110"', "Đ"),
        (b"9223372036854775808", 2**63),
    ],
)
def test_plain_json_is_decoded_as_it_stands(raw, value):
    assert decode(raw) == value


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"   ",
        b"{",
        b'{"a": 1,}',
        b"{'a': 1}",
        b"[1, 2",
        b"{} {}",
        b"<html></html>",
        b"\xef\xbb\xbf{}",  # a byte order mark is no JSON (RFC 8259, 8.1)
        b'"\x00"',
        b"01",
    ],
)
def test_what_is_not_json_is_malformed(raw):
    with pytest.raises(Malformed):
        decode(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a": 1, "a": 2}',
        b'{"a": 1, "a": 1}',
        b'[{"b": {"a": null, "a": null}}]',
        b'{"a": 1, "\\u0061": 2}',  # two spellings of one name
    ],
)
def test_a_name_twice_in_one_object_is_malformed(raw):
    with pytest.raises(Malformed, match="twice"):
        decode(raw)


@pytest.mark.parametrize("raw", [b"NaN", b'{"a": NaN}', b"[Infinity]", b'{"a": -Infinity}'])
def test_nan_and_infinity_are_malformed(raw):
    with pytest.raises(Malformed, match="NaN"):
        decode(raw)


@pytest.mark.parametrize(
    "raw", [b'"\xff"', b'"\xc3"', "Đào".encode("utf-16"), '"Đà"'.encode("cp1258")]
)
def test_bytes_outside_utf8_are_malformed(raw):
    with pytest.raises(Malformed, match="UTF-8"):
        decode(raw)


@pytest.mark.parametrize("raw", [b"[" * 100_000, b'{"a":' * 100_000])
def test_bottomless_nesting_is_malformed_and_breaks_nothing(raw):
    with pytest.raises(Malformed, match="deep"):
        decode(raw)


@pytest.mark.parametrize("digits", ["1e400", "1" + "0" * 5000])
def test_a_number_beyond_every_field_leaves_its_neighbours_readable(digits):
    first, second = decode(f'[{{"version": {digits}}}, {{"version": 7}}]'.encode())
    assert math.isinf(first["version"])
    assert second == {"version": 7}


@pytest.mark.parametrize("raw", [b'{"a": 1, "a": %s}', b"[%s, NaN]", b"[%s", b"[" * 50_000 + b"%s"])
def test_a_huge_number_excuses_no_other_fault(raw):
    with pytest.raises(Malformed):
        decode(raw % (b"1" * 5000))


def test_the_cause_keeps_the_place_so_that_a_cut_body_can_be_told_from_a_broken_one():
    for raw, at_end in ((b'{"a": [1, 2', True), (b'{"a": oops, "b": 1}', False)):
        with pytest.raises(Malformed) as failure:
            decode(raw)
        cause = failure.value.__cause__
        assert isinstance(cause, json.JSONDecodeError)
        assert (cause.pos >= len(raw)) is at_end


def test_lines_are_split_at_line_feeds_and_blank_ones_are_skipped():
    assert lines(b'{"a":1}\n\n  \n{"b":2}\r\n') == [b'{"a":1}', b'{"b":2}\r']
    assert lines(b"\n") == []
    assert decode(lines(b'{"b":2}\r\n')[0]) == {"b": 2}
