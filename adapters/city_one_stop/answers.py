"""What the door answers: the contract's errCode and ERR_n for the hub's reasons, as data.

The app knows ERR_1 to ERR_22 as the outcome of its own later batch (domain/contracts.md 5.2); the
hub decides at once, so it says them in errMsg of the same call: contract/DOOR.md. ERR_13 (dossier
not found) is never said, because the hub keeps a step that comes before its dossier.
"""

from collections.abc import Mapping, Sequence

from canonical.ports import Fate
from canonical.reasons import Reason, sentence

# errCode (contract): absent is success.
NULL_INPUT, NO_RECORD, UNKNOWN_USER, SYSTEM, OTHER = "1", "2", "3", "9", "99"

# Refused whole, and still said in the contract's words instead of a fault.
WHOLE: Mapping[Reason, str] = {
    Reason.UNAUTHENTICATED: UNKNOWN_USER,
    Reason.AUTH_DENIED: UNKNOWN_USER,
    Reason.FORBIDDEN: UNKNOWN_USER,
    Reason.STORE_UNAVAILABLE: SYSTEM,
}
# Of one record: the hub's own fault; anything else is the record's (99).
_OURS = frozenset({Reason.MAPPING_ERROR, Reason.CRASH_POISON})

_GOOD = frozenset({"applied", "duplicate", "superseded", "pending"})
_NAMED_AT_MOST = 20

_SENTENCES: Mapping[str, str] = {
    "ERR_1": "Mã loại hồ sơ thiếu hoặc không có trong danh mục",
    "ERR_2": "Mã số hồ sơ thiếu hoặc không hợp lệ",
    "ERR_3": "Mã số hồ sơ đã dùng cho một hồ sơ khác",
    "ERR_4": "Đơn vị tiếp nhận thiếu, không có trong danh mục hoặc ngoài phạm vi của tài khoản",
    "ERR_5": "Ngày nộp thiếu, sai định dạng hoặc không có thật",
    "ERR_6": "Hẹn trả sai định dạng hoặc không có thật",
    "ERR_7": "Ngày sinh không đọc được",
    "ERR_8": "Giới tính phải là số",
    "ERR_9": "Người tiếp nhận không đọc được",
    "ERR_10": "Họ tên người nộp không đọc được hoặc quá dài",
    "ERR_11": "onlineId phải là số nguyên",
    "ERR_12": "Cần mã số hồ sơ hợp lệ hoặc onlineId",
    "ERR_14": "Hẹn trả sai định dạng hoặc không có thật",
    "ERR_15": "Thời điểm luân chuyển thiếu, sai định dạng hoặc không có thật",
    "ERR_16": "Người xử lý hiện tại không đọc được",
    "ERR_17": "Người xử lý kế tiếp không đọc được",
    "ERR_18": "Mã số hồ sơ thiếu hoặc không hợp lệ",
    "ERR_19": "Ngày nhận kết quả sai định dạng hoặc không có thật",
    "ERR_20": "Ngày hoàn thành thiếu, sai định dạng hoặc không có thật",
    "ERR_21": "Mã cán bộ trả kết quả không đọc được",
    "ERR_22": "Tên cán bộ trả kết quả không đọc được",
}

# Operation -> field at fault -> ERR_n. A field is named as on the wire where the mapping refused
# it, and in canonical words where the checked record did.
_BY_FIELD: Mapping[str, Mapping[str, str]] = {
    "pushDocument": {
        "maLoaiHoSo": "ERR_1",
        "procedure.code": "ERR_1",
        "maSoHoSo": "ERR_2",
        "code": "ERR_2",
        "maDonViTiepNhan": "ERR_4",
        "agency": "ERR_4",
        "received_at_agency": "ERR_4",
        "ngayNopHoSo": "ERR_5",
        "accepted_at": "ERR_5",
        "updated_at": "ERR_5",
        "ngayHenTra": "ERR_6",
        "due_at": "ERR_6",
        "ngaySinh": "ERR_7",
        "gioiTinh": "ERR_8",
        "maNguoiTiepNhan": "ERR_9",
        "hoTenNguoiNop": "ERR_10",
        "applicant.name": "ERR_10",
    },
    "updateStatus": {
        "onlineId": "ERR_11",
        "maSoHoSo": "ERR_12",
        "code": "ERR_12",
        "ngayHenTra": "ERR_14",
        "due_at": "ERR_14",
        "ngayGioLuanChuyen": "ERR_15",
        "updated_at": "ERR_15",
        "tenNguoiXuLyHienTai": "ERR_16",
        "tenNguoiXuLyKeTiep": "ERR_17",
    },
    "updateResult": {
        "maSoHoSo": "ERR_18",
        "code": "ERR_18",
        "ngayNhanKetQua": "ERR_19",
        "handed_over_at": "ERR_19",
        "ngayHoanThanh": "ERR_20",
        "finished_at": "ERR_20",
        "maCanBoTraKetQua": "ERR_21",
        "tenCanBoTraKetQua": "ERR_22",
    },
}
# Reasons that are about the dossier and not about a field of the row.
_BY_REASON: Mapping[Reason, str] = {
    Reason.CODE_REUSED: "ERR_3",
    Reason.AGENCY_FORBIDDEN: "ERR_4",
}


def to_records(operation: str, fates: Sequence[Fate]) -> tuple[str, str] | None:
    """The errCode and errMsg for what became of a call's records; None where all were taken.

    The code is the first refused record's; the text names each once, up to 20, by its code.
    """
    bad = [fate for fate in fates if fate.disposition not in _GOOD]
    if not bad:
        return None
    told = list(dict.fromkeys(_named(operation, fate) for fate in bad))
    more = len(told) - _NAMED_AT_MOST
    tail = f"; và {more} bản ghi khác" if more > 0 else ""
    code = SYSTEM if bad[0].reason in _OURS else OTHER
    return code, "; ".join(told[:_NAMED_AT_MOST]) + tail


def to_whole(reason: Reason) -> str:
    """The errMsg for a call that was refused whole."""
    return f"{reason.value}: {sentence(reason)}"


def _named(operation: str, fate: Fate) -> str:
    code = fate.code or f"bản ghi thứ {fate.position + 1}"
    key = fate.reason and _BY_REASON.get(fate.reason)
    key = key or _BY_FIELD.get(operation, {}).get(fate.field or "")
    book = "maSoHoSo/onlineId" if operation == "updateStatus" else "maSoHoSo"
    if key is not None:
        return f"{key}: {_SENTENCES[key]} ({book} {code})"
    # The contract has no word for it: the hub's own reason, with its field.
    reason = fate.reason or Reason.MAPPING_ERROR
    field = f", {fate.field}" if fate.field else ""
    return f"{reason.value}: {sentence(reason).rstrip('.')} ({book} {code}{field})"
