"""The dossiers of the sample departments: 25 invented ones, the same each time."""

from datetime import datetime, timedelta
from typing import Any

RENAMED = "ngayHenTra:ngayHenTraKetQua"  # what the mood `drift` does unless told otherwise
MOMENT = "%d/%m/%Y %H:%M:%S"
DAY = "%d/%m/%Y"
# Every third one is of the second.
PROCEDURES = (
    ("1.001612", "Đăng ký thành lập hộ kinh doanh"),
    ("2.000889", "Cấp giấy phép xây dựng nhà ở riêng lẻ"),
)
STATES = ("MOI_TIEP_NHAN", "DANG_XU_LY", "CHO_BO_SUNG", "DA_XONG", "DA_TRA", "TU_CHOI")


def invented() -> list[dict[str, Any]]:
    """The rows, oldest update first."""
    first = datetime(2026, 3, 2, 8)  # noqa: DTZ001 - the contract's times have no zone
    found = []
    for n in range(1, 26):
        taken_in = first + timedelta(days=n)
        procedure, title = PROCEDURES[n % 3 == 0]
        is_done = STATES[n % len(STATES)] in ("DA_XONG", "DA_TRA")
        found.append(
            {
                "maHoSo": f"SM-2026-{n:04d}",
                "soBienNhan": f"SM/2026/{n:04d}",
                "maThuTuc": procedure,
                "tenThuTuc": title,
                "coQuan": "SO_MAU",
                "trangThai": STATES[n % len(STATES)],
                "chuHoSo": {
                    "hoTen": f"Nguyễn Thị Mẫu {n}",
                    "soDinhDanh": f"0450900{n:05d}",
                    "dienThoai": f"0912 000 {n:03d}",
                },
                "ngayTiepNhan": taken_in.strftime(MOMENT),
                "ngayHenTra": (taken_in + timedelta(days=7)).strftime(DAY),
                "ngayHoanThanh": (
                    (taken_in + timedelta(days=5)).strftime(DAY) if is_done else None
                ),
                "lePhi": f"{n * 10}.000",
                "lanSua": 1 + n % 3,
                "capNhatLuc": (taken_in + timedelta(days=6, hours=2)).strftime(MOMENT),
            }
        )
    return found


def between(
    rows: list[dict[str, Any]], since: str | None, until: str | None
) -> list[dict[str, Any]]:
    """The rows updated in [since, until), oldest first.

    Raises:
        ValueError: a moment in another form than the contract's.
    """

    def at(text: str) -> datetime:
        return datetime.strptime(text, MOMENT)  # noqa: DTZ007 - as above

    found = sorted(rows, key=lambda row: at(row["capNhatLuc"]))
    found = [row for row in found if not since or at(row["capNhatLuc"]) >= at(since)]
    return [row for row in found if not until or at(row["capNhatLuc"]) < at(until)]


def spoilt(mood: str, place: int, row: dict[str, Any]) -> dict[str, Any]:
    """Every fifth row with its dates as careless departments send them."""
    if place % 5 != 4:
        return row
    if mood == "mixed_dates":
        return {**row, "ngayTiepNhan": "20260302080000"}
    if mood == "sentinel_dates":
        return {**row, "ngayHenTra": "31/12/9999" if place % 2 else "00/00/0000"}
    return row
