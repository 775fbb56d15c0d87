"""Stands in for the department, written from contract/design.md alone.

`--data FILE`: a JSON array of dossiers in the department's own words, as in `hoSo` of the contract.
"""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from adapters.simulation import Simulation

API_KEY = "mau-khoa"
_MOMENT = "%d/%m/%Y %H:%M:%S"
_STATES = ("moi", "da_nhan", "dang_xu_ly", "cho_bo_sung", "xong", "da_tra")


def build(data: Path | None = None, options: dict[str, str] | None = None) -> Simulation:
    """The simulation; `options` may set `api_key`."""
    key = (options or {}).get("api_key", API_KEY)
    held: list[dict[str, Any]] = (
        _invented() if data is None else json.loads(data.read_text("utf-8"))
    )

    async def list_dossiers(request: Request) -> Response:
        simulation.note(request, "ho-so")
        if request.headers.get("x-api-key") != key or simulation.mood == "refusing":
            return JSONResponse({"maLoi": 1, "tong": 0, "trang": 1})
        rows = _between(
            held, request.query_params.get("tuNgay"), request.query_params.get("denNgay")
        )
        rows = simulation.arranged([_dated(simulation.mood, n, row) for n, row in enumerate(rows)])
        number = int(request.query_params.get("trang", "1"))
        size = int(request.query_params.get("soDong", "10"))
        page = rows[(number - 1) * size : number * size]
        return JSONResponse({"maLoi": 0, "tong": len(rows), "trang": number, "hoSo": page})

    def replace(rows: Any) -> None:
        held[:] = rows

    simulation = Simulation(
        [Route("/ho-so", list_dossiers)], secrets={"api_key": key}, on_data=replace
    )
    return simulation


def _between(
    held: list[dict[str, Any]], since: str | None, until: str | None
) -> list[dict[str, Any]]:
    def at(text: str) -> datetime:
        return datetime.strptime(text, _MOMENT)  # noqa: DTZ007 - the contract's times have no zone

    rows = sorted(held, key=lambda row: at(row["capNhatLuc"]))
    rows = [row for row in rows if since is None or at(row["capNhatLuc"]) >= at(since)]
    return [row for row in rows if until is None or at(row["capNhatLuc"]) < at(until)]


def _dated(mood: str, place: int, row: dict[str, Any]) -> dict[str, Any]:
    """Every fifth row with its dates as careless departments send them."""
    if place % 5 != 4:
        return row
    if mood == "mixed_dates":
        return {**row, "ngayNop": "20260302080000"}
    if mood == "sentinel_dates":
        return {**row, "ngayHenTra": "31/12/9999" if place % 2 else "00/00/0000"}
    return row


def _invented() -> list[dict[str, Any]]:
    first = datetime(2026, 3, 2, 8)  # noqa: DTZ001 - as above
    return [
        {
            "maHoSo": f"MAU-2026-{n:04d}",
            "maThuTuc": "1.001612",
            "coQuan": "H50.12",
            "trangThai": _STATES[n % len(_STATES)],
            "chuHoSo": f"Nguyễn Văn Mẫu {n}",
            "ngayNop": (first + timedelta(days=n)).strftime(_MOMENT),
            "ngayHenTra": (first + timedelta(days=n + 7)).strftime("%d/%m/%Y"),
            "ngayXong": (
                (first + timedelta(days=n + 6)).strftime("%d/%m/%Y")
                if n % len(_STATES) > 3
                else None
            ),
            "lanSua": 1 + n % 3,
            "capNhatLuc": (first + timedelta(days=n + 6, hours=2)).strftime(_MOMENT),
        }
        for n in range(1, 26)
    ]
