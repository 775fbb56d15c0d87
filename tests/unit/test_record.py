"""What a record may say; long because every facet and every hostile field has its row."""

import json
import unicodedata
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from canonical.clock import HCM
from canonical.fields import FIELDS_OF, MERGED, Facet
from canonical.reading.json import decode
from canonical.reasons import Reason
from canonical.record import (
    Malformed,
    Record,
    Rejected,
    VersionBy,
    code_of,
    fingerprint,
    to_record,
)

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
LEAST = {
    "code": "DH-2016-000123",
    "version": 3,
    "status": "in_progress",
    "agency": "H50.12",
    "procedure": {"code": "1.001612"},
}
# CONTRACT.md, "Canonical dossier record", with an invented applicant.
FULL = {
    "code": "DH-2016-000123",
    "facet": "snapshot",
    "version": 3,
    "updated_at": "2016-03-04T09:15:00+07:00",
    "national_code": "H50.12-160301-0123",
    "receipt_number": "DH/2016/0123",
    "pin": "48213907",
    "procedure": {
        "code": "1.001612",
        "name": "Đăng ký thành lập hộ kinh doanh",
        "domain": "Đăng ký kinh doanh",
    },
    "agency": "H50.12",
    "received_at_agency": "H50.12",
    "applicant": {
        "kind": "person",
        "name": "Nguyễn Văn Thử",
        "id_number": "000000000000",
        "phone": "0900000000",
        "email": None,
        "address": "Phường 1, Đông Hà",
    },
    "acting": None,
    "channel": "online",
    "service_level": 3,
    "online_scope": "partial",
    "submitted_at": "2016-03-01T08:00:00+07:00",
    "accepted_at": "2016-03-01T09:00:00+07:00",
    "due_at": "2016-03-08T17:00:00+07:00",
    "extensions": [
        {
            "old_due_at": "2016-03-08T17:00:00+07:00",
            "new_due_at": "2016-03-11T17:00:00+07:00",
            "at": "2016-03-07T10:00:00+07:00",
            "reason": "Chờ xác minh",
        }
    ],
    "finished_at": None,
    "handed_over_at": None,
    "refused_at": None,
    "withdrawn_at": None,
    "stopped_at": None,
    "status": "in_progress",
    "raw_status": "TT_04",
    "step": "Thẩm định",
    "history": [
        {
            "status": "accepted",
            "at": "2016-03-01T09:00:00+07:00",
            "officer": "Trần Thị Mẫu",
            "unit": "Bộ phận TN&TKQ",
            "note": None,
        }
    ],
    "supplements": [
        {"asked_at": "2016-03-02T10:00:00+07:00", "received_at": None, "reason": "Thiếu bản sao"}
    ],
    "fees": [{"name": "Lệ phí", "amount": 100000, "paid_at": None}],
    "attachments": [{"id": "a1", "name": "don.pdf", "digest": "sha256:00", "url": None}],
    "results": [],
    "rating": None,
    "links": [{"namespace": "one_stop", "code": "MC-881"}],
}
AT = "2016-03-01T09:00:00+07:00"
ABSENT = object()


def taken(raw: Any, **options: Any) -> Record:
    record = to_record(raw, 0, now=NOW, **options)
    assert isinstance(record, Record), record
    return record


def with_(**changes: Any) -> dict[str, Any]:
    return {k: v for k, v in {**LEAST, **changes}.items() if v is not ABSENT}


def digest(raw: Any, **options: Any) -> str:
    return taken(raw, **options).digest


# --- the whole record ------------------------------------------------------------------------


def test_the_contracts_example_is_taken_whole():
    record = taken(FULL)
    assert (record.code, record.facet, record.version) == ("DH-2016-000123", Facet.SNAPSHOT, 3)
    assert record.updated_at == datetime(2016, 3, 4, 9, 15, tzinfo=HCM)
    assert record.version_by is VersionBy.DECLARED
    head = {"code", "facet", "version", "updated_at"}
    objects = {name: FULL[name] or dict.fromkeys(FULL["applicant"]) for name in MERGED}
    leaves = {f"{name}.{leaf}": v for name, told in objects.items() for leaf, v in told.items()}
    plain = {name: v for name, v in FULL.items() if name not in head and name not in MERGED}
    assert record.says == plain | leaves


def test_the_example_survives_json_and_back():
    assert taken(decode(json.dumps(FULL).encode())) == taken(FULL)


