"""Stands in for the national portal: login, session and the two services of contract/mapi.md.

Checks every call against contract/*.schema.json, refuses what the contract does not know, and keeps
a ledger, GET /__ledger: {"dossiers": {MaHoSo: {"created", "updated", "told", "states", "record",
"progress"}}, "refused": [[service, field]], "logins"}. `states` are the TrangThaiHoSo in the order
told, a repeated one once; `told` counts every record taken; `progress` is a set of rows.

POST /__data {"broken": [MaHoSo…], "lose_answers": n, "forget_sessions": true}: from now on those
dossiers give HTTP 500; the next n calls are taken and their answers cut; every session runs out.

Moods of its own: `trouble` (error_code -1), `broken` (HTTP 500), `unanswered` (takes a call, never
answers), `expiring` (a session lives for two calls), `forgetful` (no session is ever known).

Options: `username`, `password`, `madonvi`, `dstcode`; `session_calls`: calls a session lives for;
`text_codes`: "1" sends error_code as text.
"""

import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from adapters.national_portal.simulator_checks import fault_of
from adapters.simulation import Simulation

_PREFIX = "/XrdAdapter/RestService/forward"
_DONE, _TROUBLE, _EXPIRED, _EXISTS, _ABSENT, _DENIED, _OUTSIDE = 0, -1, -2, 3, -3, -4, -5
_ENVELOPE = {"session", "madonvi", "service", "data"}
_CHUNK = 10
_STILL_OUTSIDE = {"1", "3"}  # TrangThaiHoSo of a dossier that was not accepted
_CONTRACT = Path(__file__).parent / "contract"
_DOSSIER, _ROW = (
    json.loads((_CONTRACT / f"{name}.schema.json").read_text("utf-8"))
    for name in ("dossier", "progress")
)
Json = dict[str, Any]


