"""The Department of Transport as its contracts show it: the SOAP service of 2014 and the JSON list.

    POST /TichHopMotCua/Service.asmx         SOAP 1.1 and 1.2; GET ...?wsdl shows service-2014.wsdl
    GET  /apiGTVT/danhsachhoso               contract/danhsachhoso.md
    GET  /__ledger                           every TaoMoiHoSo it was sent, with its papers
    POST /__states                           {"MaDK": "TT_XuLy", ...}: what the Department did since

A data file is one JSON object in the Department's own words, every value a text as it stands on the
wire; a name left out, or null, is an element or field left out:

    {"hoso":     [{"MaDK1": "45001-20160304-081530120", "MALOAIHOSO1": "2", ...,
                   "NGAYNOPHOSO1": "04/03/2016 08:15:30", "NGAYHENTRA1": "11/03/2016",
                   "TRANGTHAIXULY1": "02"}, ...],
     "danhsach": [{"MaHoSo": "G11-160304-0001", "MaTTHC": "1.002835", ...,
                   "NgayTiepNhan": "04/03/2016 08:15:30", "TrangThaiHoSo": "4"}, ...]}

"hoso" is what getHoSoMotCua lists (elements of HoSoMotCua in service-2014-used.wsdl, any further
name is sent too) and what GetTrangThaiHoSo knows; "danhsach" is the JSON list. Either may be
absent. With no file the small set in simulator.json is served. POST /__data takes the same object.

Besides the moods of adapters.simulation it knows "drift": answers that disagree with the WSDL, as
the real ones did: owned licences pipe-joined where the WSDL has one date, an element nobody
announced, an optional element gone everywhere and a required one gone here and there. "refusing" is
for the JSON list alone: the SOAP service knows no credentials. Moods of filing: simulator_filing.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, fromstring
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from adapters.simulation import Simulation
from adapters.transport.simulator_filing import MOODS, Cut, Filings, Hang

_CONTRACT = Path(__file__).parent / "contract"
_SOAP_PATH = "/TichHopMotCua/Service.asmx"
_NS = "http://tempuri.org/"
_SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
_SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
_DEAD_ADDRESS = f"http://127.0.0.1:9{_SOAP_PATH}"
_ERRORS = {
    -300: "Mã đơn vị rỗng",
    -301: "ApiKey rỗng",
    -302: "ApiKey không đúng",
    -303: "Mã đơn vị không đúng",
    -304: "ApiKey lỗi",
}
_OWNED = {
    "SoGPLXDaCo1": "450081234567|450101234568",
    "HangGPLXDaCo1": "A1|B2",
    "NgayCapGPLXDaCo1": "20080102|20101105",
    "NgayHHGPLXDaCo1": "99991231|20151105",
    "NgayTTGPLXDaCo1": "20071220|99991231",
}

HoSo = Mapping[str, Any]


class Department(Simulation):
    """The simulation, with its rows and what it wants to see of a caller."""

    def __init__(self, data: Mapping[str, Any], options: Mapping[str, str]) -> None:
        self.hoso: list[HoSo] = []
        self.danhsach: list[HoSo] = []
        self.states: dict[Any, str] = {}
        self.filings = Filings()
        self.agency = options.get("ma_don_vi", "H50.19")
        self.key = options.get("api_key", "khoa-thu-nghiem")
        is_json = options.get("mode") == "json"
        super().__init__(
            [
                Route(_SOAP_PATH, self._soap, methods=["POST"]),
                Route(_SOAP_PATH, self._wsdl, methods=["GET"]),
                Route("/apiGTVT/danhsachhoso", self._list, methods=["GET"]),
                Route("/__ledger", self._ledger, methods=["GET"]),
                Route("/__states", self._advance, methods=["POST"]),
            ],
            fault=self._fault_by_mood,
            options={"ma_don_vi": self.agency} if is_json else {},
            secrets={"api_key": self.key} if is_json else {},
            more_moods=("drift", *MOODS),
            on_data=self.take,
        )
        self.take(data)

    def take(self, data: Mapping[str, Any]) -> None:
        """Serve other data, in the form of a data file."""
        self.hoso = list(data.get("hoso", ()))
        self.danhsach = list(data.get("danhsach", ()))
        self.states = {h.get("MaDK1"): str(h.get("TRANGTHAIXULY1") or "") for h in self.hoso}

    async def _wsdl(self, request: Request) -> Response:
        if "wsdl" not in {name.lower() for name in request.query_params}:
            return Response("", 404)
        told = (_CONTRACT / "service-2014.wsdl").read_text("utf-8")
        here = f"{request.url.scheme}://{request.url.netloc}{_SOAP_PATH}"
        return Response(told.replace(_DEAD_ADDRESS, here), media_type="text/xml")

    async def _soap(self, request: Request) -> Response:
        envelope = fromstring(await request.body())  # noqa: S314 - our own hub is the caller
        namespace = envelope.tag[1:].partition("}")[0]
        if namespace not in (_SOAP_11, _SOAP_12):
            return _fault(_SOAP_11, "VersionMismatch")
        body = envelope.find(f"{{{namespace}}}Body")
        call = None if body is None else next(iter(body), None)
        action = _action(request, namespace)
        if call is None or call.tag.partition("}")[2] != action:
            return _fault(namespace, "Client" if namespace == _SOAP_11 else "Sender")
        if action == "getHoSoMotCua" and self.mood != "no_list":
            return _answer(namespace, action, _array(self._asked(call)))
        if action == "GetTrangThaiHoSo":
            return _answer(namespace, action, escape(self._state(_text(call, "maDK"))))
        if action == "TaoMoiHoSo":
            return self._file(namespace, call)
        if action in ("TaiAnhChanDung", "TaiAnhDinhKem"):
            self.filings.take_paper(call, action)
            return _answer(namespace, action, "")
        return _fault(namespace, "Server" if namespace == _SOAP_11 else "Receiver")

    def _file(self, namespace: str, call: Element) -> Response:
        code, listed = self.filings.take(call, refusing=self.mood == "empty_answer")
        if listed is not None:
            self.hoso.append(listed)
            self.states[code] = listed["TRANGTHAIXULY1"]
        if self.mood == "lost_after_taking":
            return Cut()
        if self.mood == "hang_after_taking":
            return Hang()
        if self.mood == "fault_after_taking":
            return _fault(namespace, "Server" if namespace == _SOAP_11 else "Receiver")
        return _answer(namespace, "TaoMoiHoSo", escape(code))

    async def _ledger(self, _: Request) -> Response:
        return JSONResponse(self.filings.ledger)

    async def _advance(self, request: Request) -> Response:
        told = await request.json()
        self.states |= told
        self.hoso = [
            {**h, "TRANGTHAIXULY1": told[h["MaDK1"]]} if h.get("MaDK1") in told else h
            for h in self.hoso
        ]
        return JSONResponse(self.states)

    def _asked(self, call: Element) -> list[HoSo]:
        first, last = _day(_text(call, "tuNgay")), _day(_text(call, "denNgay"))
        found = [h for h in self.hoso if _within(h.get("NGAYNOPHOSO1"), first, last)]
        return [self._soap_mood(h, n) for n, h in enumerate(self.arranged(found))]

    def _state(self, code: str) -> str:
        return "" if self.mood == "empty" else self.states.get(code, "")

    def _soap_mood(self, hoso: HoSo, place: int) -> HoSo:
        told = dict(hoso)
        if self.mood == "mixed_dates" and place % 4 == 1 and told.get("NGAYNOPHOSO1"):
            told["NGAYNOPHOSO1"] = _written(told["NGAYNOPHOSO1"], "%Y-%m-%dT%H:%M:%S")
        if self.mood == "sentinel_dates" and place % 4 == 1:
            told["NGAYHENTRA1"] = "99991231"
        if self.mood == "sentinel_dates" and place % 4 == 3:
            told["NGAYHENTRA1"] = "0001-01-01"
        if self.mood == "drift":
            told |= _OWNED | {"KENHNOP1": "TT"}
            told.pop("MOTADIACHITHUONGTRU1", None)
            if place % 7 == 3:
                told.pop("MALOAIHOSO1", None)
        return told

    async def _list(self, request: Request) -> Response:
        self.note(request, "danhsachhoso")
        query = request.query_params
        error = self._refusal(request)
        if error is not None:
            return JSONResponse({"error_code": error, "message": _ERRORS[error]})
        first, last = _day(query.get("ReceiveFromDate")), _day(query.get("ReceiveToDate"))
        asked = [h for h in self.danhsach if _within(_received(h), first, last)]
        found = [self._list_mood(h, n) for n, h in enumerate(self.arranged(asked))]
        start, end = int(query.get("Start", "-1")), int(query.get("End", "-1"))
        page = found if (start, end) == (-1, -1) else found[start:end]
        return JSONResponse({"total": len(found), "data": page})

    def _refusal(self, request: Request) -> int | None:
        query, headers = request.query_params, request.headers
        if not query.get("GovAgencyCode"):
            return -300
        if not query.get("APIKey"):
            return -301
        if self.mood == "refusing" or query["APIKey"] != self.key:
            return -302
        if query["GovAgencyCode"] != self.agency or headers.get("MaDonVi") != self.agency:
            return -303
        is_whole = headers.get("Authorization") == f"Bearer {self.key}"
        return None if is_whole and headers.get("ApiKey") == self.key else -304

    def _list_mood(self, hoso: HoSo, place: int) -> HoSo:
        told = dict(hoso)
        if self.mood == "mixed_dates" and place % 4 == 1 and told.get("NgayTiepNhan"):
            told["NgayTiepNhan"] = _written(told["NgayTiepNhan"], "%Y%m%d%H%M%S")
        if self.mood == "sentinel_dates" and place % 4 == 1:
            told["NgayHenTra"] = "0000-00-00T00:00:00"
        if self.mood == "drift":
            told |= {"MaDinhDanhDienTu": "", "TrangThaiHoSo": int(told["TrangThaiHoSo"])}
            told.pop("TenLinhVuc", None)
            if place % 7 == 3:
                told.pop("MaTTHC", None)
        return told

    def _fault_by_mood(self, _: Request) -> Response:
        if self.mood == "fault12":
            return _fault(_SOAP_12, "Receiver")
        return _fault(_SOAP_11, "Server")


def build(data: Path | None = None, options: dict[str, str] | None = None) -> Simulation:
    """The Department, with the rows of a data file or the small set of its own.

    Args:
        data: See the module.
        options: `ma_don_vi` and `api_key` that the JSON list wants to see; `mode`: "json" where
            the connection is to be told of them. Both faces are always served.
    """
    source = data or Path(__file__).with_suffix(".json")
    return Department(json.loads(source.read_text("utf-8")), options or {})


def _action(request: Request, namespace: str) -> str:
    """The operation as its action names it; SOAP 1.2 has it in the content type."""
    if namespace == _SOAP_11:
        told = request.headers.get("SOAPAction", "")
    else:
        told = request.headers.get("Content-Type", "").partition("action=")[2].partition(";")[0]
    return told.strip().strip('"').removeprefix(_NS)


def _answer(namespace: str, operation: str, result: str) -> Response:
    return _envelope(
        namespace,
        f'<{operation}Response xmlns="{_NS}"><{operation}Result>{result}</{operation}Result>'
        f"</{operation}Response>",
        200,
    )


def _fault(namespace: str, code: str) -> Response:
    said = "Server was unable to process request."
    if namespace == _SOAP_11:
        inner = f"<faultcode>soap:{code}</faultcode><faultstring>{said}</faultstring><detail/>"
    else:
        inner = (
            f"<soap:Code><soap:Value>soap:{code}</soap:Value></soap:Code>"
            f'<soap:Reason><soap:Text xml:lang="en">{said}</soap:Text></soap:Reason>'
        )
    return _envelope(namespace, f"<soap:Fault>{inner}</soap:Fault>", 500)


def _envelope(namespace: str, inner: str, status: int) -> Response:
    text = (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<soap:Envelope xmlns:soap="{namespace}"><soap:Body>{inner}</soap:Body></soap:Envelope>'
    )
    media_type = "text/xml" if namespace == _SOAP_11 else "application/soap+xml"
    return Response(text, status, media_type=f"{media_type}; charset=utf-8")


def _array(rows: Iterable[HoSo]) -> str:
    return "".join(
        "<HoSoMotCua>"
        + "".join(f"<{n}>{escape(str(v))}</{n}>" for n, v in row.items() if v is not None)
        + "</HoSoMotCua>"
        for row in rows
    )


def _text(call: Element, name: str) -> str:
    return (call.findtext(f"{{{_NS}}}{name}") or "").strip()


def _day(told: str | None) -> date | None:
    return datetime.strptime(told, "%d/%m/%Y").date() if told else None  # noqa: DTZ007 - a day


def _within(told: Any, first: date | None, last: date | None) -> bool:
    """Whether a moment lies in the days asked for; one that cannot be read always does."""
    try:
        day = _day(str(told)[:10])
    except ValueError:
        return True
    return day is None or ((first is None or first <= day) and (last is None or day <= last))


def _received(hoso: HoSo) -> Any:
    return hoso.get("NgayTiepNhan") or hoso.get("NgayGuiHoSo")


def _written(told: str, form: str) -> str:
    moment = datetime.strptime(told, "%d/%m/%Y %H:%M:%S")  # noqa: DTZ007 - text to text
    return moment.strftime(form)
