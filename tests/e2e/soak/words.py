"""The same life of a dossier in the words of five departments, good and bad."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from canonical import clock

Said = dict[str, Any]
# Canonical status, then how the one-stop app and the registry call it.
LIFE = (
    ("accepted", "new", "TIEP_NHAN"),
    ("in_progress", "processing", "THAM_DINH"),
    ("supplement", "waiting", "SUA_DOI"),
    ("in_progress", "processing", "CHO_KY"),
    ("finished", "releasing", "DA_CAP"),
    ("handed_over", "done", "DA_TRA"),
)


@dataclass(frozen=True)
class Version:
    """One version of one dossier.

    Attributes:
        stage: Its place in LIFE; the version is one more.
    """

    code: str
    number: int
    stage: int
    at: datetime


def told(department: str, one: Version) -> Said:
    """A version as its department says it."""
    return _WORDS[department](one)


def status_of(department: str, one: Version) -> str:
    """The canonical status of that."""
    if department == "tax":
        return "in_progress" if one.stage % 2 else "financial"
    return LIFE[one.stage][0]


def _one_stop(one: Version) -> Said:
    accepted = _ms(datetime(2026, 3, 2, 1, 0, tzinfo=one.at.tzinfo))
    return {
        "dossierId": one.number,
        "referenceUid": one.code,
        "dossierNo": f"000.00.19.H50-260302-{one.number:05d}",
        "password": f"{one.number:08d}",
        "serviceCode": "STP.LLTP.CAP",
        "serviceName": "Cấp phiếu lý lịch tư pháp",
        "domainName": "Tư pháp",
        "govAgencyCode": "STP",
        "serviceLevel": 3,
        "online": one.number % 2 == 0,
        "viaPostal": 0,
        "applicantName": "Nguyễn Thị Bịa",
        "applicantIdType": "citizen",
        "applicantIdNo": f"{one.number:012d}",
        "contactTelNo": "0900000000",
        "submitDate": None,
        "receiveDate": accepted,
        "dueDate": accepted + 14 * 86_400_000,
        "modifiedDate": _ms(one.at),
        "dossierStatus": LIFE[one.stage][1],
        "dossierStatusText": "",
        "dossierSubStatus": "",
        "originDossierNo": "",
        "serverNo": "",
        "dossierActions": None,
    }


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _business_registry(one: Version) -> Said:
    state = LIFE[one.stage][2]
    moment = clock.local(one.at).strftime("%Y-%m-%dT%H:%M:%S")
    return {
        "MaHoSo": one.code,
        "SoBienNhan": None,
        "MaHoSoMotCua": None,
        "ThuTuc": {"Ma": "9.000101", "Ten": "Đăng ký thành lập công ty"},
        "DoanhNghiep": {"MSDN": "9900000016", "Ten": "Công ty Không Có Thật"},
        "NguoiNop": {"HoTen": "Trần Văn Thử", "SoDinhDanh": f"{one.number:012d}"},
        "NgayNop": "2026-03-02T08:00:00",
        "NgayTiepNhan": "2026-03-02T08:00:00",
        "NgayHenTra": "2026-03-16T17:00:00",
        "NgayCapNhat": moment,
        "NgayHoanThanh": None,
        "NgayTraKetQua": None,
        "LanCapNhat": one.stage + 1,
        "TrangThai": {"Ma": state, "Ten": ""},
        "Kenh": "2",
        "LichSu": [],
        "LePhi": None,
    }


def _tax(one: Version) -> Said:
    is_paid = one.stage % 2 == 1
    moment = clock.local(one.at)
    return {
        "MaThongBaoThue": one.code,
        "HeThong": "MOTCUA",
        "MaHoSo": f"K-{one.number}",
        "SoBienNhan": "",
        "NgayCapNhat": moment.strftime("%d-%m-%Y %H:%M:%S"),
        "TrangThaiThanhToan": 1 if is_paid else 0,
        "ThoiGianThanhToan": moment.strftime("%Y%m%d%H%M%S") if is_paid else "",
        "ThongBao": [
            {
                "MA_SO_THUE": "9900000016",
                "SO_QUYET_DINH": f"QĐ-{one.number}",
                "NGAY_QUYET_DINH": "02-03-2026",
                "TEN_TIEUMUC": "Lệ phí trước bạ",
                "SO_TIEN": "1250000",
            }
        ],
    }


def _desk(one: Version) -> Said:
    return {
        "code": one.code,
        "version": one.stage + 1,
        "updated_at": clock.to_iso(one.at),
        "national_code": f"H50.12-260302-{one.number:05d}",
        "procedure": {"code": "1.001612"},
        "agency": "H50.12",
        "applicant": {"kind": "person", "name": "Lê Thị Mẫu"},
        "channel": "online",
        "accepted_at": "2026-03-02T08:00:00+07:00",
        "due_at": "2026-03-16T17:00:00+07:00",
        "status": LIFE[one.stage][0],
    }


def _land(one: Version) -> Said:
    """Every third is of the desk's dossier with the same number: legs that join."""
    tie = {"national_code": f"H50.12-260302-{one.number:05d}"} if one.number % 3 == 0 else {}
    said = _desk(one) | {"agency": "H50.09"}
    del said["national_code"]
    return said | tie


_WORDS: dict[str, Callable[[Version], Said]] = {
    "one_stop": _one_stop,
    "business_registry": _business_registry,
    "tax": _tax,
    "desk": _desk,
    "land": _land,
}
_Spoilt = tuple[Callable[[Said], Said], str]
_PUSHED_BAD: tuple[_Spoilt, ...] = (
    (lambda said: said | {"status": "xong"}, "STATUS_UNKNOWN"),
    (lambda said: said | {"due_at": "2026-02-31T17:00:00+07:00"}, "DATE_INVALID"),
    (lambda said: said | {"note": "?"}, "FIELD_UNKNOWN"),
)
# How a record of each department is spoilt, and the reason it must be set apart with.
BAD: dict[str, tuple[_Spoilt, ...]] = {
    "one_stop": (
        (lambda said: said | {"dossierStatus": "300"}, "STATUS_UNKNOWN"),
        (lambda said: said | {"serviceCode": "KHONG.CO"}, "REF_UNKNOWN"),
        (lambda said: said | {"receiveDate": "31/02/2026 08:00"}, "DATE_INVALID"),
    ),
    "business_registry": (
        (lambda said: said | {"TrangThai": {"Ma": "?", "Ten": "?"}}, "STATUS_UNKNOWN"),
        (lambda said: said | {"NgayHenTra": "2026-02-31T17:00:00"}, "DATE_INVALID"),
    ),
    "tax": (
        (lambda said: said | {"TrangThaiThanhToan": 2}, "STATUS_UNKNOWN"),
        (lambda said: said | {"HeThong": "KHONG-RO"}, "REF_UNKNOWN"),
    ),
    "desk": _PUSHED_BAD,
    "land": _PUSHED_BAD,
}
