import json
from datetime import datetime

import pytest

from adapters.transport import reader
from canonical.clock import HCM
from canonical.errors import Garbled, NotAllowed, Refused
from canonical.ports import BadRow, Row
from canonical.reasons import Reason
from canonical.record import Record
from tests.unit.adapters.transport_words import (
    BUILT_IN,
    CODES,
    HOSO,
    LISTED,
    SOAP_11,
    SOAP_12,
    answer,
    envelope,
    list_of,
    listing,
    mapped,
    refused,
    state_of,
)

# --- reader


def test_an_element_says_what_was_written_down_and_its_state() -> None:
    first, second = reader.rows("getHoSoMotCua", list_of(HOSO))
    assert (first.shape, first.values) == ("getHoSoMotCua", HOSO)
    assert second == Row("getHoSoMotCuaState", {"MaDK1": HOSO["MaDK1"], "TRANGTHAIXULY1": "01"})


def test_both_soap_versions_read_alike() -> None:
    told = [reader.rows("getHoSoMotCua", list_of(HOSO, namespace=n)) for n in (SOAP_11, SOAP_12)]
    assert told[0] == told[1]


@pytest.mark.parametrize("result", ["", "<getHoSoMotCuaResult/>"])
def test_a_result_left_out_is_an_empty_list(result: str) -> None:
    assert reader.rows("getHoSoMotCua", answer("getHoSoMotCua", result)) == []


def test_an_element_without_a_code_is_refused_once() -> None:
    (row,) = reader.rows("getHoSoMotCua", list_of(HOSO | {"MaDK1": "  "}))
    assert mapped(row) == (Reason.FIELD_MISSING, "MaDK1")


@pytest.mark.parametrize(
    ("raw", "kind", "reason"),
    [
        (envelope("<e:Fault/>"), Refused, Reason.SOAP_FAULT),
        (envelope("<e:Fault/>", SOAP_12), Refused, Reason.SOAP_FAULT),
        (answer("GetTrangThaiHoSo", ""), Garbled, Reason.SCHEMA_DRIFT),
        (envelope("", "urn:another"), Garbled, Reason.BODY_MALFORMED),
        (b"<hoso/>", Garbled, Reason.BODY_MALFORMED),
        (b"", Garbled, Reason.BODY_MALFORMED),
        (list_of(HOSO)[:-20], Garbled, Reason.BODY_TRUNCATED),
        (b'<!DOCTYPE a [<!ENTITY b "c">]>' + list_of(HOSO), Garbled, Reason.XML_FORBIDDEN),
    ],
)
def test_an_answer_outside_the_contract_is_no_list(raw: bytes, kind, reason: Reason) -> None:
    with pytest.raises(kind) as failure:
        reader.rows("getHoSoMotCua", raw)
    assert failure.value.reason is reason
    assert failure.value.system == "transport"


def test_an_unknown_shape_is_refused() -> None:
    with pytest.raises(Garbled):
        reader.rows("TaoMoiHoSo", b"<a/>")


def test_a_page_of_states_keeps_each_answer_as_it_came() -> None:
    odd = "\r\n<?x?>" + state_of(" 10 ").decode()
    answers = [("A 1", state_of("02")), ("Đ/2", odd.encode()), ("C", state_of(""))]
    raw = reader.packed(answers)
    assert raw == reader.packed(answers)
    kept = json.loads(raw)
    assert kept["shape"] == "GetTrangThaiHoSo"
    assert [(a["maDK"], a["xml"].encode()) for a in kept["answers"]] == answers
    assert reader.rows("GetTrangThaiHoSo", raw) == [
        Row("GetTrangThaiHoSo", {"maDK": "A 1", "GetTrangThaiHoSoResult": "02"}),
        Row("GetTrangThaiHoSo", {"maDK": "Đ/2", "GetTrangThaiHoSoResult": "10"}),
    ]


