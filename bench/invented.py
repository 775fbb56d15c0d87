"""Invented dossiers in every form that is measured: JSON and SOAP, pushed and polled.

One dossier is some 1.5 KB of JSON with three steps of history; equal numbers give equal dossiers.
Rows a poll brings are written by templates: the source must cost less than whoever asks it.
"""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from xml.sax.saxutils import escape

import msgspec

HCM = timezone(timedelta(hours=7))
BEGUN = datetime(2022, 1, 3, 8, 0, tzinfo=HCM)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FAMILY = ("Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Phan", "Võ", "Đặng")
GIVEN = ("An", "Bình", "Chi", "Dũng", "Giang", "Hạnh", "Khánh", "Lan", "Minh", "Thử")
PROCEDURES = ("1.001612", "1.004221", "2.000488", "1.010023", "1.002835")
AGENCIES = ("H50.12", "H50.14", "H50.15", "H50.16", "H50.17", "H50.18", "H50.20", "H50.21")
STEPS = ("accepted", "in_progress", "finished", "handed_over", "supplement")


def _moment(number: int, days: float = 0.0) -> datetime:
    """When a dossier began, or so many days later; whole seconds."""
    return BEGUN + timedelta(minutes=number * 7 % 1_576_800, seconds=int(days * 86_400))


def _iso(number: int, days: float = 0.0) -> str:
    return _moment(number, days).isoformat()


def person(number: int) -> str:
    """A name nobody has."""
    return f"{FAMILY[number % 8]} Văn {GIVEN[number // 8 % 10]} {number % 997}"


def dossier(number: int, version: int = 1) -> dict[str, Any]:
    """One dossier in the hub's own words."""
    status = STEPS[(number + version) % 5]
    later = 3.0 + version
    told: dict[str, Any] = {
        "code": f"DH-{number:09d}",
        "version": version,
        "updated_at": _iso(number, later),
        "national_code": f"{AGENCIES[number % 8]}-{_moment(number):%y%m%d}-{number:09d}",
        "receipt_number": f"DH/{number:09d}",
        "pin": f"{number % 10**8:08d}",
        "procedure": {
            "code": PROCEDURES[number % 5],
            "name": "Cấp giấy chứng nhận đăng ký hộ kinh doanh cá thể trên địa bàn",
            "domain": "Thành lập và hoạt động của hộ kinh doanh",
        },
        "agency": AGENCIES[number % 8],
        "received_at_agency": AGENCIES[number % 8],
        "applicant": {
            "kind": "person",
            "name": person(number),
            "id_number": f"045{number:09d}",
            "phone": f"09{number % 10**8:08d}",
            "email": f"nguoi.dan.{number}@example.org",
            "address": f"{number % 300} đường Lê Thử, khu phố {number % 9}, Đông Hà, Quảng Trị",
        },
        "channel": ("online", "direct", "post")[number % 3],
        "service_level": 3 + number % 2,
        "submitted_at": _iso(number, -0.1),
        "accepted_at": _iso(number),
        "due_at": _iso(number, 11.0),
        "status": status,
        "raw_status": f"TT_{(number + version) % 5:02d}",
        "step": "Thẩm định hồ sơ và trình lãnh đạo phòng ký duyệt kết quả giải quyết",
        "history": [
            {
                "status": ("accepted", "in_progress", "in_progress")[step],
                "at": _iso(number, step + 0.25),
                "officer": f"CB {(number + step) % 300:03d}",
                "unit": "Bộ phận tiếp nhận và trả kết quả",
                "note": "Chuyển hồ sơ sang phòng chuyên môn",
            }
            for step in range(3)
        ],
    }
    if status in ("finished", "handed_over"):
        told["finished_at"] = _iso(number, later)
    if status == "handed_over":
        told["handed_over_at"] = _iso(number, later)
    return told


def json_batch(start: int, size: int, version: int = 1) -> bytes:
    """Dossiers as a JSON list; one alone as an object."""
    if size == 1:
        return msgspec.json.encode(dossier(start, version))
    return msgspec.json.encode([dossier(n, version) for n in range(start, start + size)])


def soap_batch(start: int, size: int, version: int = 1) -> bytes:
    """Dossiers in one PushDossiers call."""
    told = "".join(_element("dossier", dossier(n, version)) for n in range(start, start + size))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"'
        ' xmlns:d="urn:lienthong:dossier:v1"><soap:Body><d:PushDossiers>'
        f"{told}</d:PushDossiers></soap:Body></soap:Envelope>"
    ).encode()


def _element(name: str, value: Any) -> str:
    if isinstance(value, dict):
        inside = "".join(_element(key, item) for key, item in value.items())
        return f"<{name}>{inside}</{name}>"
    if isinstance(value, list):
        return "".join(_element(name, item) for item in value)
    return f"<{name}>{escape(str(value))}</{name}>"
