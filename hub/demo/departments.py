"""What the other departments hold this year, each in its own words, bad rows included."""

import random
from datetime import date, datetime, timedelta
from typing import Any

from stdnum.vn import mst

from hub.demo.days import WorkingDays, at, in_office
from hub.demo.desk import open_case
from hub.demo.people import company, person
from hub.demo.stories import code_of, licence_row

Row = dict[str, Any]
_ISO, _DMY = "%Y-%m-%dT%H:%M:%S", "%d/%m/%Y"
_REGISTRY_STATES = (
    ("TIEP_NHAN", "Đã tiếp nhận"),
    ("THAM_DINH", "Đang thẩm định"),
    ("DA_CAP", "Đã cấp đăng ký"),
    ("DA_TRA", "Đã trả kết quả"),
)
_PROCEDURES = {
    "9.000101": "Đăng ký thành lập công ty TNHH một thành viên",
    "9.000103": "Đăng ký thay đổi nội dung đăng ký doanh nghiệp",
}
# Plain letters only: one of the files is in TCVN3.
_OWNERS = ("Nguyễn Văn Thử", "Trần Thị Mẫu", "Lê Đức Giả", "Hồ Thị Bịa", "Phạm Minh Ví Dụ")
_FORMS = (("csv", "utf-8"), ("csv", "tcvn3"), ("xml", "utf-8"))


def _calendar(today: date) -> tuple[WorkingDays, int]:
    """Working days around today, and the number of the last one before it."""
    days = WorkingDays(today - timedelta(days=150), today + timedelta(days=60))
    return days, days.upto(today - timedelta(days=1))


def licences(seed: int, today: date) -> list[Row]:
    """Licence dossiers that the Department of Transport took in itself, and two bad rows."""
    dice = random.Random(f"{seed}:licences")
    days, now = _calendar(today)
    rows = []
    for number in range(1501, 1515):
        service = dice.choice(("GTVT.GPLX.CAP", "GTVT.GPLX.DOI"))
        begun = now - dice.randint(1, 12)
        case = open_case(number, "SGTVT", service, begun, "processing", days, dice)
        state = dice.choice(("01", "03", "03", "11"))
        rows.append(licence_row(case, case.who, code_of(case), state))
    rows.append(rows[0] | {"MaDK1": "45001-SAI-0001", "TRANGTHAIXULY1": "08"})
    rows.append(rows[0] | {"MaDK1": "45001-SAI-0002", "NGAYHENTRA1": "31/02/2026"})
    return [*rows, rows[1]]


def registrations(seed: int, today: date) -> dict[str, list[Row]]:
    """Enterprise registrations with their earlier versions, and two bad rows."""
    dice = random.Random(f"{seed}:registry")
    days, now = _calendar(today)
    rows: list[Row] = []
    for number in range(1, 31):
        begun = now - dice.randint(0, 14)
        accepted = in_office(dice, days[begun], 8, 11)
        moments = [accepted + timedelta(hours=n) for n in (0, 2)]
        moments += [in_office(dice, days[begun + n], 14, 16) for n in (2, 3)]
        reached = [n for n, moment in enumerate(moments) if moment.date() <= days[now]]
        due = at(days[begun + 3], 17)
        made = _registration(number, accepted, due, dice)
        rows += [_as_of(made, moments[: n + 1]) for n in reached]
    wrong = rows[0]
    rows.append(wrong | {"MaHoSo": "DKKD-SAI-1", "TrangThai": {"Ma": "CHO_Y_KIEN", "Ten": "?"}})
    rows.append(wrong | {"MaHoSo": "DKKD-SAI-2", "NgayHenTra": "2026-02-31T17:00:00"})
    return {"HoSo": [*rows, rows[3]], "DoanhNghiep": []}


