"""What the national portal is told of a change, field by field; pure."""

import json
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pytest

from adapters.national_portal import answers, rendering
from adapters.national_portal.answers import Meaning
from adapters.national_portal.simulator_checks import fault_of
from canonical.errors import Garbled
from canonical.fields import ApplicantKind, Channel
from canonical.ports import Event
from canonical.reasons import Reason
from canonical.states import TEXT_VI, Status, national_code

CONTRACT = Path(rendering.__file__).parent / "contract"
DOSSIER, ROW = (
    json.loads((CONTRACT / f"{name}.schema.json").read_text("utf-8"))
    for name in ("dossier", "progress")
)
AT = "2026-03-02T09:00:00+07:00"


def body(**over: Any) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": "5f0c",
        "national_code": "H50.12-260302-0001",
        "procedure": {"code": "1.001612", "name": "Đăng ký hộ kinh doanh", "domain": "Kinh doanh"},
        "agency": "H50.12",
        "applicant": {
            "kind": "person",
            "name": "Nguyễn Văn Thử",
            "id_number": "045090001234",
            "phone": "0912345678",
            "email": None,
            "address": None,
        },
        "channel": "online",
        "submitted_at": None,
        "accepted_at": AT,
        "due_at": "2026-03-20T17:00:00+07:00",
        "judged_due_at": "2026-03-10T17:00:00+07:00",
        "status": "in_progress",
    }
    return {**told, **over}


def entry(status: str = "in_progress", at: str = AT, **over: Any) -> dict[str, Any]:
    told = {"status": status, "at": at, "officer": "Trần Thị B", "unit": "Phòng A", "note": "Xem"}
    return {**told, "retracted_by": None, **over}


def told(kind: str = "changed", entries: tuple[Any, ...] = (), **over: Any) -> rendering.Told:
    raw = rendering.to_bytes(Event("e", 7, kind, AT, "5f0c", None, body(**over), entries))
    assert raw is not None
    return rendering.from_bytes(raw)


def test_a_dossier_is_told_in_texts_alone_and_within_the_contract() -> None:
    found = told(
        entries=(entry(), entry("accepted", note=None)),
        fees=[{"name": "Lệ phí", "amount": 100000, "paid_at": None}],
        supplements=[{"asked_at": AT, "received_at": None, "reason": "Thiếu"}],
        attachments=[{"id": "a1", "name": "don.pdf", "digest": "sha256:0", "url": None}],
        results=[{"id": "r", "name": "Giấy phép", "code": None, "url": None}],
    )
    assert found.fault is None
    assert fault_of(DOSSIER, found.record, "") is None
    assert [fault_of(ROW, row, "") for row in found.progress] == [None, None]
    assert found.record["NgayTiepNhan"] == "20260302090000"
    assert found.record["NgayHenTra"] == "20260310170000", "the promise that is judged"
    assert found.record["TrangThaiHoSo"] == "4"
    assert found.record["LoaiDoiTuong"] == "1"
    assert found.record["KenhThucHien"] == "2"
    assert found.record["Email"] == ""
    assert found.record["DinhDanhCHS"] == [{"LoaiDinhDanh": "1", "SoDinhDanh": "045090001234"}]
    assert found.record["DanhSachLePhi"][0]["Gia"] == "100000"
    assert found.record["DanhSachHoSoBoSung"][0]["NgayTiepNhanBoSung"] == ""
    assert found.progress[1]["NoiDungXuLy"] == "Được tiếp nhận", "a null broke the receiver"


def test_the_tables_know_every_word_of_the_hub() -> None:
    tables = rendering.TABLES.tables
    assert tables["state"] == {status.value: national_code(status) for status in Status}
    assert tables["state_text"] == {status.value: text for status, text in TEXT_VI.items()}
    assert set(tables["applicant"]) == {kind.value for kind in ApplicantKind}
    assert set(tables["channel"]) == {channel.value for channel in Channel}


