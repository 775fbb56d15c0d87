"""Rows of the exchange as the simulator writes them: field order, kinds, and a built-in set.

Written from contract/exchdocument.wsdl alone.
"""

from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

# Field order and kinds as the contract has them: "n" is a number and always sent.
FIELDS: dict[str, tuple[str, dict[str, str]]] = {
    "pushDocument": (
        "ossDocumentSoapList",
        dict.fromkeys(("gioiTinh",), "n")
        | dict.fromkeys(
            (
                "hoTenNguoiNop",
                "maDonViTiepNhan",
                "maLoaiHoSo",
                "maNguoiTiepNhan",
                "maSoHoSo",
                "maTinhThuongTru",
                "moTaDiaChiThuongTru",
                "ngayHenTra",
                "ngayNopHoSo",
                "ngaySinh",
                "soCmnd",
                "tenNguoiTiepNhan",
            ),
            "t",
        ),
    ),
    "updateStatus": (
        "documentStatusSoapList",
        {
            "maNguoiXuLyHienTai": "t",
            "maNguoiXuLyKeTiep": "t",
            "maSoHoSo": "t",
            "ngayGioLuanChuyen": "t",
            "ngayHenTra": "t",
            "noiDungYeuCauXuLy": "t",
            "onlineId": "n",
            "soGioThucHien": "n",
            "soGioYeuCauXuLy": "n",
            "tenNguoiXuLyHienTai": "t",
            "tenNguoiXuLyKeTiep": "t",
            "tenPhongBanXuLyHienTai": "t",
            "tenPhongBanXuLyKeTiep": "t",
            "trangThaiHienTai": "n",
            "trangThaiKeTiep": "n",
        },
    ),
    "updateResult": (
        "documentResultSoapList",
        {
            "lePhiHoSo": "n",
            "maCanBoTraKetQua": "t",
            "maSoHoSo": "t",
            "ngayHoanThanh": "t",
            "ngayNhanKetQua": "t",
            "phiXuLyHoSo": "n",
            "tenCanBoTraKetQua": "t",
            "tenNguoiNhanKetQua": "t",
        },
    ),
}
ONLINE = {
    "chuSoHuuHoSo": "t",
    "diaChiNguoiNop": "t",
    "email": "t",
    "gioiTinh": "n",
    "hoTenNguoiNop": "t",
    "maDonViTiepNhan": "t",
    "maLoaiHoSo": "t",
    "ngayDangKyHoSo": "t",
    "ngaySinh": "t",
    "onlineId": "n",
    "soCmnd": "t",
    "soDtCoDinh": "t",
    "soDtDiDong": "t",
}
ATTACHMENT = {"tenFile": "t", "tenTaiLieuDinhKem": "t", "urlTaiLieuDinhKem": "t"}


def fields_xml(row: Mapping[str, Any], fields: Mapping[str, str]) -> str:
    """A row's fields in the contract's order.

    Raises:
        ValueError: a field that the contract does not have.
    """
    if not row.keys() <= fields.keys():
        raise ValueError(f"not in the contract: {sorted(row.keys() - fields.keys())}")
    parts = []
    for name, kind in fields.items():
        value = row.get(name)
        if value is None:
            if kind == "n":
                parts.append(f"<{name}>0</{name}>")
            continue
        parts.append(f"<{name}>{escape(str(value))}</{name}>")
    return "".join(parts)


def online_xml(row: dict[str, Any]) -> str:
    """One online registration.

    Raises:
        ValueError: as `fields_xml`.
    """
    papers = "".join(
        f"<attachmentList>{fields_xml(paper, ATTACHMENT)}</attachmentList>"
        for paper in row.get("attachmentList", ())
    )
    plain = {name: value for name, value in row.items() if name != "attachmentList"}
    fields = fields_xml(plain, ONLINE)
    return f"<onlineDocumentSoapList>{papers}{fields}</onlineDocumentSoapList>"


def built_in() -> list[dict[str, Any]]:
    """25 registrations of invented people at Đông Hà."""
    family = ("Nguyễn", "Trần", "Lê", "Phạm", "Hoàng")
    middle = ("Văn", "Thị", "Đức", "Minh", "Ngọc")
    given = ("An", "Bình", "Cúc", "Dũng", "Hạnh", "Khoa", "Lan", "Mai", "Nam", "Phúc")
    kinds = ("KD01", "KD02", "XD01", "LD01", "HT01", "TN01", "TM01")
    return [
        {
            "onlineId": 7001 + n,
            "maLoaiHoSo": kinds[n % len(kinds)],
            "maDonViTiepNhan": "DH",
            "hoTenNguoiNop": f"{family[n % 5]} {middle[n % 4]} {given[n % 10]}",
            "chuSoHuuHoSo": f"{family[n % 5]} {middle[n % 4]} {given[n % 10]}",
            "ngaySinh": f"{1 + n:02d}/0{1 + n % 9}/19{60 + n}",
            "gioiTinh": n % 3,
            "soCmnd": f"1970{n:05d}",
            "diaChiNguoiNop": f"Khu phố {1 + n % 5}, Phường {1 + n % 9}, Đông Hà",
            "email": f"nguoi.nop.{n}@example.vn",
            "soDtDiDong": f"09120000{n:02d}",
            "ngayDangKyHoSo": f"{1 + n:02d}/03/2016",
            "attachmentList": [
                {
                    "tenFile": f"to-khai-{n}.pdf",
                    "tenTaiLieuDinhKem": "Tờ khai & giấy tờ kèm theo",
                    "urlTaiLieuDinhKem": f"http://mot-cua.example.vn/tai-lieu/{7001 + n}/1",
                }
            ][: n % 2],
        }
        for n in range(25)
    ]
