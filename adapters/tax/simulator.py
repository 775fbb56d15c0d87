"""Stands in for the tax system: login, session, notices as base64 XML inside JSON (contract/).

Data file (`--data`, or POST /__data): a JSON list of notices in the system's own words. A notice is
one element of `result` in contract/notices.md, but for its file: `ThongBao` is the list of its
duties, each an object with the names of a LIST, and the simulator makes `FileThongBaoThue` of it:

    {"MaThongBaoThue": "TB-1", "HeThong": "MOTCUA", "MaHoSo": "MC-1", "SoBienNhan": "…",
     "NgayCapNhat": "dd-MM-yyyy HH:mm:ss", "TrangThaiThanhToan": 0, "ThoiGianThanhToan": "",
     "ThongBao": [{"MA_SO_THUE": "…", "SO_QUYET_DINH": "…", "NGAY_QUYET_DINH": "dd-MM-yyyy",
                   "TEN_TIEUMUC": "…", "SO_TIEN": "1500000"}]}

A notice that has `FileThongBaoThue` already goes out as it is, to try broken files. Order is that
of the file. Without a file `simulator.json` is served, all people and numbers in it invented.

Options: `username`, `password`: what the login must name; `session_calls`: a session is forgotten
after so many calls; `text_codes`: "1" sends error_code as text.
"""

import base64
import json
import secrets
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from adapters.simulation import Simulation

_FORM = "%d-%m-%Y %H:%M:%S"
_OTHER_FORM = "%Y-%m-%dT%H:%M:%S"
_DAY = "%d-%m-%Y"
_NO_DATE = "00010101000000"
_MAX_ROWS = 1000
_DENIED, _EXPIRED, _BAD_REQUEST = -1, -2, -3

Row = dict[str, Any]


class _Tax:
    """The tax system: its notices and the sessions it gave."""

    def __init__(self, data: Any, options: dict[str, str]) -> None:
        self.username = options.get("username", "truc-lien-thong")
        self.password = options.get("password", "trial-password")
        self._session_calls = int(options.get("session_calls", "0")) or None
        self._codes_are_text = options.get("text_codes") == "1"
        self._sessions: dict[str, int | None] = {}
        self.take(data)
        self.simulation = Simulation(
            [
                Route("/login", self.login, methods=["POST"]),
                Route("/mapi/g", self.serve, methods=["POST"]),
            ],
            options={"username": self.username},
            secrets={"password": self.password},
            on_data=self.take,
        )

    def take(self, data: Any) -> None:
        """Serve these notices from now on."""
        self._rows: list[tuple[str, Row]] = [
            (datetime.strptime(row["NgayCapNhat"], _FORM).strftime("%Y%m%d"), row)  # noqa: DTZ007 - a day, compared as text
            for row in data
        ]

    async def login(self, request: Request) -> Response:
        """User name and password in, session out; a wrong one is error_code -1 in HTTP 200."""
        self.simulation.note(request, "login")
        told = await request.json()
        is_known = (told.get("username"), told.get("password")) == (self.username, self.password)
        if not is_known or self.simulation.mood == "refusing":
            return self._answer(_DENIED, "Sai tài khoản hoặc mật khẩu")
        session = secrets.token_hex(16)
        self._sessions[session] = self._session_calls
        return self._answer(0, session=session)

    async def serve(self, request: Request) -> Response:
        """The one service there is."""
        told = await request.json()
        self.simulation.note(request, str(told.get("service", "")))
        if not self._is_let_in(told.get("session")):
            return self._answer(_EXPIRED, "Phiên làm việc không tồn tại hoặc đã hết hạn")
        if told.get("service") != "DanhSachThongBaoThue":
            return self._answer(_BAD_REQUEST, "Dịch vụ không tồn tại")
        try:
            first, last = (_day(told.get(name, "")) for name in ("tuNgay", "denNgay"))
            number, size = int(told.get("trang", 1)), int(told.get("soDong", 100))
        except (TypeError, ValueError):
            return self._answer(_BAD_REQUEST, "Tham số sai")
        if number < 1 or not 1 <= size <= _MAX_ROWS:
            return self._answer(_BAD_REQUEST, "Tham số sai")
        found = [
            (place, row)
            for place, (day, row) in enumerate(self._rows)
            if (not first or day >= first) and (not last or day <= last)
        ]
        found = self.simulation.arranged(found)
        page = [
            _to_wire(_in_mood(self.simulation.mood, place, row))
            for place, row in found[(number - 1) * size : number * size]
        ]
        return self._answer(0, tongSo=len(found), result=page)

    def _is_let_in(self, session: Any) -> bool:
        if not isinstance(session, str) or session not in self._sessions:
            return False
        if self.simulation.mood == "refusing":
            return False
        left = self._sessions[session]
        if left is not None:
            if left == 0:
                del self._sessions[session]
                return False
            self._sessions[session] = left - 1
        return True

    def _answer(self, code: int, message: str = "", **more: Any) -> Response:
        told = str(code) if self._codes_are_text else code
        return JSONResponse({"error_code": told, "message": message, **more})


def _day(told: str) -> str:
    """A day as text that compares by time; "" for none."""
    return datetime.strptime(told, _DAY).strftime("%Y%m%d") if told else ""  # noqa: DTZ007 - a day


def _to_wire(row: Row) -> Row:
    sent = {name: value for name, value in row.items() if name != "ThongBao"}
    if "FileThongBaoThue" not in sent:
        sent["FileThongBaoThue"] = base64.b64encode(_notice(row)).decode()
    return sent


def _notice(row: Row) -> bytes:
    """The XML file of one notice."""
    data = ElementTree.Element("DATA")
    row_list = ElementTree.SubElement(ElementTree.SubElement(data, "BODY"), "ROW_LIST")
    ElementTree.SubElement(row_list, "MA_HSO").text = row["MaHoSo"]
    for duty in row["ThongBao"]:
        one = ElementTree.SubElement(row_list, "LIST")
        for name, value in duty.items():
            ElementTree.SubElement(one, name).text = None if value is None else str(value)
    written: bytes = ElementTree.tostring(data, encoding="utf-8", xml_declaration=True)
    return written


def _in_mood(mood: str, place: int, row: Row) -> Row:
    """The row as this mood spells its dates; every fourth or third is hit, always the same ones."""
    if mood == "mixed_dates" and place % 4 == 1:
        told = datetime.strptime(row["NgayCapNhat"], _FORM)  # noqa: DTZ007 - spelt anew, not counted
        return {**row, "NgayCapNhat": told.strftime(_OTHER_FORM)}
    if mood == "sentinel_dates":
        if not row.get("ThoiGianThanhToan"):
            return {**row, "ThoiGianThanhToan": _NO_DATE}
        if place % 3 == 0:  # not a sentinel of this contract
            return {**row, "ThoiGianThanhToan": "99991231235959"}
    return row


def build(data: Path | None = None, options: dict[str, str] | None = None) -> Simulation:
    """The simulator, serving a data file or its built-in notices; see the module for the form."""
    path = data or Path(__file__).with_name("simulator.json")
    return _Tax(json.loads(path.read_text(encoding="utf-8")), options or {}).simulation
