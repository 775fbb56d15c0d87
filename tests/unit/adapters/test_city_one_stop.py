import json

import pytest
import zeep
from city_kit import (
    CXF,
    FOLDER,
    MAPPING,
    NODE_SOAP,
    NODE_SOAP_2016,
    NODE_SOAP_QUALIFIED,
    NS,
    PHP,
    PUSHED,
    RESULT,
    SOAP,
    STEP,
    call,
    records,
)
from lxml import etree

from adapters.city_one_stop import reader
from adapters.city_one_stop.door import DOOR
from canonical.errors import Garbled
from canonical.ports import BadRow, DoorCall, Manifest, Row
from canonical.reasons import Reason

SAMPLES = sorted((FOLDER / "samples").glob("*.response.xml"))


def status_of(number, **more):
    (first, *_) = records("updateStatus", call("updateStatus", STEP | more | number))
    return first["says"]["status"] if "says" in first else first["rejected"]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name.split(".")[0])
def test_a_sample_gives_what_is_written_beside_it(path):
    case, shape, *_ = path.name.split(".")
    expected = path.with_name(f"{case}.{shape}.expected.json").read_text("utf-8")
    assert records(shape, path.read_bytes()) == json.loads(expected)


def test_the_manifest_is_one():
    import msgspec

    raw = (FOLDER / "manifest.toml").read_bytes()
    manifest = msgspec.toml.decode(raw, type=Manifest)
    assert (manifest.id, manifest.role, manifest.door) == ("city_one_stop", "desk", "soap")
    assert (FOLDER / manifest.contract).is_file()


def test_a_procedure_stands_in_all_three_tables():
    tables = MAPPING.tables
    assert set(tables["procedure"]) == set(tables["procedure_name"])
    assert set(tables["procedure"]) == set(tables["procedure_domain"])


@pytest.mark.parametrize(
    "body",
    [NODE_SOAP, NODE_SOAP_2016, NODE_SOAP_QUALIFIED, PHP, CXF],
    ids=["node-soap", "node-soap of 2016", "children qualified", "PHP SoapClient", "CXF"],
)
def test_real_clients_are_understood_alike(body):
    found = DOOR.call(body.encode(), "text/xml; charset=utf-8", "")
    assert found == DoorCall("pushDocument", "pushDocument", "mot_cua", "bi & mat")
    told = records(found.shape, body.encode())
    assert [r["code"] for r in told] == ["DH-2016-000117", "DH-2016-000118"]
    assert told[0]["says"] == records("pushDocument", call("pushDocument", PUSHED))[0]["says"]


def test_what_zeep_builds_from_the_doors_own_contract_is_understood(tmp_path):
    path = tmp_path / "door.wsdl"
    path.write_bytes(DOOR.wsdl("http://127.0.0.1:8000/soap/v1/connections/dong-ha?a=1&b=2"))
    contract = zeep.Client(str(path))
    (service,) = contract.wsdl.services.values()
    (port,) = service.ports.values()
    assert port.binding_options["address"].endswith("dong-ha?a=1&b=2")
    assert set(port.binding._operations) == {"pushDocument", "updateStatus", "updateResult"}
    rows = [STEP | {"soGioThucHien": 0, "soGioYeuCauXuLy": 0, "tenNguoiXuLyKeTiep": None}]
    message = contract.create_message(
        contract.service,
        "updateStatus",
        arg0={"userName": "mot_cua", "password": "x", "documentStatusSoapList": rows},
    )
    raw = etree.tostring(message)
    assert DOOR.call(raw, "text/xml", '""').operation == "updateStatus"
    assert records("updateStatus", raw)[0]["says"]["status"] == "in_progress"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", Reason.BODY_MALFORMED),
        (b'{"maSoHoSo": "DH-1"}', Reason.BODY_MALFORMED),
        (b"<!DOCTYPE html><html></html>", Reason.CTYPE_UNEXPECTED),
        (NODE_SOAP.encode()[:-40], Reason.BODY_TRUNCATED),
        (PHP.replace("<SOAP", '<!DOCTYPE a [<!ENTITY b "c">]><SOAP', 1).encode(), "XML_FORBIDDEN"),
        (PHP.replace(SOAP, "http://www.w3.org/2003/05/soap-envelope").encode(), "BODY_MALFORMED"),
        (PHP.replace(NS, "http://other.example.vn/").encode(), Reason.BODY_MALFORMED),
        (PHP.replace("pushDocument", "pullDocument").encode(), Reason.BODY_MALFORMED),
        (PHP.replace("</arg0>", "</arg0><arg0/>").encode(), Reason.BODY_MALFORMED),
        (PHP.replace("<password>", "<password/><password>").encode(), Reason.BODY_MALFORMED),
        (f'<a:Envelope xmlns:a="{SOAP}"><a:Body/></a:Envelope>'.encode(), "BODY_MALFORMED"),
        (PHP.encode().replace("ễ".encode(), b"\xe1\xbb"), Reason.BODY_MALFORMED),
    ],
)
def test_what_is_no_call_of_this_door_is_a_fault_with_its_reason(body, reason):
    with pytest.raises(Garbled) as failure:
        DOOR.call(body, "text/xml", "")
    assert failure.value.reason == reason
    answer = DOOR.refusal(None, failure.value.reason, failure.value.detail)
    fault = etree.fromstring(answer.body).find(f".//{{{SOAP}}}Fault")
    assert (answer.status, fault.findtext("faultcode")) == (500, "soap:Client")
    assert fault.findtext("detail/reason") == reason


