"""Stands in for the one-stop app of Sở TT&TT: serves online registrations, and pushes to the hub.

Written from contract/ alone. As a server it answers pullDocument (ten at a time, until
acknowledged), updateSendSignal and countDocument. As a caller (`push_all`) it sends pushDocument,
updateStatus and updateResult to a door.

The data file is JSON in the contract's own field names:

    {"online": [{"onlineId": 5001, "maLoaiHoSo": "KD01", "maDonViTiepNhan": "DH",
                 "ngayDangKyHoSo": "04/01/2016", "hoTenNguoiNop": "...", ...,
                 "attachmentList": [{"tenFile": "...", "tenTaiLieuDinhKem": "...",
                                     "urlTaiLieuDinhKem": "..."}]}],
     "calls": [{"op": "pushDocument", "rows": [{"maSoHoSo": "...", ...}]},
               {"op": "updateStatus", "rows": [...]}, {"op": "updateResult", "rows": [...]}]}

Both lists may be absent. An online row without maDonViTiepNhan is served to every unit. Dates are
text as the contract writes them: `dd/MM/yyyy` for ngayDangKyHoSo and ngaySinh, `dd/MM/yyyy
HH:mm:ss` for all others. The contract's numbers that a row leaves out are sent as 0, as the app
does (so trangThaiKeTiep must be there: 0 is a state); texts left out are not sent.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import httpx
from lxml import etree
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.city_one_stop.simulator_rows import FIELDS, built_in, fields_xml, online_xml
from adapters.simulation import Simulation

PATH = "/services/ExchDocumentServiceImplPort"
NAMESPACE = "http://hoso.provider.exch.sharedservice.dtt.vn/"
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
PER_PAGE = 10
_WSDL = Path(__file__).parent / "contract" / "exchdocument.wsdl"

_OTHER_FORMS = ("{2}-{1}-{0}", "{2}{1}{0}", "{0}-{1}-{2}")
_SENTINELS = ("99991231", "0000-00-00", "0001-01-01", "01/01/0001")


def build(data: Path | None = None, options: dict[str, str] | None = None) -> Simulation:
    """The app as a server.

    Args:
        data: A data file as in the module's docstring; None for 25 built-in registrations.
        options: maDonViTiepNhan (the unit a connection asks for, "DH" unless said), userName and
            password (what the app accepts; invented ones unless said).
    """
    told = options or {}
    app = _App(
        _load(data).get("online", []) if data is not None else built_in(),
        told.get("userName", "truc_lien_thong"),
        told.get("password", "Thu-Nghiem-1"),
    )
    simulation = Simulation(
        [Route(PATH, app.answer, methods=["POST"]), Route(PATH, app.contract, methods=["GET"])],
        endpoint=PATH,
        options={"maDonViTiepNhan": told.get("maDonViTiepNhan", "DH")},
        secrets={"userName": app.user, "password": app.password},
        on_data=app.replace,
    )
    app.simulation = simulation
    return simulation


class _App:
    """The app's online registrations, and what it answers about them."""

    simulation: Simulation

    def __init__(self, online: list[dict[str, Any]], user: str, password: str) -> None:
        self.user, self.password = user, password
        self._online = online
        self._sent: set[int] = set()

    def replace(self, data: Any) -> None:
        """Other registrations, none of them acknowledged."""
        self._online, self._sent = data.get("online", []), set()

    async def contract(self, request: Request) -> Response:
        """The WSDL, at ?wsdl as this family of apps has it."""
        if "wsdl" not in request.query_params:
            return Response(status_code=405)
        address = str(request.url.replace(query=""))
        told = _WSDL.read_text(encoding="utf-8")
        return _xml(told.replace(f"http://127.0.0.1{PATH}", escape(address)))

    async def answer(self, request: Request) -> Response:
        """One SOAP call."""
        try:
            root = etree.fromstring(await request.body(), etree.XMLParser(resolve_entities=False))
        except etree.XMLSyntaxError:
            return _fault("Khong doc duoc thong diep")
        message = root.find(f"{{{ENVELOPE}}}Body/*")
        if message is None:
            return _fault("Khong doc duoc thong diep")
        name = etree.QName(message)
        handle = {
            "pullDocument": self._pull,
            "updateSendSignal": self._signal,
            "countDocument": self._count,
        }.get(name.localname)
        if handle is None or name.namespace != NAMESPACE:
            return _fault("Khong co dich vu nay")
        argument = message.find("arg0")
        if argument is None:
            told = _error("1", "Tham so rong")
        elif not self._knows(argument):
            told = _error("3", "Sai ten dang nhap hoac mat khau")
        else:
            told = handle(argument)
        if name.localname == "pullDocument" and "<conTiep>" not in told:
            told += "<conTiep>0</conTiep>"
        return _xml(
            f'<soap:Envelope xmlns:soap="{ENVELOPE}"><soap:Body>'
            f'<ns2:{name.localname}Response xmlns:ns2="{NAMESPACE}"><return>{told}</return>'
            f"</ns2:{name.localname}Response></soap:Body></soap:Envelope>"
        )

    def _knows(self, argument: Any) -> bool:
        said = (argument.findtext("userName"), argument.findtext("password"))
        return self.simulation.mood != "refusing" and said == (self.user, self.password)

    def _waiting(self, unit: str) -> list[dict[str, Any]]:
        return [
            row
            for row in self._online
            if row["onlineId"] not in self._sent and row.get("maDonViTiepNhan") in (None, unit)
        ]

    def _pull(self, argument: Any) -> str:
        unit = argument.findtext("maDonViTiepNhan")
        if not unit:
            return _error("4", "Chua co ma don vi tiep nhan")
        rows = self.simulation.arranged([self._dated(row) for row in self._waiting(unit)])
        more = int(len(rows) > PER_PAGE)
        page = "".join(map(online_xml, rows[:PER_PAGE]))
        return f"<conTiep>{more}</conTiep>{page}"

    def _count(self, argument: Any) -> str:
        unit = argument.findtext("maDonViTiepNhan")
        if not unit:
            return _error("4", "Chua co ma don vi tiep nhan") + "<countDocument>0</countDocument>"
        rows = self.simulation.arranged(self._waiting(unit))
        return f"<countDocument>{len(rows)}</countDocument>"

    def _signal(self, argument: Any) -> str:
        ids = {int(found.text) for found in argument.findall("idList") if found.text}
        if not ids:
            return _error("2", "Khong co ban ghi")
        if not ids <= {row["onlineId"] for row in self._online}:
            return _error("99", "Khong co ho so truc tuyen nay")
        self._sent |= ids
        return ""

    def _dated(self, row: dict[str, Any]) -> dict[str, Any]:
        """The row as the mood has its date: every third one in another form, or none at all."""
        number, on = int(row["onlineId"]), row.get("ngayDangKyHoSo") or ""
        if number % 3 or on.count("/") != 2:
            return row
        if self.simulation.mood == "mixed_dates":
            form = _OTHER_FORMS[number // 3 % len(_OTHER_FORMS)]
            return row | {"ngayDangKyHoSo": form.format(*on.split("/"))}
        if self.simulation.mood == "sentinel_dates":
            return row | {"ngayDangKyHoSo": _SENTINELS[number // 3 % len(_SENTINELS)]}
        return row


async def push_all(
    data: dict[str, Any] | Path,
    door_url: str,
    user: str,
    password: str,
    *,
    batch: int = 200,
    progress: Callable[[int], None] | None = None,
) -> dict[str, dict[str, Any]]:
    """Call a door as the app does, in the data's order, and tell what it answered.

    Nothing is repeated and nothing is skipped: a call that was refused is noted, the next is made.

    Args:
        data: The data file or its content; see the module's docstring.
        door_url: Address of the door.
        user: The app's userName at the door.
        password: Its password.
        batch: Rows of one call at most.
        progress: Told after every call how many rows it carried.

    Returns:
        Operation -> {"calls", "rows", "accepted", "errors"}. `accepted` counts the rows of calls
        answered without errCode; an error holds first_row (within its operation), rows, status,
        errCode (None for a fault) and errMsg.

    Raises:
        httpx.HTTPError: the door could not be reached.
        ValueError: a row with a field that the contract does not have, or a state left out.
    """
    told = _load(data) if isinstance(data, Path) else data
    counts: dict[str, dict[str, Any]] = {
        name: {"calls": 0, "rows": 0, "accepted": 0, "errors": []} for name in FIELDS
    }
    async with httpx.AsyncClient(timeout=120, trust_env=False) as http:
        for operation, rows in _batches(told.get("calls", []), batch):
            answer = await http.post(
                door_url,
                content=request_xml(operation, rows, user, password),
                headers={"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'},
            )
            count = counts[operation]
            error = _read_answer(answer)
            if error is None:
                count["accepted"] += len(rows)
            else:
                count["errors"].append({"first_row": count["rows"], "rows": len(rows)} | error)
            count["calls"] += 1
            count["rows"] += len(rows)
            if progress is not None:
                progress(len(rows))
    return counts


def request_xml(
    operation: str, rows: Sequence[Mapping[str, Any]], user: str, password: str
) -> bytes:
    """One door call as the app writes it.

    Raises:
        ValueError: as `push_all`.
    """
    name, fields = FIELDS[operation]
    if operation == "updateStatus" and any("trangThaiKeTiep" not in row for row in rows):
        raise ValueError("a status row without trangThaiKeTiep would say 0, which is a state")
    body = "".join(f"<{name}>{fields_xml(row, fields)}</{name}>" for row in rows)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><soap:Envelope xmlns:soap="{ENVELOPE}"><soap:Body>'
        f'<ns2:{operation} xmlns:ns2="{NAMESPACE}"><arg0><password>{escape(password)}</password>'
        f"<userName>{escape(user)}</userName>{body}</arg0></ns2:{operation}>"
        "</soap:Body></soap:Envelope>"
    ).encode()


def _batches(
    calls: Sequence[Mapping[str, Any]], size: int
) -> Iterator[tuple[str, Sequence[Mapping[str, Any]]]]:
    for call in calls:
        for start in range(0, len(call["rows"]), size):
            yield call["op"], call["rows"][start : start + size]


def _read_answer(answer: httpx.Response) -> dict[str, Any] | None:
    """What an answer complains of; None where it says nothing but success."""
    try:
        root = etree.fromstring(answer.content, etree.XMLParser(resolve_entities=False))
    except etree.XMLSyntaxError:
        return {"status": answer.status_code, "errCode": None, "errMsg": "no XML"}
    code, text = root.findtext(".//errCode"), root.findtext(".//errMsg")
    if root.find(".//return") is None:
        text = root.findtext(".//faultstring") or "no return"
    elif code is None:
        return None
    return {"status": answer.status_code, "errCode": code, "errMsg": text}


def _error(code: str, text: str) -> str:
    return f"<errCode>{code}</errCode><errMsg>{text}</errMsg>"


def _fault(text: str) -> Response:
    return _xml(
        f'<soap:Envelope xmlns:soap="{ENVELOPE}"><soap:Body><soap:Fault>'
        f"<faultcode>soap:Client</faultcode><faultstring>{text}</faultstring></soap:Fault>"
        "</soap:Body></soap:Envelope>",
        500,
    )


def _xml(text: str, status: int = 200) -> Response:
    return Response(text.encode(), status, headers={"content-type": "text/xml; charset=UTF-8"})


def _load(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