def test_a_record_keeps_its_place_and_its_sub_namespace():
    record = to_record(LEAST, 17, now=NOW, part="online")
    assert isinstance(record, Record)
    assert (record.position, record.part) == (17, "online")


def test_an_object_that_is_null_says_none_of_its_leaves_and_an_empty_one_says_nothing():
    acting = ["kind", "name", "id_number", "phone", "email", "address"]
    said = taken(with_(acting=None)).says
    assert {k: v for k, v in said.items() if k.startswith("acting")} == {
        f"acting.{leaf}": None for leaf in acting
    }
    assert not [k for k in taken(with_(acting={})).says if k.startswith("acting")]
    assert taken(with_(applicant={"phone": "1"})).says["applicant.phone"] == "1"


def test_codes_are_kept_in_the_new_national_form():
    said = taken(
        with_(
            agency="000.00.12.H50",
            received_at_agency=" H50.12 ",
            national_code="000.00.12.H50-160301-0001",
        )
    ).says
    assert said["agency"] == said["received_at_agency"] == "H50.12"
    assert said["national_code"] == "H50.12-160301-0001"
    assert taken(with_(national_code=None)).says["national_code"] is None


def test_moments_are_kept_at_plus_seven():
    said = taken(with_(due_at="2015-12-31T17:30:00Z", accepted_at="2016-01-01T00:30:00")).says
    assert said["due_at"] == said["accepted_at"] == "2016-01-01T00:30:00+07:00"
    told = taken(with_(history=[{"status": "accepted", "at": "2016-03-01T02:00:00Z"}])).says
    assert told["history"][0]["at"] == "2016-03-01T09:00:00+07:00"


def test_moments_handed_over_by_a_mapping_are_taken_as_they_are():
    naive = datetime(2016, 3, 1, 9)  # noqa: DTZ001 - a source without a zone
    said = taken(with_(due_at=naive, accepted_at=datetime(2016, 3, 1, 2, tzinfo=UTC))).says
    assert said["due_at"] == said["accepted_at"] == AT


# --- facets: which fields each may state -----------------------------------------------------

HEAD = "code version updated_at"
# Typed from CONTRACT.md, "Facets and their fields"; the test must not read them from the code.
FACETS = {
    "reception": "national_code receipt_number pin procedure agency received_at_agency applicant "
    "acting channel service_level online_scope submitted_at accepted_at due_at attachments links "
    "status history",
    "step": "status raw_status step agency due_at extensions supplements refused_at withdrawn_at "
    "stopped_at history",
    "result": "status finished_at handed_over_at results history",
    "money": "fees status links",
    "rating": "rating",
    "snapshot": " ".join(FULL),
}
VALUES = {**FULL, "rating": {"score": 4, "scale": 5, "comment": "Nhanh", "at": AT}, "acting": {}}


def test_there_are_no_other_facets():
    assert {facet.value for facet in Facet} == set(FACETS)
    assert set(FIELDS_OF) == set(Facet)


@pytest.mark.parametrize("facet", FACETS)
def test_a_facet_has_the_contracts_fields_and_no_other(facet):
    allowed = {*HEAD.split(), "facet", *FACETS[facet].split()}
    assert {f.encode_name for f in msgspec.structs.fields(FIELDS_OF[Facet(facet)])} == allowed


@pytest.mark.parametrize("facet", [f for f in FACETS if f != "snapshot"])
@pytest.mark.parametrize("name", [n for n in FULL if n not in {"code", "version", "facet"}])
def test_a_field_is_taken_in_its_facets_and_unknown_in_the_others(facet, name):
    told = to_record({"code": "A", "version": 1, "facet": facet, name: VALUES[name]}, 0, now=NOW)
    if name in {*HEAD.split(), *FACETS[facet].split()}:
        assert isinstance(told, Record)
    else:
        assert told == Rejected(0, Reason.FIELD_UNKNOWN, name, "A")


@pytest.mark.parametrize("facet", [f for f in FACETS if f != "snapshot"])
def test_another_facet_needs_only_its_code_and_a_version_or_a_time(facet):
    base = {"code": "A", "facet": facet}
    assert taken({**base, "version": 1}).updated_at is None
    assert taken({**base, "updated_at": AT}).version is None
    assert to_record(base, 0, now=NOW) == Rejected(0, Reason.FIELD_MISSING, "version", "A")