def test_a_misspelt_list_does_not_lose_its_records_silently():
    raw = PHP.replace("ossDocumentSoapList", "ossDocumentSoap").encode()
    with pytest.raises(Garbled):
        reader.rows("pushDocument", raw)


def test_a_body_is_read_only_as_the_call_it_is():
    with pytest.raises(Garbled):
        reader.rows("updateResult", call("pushDocument", PUSHED))
    with pytest.raises(Garbled):
        reader.rows("moveToCommunicationLayer", call("pushDocument", PUSHED))


@pytest.mark.parametrize(
    ("number", "status"),
    [
        *[(0, "submitted"), (1, "accepted"), (19, "accepted")],
        *[(n, "in_progress") for n in (2, 4, 12, 13, 15)],
        *[(3, "supplement"), (17, "supplement"), (9, "financial"), (14, "financial")],
        *[(7, "withdrawn"), (18, "withdrawn"), (8, "stopped"), (16, "stopped")],
        *[(6, "finished"), (5, "handed_over")],
        *[(n, "STATUS_UNKNOWN") for n in (10, 11, 20, -1, 999)],
    ],
)
def test_the_numbers_of_cmon_are_not_the_national_ones(number, status):
    assert status_of({"trangThaiKeTiep": number}) == status


@pytest.mark.parametrize(
    ("code", "status"), [("DH-1", "stopped"), (None, "refused"), ("", "refused")]
)
def test_16_is_refused_only_where_nothing_was_taken_in(code, status):
    row = STEP | {"maSoHoSo": code, "onlineId": 7001, "trangThaiKeTiep": 16}
    first, *besides = records("updateStatus", call("updateStatus", row))
    assert first["says"]["status"] == status
    assert (first["part"], len(besides)) == (("", 1) if code else ("online", 0))


def test_both_codes_tie_the_online_leg_without_a_time_of_its_own():
    again = STEP | {"onlineId": 7001, "ngayGioLuanChuyen": "05/03/2016 10:00:00"}
    raw = call("updateStatus", STEP | {"onlineId": 7001}, STEP, again)
    told = records("updateStatus", raw)
    assert [r["code"] for r in told] == ["DH-2016-000117"] * 3 + ["7001"] * 2
    link = told[3]
    assert link == told[4]  # the same statement: the second one is a duplicate
    assert (link["part"], link["facet"], link["updated_at"]) == ("online", "reception", None)
    assert link["says"] == {"links": [{"namespace": "@", "code": "DH-2016-000117"}]}


