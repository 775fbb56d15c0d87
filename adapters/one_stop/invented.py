"""The simulator's built-in dossiers: 26 invented ones, always the same. Nobody in them exists."""

import json
import unicodedata
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

_CODES = json.loads((Path(__file__).parent / "contract" / "codes.json").read_text("utf-8"))
_HCM = timezone(timedelta(hours=7))


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _at(text: str) -> int:
    return _ms(datetime.fromisoformat(text).replace(tzinfo=_HCM))


_LABELS = {
    "receiving": "Chờ xử lý",
    "new": "Mới tiếp nhận",
    "processing": "Đang xử lý",
    "interoperating": "Chờ liên thông",
    "waiting": "Yêu cầu bổ sung giấy tờ",
    "paying": "Chờ nghĩa vụ tài chính",
    "denied": "Từ chối xử lý",
    "cancelled": "Đã rút",
    "unresolved": "Trả lại",
    "releasing": "Đã xử lý xong",
    "done": "Đã trả kết quả",
    "300": "Bước 300",
}
# Received, agency, service, owner, state words in turn (the last one is the present state).
_DOSSIERS = [
    ("2016-01-05T08:10", "SGTVT", "GTVT.GPLX.DOI", "Lê Văn Tám", "new processing releasing done"),
    ("2016-01-11T09:00", "SGTVT", "GTVT.GPLX.CAP", "Hồ Thị Mười", "new processing releasing done"),
    ("2016-02-02T14:20", "STP", "STP.LLTP.CAP", "Trần Thị Bưởi", "new processing releasing done"),
    (
        "2016-02-15T07:45",
        "SNV",
        "SNV.HOI.TL",
        "Hội Những Người Bịa Ra",
        "new processing unresolved",
    ),
    ("2016-03-01T10:05", "SYT", "SYT.CCHN.CAP", "Nguyễn Thử Nghiệm", "new waiting processing done"),
    ("2016-03-07T08:30", "HHL", "HUYEN.HKD.DK", "Phan Văn Ví Dụ", "new processing releasing done"),
    ("2016-03-21T15:15", "HTP", "HUYEN.DAT.BD", "Đỗ Thị Giả Định", "new processing paying"),
    ("2016-04-04T09:40", "HGL", "HUYEN.XD.GP", "Võ Minh Hoạ", "new processing cancelled"),
    ("2016-04-18T16:55", "HCL", "HUYEN.HT.KS", "Bùi Thí Dụ", "receiving denied"),
    ("2016-05-09T08:00", "TXQT", "HUYEN.BTXH.TC", "Mai Thị Mẫu", "new processing releasing"),
    ("2016-06-13T13:30", "HHH", "HUYEN.HT.KH", "Hồ Văn Kịch Bản", "new processing done"),
    ("2016-06-27T10:10", "HDK", "HUYEN.DAT.CN", "Kray Y Thử", "new processing processing done"),
    ("2026-08-03T08:15", "SGTVT", "GTVT.GPLX.DOI", "Cao Thị Bản Nháp", "new interoperating"),
    (
        "2026-08-17T09:25",
        "SXD",
        "SXD.CCHN.CAP",
        "Dương Văn Phác Thảo",
        "new processing releasing done",
    ),
    (
        "2026-09-07T14:05",
        "STNMT",
        "STNMT.KS.GP",
        "Công ty Tưởng Tượng",
        "new processing processing",
    ),
    ("2026-09-21T10:45", "SKHDT", "SKHDT.DA.CT", "Công ty Không Có Thật", "new waiting"),
    ("2026-10-05T08:50", "SGDDT", "SGDDT.CC.BS", "Lý Thị Trang Giấy", "receiving"),
    ("2026-10-12T15:35", "SLDTBXH", "SLDTBXH.GPLD.NN", "Công ty Mô Phỏng", "new processing"),
    ("2026-10-19T07:55", "SVHTTDL", "SVHTTDL.QC.GP", "Trương Văn Nét Chữ", "new processing"),
    ("2026-10-26T11:20", "SCT", "SCT.KDXD.CN", "Cửa hàng Bịa Đặt", "new processing"),
    ("2026-11-02T09:05", "SNN", "SNN.TB.BVTV", "Lương Thị Hư Cấu", "new processing"),
    ("2026-11-03T10:00", "SKHCN", "SKHCN.BX.GP", "Phòng khám Giả Tưởng", "new processing"),
    ("2026-11-04T14:40", "STC", "STC.GIA.KK", "Đinh Văn Nháp", "new processing"),
    ("2026-11-05T08:20", "BDT", "BDT.NUT.CN", "Đặng Thị Phỏng", "new"),
    ("2026-11-06T15:00", "BQLKKT", "BQLKKT.DT.CN", "Tạ Văn Dựng", "new 300"),
    ("2026-11-09T09:30", "HHL", "HUYEN.DAT.BD", "Vũ Thị Hình Dung", "new processing paying"),
]
# What makes single dossiers worth having, by their number from 1.
_ODD: dict[int, dict[str, Any]] = {
    1: {"serverNo": "SGTVT-GPLX", "originDossierNo": "450160105081000"},
    5: {"dossierSubStatus": "", "dossierStatusText": "Đã trả kết quả"},
    7: {"dossierSubStatus": "paying_1", "dossierSubStatusText": "Chờ thông báo thuế"},
    9: {"dossierNo": None, "password": None, "receiveDate": None, "dueDate": None},
    10: {"dossierNo": "0123/2016/TXQT"},
    12: {"applicantName": unicodedata.normalize("NFD", "Hồ Thị Khe Sanh")},
    14: {"viaPostal": 2, "online": False},
    15: {"extendDate": _at("2026-10-05T17:00"), "extendActionDate": _at("2026-09-11T10:00")},
    16: {
        "delegateType": "citizen",
        "delegateName": "Ngô Thị Thay Mặt",
        "delegateTelNo": "0900000016",
    },
    17: {"dossierNo": None, "password": None, "receiveDate": None, "dueDate": None},
    19: {"dossierSubStatus": "processing_3", "dossierSubStatusText": "Thẩm định"},
    20: {"dossierSubStatus": "processing_42", "dossierSubStatusText": "Chờ ý kiến"},  # no such one
    23: {"applicantName": "\u00d0inh Văn Nháp"},  # Đ as an Icelandic letter
    24: {"dossierActions": None},
}
_BUSINESS = ("Công ty", "Cửa hàng", "Phòng khám")


