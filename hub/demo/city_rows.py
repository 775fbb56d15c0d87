"""A city's dossiers in the words of its app: rows of the exchange, spoilt ones included."""

import random
from datetime import datetime
from typing import Any

from hub.demo.cases import REJECTED, STOPPED, Case
from hub.demo.people import Person

Row = dict[str, Any]
_MOMENT, _DAY = "%d/%m/%Y %H:%M:%S", "%d/%m/%Y"
_ROOMS = {15: "Phòng chuyên môn", 3: "Bộ phận TN&TKQ", 4: "Lãnh đạo UBND"}
_OFFICERS = ("Lê Thị Quầy", "Trần Văn Phòng", "Phan Thị Duyệt")


def _text(moment: datetime) -> str:
    return moment.strftime(_MOMENT)


def pushed(case: Case, unit: str) -> Row:
    """The dossier as the counter took it in (pushDocument)."""
    who = case.who
    return {
        "maSoHoSo": case.code,
        "maLoaiHoSo": case.service,
        "maDonViTiepNhan": unit,
        "hoTenNguoiNop": who.name,
        "soCmnd": who.id_number,
        "ngaySinh": who.born,
        "gioiTinh": who.sex,
        "moTaDiaChiThuongTru": who.address,
        "maTinhThuongTru": "45",
        "maNguoiTiepNhan": "MC01",
        "tenNguoiTiepNhan": _OFFICERS[0],
        "ngayNopHoSo": _text(case.accepted),
        "ngayHenTra": _text(case.due),
    }


def stepped(case: Case, dice: random.Random) -> list[Row]:
    """Its steps (updateStatus), in order of time; those of an online one name the registration."""
    rows: list[Row] = []
    before = 1
    for moment, state in case.steps:
        row: Row = {
            "maSoHoSo": case.code,
            "trangThaiHienTai": before,
            "trangThaiKeTiep": state,
            "ngayGioLuanChuyen": _text(moment),
            "tenNguoiXuLyHienTai": dice.choice(_OFFICERS),
            "tenPhongBanXuLyKeTiep": _ROOMS.get(state, "Bộ phận TN&TKQ"),
        }
        if case.online_id is not None:
            row["onlineId"] = case.online_id
        if state in (STOPPED, REJECTED):
            row["noiDungYeuCauXuLy"] = "Hồ sơ không hợp lệ"
        rows.append(row)
        before = state
    return rows


def ended(case: Case, dice: random.Random) -> Row | None:
    """End of work and hand-over (updateResult); None where it was returned or nothing came."""
    if case.finished is None and case.handed is None:
        return None
    row: Row = {"maSoHoSo": case.code, "maCanBoTraKetQua": "MC01"}
    if case.finished is not None:
        row["ngayHoanThanh"] = _text(case.finished)
    if case.handed is not None:
        row["ngayNhanKetQua"] = _text(case.handed)
        row["tenNguoiNhanKetQua"] = case.who.name
    if dice.random() < 0.08:
        row["lePhiHoSo"] = dice.choice((20_000, 30_000, 50_000, 100_000))
    return row


def registered(case: Case, unit: str, dice: random.Random) -> Row:
    """The online registration the dossier began as (pullDocument)."""
    row = registration(case.online_id, case.service, unit, case.who, case.accepted.strftime(_DAY))
    if dice.random() < 0.2:
        row["attachmentList"] = [
            {
                "tenFile": "to-khai.pdf",
                "tenTaiLieuDinhKem": "Tờ khai",
                "urlTaiLieuDinhKem": f"http://mot-cua.example.vn/tai-lieu/{case.online_id}",
            }
        ]
    return row


def registration(number: int | None, service: str, unit: str, who: Person, day: str) -> Row:
    """What every online registration says."""
    return {
        "onlineId": number,
        "maLoaiHoSo": service,
        "maDonViTiepNhan": unit,
        "hoTenNguoiNop": who.name,
        "chuSoHuuHoSo": who.name,
        "soCmnd": who.id_number,
        "ngaySinh": who.born,
        "gioiTinh": who.sex,
        "diaChiNguoiNop": who.address,
        "soDtDiDong": who.phone,
        "ngayDangKyHoSo": day,
    }


def spoilt(row: Row, dice: random.Random) -> Row:
    """The counter's row as it must not be taken: a date there is not, or a code nobody knows."""
    if dice.random() < 0.5:
        return row | {"ngayHenTra": f"31/02/{row['ngayHenTra'][6:]}"}
    return row | {"maLoaiHoSo": "ZZ99"}