def test_the_tables_name_what_the_contract_has_with_its_limits() -> None:
    def same(fields: list[rendering.Field], schema: dict[str, Any]) -> None:
        for field in fields:
            held = schema["properties"][field.name]
            assert not field.most or held["maxLength"] == field.most, field.name
            is_bounded = "maxLength" in held and field.source and not field.table
            assert not is_bounded or field.most or held["maxLength"] >= 100, field.name
            assert not field.most or field.overlong or not field.source

    same(rendering.TABLES.record, DOSSIER)
    same(rendering.TABLES.progress, ROW)
    for name, listed in rendering.TABLES.lists.items():
        same(listed.item, DOSSIER["properties"][name]["items"])
    demanded = {field.name for field in rendering.TABLES.record if field.required}
    assert demanded == {*DOSSIER["required"], "NgayTiepNhan"}


@pytest.mark.parametrize("status", Status)
def test_every_state_has_its_number_in_record_and_row(status: Status) -> None:
    found = told(status=status.value, entries=(entry(status.value, note=None),))
    assert found.record["TrangThaiHoSo"] == national_code(status)
    assert (found.progress[0]["TrangThai"], found.progress[0]["NoiDungXuLy"]) == (
        national_code(status),
        TEXT_VI[status],
    )


@pytest.mark.parametrize(
    ("over", "name", "value"),
    [
        ({"status": "stopped", "stopped_at": AT}, "NgayKetThucXuLy", "20260302090000"),
        ({"status": "withdrawn", "withdrawn_at": AT}, "NgayKetThucXuLy", "20260302090000"),
        # In progress again: the stop did not end it.
        ({"stopped_at": AT}, "NgayKetThucXuLy", ""),
        ({"status": "handed_over", "finished_at": AT}, "NgayKetThucXuLy", "20260302090000"),
        ({"status": "refused", "refused_at": AT}, "NgayTuChoi", "20260302090000"),
        ({"accepted_at": "2026-03-02T09:00:00.123456+07:00"}, "NgayTiepNhan", "20260302090000"),
        ({"channel": None}, "KenhThucHien", ""),
        ({"applicant": {"kind": "organisation", "name": "Hội"}}, "LoaiDoiTuong", "4"),
        # No id number is made up where none fits, and none of a business is called a person's.
        ({"applicant": {"kind": "person", "name": "A", "id_number": "1"}}, "DinhDanhCHS", []),
        ({"applicant": {"kind": "business", "name": "A", "id_number": "9" * 9}}, "DinhDanhCHS", []),
        ({"applicant": {"kind": "person", "name": "A"}}, "SoGiayToChuHoSo", ""),
        (
            {"applicant": {"kind": "person", "name": "A", "id_number": "123456789"}},
            "DinhDanhCHS",
            [{"LoaiDinhDanh": "2", "SoDinhDanh": "123456789"}],
        ),
    ],
)
def test_a_field_is_told_so(over: dict[str, Any], name: str, value: Any) -> None:
    found = told(**over)
    assert found.record[name] == value
    assert found.fault is None


@pytest.mark.parametrize(
    ("over", "fault"),
    [
        ({"applicant": None}, (Reason.FIELD_MISSING, "ChuHoSo")),
        ({"applicant": {"kind": None, "name": "A"}}, (Reason.FIELD_MISSING, "LoaiDoiTuong")),
        ({"accepted_at": None}, (Reason.FIELD_MISSING, "NgayTiepNhan")),
        ({"applicant": {"kind": "person", "name": "A" * 501}}, (Reason.FIELD_TOO_LONG, "ChuHoSo")),
        ({"channel": "pigeon"}, (Reason.REF_UNKNOWN, "KenhThucHien")),
    ],
)
def test_what_is_demanded_and_not_known_is_said_and_not_made_up(over: Any, fault: Any) -> None:
    assert told(**over).fault == fault


@pytest.mark.parametrize("status", ["submitted", "refused"])
def test_who_was_not_accepted_has_no_day_of_acceptance(status: str) -> None:
    assert told(status=status, accepted_at=None).fault is None


@pytest.mark.parametrize(
    ("kind", "over"),
    [
        ("joined", {}),  # the living one has a change of its own
        ("gone", {}),  # the portal can take nothing back
        ("changed", {"national_code": None}),  # the portal's key, never made up
        ("created", {"procedure": None}),
        ("created", {"procedure": {"code": None, "name": "X"}}),
        ("changed", {"agency": None}),
        ("changed", {"status": None}),
    ],
)
def test_the_portal_is_told_nothing_of_it(kind: str, over: dict[str, Any]) -> None:
    event = Event("e", 7, kind, AT, "5f0c", None, body(**over), ())
    assert rendering.to_bytes(event) is None