@pytest.mark.parametrize("raw", [b"{}", b'{"shape":"x","answers":[1]}', b"[]", b"nothing"])
def test_what_is_no_page_of_states_is_malformed(raw: bytes) -> None:
    with pytest.raises(Garbled) as failure:
        reader.rows("GetTrangThaiHoSo", raw)
    assert failure.value.reason is Reason.BODY_MALFORMED


def test_a_state_that_is_not_utf_8_does_not_get_into_a_page() -> None:
    with pytest.raises(Garbled):
        reader.packed([("A", b"\xff")])


@pytest.mark.parametrize(
    ("code", "kind", "reason"),
    [
        (-300, Refused, Reason.SOURCE_ERROR),
        (-301, NotAllowed, Reason.AUTH_DENIED),
        (-302, NotAllowed, Reason.AUTH_DENIED),
        ("-302", NotAllowed, Reason.AUTH_DENIED),
        (-303, Refused, Reason.SOURCE_ERROR),
        (-304, NotAllowed, Reason.AUTH_DENIED),
        (-999, Refused, Reason.SOURCE_ERROR),
        ("Nguyễn Văn A", Refused, Reason.SOURCE_ERROR),
    ],
)
def test_the_lists_own_errors_are_told_apart(code, kind, reason: Reason) -> None:
    with pytest.raises(kind) as failure:
        reader.rows("danhsachhoso", json.dumps({"error_code": code, "message": "lỗi"}).encode())
    assert type(failure.value) is kind
    assert failure.value.reason is reason
    assert "Nguyễn" not in str(failure.value)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'{"data": []}', Reason.SCHEMA_DRIFT),
        (b'{"total": true, "data": []}', Reason.SCHEMA_DRIFT),
        (b'{"total": 3, "data": null}', Reason.SCHEMA_DRIFT),
        (b'{"total": 3, "data": {}}', Reason.SCHEMA_DRIFT),
        (b"[]", Reason.BODY_MALFORMED),
        (b'{"total": 1, "total": 2, "data": []}', Reason.BODY_MALFORMED),
        (b'{"total": 1,, "data": []}', Reason.BODY_MALFORMED),
        (b"", Reason.BODY_MALFORMED),
    ],
)
def test_a_list_outside_the_contract_is_garbled(raw: bytes, reason: Reason) -> None:
    with pytest.raises(Garbled) as failure:
        reader.rows("danhsachhoso", raw)
    assert failure.value.reason is reason


def test_a_list_cut_anywhere_is_truncated() -> None:
    raw = listing(LISTED)
    for length in range(1, len(raw)):
        with pytest.raises(Garbled) as failure:
            reader.rows("danhsachhoso", raw[:length])
        assert failure.value.reason is Reason.BODY_TRUNCATED, length


def test_nothing_listed_may_be_null() -> None:
    assert reader.rows("danhsachhoso", b'{"total": 0, "data": null, "error_code": 0}') == []


def test_an_item_that_is_no_object_is_a_bad_row() -> None:
    good, bad = reader.rows("danhsachhoso", listing(LISTED, "MaHoSo"))
    assert isinstance(mapped(good), Record)
    assert bad == BadRow(Reason.FIELD_TYPE)


# --- mapping


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("01", "accepted"),
        *[(code, "in_progress") for code in ("02", "03", "04", "05", "06", "07")],
        ("09", "finished"),
        ("10", "handed_over"),
        *[(code, "in_progress") for code in ("11", "12", "13", "14")],
        ("16", "supplement"),
        ("90", "stopped"),
        (" 02 ", "in_progress"),
    ],
)
def test_a_state_seen_in_the_list_or_asked_for_is_one_statement(code: str, status: str) -> None:
    listed = mapped(reader.rows("getHoSoMotCua", list_of(HOSO | {"TRANGTHAIXULY1": code}))[1])
    page = reader.packed([(HOSO["MaDK1"], state_of(code))])
    (row,) = reader.rows("GetTrangThaiHoSo", page)
    assert listed.says == {"status": status, "raw_status": code.strip()}
    assert mapped(row).digest == listed.digest
    assert (listed.facet, listed.updated_at, listed.version) == ("step", None, None)


