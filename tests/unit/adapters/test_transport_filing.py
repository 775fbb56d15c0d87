"""What is filed with the Department of Transport, and what its answers mean."""

from typing import Any

import pytest

from adapters.transport.filer import connect
from adapters.transport.wording import WORDING
from adapters.wire import Wire
from canonical.errors import (
    Busy,
    HubError,
    NotAllowed,
    OutcomeUnknown,
    Refused,
    TryAgain,
)
from canonical.mapping.transforms import Bad
from canonical.ports import Settings
from canonical.reasons import Reason
from tests.filed import FORM
from tests.unit.adapters.transport_filings import BODY, NUMBER, fault, filer, http, taken, told
from tests.unit.adapters.transport_words import answer
from tests.unit.wire.conftest import raw_server, reset


def said(**form: Any) -> dict[str, Any]:
    return {**BODY, "form": {**FORM, **form}}


# ------------------------------------------------------------------ what is filed


def test_every_field_stands_in_the_contract_s_form() -> None:
    assert told(filer().render(NUMBER, BODY)) == {
        "DonViNhanHSo1": "45012",
        "HoDemNLX1": "Nguyễn Văn",
        "TenNLX1": "Thử",
        "HoVaTen1": "Nguyễn Văn Thử",
        "HoVaTenIn1": "NGUYỄN VĂN THỬ",
        "MaQuocTich1": "VNM",
        "NgaySinh1": "1985-03-04T00:00:00",
        "NoiTT1": "Phường 1, Đông Hà",
        "SoCMT1": "045000000001",
        "NgayCapCMT1": "2021-06-01T00:00:00",
        "TrangThai1": "1",
        "GioiTinh1": "M",
        "SoHoSo1": NUMBER,
        "MaSoGTVT1": "45",
        "MaDVNhanHSo1": "45012",
        "NgayNhanHSo1": "02/03/2026",
        "NgayHenTra1": "10/03/2026",
        "MaLoaiHs1": "1",
        "TT_XuLy1": "01",
        "HangGPLX1": "B2",
        "GiayCNSK1": "1",
        "MucDichCapDoi1": "Cấp mới",
        "GhiChu1": "H50.12-260302-0001",
        "MaHTCap1": "CD_VN",
        "Transfer_flag1": "0",
        "NamcapLandau1": "0",
    }


def test_the_same_dossier_is_rendered_in_the_same_bytes() -> None:
    assert filer().render(NUMBER, BODY) == filer().render(NUMBER, BODY)


def test_licences_held_are_pipe_joined_and_unknown_days_say_so() -> None:
    licence = {"so": "450081234567", "hang": "A1", "don_vi_cap": "45", "noi_cap": "Quảng Trị"}
    other = {**licence, "so": "450101234568", "hang": "B2", "ngay_cap": "2010-11-05"}
    found = told(filer().render(NUMBER, said(gplx_da_co=[licence, other], nam_cap_lan_dau=2008)))
    assert found["SoGPLXDaCo1"] == "450081234567|450101234568"
    assert found["HangGPLXDaCo1"] == "A1|B2"
    assert found["NgayCapGPLXDaCo1"] == "99991231|20101105"
    assert found["NgayHHGPLXDaCo1"] == "99991231|99991231"
    assert found["NamcapLandau1"] == "2008"


@pytest.mark.parametrize(
    ("body", "reason", "field"),
    [
        ({**BODY, "form": {}}, Reason.FIELD_MISSING, "form.ngay_cap_giay_to"),
        (said(hang_gplx=None), Reason.FIELD_MISSING, "form.hang_gplx"),
        (said(giay_kham_suc_khoe=None), Reason.FIELD_MISSING, "form.giay_kham_suc_khoe"),
        (said(giay_kham_suc_khoe=False), Reason.REF_UNKNOWN, "form.giay_kham_suc_khoe"),
        (said(gioi_tinh="Nam"), Reason.REF_UNKNOWN, "form.gioi_tinh"),
        (said(ngay_sinh="1985-02-30"), Reason.DATE_INVALID, "form.ngay_sinh"),
        (said(ngay_sinh=19850304), Reason.DATE_INVALID, "form.ngay_sinh"),
        (said(muc_dich="x" * 51), Reason.FIELD_TOO_LONG, "form.muc_dich"),
        (said(nam_cap_lan_dau="2008?"), Reason.FIELD_TYPE, "form.nam_cap_lan_dau"),
        (said(gplx_da_co=[{"so": "1"}]), Reason.FIELD_MISSING, "form.gplx_da_co"),
        (said(gplx_da_co={"so": "1"}), Reason.FIELD_TYPE, "form.gplx_da_co"),
        ({**BODY, "due_at": None}, Reason.FIELD_MISSING, "due_at"),
        ({**BODY, "received_at_agency": "H50.97"}, Reason.REF_UNKNOWN, "received_at_agency"),
        ({**BODY, "procedure": {"code": "1.999999"}}, Reason.REF_UNKNOWN, "procedure.code"),
        (
            {**BODY, "applicant": {**BODY["applicant"], "name": "Thử"}},
            Reason.FIELD_MISSING,
            "applicant.name",
        ),
        (
            {**BODY, "applicant": {**BODY["applicant"], "name": "Nguyễn " * 4 + "Thử"}},
            Reason.FIELD_TOO_LONG,
            "applicant.name",
        ),
    ],
)
def test_what_the_contract_cannot_say_is_refused_by_name(
    body: dict[str, Any], reason: Reason, field: str
) -> None:
    with pytest.raises(Refused) as failure:
        filer().render(NUMBER, body)
    assert (failure.value.reason, failure.value.detail) == (reason, f"TaoMoiHoSo: {field}")