# --- what a source must say -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version_by", "told", "missing"),
    [
        (VersionBy.DECLARED, {"version": 0}, None),
        (VersionBy.DECLARED, {"updated_at": AT}, None),
        (VersionBy.DECLARED, {}, "version"),
        (VersionBy.DECLARED, {"version": None, "updated_at": None}, "version"),
        (VersionBy.NUMBER, {"version": 1}, None),
        (VersionBy.NUMBER, {"updated_at": AT}, "version"),
        (VersionBy.TIME, {"updated_at": AT}, None),
        (VersionBy.TIME, {"version": 1}, "updated_at"),
        (VersionBy.OBSERVED, {}, None),
        (VersionBy.OBSERVED, {"updated_at": AT}, None),
    ],
)
def test_the_declared_way_of_versioning_says_what_a_record_must_carry(version_by, told, missing):
    raw = with_(version=ABSENT, **{k: v for k, v in told.items() if k != "version"})
    raw |= {k: v for k, v in told.items() if k == "version"}
    found = to_record(raw, 0, now=NOW, version_by=version_by)
    if missing is None:
        assert isinstance(found, Record)
    else:
        assert found == Rejected(0, Reason.FIELD_MISSING, missing, LEAST["code"])


def test_a_mapped_snapshot_may_be_partial_where_a_pushed_one_may_not():
    partial = {"code": "A", "updated_at": AT}
    assert isinstance(to_record(partial, 0, now=NOW, version_by=VersionBy.TIME), Record)
    assert to_record(partial, 0, now=NOW) == Rejected(0, Reason.FIELD_MISSING, "status", "A")


# --- hostile fields ---------------------------------------------------------------------------

