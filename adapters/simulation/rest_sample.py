"""A small department that speaks REST, to learn and to try a declaration with.

Its contract:

`POST /api/dang-nhap` with {"taiKhoan", "matKhau"} gives {"maLoi": 0, "phien": "…", "hetHanSau":
600}. Every other call shows the session as the header `X-Phien`.

`GET /api/ho-so?tuLuc=&denLuc=&trang=&soDong=` gives {"maLoi": 0, "thongBao": "", "tongSo": 25,
"trang": 1, "duLieu": {"hoSo": [...]}}: what was updated in [tuLuc, denLuc), oldest first. Moments
are `dd/MM/yyyy HH:mm:ss` at +07:00, days `dd/MM/yyyy`; no more than 100 rows a page.

`maLoi`: 0 all is well · 1 wrong account or password · 2 the session has ended · 3 too many calls,
come back later · 9 the department's own failure.

Options: taiKhoan, matKhau; phien_lan (calls after which a session ends). Own moods: `error` (maLoi
9), `drift` (a field under a new name; options rename, rename_procedure). `--data FILE`: a JSON list
of dossiers as in `hoSo`.
"""

import json
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from adapters.simulation import sample_rows
from adapters.simulation.harness import Simulation
from adapters.simulation.renaming import Renaming

ACCOUNT = "truc-lien-thong"
PASSWORD = "mo-phong-khong-phai-that"  # noqa: S105 - invented, opens only this simulator
_MOST = 100


class _Department:
    """The department's dossiers and sessions."""

    def __init__(self, rows: list[dict[str, Any]], options: dict[str, str]) -> None:
        self._rows = rows
        self._account = options.get("taiKhoan", ACCOUNT)
        self._password = options.get("matKhau", PASSWORD)
        self._renaming = Renaming(options, "maThuTuc", sample_rows.RENAMED)
        self._calls = int(options.get("phien_lan", "1000000"))
        self._left: dict[str, int] = {}
        self._issued = 0
        self.simulation = Simulation(
            [
                Route("/api/dang-nhap", self.log_in, methods=["POST"]),
                Route("/api/ho-so", self.list_dossiers),
            ],
            options={"taiKhoan": self._account},
            secrets={"mat_khau": self._password},
            more_moods=("error", "drift"),
            on_data=self._replace,
        )

    async def log_in(self, request: Request) -> Response:
        self.simulation.note(request, "dang-nhap")
        try:
            told = await request.json()
        except ValueError:
            return _said(9, "Không đọc được yêu cầu")
        is_known = isinstance(told, dict) and (
            (told.get("taiKhoan"), told.get("matKhau")) == (self._account, self._password)
        )
        if not is_known or self.simulation.mood == "refusing":
            return _said(1, "Sai tài khoản hoặc mật khẩu")
        self._issued += 1
        session = f"phien-{self._issued:06d}"
        self._left[session] = self._calls
        return JSONResponse({"maLoi": 0, "phien": session, "hetHanSau": 600})

    async def list_dossiers(self, request: Request) -> Response:
        self.simulation.note(request, "ho-so")
        mood, asked = self.simulation.mood, request.query_params
        session = request.headers.get("x-phien", "")
        if self._left.get(session, 0) < 1:
            return _said(2, "Phiên đã hết hạn")
        self._left[session] -= 1
        if mood == "error":
            return _said(9, "Lỗi hệ thống")
        try:
            rows = sample_rows.between(self._rows, asked.get("tuLuc"), asked.get("denLuc"))
            page, size = int(asked.get("trang", "1")), int(asked.get("soDong", "50"))
        except ValueError:
            return _said(9, "Tham số không đúng")
        rows = [sample_rows.spoilt(mood, n, row) for n, row in enumerate(rows)]
        rows = [self._renaming.of(row) for row in rows] if mood == "drift" else rows
        rows = self.simulation.arranged(rows)
        size = max(1, min(size, _MOST))
        start = (page - 1) * size
        return JSONResponse(
            {
                "maLoi": 0,
                "thongBao": "",
                "tongSo": len(rows),
                "trang": page,
                "duLieu": {"hoSo": rows[start : start + size]},
            }
        )

    def _replace(self, rows: Any) -> None:
        self._rows[:] = rows


def _said(code: int, text: str) -> Response:
    return JSONResponse({"maLoi": code, "thongBao": text})


def build(data: Path | None = None, options: dict[str, str] | None = None) -> Simulation:
    """The simulation; the options are listed above."""
    rows = sample_rows.invented() if data is None else json.loads(data.read_text("utf-8"))
    return _Department(rows, options or {}).simulation