@pytest.mark.parametrize("number", ["0", "-5"])
def test_an_online_id_below_one_means_none(number):
    raw = call(
        "updateStatus", STEP | {"onlineId": number}, STEP | {"maSoHoSo": "", "onlineId": number}
    )
    first, second = records("updateStatus", raw)
    assert first["code"] == "DH-2016-000117"
    assert second == {"rejected": "FIELD_MISSING", "field": "maSoHoSo"}


@pytest.mark.parametrize("told", ["x", "1.5", "٣", "2147483648", "9" * 60, "--1"])
def test_a_number_that_is_none_is_refused_with_its_code(told):
    (row,) = reader.rows("updateStatus", call("updateStatus", STEP | {"trangThaiKeTiep": told}))
    assert row == BadRow(Reason.FIELD_TYPE, "trangThaiKeTiep", "DH-2016-000117")


def test_a_field_that_is_no_plain_value_is_refused_alone():
    twice = call("pushDocument", PUSHED, PUSHED).replace(
        b"</maSoHoSo>", b"</maSoHoSo><maSoHoSo>x</maSoHoSo>", 1
    )
    nested = call("pushDocument", PUSHED, PUSHED).replace(b"KD01", b"<ma>KD01</ma>", 1)
    for raw, field in ((twice, "maSoHoSo"), (nested, "maLoaiHoSo")):
        bad, good = reader.rows("pushDocument", raw)
        assert isinstance(bad, BadRow)
        assert (bad.reason, bad.field) == (Reason.FIELD_TYPE, field)
        assert isinstance(good, Row)


def test_an_unknown_field_reaches_the_drift_check():
    raw = call("pushDocument", PUSHED).replace(b"<gioiTinh>", b"<mauMat>den</mauMat><gioiTinh>")
    (row,) = reader.rows("pushDocument", raw)
    assert isinstance(row, Row)
    assert set(row.values) - MAPPING.shapes["pushDocument"].known == {"mauMat"}


def test_a_due_date_of_a_step_is_told_and_a_missing_time_is_not_made_up():
    due = records(
        "updateStatus", call("updateStatus", STEP | {"ngayHenTra": "11/03/2016 17:00:00"})
    )
    assert due[0]["says"]["due_at"] == "2016-03-11T17:00:00+07:00"
    (none,) = records("updateStatus", call("updateStatus", STEP | {"ngayGioLuanChuyen": None}))
    assert none == {"rejected": "FIELD_MISSING", "field": "ngayGioLuanChuyen"}


@pytest.mark.parametrize(
    ("dates", "status", "at"),
    [
        ({}, "finished", "2016-03-07T16:00:00+07:00"),
        ({"ngayNhanKetQua": "  "}, "finished", "2016-03-07T16:00:00+07:00"),
        ({"ngayNhanKetQua": "08/03/2016 00:10:00"}, "handed_over", "2016-03-08T00:10:00+07:00"),
        (
            {"ngayHoanThanh": None, "ngayNhanKetQua": "08/03/2016 00:10:00"},
            "handed_over",
            "2016-03-08T00:10:00+07:00",
        ),
    ],
)
def test_a_result_is_finished_until_it_is_fetched(dates, status, at):
    (told,) = records("updateResult", call("updateResult", RESULT | dates))
    assert (told["says"]["status"], told["updated_at"]) == (status, at)


@pytest.mark.parametrize(
    ("paid", "fees"),
    [
        ({}, None),
        ({"lePhiHoSo": 0, "phiXuLyHoSo": -5}, None),
        ({"lePhiHoSo": 30000}, [("Lệ phí hồ sơ", 30000)]),
        (
            {"lePhiHoSo": 30000, "phiXuLyHoSo": 5000},
            [("Lệ phí hồ sơ", 30000), ("Phí xử lý hồ sơ", 5000)],
        ),
    ],
)
def test_money_is_said_only_where_there_is_some(paid, fees):
    _, *money = records("updateResult", call("updateResult", RESULT | paid))
    told = [(f["name"], f["amount"]) for m in money for f in m["says"]["fees"]]
    assert (told or None) == fees
    assert all((m["facet"], m["code"]) == ("money", RESULT["maSoHoSo"]) for m in money)
