"""Stands in for the business registry: NGSP token, company look-up, dossier feed (contract/).

Data file (`--data`, or POST /__data): JSON, either a list of feed rows or an object
`{"HoSo": [rows], "DoanhNghiep": [companies]}`; a row is one element of `HoSo` in contract/feed.md,
a company one value of `Data` in contract/company.md, both exactly as they go over the wire. Rows
need `MaHoSo` and `NgayCapNhat` ("yyyy-MM-ddTHH:mm:ss") and may come in any order. Without a file
`simulator.json` is served, which is also an example of the form; all people and companies in it are
invented (no province has enterprise numbers that begin with 99).

Options: `consumer_key`, `consumer_secret`: what the token call must name; `token_calls`: a token is
forgotten after so many calls, to try what happens in the middle of a run.
"""

import base64
import json
import secrets
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from adapters.simulation import Simulation

_FORM = "%Y-%m-%dT%H:%M:%S"
_OTHER_FORM = "%d/%m/%Y %H:%M:%S"
_NO_DATE = "0001-01-01T00:00:00"
_MAY_BE_EMPTY = ("NgayNop", "NgayTiepNhan", "NgayHenTra", "NgayHoanThanh", "NgayTraKetQua")
_MAX_ROWS = 1000
_LIFE_S = 3600

Row = dict[str, Any]


class _Registry:
    """The department's desk: its rows, its companies, the tokens it gave."""

    def __init__(self, data: Any, options: dict[str, str]) -> None:
        self.key = options.get("consumer_key", "trial-key")
        self.secret = options.get("consumer_secret", "trial-secret")
        self._calls = int(options.get("token_calls", "0")) or None
        self._tokens: dict[str, int | None] = {}
        self.take(data)
        self.simulation = Simulation(
            [
                Route("/token", self.token, methods=["POST"]),
                Route("/hoSoDangKy/1.0/danhSach", self._guarded(self.feed)),
                Route("/apiCSDLDKDN/1.0/chiTietDoanhNghiep", self._guarded(self.company)),
                Route("/apiCSDLDKDN/1.1/chiTietDoanhNghiep", self._guarded(self.company)),
            ],
            secrets={"consumer_key": self.key, "consumer_secret": self.secret},
            on_data=self.take,
        )

    def take(self, data: Any) -> None:
        """Serve these rows from now on, and these companies where the data has some."""
        told = data if isinstance(data, dict) else {"HoSo": data}
        self._rows: list[Row] = sorted(
            told.get("HoSo", []), key=lambda row: (row["NgayCapNhat"], row["MaHoSo"])
        )
        self._companies = {
            _bare(item["MainInformation"]["ENTERPRISE_GDT_CODE"]): item
            for item in told.get("DoanhNghiep", [])
        }

    async def token(self, request: Request) -> Response:
        """Basic and a form in, Bearer out."""
        self.simulation.note(request, "token")
        pair = base64.b64encode(f"{self.key}:{self.secret}".encode()).decode()
        is_known = request.headers.get("authorization") == f"Basic {pair}"
        if not is_known or self.simulation.mood == "refusing":
            return JSONResponse({"error": "invalid_client"}, 401)
        form = await request.form()
        if form.get("grant_type") != "client_credentials":
            return JSONResponse({"error": "unsupported_grant_type"}, 400)
        token = secrets.token_hex(16)
        self._tokens[token] = self._calls
        return JSONResponse({"access_token": token, "token_type": "Bearer", "expires_in": _LIFE_S})

    def _guarded(self, answer: Callable[[Request], Response]) -> Callable[[Request], Any]:
        async def guarded(request: Request) -> Response:
            if not self._is_let_in(request.headers.get("authorization", "")):
                return JSONResponse({"error": "invalid_token"}, 401)
            return answer(request)

        return guarded

    def _is_let_in(self, told: str) -> bool:
        token = told.removeprefix("Bearer ")
        if self.simulation.mood == "refusing" or token not in self._tokens:
            return False
        left = self._tokens[token]
        if left is not None:
            if left == 0:
                del self._tokens[token]
                return False
            self._tokens[token] = left - 1
        return True

    def feed(self, request: Request) -> Response:
        """One page of the dossiers updated in [tuNgay, denNgay), oldest first."""
        self.simulation.note(request, "danhSach")
        query = request.query_params
        try:
            since, until = (_bound(query.get(name)) for name in ("tuNgay", "denNgay"))
            number, size = int(query.get("trang", "1")), int(query.get("soDong", "100"))
        except ValueError:
            return JSONResponse({"error": "tham so sai"}, 400)
        if number < 1 or not 1 <= size <= _MAX_ROWS:
            return JSONResponse({"error": "tham so sai"}, 400)
        found = [
            (place, row)
            for place, row in enumerate(self._rows)
            if (not since or row["NgayCapNhat"] >= since)
            and (not until or row["NgayCapNhat"] < until)
        ]
        found = self.simulation.arranged(found)
        page = [
            _in_mood(self.simulation.mood, place, row)
            for place, row in found[(number - 1) * size : number * size]
        ]
        return JSONResponse({"TongSo": len(found), "Trang": number, "HoSo": page})

    def company(self, request: Request) -> Response:
        """One company; an empty Data where the register holds none."""
        self.simulation.note(request, "chiTietDoanhNghiep")
        number = _bare(request.query_params.get("msdn", ""))
        return JSONResponse({"Data": self._companies.get(number, {})})


def _bare(number: str) -> str:
    return number.replace("-", "").strip()


def _bound(told: str | None) -> str:
    """A bound of the window as it was given, once it is known to be one."""
    if told:
        datetime.strptime(told, _FORM)  # noqa: DTZ007 - only whether it has the form
    return told or ""


def _in_mood(mood: str, place: int, row: Row) -> Row:
    """The row as this mood spells its dates; every fourth or fifth is hit, always the same ones."""
    if mood == "mixed_dates" and place % 4 == 1 and row.get("NgayTiepNhan"):
        told = datetime.strptime(row["NgayTiepNhan"], _FORM)  # noqa: DTZ007 - spelt anew, not counted
        return {**row, "NgayTiepNhan": told.strftime(_OTHER_FORM)}
    if mood == "sentinel_dates":
        spelt = {name: _NO_DATE for name in _MAY_BE_EMPTY if not row.get(name)}
        if place % 5 == 2:
            spelt["NgayHenTra"] = "9999-12-31T00:00:00"  # not a sentinel of this contract
        return {**row, **spelt}
    return row


def build(data: Path | None = None, options: dict[str, str] | None = None) -> Simulation:
    """The simulator, serving a data file or its built-in rows; see the module for both forms."""
    path = data or Path(__file__).with_name("simulator.json")
    return _Registry(json.loads(path.read_text(encoding="utf-8")), options or {}).simulation