LONG = "x" * 10_001
HOSTILE = [
    # missing
    ({"code": ABSENT}, "FIELD_MISSING", "code"),
    ({"code": None}, "FIELD_MISSING", "code"),
    ({"status": ABSENT}, "FIELD_MISSING", "status"),
    ({"status": None}, "FIELD_MISSING", "status"),
    ({"agency": ABSENT}, "FIELD_MISSING", "agency"),
    ({"agency": None}, "FIELD_MISSING", "agency"),
    ({"procedure": ABSENT}, "FIELD_MISSING", "procedure"),
    ({"procedure": None}, "FIELD_MISSING", "procedure"),
    ({"procedure": {}}, "FIELD_MISSING", "procedure.code"),
    ({"procedure": {"code": None, "name": "x"}}, "FIELD_MISSING", "procedure.code"),
    ({"history": [{"status": "accepted"}]}, "FIELD_MISSING", "history[0].at"),
    ({"history": [{"status": None, "at": AT}]}, "FIELD_MISSING", "history[0].status"),
    ({"fees": [{"amount": 1}, {"name": "x"}]}, "FIELD_MISSING", "fees[1].amount"),
    ({"links": [{"namespace": "a"}]}, "FIELD_MISSING", "links[0].code"),
    ({"extensions": [{"at": AT}]}, "FIELD_MISSING", "extensions[0].new_due_at"),
    ({"supplements": [{}]}, "FIELD_MISSING", "supplements[0].asked_at"),
    # kind of value
    ({"code": 5}, "FIELD_TYPE", "code"),
    ({"code": ""}, "FIELD_TYPE", "code"),
    ({"code": " \t"}, "FIELD_TYPE", "code"),  # trimmed to nothing it would tie strangers together
    ({"national_code": "  "}, "FIELD_TYPE", "national_code"),
    ({"agency": ""}, "FIELD_TYPE", "agency"),
    ({"agency": ["H50"]}, "FIELD_TYPE", "agency"),
    ({"procedure": "1.001612"}, "FIELD_TYPE", "procedure"),
    ({"applicant": []}, "FIELD_TYPE", "applicant"),
    ({"applicant": {"name": 5}}, "FIELD_TYPE", "applicant.name"),
    ({"applicant": {"kind": "robot"}}, "FIELD_TYPE", "applicant.kind"),
    ({"channel": "pigeon"}, "FIELD_TYPE", "channel"),
    ({"service_level": 5}, "FIELD_TYPE", "service_level"),
    ({"service_level": "3"}, "FIELD_TYPE", "service_level"),
    ({"history": {}}, "FIELD_TYPE", "history"),
    ({"history": [None]}, "FIELD_TYPE", "history[0]"),
    ({"history": ["accepted"]}, "FIELD_TYPE", "history[0]"),
    ({"rating": {"score": 101}}, "FIELD_TYPE", "rating.score"),
    ({"facet": None}, "FIELD_TYPE", "facet"),
    ({"facet": "page"}, "FIELD_TYPE", "facet"),
    ({"facet": []}, "FIELD_TYPE", "facet"),
    ({"status": 4}, "FIELD_TYPE", "status"),
    ({"status": []}, "FIELD_TYPE", "status"),
    # numbers
    ({"version": -1}, "FIELD_TYPE", "version"),
    ({"version": 2**63}, "FIELD_TYPE", "version"),
    ({"version": 10**400}, "FIELD_TYPE", "version"),
    ({"version": True}, "FIELD_TYPE", "version"),
    ({"version": "3"}, "FIELD_TYPE", "version"),
    ({"version": 3.5}, "FIELD_TYPE", "version"),
    ({"version": float("inf")}, "FIELD_TYPE", "version"),  # 1e400 in JSON
    ({"fees": [{"amount": 2**53 + 1}]}, "FIELD_TYPE", "fees[0].amount"),
    ({"fees": [{"amount": 2**63}]}, "FIELD_TYPE", "fees[0].amount"),
    ({"fees": [{"amount": 1.5}]}, "FIELD_TYPE", "fees[0].amount"),
    ({"fees": [{"amount": "1000"}]}, "FIELD_TYPE", "fees[0].amount"),
    # PIN: 6 to 12 digits
    ({"pin": "12345"}, "FIELD_TYPE", "pin"),
    ({"pin": "1" * 13}, "FIELD_TYPE", "pin"),
    ({"pin": "12345a"}, "FIELD_TYPE", "pin"),
    ({"pin": "１２３４５６"}, "FIELD_TYPE", "pin"),
    ({"pin": "123456\n"}, "FIELD_TYPE", "pin"),
    ({"pin": 123456}, "FIELD_TYPE", "pin"),
    # states
    ({"status": "xong"}, "STATUS_UNKNOWN", "status"),
    ({"status": ""}, "STATUS_UNKNOWN", "status"),
    ({"status": "Finished"}, "STATUS_UNKNOWN", "status"),
    ({"history": [{"status": "x", "at": AT}]}, "STATUS_UNKNOWN", "history[0].status"),
    # dates: not text is another type, text that is no moment is an invalid date
    ({"updated_at": 1456797600}, "FIELD_TYPE", "updated_at"),
    ({"updated_at": True}, "FIELD_TYPE", "updated_at"),
    ({"due_at": {"day": 1}}, "FIELD_TYPE", "due_at"),
    ({"updated_at": "1456797600"}, "DATE_INVALID", "updated_at"),
    ({"updated_at": ""}, "DATE_INVALID", "updated_at"),
    ({"updated_at": "2016-03-04"}, "DATE_INVALID", "updated_at"),
    ({"updated_at": "04/03/2016 09:15:00"}, "DATE_INVALID", "updated_at"),
    ({"due_at": "2016-02-30T00:00:00+07:00"}, "DATE_INVALID", "due_at"),
    ({"due_at": "2015-02-29T00:00:00+07:00"}, "DATE_INVALID", "due_at"),
    ({"due_at": "2016-03-04T25:00:00+07:00"}, "DATE_INVALID", "due_at"),
    ({"due_at": "2016-03-04T23:59:60+07:00"}, "DATE_INVALID", "due_at"),
    ({"due_at": "0001-01-01T00:00:00+07:00"}, "DATE_INVALID", "due_at"),
    ({"due_at": "9999-12-31T23:59:59-07:00"}, "DATE_INVALID", "due_at"),
    ({"history": [{"status": "accepted", "at": "x"}]}, "DATE_INVALID", "history[0].at"),
    (
        {
            "history": [
                {"status": "accepted", "at": AT},
                {"status": "accepted", "at": "1066-10-14T09:00:00"},
            ]
        },
        "DATE_INVALID",
        "history[1].at",
    ),
    ({"rating": {"at": "1899-12-30T00:00:00"}}, "DATE_INVALID", "rating.at"),
    (
        {"fees": [{"amount": 1, "paid_at": "1900-01-01T00:00:00"}]},
        "DATE_INVALID",
        "fees[0].paid_at",
    ),
    # length
    ({"code": "x" * 201}, "FIELD_TOO_LONG", "code"),
    ({"agency": "x" * 201}, "FIELD_TOO_LONG", "agency"),
    ({"national_code": "x" * 201}, "FIELD_TOO_LONG", "national_code"),
    ({"procedure": {"code": "x" * 201}}, "FIELD_TOO_LONG", "procedure.code"),
    ({"applicant": {"name": LONG}}, "FIELD_TOO_LONG", "applicant.name"),
    ({"step": LONG}, "FIELD_TOO_LONG", "step"),
    (
        {"history": [{"status": "accepted", "at": AT, "note": LONG}]},
        "FIELD_TOO_LONG",
        "history[0].note",
    ),
    # unknown names
    ({"colour": "red"}, "FIELD_UNKNOWN", "colour"),
    ({"Code": "A"}, "FIELD_UNKNOWN", "Code"),
    ({"id": "x"}, "FIELD_UNKNOWN", "id"),
    ({"applicant": {"name": "A", "colour": 1}}, "FIELD_UNKNOWN", "applicant.colour"),
    ({"fees": [{"amount": 1, "currency": "USD"}]}, "FIELD_UNKNOWN", "fees[0].currency"),
    ({"x" * 300: 1}, "FIELD_UNKNOWN", "x" * 200),
    # control characters
    ({"step": "a\0b"}, "CHAR_FORBIDDEN", "step"),
    ({"applicant": {"name": "a\x1b[31m"}}, "CHAR_FORBIDDEN", "applicant.name"),
    ({"applicant": {"name": "a\x85"}}, "CHAR_FORBIDDEN", "applicant.name"),
    (
        {"history": [{"status": "accepted", "at": AT, "unit": "\x7f"}]},
        "CHAR_FORBIDDEN",
        "history[0].unit",
    ),
    ({"colour\0": 1}, "CHAR_FORBIDDEN", None),
]


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    HOSTILE,
    ids=[f"{r}-{f}-{i}" for i, (_, r, f) in enumerate(HOSTILE)],
)
def test_a_hostile_field_gets_its_reason_and_its_path(changes, reason, field):
    found = to_record(with_(**changes), 4, now=NOW)
    assert isinstance(found, Rejected)
    assert (found.position, found.reason, found.field) == (4, Reason(reason), field)
    assert found.code == (LEAST["code"] if "code" not in changes else code_of(changes))


