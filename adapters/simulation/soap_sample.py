"""A small department that speaks SOAP, to learn and to try a declaration with.

Its contract is soap_sample.wsdl beside this file, also served at `/ho-so?wsdl`. `layDanhSach` gives
what was not yet confirmed, oldest first, and in `conTiep` how many more wait; `xacNhan` confirms
(a two-step pull). SOAP 1.1 and 1.2 on one address. `maLoi`: 0 all is well · 1 wrong account or
password · 2 nothing there · 9 the department's own failure.

Options: taiKhoan, matKhau. Own moods: `error` (maLoi 9), `drift` (a field under a new
name; options rename, rename_procedure). `--data FILE`: a JSON list of dossiers in the words of the
contract's HoSo.
"""

import json
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from lxml import etree
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.simulation import sample_rows
from adapters.simulation.harness import Simulation
from adapters.simulation.renaming import Renaming

CONTRACT = Path(__file__).with_suffix(".wsdl")
ACCOUNT = "truc-lien-thong"
PASSWORD = "mo-phong-khong-phai-that"  # noqa: S105 - invented, opens only this simulator
_SPACE = "urn:so-mau:ho-so"
_SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
_MOST = 50


class _Department:
    """The department's dossiers, and which of them were confirmed."""

    def __init__(self, rows: list[dict[str, Any]], options: dict[str, str]) -> None:
        self._rows = rows
        self._confirmed: set[str] = set()
        self._account = options.get("taiKhoan", ACCOUNT)
        self._password = options.get("matKhau", PASSWORD)
        self._renaming = Renaming(options, "maThuTuc", sample_rows.RENAMED)
        self.simulation = Simulation(
            [Route("/ho-so", self.answer, methods=["GET", "POST"])],
            endpoint="/ho-so",
            options={"taiKhoan": self._account},
            secrets={"mat_khau": self._password},
            more_moods=("error", "drift"),
            on_data=self._replace,
        )

    async def answer(self, request: Request) -> Response:
        if request.method == "GET":
            address = str(request.url.replace(query="")).encode()
            told = CONTRACT.read_bytes().replace(b"http://127.0.0.1:9/ho-so", address)
            return Response(told, media_type="text/xml")
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        try:
            root = etree.fromstring(await request.body(), parser)
        except etree.XMLSyntaxError:
            return Response("", 400)
        is_12 = root.tag.startswith(f"{{{_SOAP_12}}}")
        message = root[-1][0]
        name = etree.QName(message).localname
        asked = [(etree.QName(e).localname, (e.text or "").strip()) for e in message]
        known = dict(asked)
        shown = (known.get("taiKhoan"), known.get("matKhau"))
        if shown != (self._account, self._password) or self.simulation.mood == "refusing":
            return _soap(name, _result(1, "Sai tài khoản hoặc mật khẩu"), is_12=is_12)
        if self.simulation.mood == "error":
            return _soap(name, _result(9, "Lỗi hệ thống"), is_12=is_12)
        if name == "xacNhan":
            self._confirmed |= {value for key, value in asked if key == "maHoSo"}
            return _soap(name, _result(0), is_12=is_12)
        return _soap(name, self._listed(known), is_12=is_12)

    def _listed(self, known: dict[str, str]) -> str:
        rows = sample_rows.between(self._rows, None, None)
        mood = self.simulation.mood
        rows = [sample_rows.spoilt(mood, n, row) for n, row in enumerate(rows)]
        rows = [self._renaming.of(row) for row in rows] if mood == "drift" else rows
        rows = [row for row in rows if row["maHoSo"] not in self._confirmed]
        rows = self.simulation.arranged(rows)
        size = max(1, min(int(known.get("soDong") or _MOST), _MOST))
        page = rows[:size]
        if not page:
            return _result(2, "Không có hồ sơ")
        listed = "".join(f"<hoSo>{_fields(row)}</hoSo>" for row in page)
        # Counted by dossier: one that stands twice is confirmed by one word.
        codes = {row["maHoSo"] for row in rows} - {row["maHoSo"] for row in page}
        return f"{_result(0)}<conTiep>{len(codes)}</conTiep><danhSach>{listed}</danhSach>"

    def _replace(self, rows: Any) -> None:
        self._rows[:] = rows
        self._confirmed.clear()


def _fields(row: dict[str, Any]) -> str:
    found = []
    for name, value in row.items():
        if isinstance(value, dict):
            found.append(f"<{name}>{_fields(value)}</{name}>")
        elif value is not None:
            found.append(f"<{name}>{escape(str(value))}</{name}>")
    return "".join(found)


def _result(code: int, text: str = "") -> str:
    return f"<ketQua><maLoi>{code}</maLoi><thongBao>{escape(text)}</thongBao></ketQua>"


def _soap(operation: str, inner: str, *, is_12: bool) -> Response:
    space = _SOAP_12 if is_12 else "http://schemas.xmlsoap.org/soap/envelope/"
    told = (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<soap:Envelope xmlns:soap="{space}"><soap:Body>'
        f'<{operation}Response xmlns="{_SPACE}">{inner}</{operation}Response>'
        "</soap:Body></soap:Envelope>"
    )
    return Response(told, media_type="application/soap+xml" if is_12 else "text/xml")


def build(data: Path | None = None, options: dict[str, str] | None = None) -> Simulation:
    """The simulation; the options are listed above."""
    rows = sample_rows.invented() if data is None else json.loads(data.read_text("utf-8"))
    return _Department(rows, options or {}).simulation