def rows() -> list[dict[str, Any]]:
    """The dossiers in the app's words, oldest first."""
    return [_row(number, *told) for number, told in enumerate(_DOSSIERS, 1)]


def _row(
    number: int, received: str, agency: str, service: str, owner: str, states: str
) -> dict[str, Any]:
    accepted = datetime.fromisoformat(received).replace(tzinfo=_HCM)
    actions = [
        {
            "actionCode": f"{100 + step}",
            "statusCode": state,
            "createDate": _ms(accepted + timedelta(days=2 * step, minutes=7 * number * step)),
            "actionUser": ("Lê Thị Quầy", "Trần Văn Phòng", "Phan Thị Duyệt")[step % 3],
            "unit": ("Bộ phận TN&TKQ", "Phòng chuyên môn", "Lãnh đạo")[step % 3],
            "actionNote": None,
        }
        for step, state in enumerate(states.split())
    ]
    at = {action["statusCode"]: action["createDate"] for action in actions}
    state = str(actions[-1]["statusCode"])
    is_online = number % 3 == 0 or state in ("receiving", "denied")
    closed = at.get("releasing") or at.get("done") or at.get("unresolved") or at.get("cancelled")
    row = {
        "dossierId": 880_000 + number,
        "groupId": 35_166,
        "referenceUid": f"00000000-0000-4000-8000-{number:012d}",
        "dossierNo": f"{_CODES['agencies'][agency]['identifier']}-{accepted:%y%m%d}-{number:04d}",
        "password": f"{31_415_927 * number % 100_000_000:08d}",
        "serviceCode": service,
        "serviceName": _CODES["services"][service]["name"],
        "domainCode": service.rpartition(".")[0],
        "domainName": _CODES["services"][service]["domain"],
        "govAgencyCode": agency,
        "govAgencyName": _CODES["agencies"][agency]["name"],
        "serviceLevel": 3 if is_online else 2,
        "online": is_online,
        "viaPostal": 0,
        "originality": 1 if is_online else 3,
        "applicantName": owner,
        "applicantIdType": "business" if owner.startswith(_BUSINESS) else "citizen",
        "applicantIdNo": f"0450000{number:05d}",
        "contactTelNo": f"0900.000.{number:03d}",
        "contactEmail": "",
        "address": "Số 0, đường Không Tên, tỉnh Quảng Trị",
        "submitDate": _ms(accepted - timedelta(hours=20)) if is_online else None,
        "receiveDate": _ms(accepted),
        "dueDate": _ms((accepted + timedelta(days=7)).replace(hour=17, minute=0)),
        "extendDate": None,
        "extendActionDate": None,
        "releaseDate": closed,
        "finishDate": at.get("done"),
        "cancellingDate": at.get("cancelled") or at.get("denied"),
        "createDate": _ms(accepted - timedelta(hours=21)),
        "modifiedDate": actions[-1]["createDate"],
        "durationCount": 7.0,
        "durationUnit": 0,
        "dossierStatus": state,
        "dossierStatusText": _LABELS[state],
        "dossierSubStatus": "",
        "dossierSubStatusText": "",
        "originDossierNo": "",
        "serverNo": "",
        "dossierActions": actions,
    }
    return row | _ODD.get(number, {})