def test_a_long_description_is_cut_and_says_so() -> None:
    found = told(entries=(entry(officer="x" * 51, note="y" * 2001),))
    row = found.progress[0]
    assert row["NguoiXuLy"] == "x" * 49 + "…"
    assert row["NoiDungXuLy"] == "y" * 1999 + "…"
    assert fault_of(ROW, row, "") is None
    assert told(entries=(entry(officer="x" * 50),)).progress[0]["NguoiXuLy"] == "x" * 50


def test_one_step_told_by_two_systems_is_one_row_and_a_retracted_one_none() -> None:
    rows = told(
        entries=(
            entry(namespace="a"),
            entry(namespace="b", note="anders"),
            entry("finished", retracted_by="receipt"),
            entry(at="2026-03-02T09:00:01+07:00"),
        )
    ).progress
    assert [row["ThoiDiemXuLy"] for row in rows] == ["20260302090000", "20260302090001"]


def test_the_same_event_gives_the_same_bytes() -> None:
    event = Event("e", 7, "changed", AT, "5f0c", None, body(), (entry(),))
    assert rendering.to_bytes(event) == rendering.to_bytes(event)


def test_only_a_created_dossier_is_created_first() -> None:
    assert told("created").is_new
    assert not any(told(kind).is_new for kind in ("changed", "corrected", "split", "restored"))


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        ({"error_code": 0}, Meaning.DONE),
        ({"error_code": "0", "message": "Hồ sơ đã tồn tại"}, Meaning.DONE),  # words never undo it
        ({"error_code": 3}, Meaning.EXISTS),
        ({"error_code": "-99", "message": "Mã hồ sơ ĐÃ TỒN TẠI!"}, Meaning.EXISTS),
        # The same words, decomposed.
        ({"error_code": "-3", "message": normalize("NFD", "đã tồn tại")}, Meaning.EXISTS),
        ({"error_code": "-3"}, Meaning.ABSENT),
        ({"error_code": -2}, Meaning.EXPIRED),
        ({"error_code": -4}, Meaning.DENIED),
        ({"error_code": -1}, Meaning.TROUBLE),
        # "thành công" is what known practice takes for success; a code that is not 0 is none.
        ({"error_code": "1", "message": "Cập nhật thành công"}, Meaning.REFUSED),
        ({"error_code": -5, "message": None}, Meaning.REFUSED),
    ],
)
def test_an_answer_is_judged_by_its_code(answer: dict[str, Any], meaning: Meaning) -> None:
    assert answers.meaning_of(answer) is meaning


@pytest.mark.parametrize("code", [None, True, "", "-", "0x1", 1.0, [], "1" * 40])
def test_an_answer_without_a_code_is_no_answer(code: Any) -> None:
    with pytest.raises(Garbled):
        answers.meaning_of({"error_code": code})


@pytest.mark.parametrize(
    ("schema", "value", "fault"),
    [
        ({"type": "string", "maxLength": 2}, "abc", "x"),
        ({"type": "string"}, 1, "x"),
        ({"type": "string", "enum": ["a"]}, "b", "x"),
        ({"type": "string", "pattern": "^[0-9]{14}$", "format": "yyyyMMddHHmmss"}, "2" * 14, "x"),
        ({"type": "array", "items": {"type": "string"}}, ["a", 1], "x[1]"),
        ({"type": "array", "items": {"type": "string"}}, {}, "x"),
        ({"type": "object", "properties": {}, "required": ["a"]}, {}, "x.a"),
        ({"type": "object", "properties": {}, "required": []}, {"b": ""}, "x.b"),
        ({"type": "object", "properties": {}, "required": []}, [], "x"),
    ],
)
def test_the_simulator_sees_what_is_outside_the_contract(
    schema: Any, value: Any, fault: str
) -> None:
    assert fault_of(schema, value, "x") == fault


def test_the_simulator_does_not_pass_over_a_word_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="minItems"):
        fault_of({"type": "array", "minItems": 1, "items": {"type": "string"}}, [], "x")