def test_a_code_that_can_be_shown_is_shown_with_the_rejection():
    assert code_of({"code": "A"}) == "A"
    assert code_of({"code": unicodedata.normalize("NFD", "Đông Hà-1")}) == "Đông Hà-1"
    for raw in ({}, {"code": 5}, {"code": ""}, {"code": "x" * 201}, {"code": "a\0"}, [], None):
        assert code_of(raw) is None
    assert code_of({"code": "\ud800"}) is None


@pytest.mark.parametrize("raw", [None, 5, "text", [], [LEAST], True])
def test_a_record_that_is_no_object_is_refused_whole(raw):
    assert to_record(raw, 2, now=NOW) == Rejected(2, Reason.FIELD_TYPE, None, None)


def test_limits_are_taken_to_the_last_character():
    assert len(taken(with_(step="ế" * 10_000)).says["step"]) == 10_000
    assert len(taken(with_(step=unicodedata.normalize("NFD", "ế" * 10_000))).says["step"]) == 10_000
    assert taken(with_(code="x" * 200)).code == "x" * 200
    assert taken(with_(version=2**63 - 1)).version == 2**63 - 1
    assert taken(with_(version=0)).version == 0
    assert taken(with_(fees=[{"amount": -(2**53)}])).says["fees"][0]["amount"] == -(2**53)
    assert taken(with_(pin="123456")).says["pin"] == "123456"
    assert taken(with_(pin="1" * 12)).says["pin"] == "1" * 12
    assert taken(with_(step="a\tb\r\nc")).says["step"] == "a\tb\r\nc"


@pytest.mark.parametrize(
    ("text", "plausible"),
    [
        ("1989-12-31T23:59:59+07:00", False),
        ("1990-01-01T00:00:00+07:00", True),
        ("1989-12-31T17:00:00Z", True),  # already 1990 in Vietnam
        ("2046-12-31T23:59:59+07:00", True),
        ("2047-01-01T00:00:00+07:00", False),
        ("2046-12-31T17:00:00Z", False),  # already 2047 in Vietnam
    ],
)
@pytest.mark.parametrize("field", ["due_at", "updated_at"])
def test_years_run_from_1990_to_twenty_from_now_in_vietnam(field, text, plausible):
    found = to_record(with_(**{field: text}), 0, now=NOW)
    if plausible:
        assert isinstance(found, Record)
    else:
        assert found == Rejected(0, Reason.DATE_INVALID, field, LEAST["code"])


