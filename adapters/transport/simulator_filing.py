"""What the simulated Department does with a filing: strict, and with a ledger of all it took.

Written from contract/service-2014-used.wsdl and SOURCES.md alone. A filing that breaks the contract
is answered with nothing, as the contract has it. Two filings of one dossier are two entries with
one SoHoSo1: the Department does not notice, the ledger does (GET /__ledger).
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any
from xml.etree.ElementTree import Element

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

_NS = "{http://tempuri.org/}"
_ZONE = timezone(timedelta(hours=7))
_UNITS = frozenset({"45001", "45012", "45014"})
_KINDS = frozenset({"1", "2"})
_FIXED = {
    "TrangThai1": "1",
    "TT_XuLy1": "01",
    "GiayCNSK1": "1",
    "MaHTCap1": "CD_VN",
    "Transfer_flag1": "0",
}
_ASKED = (
    "HoVaTen1",
    "HoDemNLX1",
    "TenNLX1",
    "HoVaTenIn1",
    "MaQuocTich1",
    "SoCMT1",
    "NoiTT1",
    "SoHoSo1",
    "MaSoGTVT1",
    "HangGPLX1",
)
_LONGEST = {"HoVaTenIn1": 25, "NoiTT1": 50, "NoiCT1": 50, "LyDoCapDoi1": 50, "MucDichCapDoi1": 50}
_HELD = ("SoGPLXDaCo1", "HangGPLXDaCo1", "DonViCapGPLXDaCo1", "NoiCapGPLXDaCo1")
_HELD_ON = ("NgayCapGPLXDaCo1", "NgayHHGPLXDaCo1", "NgayTTGPLXDaCo1")
_MOMENTS = ("NgaySinh1", "NgayCapCMT1")
_DAYS = ("NgayNhanHSo1", "NgayHenTra1")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\Z")
MOODS = (
    "empty_answer",  # takes no filing, as the contract says no
    "lost_after_taking",  # takes it, then cuts the connection
    "hang_after_taking",  # takes it, then never answers
    "fault_after_taking",  # takes it, then fails
    "no_list",  # knows no getHoSoMotCua, as the published contract does not
)


class Cut(Response):
    """An answer that is cut off before it is told."""

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Begin an answer and close the connection."""
        headers = [(b"content-type", b"text/xml; charset=utf-8"), (b"content-length", b"400")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"<", "more_body": True})


