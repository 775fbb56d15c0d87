"""Input nobody should send, beyond the issue's list: bodies, fields, and what is just inside."""

import json
from typing import Any

import pytest

from tests.conftest import ON_SQLITE
from tests.polled import quarantined
from tests.trial import Trial, dossier, is_problem

HOSTILE_BODIES = {
    "half": b"{",
    "nothing": b"",
    "null": b"null",
    "number": b"5",
    "text": b'"A"',
    "list of lists": b"[[]]",
    "list of null": b"[null]",
    "20,000 deep": b"[" * 20_000 + b"]" * 20_000,
    "65 deep": b'{"code": ' + b"[" * 65 + b"]" * 65 + b"}",
    "UTF-16": '{"code": "X"}'.encode("utf-16"),
    "latin-1": '{"code": "Đ"}'.encode("utf-16-le"),
    "surrogate bytes": b'{"code": "\xed\xa0\x80", "version": 1}',
    "surrogate name": b'{"\\ud800": 1, "code": "X", "version": 1}',
    "half a pair": b'{"code": "\\ud83d", "version": 1}',
    "a name twice inside": b'{"code": "X", "applicant": {"name": "a", "name": "b"}}',
    "a name twice by escape": b'{"code": "X", "\\u0063ode": "Y"}',
    "-Infinity": b'{"code": "X", "version": -Infinity}',
    "two texts": b"{}{}",
    "a comma too many": b'[{"code": "X"},]',
    "a byte order mark": b'\xef\xbb\xbf{"code": "X"}',
}


@ON_SQLITE
@pytest.mark.unproved
@pytest.mark.parametrize("name", HOSTILE_BODIES)
async def test_a_hostile_body_is_400_as_a_whole(hub: Trial, name: str) -> None:
    said = await hub.push(raw=HOSTILE_BODIES[name])
    is_problem(said, 400, "BODY_MALFORMED", None, "vi")
    assert await hub.feed() == []


HOSTILE_FIELDS: dict[str, tuple[dict[str, Any], str, str | None]] = {
    "bell": ({"applicant": {"name": "a\ab"}}, "CHAR_FORBIDDEN", "applicant.name"),
    "delete": ({"raw_status": "a\x7fb"}, "CHAR_FORBIDDEN", "raw_status"),
    "C1": ({"step": "a\x9fb"}, "CHAR_FORBIDDEN", "step"),
    "NUL in a list": (
        {"fees": [{"amount": 1}, {"amount": 1, "name": "\0"}]},
        "CHAR_FORBIDDEN",
        "fees[1].name",
    ),
    "version true": ({"version": True}, "FIELD_TYPE", "version"),
    "version text": ({"version": "1"}, "FIELD_TYPE", "version"),
    "version 1.5": ({"version": 1.5}, "FIELD_TYPE", "version"),
    "version -1": ({"version": -1}, "FIELD_TYPE", "version"),
    "version 10^30": ({"version": 10**30}, "FIELD_TYPE", "version"),
    "amount 2^63": ({"fees": [{"amount": 2**63}]}, "FIELD_TYPE", "fees[0].amount"),
    "amount text": ({"fees": [{"amount": "100000"}]}, "FIELD_TYPE", "fees[0].amount"),
    "amount half": ({"fees": [{"amount": 0.5}]}, "FIELD_TYPE", "fees[0].amount"),
    "no amount": ({"fees": [{"name": "x"}]}, "FIELD_MISSING", "fees[0].amount"),
    "code number": ({"code": 7}, "FIELD_TYPE", "code"),
    "code empty": ({"code": ""}, "FIELD_TYPE", "code"),
    "code blank": ({"code": " \t"}, "FIELD_TYPE", "code"),
    "code long": ({"code": "x" * 201}, "FIELD_TOO_LONG", "code"),
    "applicant list": ({"applicant": []}, "FIELD_TYPE", "applicant"),
    "applicant kind": ({"applicant": {"kind": "ghost"}}, "FIELD_TYPE", "applicant.kind"),
    "channel": ({"channel": "pigeon"}, "FIELD_TYPE", "channel"),
    "unknown": ({"note_we_do_not_know": 1}, "FIELD_UNKNOWN", "note_we_do_not_know"),
    "unknown inside": ({"applicant": {"nmae": "x"}}, "FIELD_UNKNOWN", "applicant.nmae"),
    "year 0001": ({"due_at": "0001-01-01T00:00:00+07:00"}, "DATE_INVALID", "due_at"),
    "year 1989": ({"due_at": "1989-12-31T23:59:59+07:00"}, "DATE_INVALID", "due_at"),
    "year 2047": ({"due_at": "2047-01-01T00:00:00+07:00"}, "DATE_INVALID", "due_at"),
    "year 9999": ({"updated_at": "9999-12-31T23:59:59Z"}, "DATE_INVALID", "updated_at"),
    "Vietnamese date": ({"due_at": "10/03/2026"}, "DATE_INVALID", "due_at"),
    "date number": ({"due_at": 1_772_416_800}, "FIELD_TYPE", "due_at"),
    "history date": (
        {"history": [{"status": "accepted", "at": "hôm qua"}]},
        "DATE_INVALID",
        "history[0].at",
    ),
    "history state": (
        {"history": [{"status": "accepted", "at": "2026-03-02T09:00:00"}, {"status": "?"}]},
        "STATUS_UNKNOWN",
        "history[1].status",
    ),
    "history year": (
        {"history": [{"status": "accepted", "at": "1900-01-01T00:00:00+07:00"}]},
        "DATE_INVALID",
        "history[0].at",
    ),
    "state number": ({"status": 4}, "FIELD_TYPE", "status"),
    "PIN short": ({"pin": "12345"}, "FIELD_TYPE", "pin"),
    "PIN letters": ({"pin": "abcdef"}, "FIELD_TYPE", "pin"),
    "PIN number": ({"pin": 123456}, "FIELD_TYPE", "pin"),
    "PIN line": ({"pin": "123456\n"}, "FIELD_TYPE", "pin"),
    "PIN Arabic": ({"pin": "\u0661\u0662\u0663\u0664\u0665\u0666"}, "FIELD_TYPE", "pin"),
    "level 5": ({"service_level": 5}, "FIELD_TYPE", "service_level"),
    "link": ({"links": [{"namespace": "x"}]}, "FIELD_MISSING", "links[0].code"),
    "neither": ({"version": None, "updated_at": None}, "FIELD_MISSING", "version"),
}


