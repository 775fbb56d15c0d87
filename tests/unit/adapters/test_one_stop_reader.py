"""Bytes of Sở Nội vụ's one-stop app: what is cut, what is broken, what spoils one row alone."""

import json
from typing import Any

import pytest

from adapters.one_stop import reader
from canonical.errors import Garbled
from canonical.ports import BadRow, Row
from canonical.reasons import Reason


def page_of(*rows: Any) -> bytes:
    return json.dumps({"total": len(rows), "data": list(rows)}, ensure_ascii=False).encode()


def test_a_page_cut_anywhere_is_told_from_a_broken_one() -> None:
    raw = page_of({"a": 'Đinh "\\ Văn', "b": [1, -2, None, True, False], "c": "\\u0110"})
    raw = raw.replace(b"\\\\u0110", b"\\u0110")
    assert reader.rows("dossiers", raw)
    for length in range(1, len(raw)):
        with pytest.raises(Garbled) as garbled:
            reader.rows("dossiers", raw[:length])
        assert garbled.value.reason is Reason.BODY_TRUNCATED, raw[:length]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", Reason.BODY_MALFORMED),
        (b"  ", Reason.BODY_MALFORMED),
        (b"<!DOCTYPE html><html></html>", Reason.CTYPE_UNEXPECTED),
        (b'{"total": 1, data: []}', Reason.BODY_MALFORMED),
        (b'{"total": 1, "data": []} x', Reason.BODY_MALFORMED),
        (b"[]", Reason.BODY_MALFORMED),
        (b'{"data": []}', Reason.BODY_MALFORMED),
        (b'{"total": true, "data": []}', Reason.BODY_MALFORMED),
        (b'{"total": -1, "data": []}', Reason.BODY_MALFORMED),
        (b'{"total": NaN, "data": []}', Reason.BODY_MALFORMED),
        (b'{"total": 1, "total": 2, "data": []}', Reason.BODY_MALFORMED),
        (b'{"total": 0, "data": {}}', Reason.BODY_MALFORMED),
        (b'{"total": 0, "data": ' + b"[" * 100_000, Reason.BODY_MALFORMED),
    ],
)
def test_a_page_outside_its_contract_is_garbled(raw: bytes, reason: Reason) -> None:
    with pytest.raises(Garbled) as garbled:
        reader.rows("dossiers", raw)
    assert garbled.value.reason is reason


@pytest.mark.parametrize(
    ("text", "reason", "field"),
    [
        ('{"referenceUid": "r", "a": 1, "a": 2}', Reason.FIELD_TYPE, "a"),
        ('{"referenceUid": "r", "b": NaN}', Reason.FIELD_TYPE, "b"),
        ('{"referenceUid": "r", "b": [{"c": -Infinity}]}', Reason.FIELD_TYPE, "b"),
        ('{"referenceUid": "r", "d": "\\ud83d"}', Reason.ENC_INVALID, "d"),
        ('{"referenceUid": "r", "\\udead": 1}', Reason.ENC_INVALID, None),
        ("[1]", Reason.FIELD_TYPE, "data[1]"),
        ("null", Reason.FIELD_TYPE, "data[1]"),
        ('{"referenceUid": "r", "e": ' + "[" * 70 + "]" * 70 + "}", Reason.FIELD_TYPE, "data[1]"),
    ],
)
def test_a_spoilt_row_does_not_take_its_page_with_it(
    text: str, reason: Reason, field: str | None
) -> None:
    page = f'{{"total": 3, "data": [{{"x": 1}}, {text}, {{"y": "\\ud83d\\ude00"}}]}}'
    before, spoilt, after = reader.rows("dossiers", page.encode())
    assert before == Row("dossiers", {"x": 1})
    assert after == Row("dossiers", {"y": "\N{GRINNING FACE}"})
    assert isinstance(spoilt, BadRow)
    assert (spoilt.reason, spoilt.field) == (reason, field)
    assert spoilt.code == ("r" if text.startswith("{") else None)


def test_bytes_outside_utf8_spoil_one_row() -> None:
    page = '{"total": 2, "data": [{"n": "Nguyễn"}, {"n": "Tám"}]}'.encode()
    good, spoilt = reader.rows("dossiers", page.replace("á".encode(), b"\xe1"))
    assert good == Row("dossiers", {"n": "Nguyễn"})
    assert spoilt == BadRow(Reason.ENC_INVALID, "n", None)