class Hang(Response):
    """No answer at all."""

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait until the caller hangs up."""
        while (await receive())["type"] != "http.disconnect":
            pass


class Filings:
    """The filings the Department was sent.

    Attributes:
        ledger: One dict per TaoMoiHoSo that arrived: SoHoSo1, MaDK ("" where it was not taken),
            why not, at, and the papers that came for it.
    """

    def __init__(self, now: Callable[[], datetime] | None = None) -> None:
        self.ledger: list[dict[str, Any]] = []
        self._now = now or (lambda: datetime.now(_ZONE))

    def take(self, call: Element, *, refusing: bool) -> tuple[str, dict[str, str] | None]:
        """MaDK and what the list shows of it; ("", None) where it is not taken."""
        record = call.find(f"{_NS}dongBoQuyTrinh")
        told = {} if record is None else {e.tag.removeprefix(_NS): e.text or "" for e in record}
        fault = "mood" if refusing else _fault(told)
        at = self._now()
        code = "" if fault else self._next_code(told["MaDVNhanHSo1"], at)
        entry = {"SoHoSo1": told.get("SoHoSo1", ""), "MaDK": code, "why": fault}
        self.ledger.append({**entry, "at": at.isoformat(), "papers": []})
        return (code, _listed(code, told, at)) if code else ("", None)

    def take_paper(self, call: Element, operation: str) -> None:
        """Keep a paper; the same name again replaces it. One for an unknown MaDK is lost."""
        paper = next(iter(call), None)
        told = {} if paper is None else {e.tag.removeprefix(_NS): e.text or "" for e in paper}
        try:
            data = base64.b64decode(told.get("Data", ""), validate=True)
        except binascii.Error:
            return
        is_portrait = operation == "TaiAnhChanDung"
        kept = {
            "name": "" if is_portrait else told.get("TenAnh", ""),
            "portrait": is_portrait,
            "extension": told.get("FileExtension", ""),
            "sha256": hashlib.sha256(data).hexdigest(),
        }
        for entry in self.ledger:
            if entry["MaDK"] and entry["MaDK"] == told.get("MaDK"):
                papers = [p for p in entry["papers"] if p["name"] != kept["name"]]
                entry["papers"] = [*papers, kept]

    def _next_code(self, unit: str, at: datetime) -> str:
        """`<mã VP>-<YYYYMMDD>-<HH24MISSMS>` that nobody has."""
        taken = {entry["MaDK"] for entry in self.ledger}
        while True:
            code = f"{unit}-{at:%Y%m%d}-{at:%H%M%S}{at.microsecond // 1000:03d}"
            if code not in taken:
                return code
            at += timedelta(milliseconds=1)


def _fault(told: Mapping[str, str]) -> str:
    """The first element that breaks the contract; "" where none does."""
    broken = (name for name, is_well in _RULES if not is_well(told.get(name, "")))
    found = next(broken, "")
    if not found and told["DonViNhanHSo1"] != told["MaDVNhanHSo1"]:
        return "DonViNhanHSo1"
    return found or _fault_of_held(told)


def _fault_of_held(told: Mapping[str, str]) -> str:
    """The first list of licences held that does not fit the others."""
    lists = {name: told[name].split("|") for name in (*_HELD, *_HELD_ON) if told.get(name)}
    if not lists:
        return ""
    longest = max(len(parts) for parts in lists.values())
    for name in (*_HELD, *_HELD_ON):
        parts = lists.get(name, [])
        if len(parts) != longest or not all(parts):
            return name
        if name in _HELD_ON and not all(p == "99991231" or _is_day(p, "%Y%m%d") for p in parts):
            return name
    return ""


def _is_day(told: str, form: str) -> bool:
    try:
        return datetime.strptime(told, form).strftime(form) == told  # noqa: DTZ007 - a day
    except ValueError:
        return False


def _no_longer_than(most: int) -> Callable[[str], bool]:
    return lambda told: len(told) <= most


_RULES: tuple[tuple[str, Callable[[str], bool]], ...] = (
    *((name, lambda told: bool(told.strip())) for name in _ASKED),
    *((name, value.__eq__) for name, value in _FIXED.items()),
    *((name, _no_longer_than(most)) for name, most in _LONGEST.items()),
    *((name, lambda told: _MOMENT.match(told) is not None) for name in _MOMENTS),
    *((name, lambda told: _is_day(told, "%d/%m/%Y")) for name in _DAYS),
    ("MaDVNhanHSo1", _UNITS.__contains__),
    ("MaLoaiHs1", _KINDS.__contains__),
    ("GioiTinh1", ("M", "F").__contains__),
    ("NamcapLandau1", lambda told: re.fullmatch(r"[0-9]{1,4}", told) is not None),
)


def _listed(code: str, told: Mapping[str, str], at: datetime) -> dict[str, str]:
    """The dossier as getHoSoMotCua shows it from then on: without SoHoSo1."""
    born = told["NgaySinh1"]
    return {
        "MaDK1": code,
        "MALOAIHOSO1": told["MaLoaiHs1"],
        "HOTENNGUOINOP1": told["HoVaTen1"],
        "SOCMND1": told["SoCMT1"],
        "NGAYSINH1": f"{born[8:10]}/{born[5:7]}/{born[:4]}",
        "GIOITINH1": told["GioiTinh1"],
        "MATINHTHUONGTRU1": "45",
        "MOTADIACHITHUONGTRU1": told["NoiTT1"],
        "NGAYNOPHOSO1": f"{told['NgayNhanHSo1']} {at:%H:%M:%S}",
        "NGAYHENTRA1": told["NgayHenTra1"],
        "TRANGTHAIXULY1": told["TT_XuLy1"],
    }