@ON_SQLITE
@pytest.mark.unproved
@pytest.mark.parametrize("name", HOSTILE_FIELDS)
async def test_a_hostile_field_is_422_with_its_path(hub: Trial, name: str) -> None:
    over, reason, field = HOSTILE_FIELDS[name]
    said = await hub.push(dossier(7, **over))
    is_problem(said, 422, reason, field, "vi")
    assert await hub.feed() == []
    assert [q[1:] for q in quarantined(hub)] == [(reason, field)]


async def test_numbers_no_machine_holds_are_one_records_fault(hub: Trial) -> None:
    for digits in ("1e400", "-1e400", "9" * 5_000, "1" + "0" * 400):
        raw = json.dumps(dossier(7, service_level="@")).replace('"@"', digits).encode()
        said = await hub.push(raw=raw)
        is_problem(said, 422, "FIELD_TYPE", "service_level", "vi")


async def test_what_is_just_inside_the_limits_is_taken(hub: Trial) -> None:
    for number, over in enumerate(
        [
            {"applicant": {"name": "ế" * 10_000}},
            {"code": "x" * 200},
            {"step": "dòng\tmột\r\ndòng hai"},
            {"due_at": "1990-01-01T00:00:00+07:00"},
            {"due_at": "2046-12-31T23:59:59+07:00"},
            {"pin": "123456"},
            {"pin": "123456789012"},
            {"fees": [{"amount": 2**53}]},
            {"applicant": {"name": "\U0001f600"}},
        ]
    ):
        await hub.take(dossier(number, national_code=None, **over))


async def test_no_refusal_repeats_what_was_sent(hub: Trial) -> None:
    secret = "Lộ Bí Mật 48213907"
    for over in (
        {"status": secret},
        {"due_at": secret},
        {"applicant": {"kind": secret}},
        {"applicant": {"name": secret, "id_number": "\0"}},
        {"version": secret},
    ):
        said = await hub.push(dossier(7, **over))
        assert said.status == 422
        assert secret not in json.dumps(said.body, ensure_ascii=False)
    for raw in (f'{{"{secret}', f'{{"code": "{secret}", "code": 1}}'):
        said = await hub.push(raw=raw.encode())
        assert secret.encode() not in said.raw