def _registration(number: int, accepted: datetime, due: datetime, dice: random.Random) -> Row:
    code = dice.choice(tuple(_PROCEDURES))
    who = person(dice, 700_000 + number, "Đông Hà", digits=12)
    bare = f"99{10_000 + number:07d}"
    one = {"HoTen": who.name, "SoDinhDanh": who.id_number, "DienThoai": who.phone, "Email": None}
    return {
        "MaHoSo": f"DKKD-{accepted.year}-{number:04d}",
        "SoBienNhan": f"KH/{accepted.year}/{number:04d}",
        "MaHoSoMotCua": None,
        "ThuTuc": {"Ma": code, "Ten": _PROCEDURES[code]},
        "DoanhNghiep": {"MSDN": bare + mst.calc_check_digit(bare), "Ten": company(dice, number)},
        "NguoiNop": one if number % 2 else [one],
        "NgayNop": accepted.strftime(_ISO),
        "NgayTiepNhan": accepted.strftime(_ISO),
        "NgayHenTra": due.strftime(_ISO),
        "Kenh": "2" if number % 4 == 0 else "1",
        "LePhi": {"Ten": "Lệ phí đăng ký", "SoTien": "100000", "NgayNop": accepted.strftime(_ISO)},
    }


def _as_of(made: Row, moments: list[datetime]) -> Row:
    """The dossier after the last of these moments; one step comes without its list."""
    steps = [
        {
            "TrangThai": {"Ma": state, "Ten": text},
            "ThoiDiem": moment.strftime(_ISO),
            "CanBo": "Lê Quang Thử",
            "PhongBan": "Phòng Đăng ký kinh doanh",
            "NoiDung": None,
        }
        for moment, (state, text) in zip(moments, _REGISTRY_STATES, strict=False)
    ]
    told = [moment.strftime(_ISO) for moment in moments] + [None] * 4
    return made | {
        "NgayCapNhat": moments[-1].strftime(_ISO),
        "NgayHoanThanh": told[2],
        "NgayTraKetQua": told[3],
        "LanCapNhat": len(moments),
        "TrangThai": steps[-1]["TrangThai"],
        "LichSu": steps if len(steps) > 1 else steps[0],
    }


def plates(seed: int, today: date) -> dict[str, list[Row]]:
    """Six handovers of the traffic police in three forms; every dossier again as it moves on."""
    dice = random.Random(f"{seed}:plates")
    days, now = _calendar(today)
    handovers: list[Row] = []
    known: list[Row] = []
    for number in range(6):
        day = days[now - 5 + number]
        fresh = [_plate(len(known) + n, day, days[now + number + 2], dice) for n in range(7)]
        moved = [_moved(row, day, dice) for row in known if row["TINH_TRANG"] == "Đang giải quyết"]
        rows = [*fresh, *moved, *moved[:1]]
        if number in (1, 4):
            rows.append(fresh[0] | {"SO_HO_SO": f"SAI-{number}", "TINH_TRANG": "Đang in biển"})
        form, encoding = _FORMS[number % 3]
        handovers.append({"ngay": day.isoformat(), "dang": form, "bang_ma": encoding, "rows": rows})
        again = {row["SO_HO_SO"]: row for row in moved}
        known = [again.get(row["SO_HO_SO"], row) for row in known] + fresh
    return {"days": handovers}


def _plate(number: int, day: date, due: date, dice: random.Random) -> Row:
    received = in_office(dice, day, 7, 16)
    return {
        "SO_HO_SO": f"74-DKX-{day.year}-{number + 1:05d}",
        "MA_THU_TUC": f"DKX{number % 3 + 1:02d}",
        "TEN_CHU_XE": dice.choice(_OWNERS),
        "SO_DINH_DANH": f"{800_000 + number:012d}",
        "DIA_CHI": "Phường 1, Đông Hà",
        "LOAI_XE": "Mô tô" if number % 2 else "Ô tô con",
        "NGAY_NOP": received.strftime(f"{_DMY} %H:%M"),
        "NGAY_HEN": due.strftime(_DMY),
        "TINH_TRANG": "Đang giải quyết",
    }


def _moved(row: Row, day: date, dice: random.Random) -> Row:
    """The dossier a day on: the same, ended, or sent back."""
    done = in_office(dice, day, 15, 16).strftime(f"{_DMY} %H:%M")
    plate = {"BIEN_SO": f"74ZZ-{row['SO_HO_SO'][-3:]}.00"}
    return row | dice.choice(
        (
            {},
            plate | {"TINH_TRANG": "Đã có kết quả", "NGAY_XONG": done},
            plate | {"TINH_TRANG": "Đã trả kết quả", "NGAY_XONG": done, "NGAY_TRA": done},
            {"TINH_TRANG": "Trả lại hồ sơ", "NGAY_DUNG": done},
        )
    )