@pytest.mark.parametrize("code", ["00", "08", "15", "17", "18", "19", "1", "99", "nhận"])
def test_a_state_nobody_explained_is_refused_and_the_rest_is_kept(code: str) -> None:
    kept, state = map(
        mapped, reader.rows("getHoSoMotCua", list_of(HOSO | {"TRANGTHAIXULY1": code}))
    )
    assert isinstance(kept, Record)
    assert state == (Reason.STATUS_UNKNOWN, "TRANGTHAIXULY1")


def test_a_reception_can_never_turn_the_state_back() -> None:
    record = mapped(reader.rows("getHoSoMotCua", list_of(HOSO))[0])
    assert record.facet == "reception"
    assert "status" not in record.says
    assert record.updated_at == datetime(2016, 3, 1, 7, 42, 10, tzinfo=HCM)
    assert record.says["accepted_at"] == "2016-03-01T07:42:10+07:00"
    assert record.says["due_at"] == "2016-03-08T17:00:00+07:00"
    assert record.says["procedure.code"] == "1.002835"
    assert record.says["agency"] == "H50.19"


@pytest.mark.parametrize(
    ("field", "value", "outcome"),
    [
        ("MALOAIHOSO1", "2 ", None),
        ("MALOAIHOSO1", "3", Reason.REF_UNKNOWN),
        ("MALOAIHOSO1", " ", Reason.FIELD_MISSING),
        ("NGAYNOPHOSO1", "", Reason.FIELD_MISSING),
        ("NGAYNOPHOSO1", "01/03/2016", Reason.DATE_INVALID),
        ("NGAYNOPHOSO1", "2016-03-01T07:42:10", Reason.DATE_INVALID),
        ("NGAYNOPHOSO1", "31/02/2016 07:42:10", Reason.DATE_INVALID),
        ("NGAYNOPHOSO1", "1/3/2016 7:42:10", Reason.DATE_INVALID),
        ("NGAYHENTRA1", "8/3/2016", Reason.DATE_INVALID),
        ("NGAYHENTRA1", "08/03/2016 10:00:00", Reason.DATE_INVALID),
        ("NGAYHENTRA1", "01/01/0001", Reason.DATE_INVALID),
        ("SOCMND1", "", None),
    ],
)
def test_one_field_of_a_reception(field: str, value: str, outcome: Reason | None) -> None:
    record = mapped(reader.rows("getHoSoMotCua", list_of(HOSO | {field: value}))[0])
    if outcome is None:
        assert isinstance(record, Record)
    else:
        assert record[0] is outcome
        assert record[1] in (field, "due_at")  # the range of years is judged after mapping


@pytest.mark.parametrize("unknown", ["99991231", "31/12/9999", " 99991231 ", ""])
def test_an_unknown_day_of_return_says_nothing(unknown: str) -> None:
    record = mapped(reader.rows("getHoSoMotCua", list_of(HOSO | {"NGAYHENTRA1": unknown}))[0])
    assert "due_at" not in record.says


def test_the_desks_number_ties_where_our_extension_is_there() -> None:
    told = HOSO | {"MASOHOSOMOTCUA1": "000.00.12.H50-160301-0001"}
    assert mapped(reader.rows("getHoSoMotCua", list_of(told))[0]).says["national_code"] == (
        "H50.12-160301-0001"
    )
    assert "national_code" not in mapped(reader.rows("getHoSoMotCua", list_of(HOSO))[0]).says


def of_list(**fields):
    return mapped(reader.rows("danhsachhoso", listing(LISTED | fields))[0])


def test_a_listed_dossier_is_a_snapshot_without_a_time_of_update() -> None:
    record = of_list()
    assert (record.facet, record.updated_at, record.version) == ("snapshot", None, None)
    assert record.says["applicant.phone"] == "0912345600"
    assert record.says["status"] == "accepted"
    assert record.says["channel"] == "direct"
    assert "acting.name" not in record.says