class _Portal:
    """The portal: its account, the sessions it gave, and what it was told."""

    def __init__(self, options: dict[str, str]) -> None:
        self._account = {
            "username": options.get("username", "tinh-quang-tri"),
            "password": options.get("password", "trial-password"),
        }
        self._madonvi = options.get("madonvi", "000.00.00.H50")
        self._dstcode = options.get("dstcode", "VN:GOV:000.00.00.G22:vpcpdvcprovider")
        self._session_calls = int(options.get("session_calls", "0")) or None
        self._codes_are_text = options.get("text_codes") == "1"
        self._sessions: dict[str, int] = {}
        self._broken: set[str] = set()
        self._to_lose = 0
        self._logins = 0
        self._dossiers: dict[str, Json] = {}
        self._refused: list[tuple[str, str]] = []
        self.simulation = Simulation(
            [
                Route(f"{_PREFIX}/mapi/login", self.login, methods=["POST"]),
                Route(f"{_PREFIX}/mapi/g", self.serve, methods=["POST"]),
                Route("/__ledger", self.ledger, methods=["GET"]),
            ],
            endpoint=_PREFIX,
            options={
                "username": self._account["username"],
                "madonvi": self._madonvi,
                "dstcode": self._dstcode,
            },
            secrets={"password": self._account["password"]},
            more_moods=("trouble", "broken", "unanswered", "expiring", "forgetful"),
            on_data=self.take,
        )

    def take(self, data: Any) -> None:
        """POST /__data; see the module."""
        self._broken = set(data.get("broken", self._broken))
        self._to_lose = int(data.get("lose_answers", self._to_lose))
        if data.get("forget_sessions"):
            self._sessions.clear()

    async def ledger(self, _: Request) -> Response:
        """What it was told."""
        told = {
            code: {**held, "progress": list(held["progress"].values())}
            for code, held in self._dossiers.items()
        }
        return JSONResponse({"dossiers": told, "refused": self._refused, "logins": self._logins})

    async def login(self, request: Request) -> Response:
        """User name and password in, session out."""
        self.simulation.note(request, "login")
        if self.simulation.mood == "broken":
            return Response(status_code=500)
        told = await _json(request)
        if told != self._account or not self._is_known(request):
            return self._answer(_DENIED, "Sai tài khoản hoặc mật khẩu")
        self._logins += 1
        session = secrets.token_hex(16)
        lives = 2 if self.simulation.mood == "expiring" else self._session_calls
        self._sessions[session] = -1 if lives is None else lives
        return self._answer(_DONE, session=session)

    async def serve(self, request: Request) -> Response:
        """One service call."""
        told = await _json(request)
        service = told.get("service")
        self.simulation.note(request, str(service))
        if self.simulation.mood == "broken":
            return Response(status_code=500)
        if self.simulation.mood == "trouble":
            return self._answer(_TROUBLE, "Lỗi hệ thống")
        if not self._is_known(request) or told.get("madonvi") != self._madonvi:
            return self._answer(_DENIED, "Đơn vị không được phép")
        if not self._is_let_in(told.get("session")):
            return self._answer(_EXPIRED, "Phiên làm việc đã hết hạn")
        services: dict[Any, Callable[[Json], tuple[int, str]]] = {
            "DongBoHoSoMC": self.record,
            "CapNhatTienDoHoSoMC": self._progress,
        }
        if service not in services:
            return self._outside(str(service), "service")
        if self._names_broken(told):
            return Response(status_code=500)
        code, message = services[service](told)
        if code == _OUTSIDE:
            return self._outside(str(service), message)
        return self._after_taking(self._answer(code, message, result=[]))

    def record(self, told: Json) -> tuple[int, str]:
        """DongBoHoSoMC: error_code and message of one call."""
        data, updating = told.get("data"), told.get("isUpdating")
        if set(told) != _ENVELOPE | {"isUpdating"}:
            return _OUTSIDE, "envelope"
        if updating not in ("True", "False"):
            return _OUTSIDE, "isUpdating"
        if not isinstance(data, list) or len(data) != 1:
            return _OUTSIDE, "data"
        field = fault_of(_DOSSIER, data[0], "data[0]") or _beyond_the_schema(data[0])
        if field:
            return _OUTSIDE, field
        record: Json = data[0]
        held = self._dossiers.get(record["MaHoSo"])
        if updating == "False" and held is not None:
            return _EXISTS, "Hồ sơ đã tồn tại trên hệ thống"
        if updating == "True" and held is None:
            return _ABSENT, "Không có hồ sơ này"
        if held is None:
            held = {"created": 0, "updated": 0, "told": 0, "states": [], "progress": {}}
            self._dossiers[record["MaHoSo"]] = held
        held["created" if updating == "False" else "updated"] += 1
        held["told"] += 1
        held["record"] = record
        if held["states"][-1:] != [record["TrangThaiHoSo"]]:
            held["states"].append(record["TrangThaiHoSo"])
        return _DONE, "Đồng bộ thành công"

    def _progress(self, told: Json) -> tuple[int, str]:
        """CapNhatTienDoHoSoMC: error_code and message of one call."""
        data = told.get("data")
        if set(told) != _ENVELOPE:
            return _OUTSIDE, "envelope"
        if not isinstance(data, list) or not 1 <= len(data) <= _CHUNK:
            return _OUTSIDE, "data"
        for place, row in enumerate(data):
            field = fault_of(_ROW, row, f"data[{place}]")
            if field:
                return _OUTSIDE, field
        if any(row["MaHoSo"] not in self._dossiers for row in data):
            return _ABSENT, "Không có hồ sơ này"
        for row in data:
            key = (row["ThoiDiemXuLy"], row["NguoiXuLy"], row["TrangThai"])
            self._dossiers[row["MaHoSo"]]["progress"].setdefault(key, row)
        return _DONE, "Cập nhật thành công"

    def _is_known(self, request: Request) -> bool:
        """Whether the headers are the contract's, and it is not refusing everybody."""
        headers = request.headers
        is_formal = (
            headers.get("content-type", "").startswith("application/json")
            and headers.get("accept") == "application/json"
            and headers.get("charset") == "utf-8"
        )
        is_ours = headers.get("dstcode") == self._dstcode
        return is_formal and is_ours and self.simulation.mood != "refusing"

    def _is_let_in(self, session: Any) -> bool:
        left = self._sessions.get(session, 0) if isinstance(session, str) else 0
        if left == 0 or self.simulation.mood == "forgetful":
            return False
        self._sessions[session] = left - 1 if left > 0 else left
        return True

    def _names_broken(self, told: Json) -> bool:
        data = told.get("data")
        rows = data if isinstance(data, list) else []
        return any(isinstance(row, dict) and row.get("MaHoSo") in self._broken for row in rows)

    def _after_taking(self, answer: JSONResponse) -> Response:
        if self.simulation.mood == "unanswered":
            return _Never()
        if self._to_lose > 0:
            self._to_lose -= 1
            return Response(bytes(answer.body)[:10], media_type="application/json")
        return answer

    def _outside(self, service: str, field: str) -> Response:
        self._refused.append((service, field))
        return self._answer(_OUTSIDE, f"Dữ liệu không hợp lệ: {field}")

    def _answer(self, code: int, message: str = "", **more: Any) -> JSONResponse:
        told = str(code) if self._codes_are_text else code
        return JSONResponse({"error_code": told, "message": message, **more})


class _Never(Response):
    """An answer that does not come; it ends when the caller hangs up."""

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass


def _beyond_the_schema(record: Json) -> str | None:
    """What contract/mapi.md says and a schema of single fields does not."""
    if record["TrangThaiHoSo"] not in _STILL_OUTSIDE and not record.get("NgayTiepNhan"):
        return "data[0].NgayTiepNhan"
    for place, one in enumerate(record.get("DinhDanhCHS", [])):
        if len(one["SoDinhDanh"]) != {"1": 12, "2": 9}[one["LoaiDinhDanh"]]:
            return f"data[0].DinhDanhCHS[{place}].SoDinhDanh"
    return None


async def _json(request: Request) -> Json:
    try:
        told = await request.json()
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def build(data: Path | None = None, options: dict[str, str] | None = None) -> Simulation:
    """The simulator; `data` holds dossiers it has already: a JSON list of DongBoHoSoMC records."""
    portal = _Portal(options or {})
    for record in json.loads(data.read_text("utf-8")) if data else []:
        portal.record(
            {"session": "", "madonvi": "", "service": "", "isUpdating": "False", "data": [record]}
        )
    return portal.simulation