def test_codes_of_desks_and_kinds_are_the_connection_s_to_add() -> None:
    tables = {"filing_unit": {"H50.97": "45097"}, "filing_kind": {"1.999999": "7"}}
    settings = Settings("gtvt", "http://127.0.0.1:9", {}, {}, tables)
    body = {**BODY, "received_at_agency": "H50.97", "procedure": {"code": "1.999999"}}
    found = told(connect(settings, Wire()).render(NUMBER, body))
    assert (found["MaDVNhanHSo1"], found["MaLoaiHs1"]) == ("45097", "7")


@pytest.mark.parametrize("value", ["a|b", "", " ", None, 7])
def test_a_licence_held_that_would_be_read_as_two_or_none_is_bad(value: Any) -> None:
    with pytest.raises(Bad):
        WORDING["held.so"]([{"so": value}])


def test_nothing_is_filed_in_json_mode() -> None:
    with pytest.raises(Refused):
        connect(Settings("gtvt", "http://127.0.0.1:9", {"mode": "json"}, {}), Wire())


# ------------------------------------------------------------------ what an answer means


async def submitted(raw: Any, **how: Any) -> Any:
    """What became of a filing that was answered so."""
    wire = Wire()
    try:
        async with raw_server(raw) as server:
            one = filer(server.address, wire, **how)
            return await one.submit(one.render(NUMBER, BODY))
    except HubError as error:
        return type(error), error.reason
    finally:
        await wire.close()


async def cut(writer: Any) -> None:
    reset(writer)


@pytest.mark.parametrize(
    ("raw", "kind", "reason"),
    [
        (http(taken("")), Refused, Reason.SOURCE_ERROR),
        (http(answer("TaoMoiHoSo", "")), Refused, Reason.SOURCE_ERROR),
        (http(fault("s:Client"), "500 X"), Refused, Reason.SOAP_FAULT),
        (http(b"", "404 X"), Refused, Reason.HTTP_4XX),
        (http(b"", "302 X", "Location: http://elsewhere/"), Refused, Reason.REDIRECT_REFUSED),
        (http(b"", "403 X"), NotAllowed, Reason.AUTH_DENIED),
        (http(b"", "429 X", "Retry-After: 9"), Busy, Reason.RATE_LIMITED),
        # From here on the Department may have it.
        (http(b"", "503 X", "Retry-After: 9"), OutcomeUnknown, Reason.RATE_LIMITED),
        (http(b"", "502 X"), OutcomeUnknown, Reason.HTTP_5XX),
        (http(b"", "500 X"), OutcomeUnknown, Reason.HTTP_5XX),
        (http(fault("s:Server"), "500 X"), OutcomeUnknown, Reason.SOAP_FAULT),
        (http(taken("45012-1")[:-20]), OutcomeUnknown, Reason.BODY_TRUNCATED),
        (http(b"<html>...</html>"), OutcomeUnknown, Reason.CTYPE_UNEXPECTED),
        (http(b""), OutcomeUnknown, Reason.BODY_MALFORMED),
        (http(taken("Lỗi: trùng hồ sơ")), OutcomeUnknown, Reason.SCHEMA_DRIFT),
        (http(taken("x" * 26)), OutcomeUnknown, Reason.SCHEMA_DRIFT),
        (http(answer("GetTrangThaiHoSo", "")), OutcomeUnknown, Reason.SCHEMA_DRIFT),
        (cut, OutcomeUnknown, Reason.NET_RESET),
    ],
)
async def test_an_answer_means(raw: Any, kind: type[HubError], reason: Reason) -> None:
    assert await submitted(raw) == (kind, reason)


async def test_madk_is_a_receipt_with_the_answer_as_received() -> None:
    raw = taken(" 45012-20260302-101530123 ")
    found = await submitted(http(raw))
    assert (found.code, found.raw) == ("45012-20260302-101530123", raw)


async def test_silence_after_sending_is_unknown() -> None:
    import asyncio

    async def hang(_: Any) -> None:
        await asyncio.sleep(5)

    assert await submitted(hang, timeout_s="0.3") == (OutcomeUnknown, Reason.TIMEOUT_TOTAL)


@pytest.mark.parametrize(
    ("endpoint", "egress", "reason"),
    [
        ("http://127.0.0.1:9", ["department.invalid"], Reason.EGRESS_DENIED),
        ("http://department.invalid", ["department.invalid"], Reason.NET_DNS),
        ("http://127.0.0.1:1", [], Reason.NET_REFUSED),
    ],
)
async def test_what_never_left_may_be_sent_again(
    endpoint: str, egress: list[str], reason: Reason
) -> None:
    one = filer(endpoint, Wire(egress))
    with pytest.raises(TryAgain) as failure:
        await one.submit(one.render(NUMBER, BODY))
    assert failure.value.reason is reason
    await one.close()
