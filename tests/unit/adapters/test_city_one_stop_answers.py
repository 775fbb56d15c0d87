import pytest
from city_kit import NS, PHP, call
from lxml import etree

from adapters.city_one_stop import reader
from adapters.city_one_stop.door import DOOR
from canonical.ports import DoorCall, Fate
from canonical.reasons import Reason


def signal(answer):
    assert (answer.status, answer.content_type) == (200, "text/xml; charset=utf-8")
    (told,) = etree.fromstring(answer.body).iter("return")
    return told.findtext("errCode"), told.findtext("errMsg")


def fate(position, code="DH-1", disposition="quarantined", reason=None, field=None):
    return Fate(position, code, disposition, reason, field)


PUSH = DoorCall("pushDocument", "pushDocument", "u", "p")
STATUS = DoorCall("updateStatus", "updateStatus", "u", "p")
RESULTS = DoorCall("updateResult", "updateResult", "u", "p")


def test_what_is_safe_here_is_success_without_a_code():
    good = [
        fate(n, disposition=d)
        for n, d in enumerate(("applied", "duplicate", "superseded", "pending"))
    ]
    answer = DOOR.answer(PUSH, good)
    assert signal(answer) == (None, None)
    assert f"{{{NS}}}pushDocumentResponse" in {e.tag for e in etree.fromstring(answer.body).iter()}


@pytest.mark.parametrize(
    ("made", "reason", "field", "code", "begins"),
    [
        (PUSH, Reason.REF_UNKNOWN, "maLoaiHoSo", "99", "ERR_1:"),
        (PUSH, Reason.FIELD_MISSING, "maSoHoSo", "99", "ERR_2:"),
        (PUSH, Reason.CODE_REUSED, None, "99", "ERR_3:"),
        (PUSH, Reason.REF_UNKNOWN, "maDonViTiepNhan", "99", "ERR_4:"),
        (PUSH, Reason.AGENCY_FORBIDDEN, "agency", "99", "ERR_4:"),
        (PUSH, Reason.DATE_INVALID, "ngayNopHoSo", "99", "ERR_5:"),
        (PUSH, Reason.DATE_INVALID, "accepted_at", "99", "ERR_5:"),
        (PUSH, Reason.DATE_INVALID, "ngayHenTra", "99", "ERR_6:"),
        (PUSH, Reason.FIELD_TYPE, "gioiTinh", "99", "ERR_8:"),
        (PUSH, Reason.FIELD_TOO_LONG, "applicant.name", "99", "ERR_10:"),
        (PUSH, Reason.FIELD_TOO_LONG, "applicant.address", "99", "FIELD_TOO_LONG:"),
        (PUSH, Reason.MAPPING_ERROR, None, "9", "MAPPING_ERROR:"),
        (STATUS, Reason.FIELD_TYPE, "onlineId", "99", "ERR_11:"),
        (STATUS, Reason.FIELD_MISSING, "maSoHoSo", "99", "ERR_12:"),
        (STATUS, Reason.DATE_INVALID, "ngayHenTra", "99", "ERR_14:"),
        (STATUS, Reason.FIELD_MISSING, "ngayGioLuanChuyen", "99", "ERR_15:"),
        (STATUS, Reason.STATUS_UNKNOWN, "trangThaiKeTiep", "99", "STATUS_UNKNOWN:"),
        (RESULTS, Reason.FIELD_MISSING, "maSoHoSo", "99", "ERR_18:"),
        (RESULTS, Reason.DATE_INVALID, "ngayNhanKetQua", "99", "ERR_19:"),
        (RESULTS, Reason.DATE_INVALID, "ngayHoanThanh", "99", "ERR_20:"),
    ],
)
def test_a_refused_record_is_told_in_the_contracts_words(made, reason, field, code, begins):
    told = signal(
        DOOR.answer(
            made, [fate(0, disposition="applied"), fate(1, "DH-2", reason=reason, field=field)]
        )
    )
    assert told[0] == code
    assert told[1].startswith(begins)
    assert "DH-2" in told[1]


def test_a_batch_names_each_refused_record_once_and_no_more_than_twenty():
    bad = [fate(n, f"DH-{n}", reason=Reason.REF_UNKNOWN, field="maLoaiHoSo") for n in range(30)]
    _, text = signal(DOOR.answer(PUSH, [*bad, *bad, fate(99, disposition="applied")]))
    assert text.count("ERR_1") == 20
    assert text.endswith("; và 10 bản ghi khác")
    _, nameless = signal(
        DOOR.answer(PUSH, [fate(4, None, reason=Reason.FIELD_MISSING, field="maSoHoSo")])
    )
    assert "bản ghi thứ 5" in nameless
    _, odd = signal(DOOR.answer(PUSH, [fate(0, "<a>&b", reason=Reason.DATE_INVALID, field="x")]))
    assert "<a>&b" in odd


def test_no_input_no_record_and_no_credentials_have_their_codes():
    before, after = PHP.split("<arg0>")[0], PHP.split("</arg0>")[1]
    null = DOOR.call(f"{before}{after}".encode(), "", "")
    nil = DOOR.call(f'{before}<arg0 xsi:nil="true"/>{after}'.encode(), "", "")
    assert null == nil
    assert reader.rows(null.shape, b"") == []
    assert signal(DOOR.answer(null, []))[0] == "1"
    assert signal(DOOR.refusal(null, Reason.UNAUTHENTICATED, ""))[0] == "1"
    assert signal(DOOR.answer(PUSH, []))[0] == "2"
    assert reader.rows("pushDocument", call("pushDocument")) == []
    for reason in (Reason.UNAUTHENTICATED, Reason.AUTH_DENIED, Reason.FORBIDDEN):
        assert signal(DOOR.refusal(PUSH, reason, ""))[0] == "3"
    assert signal(DOOR.refusal(PUSH, Reason.STORE_UNAVAILABLE, ""))[0] == "9"
    assert DOOR.refusal(PUSH, Reason.BODY_TOO_LARGE, "").status == 500