def test_somebody_acts_only_where_their_number_is_told() -> None:
    record = of_list(
        NguoiNop="Võ Thanh Sơn",
        MaNguoiNop="045091234567",
        DienThoaiNguoiNop="0905.111.222",
        EmaiNguoiNop="son@example.vn",
    )
    assert record.says["acting.name"] == "Võ Thanh Sơn"
    assert record.says["acting.phone"] == "0905111222"
    assert record.says["acting.email"] == "son@example.vn"


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({"TrangThaiHoSo": "11"}, (Reason.STATUS_UNKNOWN, "TrangThaiHoSo")),
        ({"TrangThaiHoSo": "0"}, (Reason.STATUS_UNKNOWN, "TrangThaiHoSo")),
        ({"TrangThaiHoSo": ""}, (Reason.FIELD_MISSING, "TrangThaiHoSo")),
        ({"KenhThucHien": "2"}, (Reason.REF_UNKNOWN, "KenhThucHien")),
        ({"MaDonViXuLy": "G11.07"}, (Reason.REF_UNKNOWN, "MaDonViXuLy")),
        ({"MaDonViXuLy": None}, (Reason.FIELD_MISSING, "MaDonViXuLy")),
        ({"MaTTHC": None}, (Reason.FIELD_MISSING, "MaTTHC")),
        ({"MaHoSo": ""}, (Reason.FIELD_MISSING, "MaHoSo")),
        ({"NgayTra": "0000-00-00T00:00:00"}, (Reason.DATE_INVALID, "NgayTra")),
        ({"ChuHoSo": ["a"]}, (Reason.FIELD_TYPE, "applicant.name")),
        ({"ChuHoSo": "a\x00"}, (Reason.CHAR_FORBIDDEN, "applicant.name")),
        ({"MaDoiTuong": 1.5}, (Reason.FIELD_TYPE, "MaDoiTuong")),
    ],
)
def test_one_field_of_a_listed_dossier(fields, outcome) -> None:
    assert of_list(**fields) == outcome


def test_numbers_may_come_as_numbers() -> None:
    record = of_list(TrangThaiHoSo=4, KenhThucHien=1, MaHoSo=16030001)
    assert (record.code, record.says["status"]) == ("16030001", "in_progress")
    assert (record.says["channel"], record.says["raw_status"]) == ("online", "4")


@pytest.mark.parametrize(
    ("state", "field"),
    [("3", "refused_at"), ("7", "withdrawn_at"), ("8", "stopped_at"), (7, "withdrawn_at")],
)
def test_a_cancellation_dates_the_end_that_the_state_names(state, field: str) -> None:
    record = of_list(TrangThaiHoSo=state, NgayHuyHoSo="03/03/2016 09:00:00")
    ends = {"refused_at", "withdrawn_at", "stopped_at"}
    assert {name for name in record.says if name in ends} == {field}
    assert record.says[field] == "2016-03-03T09:00:00+07:00"


@pytest.mark.parametrize("state", ["1", "2", "4", "5", "6", "9", "10"])
def test_a_cancellation_beside_another_state_is_nobodys_guess(state: str) -> None:
    found = of_list(TrangThaiHoSo=state, NgayHuyHoSo="03/03/2016 09:00:00")
    assert found == (Reason.MAPPING_ERROR, "NgayHuyHoSo")


def test_an_end_listed_as_empty_is_none_and_one_not_listed_says_nothing() -> None:
    assert of_list(NgayTra="").says["handed_over_at"] is None
    bare = {name: value for name, value in LISTED.items() if name != "NgayTra"}
    (row,) = reader.rows("danhsachhoso", listing(bare))
    assert "handed_over_at" not in mapped(row).says


def test_the_built_in_rows_differ_from_their_contract_in_one_state_only() -> None:
    found = [mapped(row) for row in reader.rows("danhsachhoso", listing(*BUILT_IN["danhsach"]))]
    assert refused(found) == [(Reason.STATUS_UNKNOWN, "TrangThaiHoSo")]
    assert len(BUILT_IN["hoso"]) == len(BUILT_IN["danhsach"]) == 20
    assert len(set(CODES)) == 20
    assert all(len(code) <= 25 for code in CODES)