@pytest.mark.parametrize("value", ["\ud800", {"a": "\udc00"}, {"\ud800": 1}])
def test_a_lone_surrogate_refuses_the_whole_body(value):
    with pytest.raises(Malformed):
        to_record(with_(step=value), 0, now=NOW)
    with pytest.raises(Malformed):
        to_record(with_(colour=value), 0, now=NOW)


def test_nesting_beyond_64_refuses_the_whole_body():
    value: Any = 1
    for _ in range(63):
        value = [value]
    assert to_record(with_(step=value), 0, now=NOW).reason is Reason.FIELD_TYPE
    with pytest.raises(Malformed):
        to_record(with_(step=[value]), 0, now=NOW)


def test_a_rejection_never_shows_what_it_rejects():
    secret = "0" * 12 + "-secret"
    for changes in ({"pin": secret}, {"status": secret}, {"due_at": secret}, {"applicant": secret}):
        assert secret not in repr(to_record(with_(**changes), 0, now=NOW))


# --- one content, one digest --------------------------------------------------------------------


def test_composed_and_decomposed_text_give_one_digest():
    raw = json.dumps(FULL, ensure_ascii=False)
    decomposed = unicodedata.normalize("NFD", raw)
    assert decomposed != raw
    assert digest(decode(decomposed.encode())) == digest(decode(raw.encode()))


def test_the_order_of_names_does_not_change_the_digest_and_that_of_a_list_does():
    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: turned(v) for k, v in reversed(value.items())}
        return [turned(v) for v in value] if isinstance(value, list) else value

    assert list(turned(FULL)) != list(FULL)
    assert digest(turned(FULL)) == digest(FULL)
    steps = [{"status": "accepted", "at": AT}, {"status": "in_progress", "at": AT}]
    assert digest(with_(history=steps)) != digest(with_(history=steps[::-1]))


def test_the_order_of_fields_in_the_code_does_not_change_a_digest_once_given():
    first, second = {"step": "a", "agency": "b"}, {"agency": "b", "step": "a"}
    assert fingerprint(first, 1, None, b"") == fingerprint(second, 1, None, b"")


@pytest.mark.parametrize("field", ["due_at", "updated_at"])
def test_one_moment_in_any_zone_gives_one_digest(field):
    spellings = [AT, "2016-03-01T02:00:00Z", "2016-03-01T09:00:00", "2016-03-01 02:00:00.000+00:00"]
    assert len({digest(with_(**{field: told})) for told in spellings}) == 1
    assert digest(with_(**{field: "2016-03-01T09:00:01"})) != digest(with_(**{field: AT}))


def test_both_forms_of_a_national_code_give_one_digest():
    assert digest(with_(agency="000.00.12.H50")) == digest(with_(agency="H50.12"))


@pytest.mark.parametrize("field", ["due_at", "step", "national_code", "fees", "acting", "pin"])
def test_none_and_nothing_are_different_statements(field):
    assert digest(with_(**{field: None})) != digest(with_())


def test_none_of_a_leaf_differs_from_nothing_about_it():
    assert digest(with_(applicant={"email": None})) != digest(with_(applicant={}))
    assert digest(with_(applicant={})) == digest(with_())
    assert digest(with_(fees=[])) != digest(with_(fees=None))


@pytest.mark.parametrize(
    "change",
    [
        {"version": 4},
        {"updated_at": AT},
        {"status": "finished"},
        {"procedure": {"code": "1.001613"}},
        {"step": "3"},
        {"pin": "123456"},
    ],
)
def test_any_other_content_gives_another_digest(change):
    assert digest(with_(**change)) != digest(with_())


def test_the_digest_is_keyed_so_that_nobody_tries_all_pins():
    raw = with_(pin="123456")
    assert digest(raw, pepper=b"one") == digest(raw, pepper=b"one")
    assert len({digest(raw), digest(raw, pepper=b"one"), digest(raw, pepper=b"two")}) == 3
    assert len(digest(raw)) == 64


def test_the_input_is_left_as_it_was():
    raw = json.loads(json.dumps(FULL))
    to_record(raw, 0, now=NOW)
    assert raw == FULL
