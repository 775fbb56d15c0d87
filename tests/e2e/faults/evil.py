"""Departments that fail, each in its own way, in the words of the one-stop app, behind one socket.

The path's first part names the way: `/drips/o/rest/v2/dossiers`. Everything heals at once when the
test says so; then each must be found whole by a hub that was never restarted. Written from
adapters/one_stop/contract, not from the adapter.
"""

import asyncio
import gzip
import threading
import time
import zlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

from tests.e2e.served import free_port

Row = dict[str, Any]
Answer = Callable[[Request, "Way"], Response]
HOUR_MS = 3_600_000
BOMB = gzip.compress(b" " * 300_000_000, 9)


def row(code: str, modified_ms: int, status: str = "processing", **more: Any) -> Row:
    """A dossier as the one-stop app tells it."""
    number = zlib.crc32(code.encode()) % 100_000
    accepted = 1_772_413_200_000  # 2 March 2026, 08:00
    return {
        "dossierId": number,
        "referenceUid": code,
        "dossierNo": None,
        "password": None,
        "serviceCode": "STP.LLTP.CAP",
        "serviceName": "Cấp phiếu lý lịch tư pháp",
        "domainName": "Tư pháp",
        "govAgencyCode": "STP",
        "serviceLevel": 3,
        "online": True,
        "viaPostal": 0,
        "applicantName": "Nguyễn Thị Bịa",
        "applicantIdType": "citizen",
        "applicantIdNo": "000000000001",
        "submitDate": None,
        "receiveDate": accepted,
        "dueDate": accepted + 14 * 24 * HOUR_MS,
        "modifiedDate": modified_ms,
        "dossierStatus": status,
        "dossierStatusText": "",
        "dossierSubStatus": "",
        "originDossierNo": "",
        "serverNo": "",
        "dossierActions": None,
        **more,
    }


class Way:
    """One way to fail.

    Attributes:
        rows: What it holds.
        calls: Monotonic seconds of every list call, and the bearer token it came with.
        fail: Answers instead of the contract while it is not healed; None where its data is odd
            and its answers are well.
    """

    def __init__(self, rows: list[Row], fail: Answer | None = None) -> None:
        self.rows = rows
        self.fail = fail
        self.calls: list[tuple[float, str]] = []
        self.logins: list[float] = []
        self.expired: set[str] = set()
        self.is_healed = False

    def page(self, request: Request) -> tuple[list[Row], list[Row]]:
        """(the window, the page of it) that a call asks for."""
        asked = {
            name: int(value) for name, value in request.query_params.items() if value.isdigit()
        }
        since, until = asked.get("modifiedDateFrom"), asked.get("modifiedDateTo")
        window = sorted(self.rows, key=lambda one: (one["modifiedDate"], one["referenceUid"]))
        window = [
            one
            for one in window
            if (since is None or one["modifiedDate"] >= since)
            and (until is None or one["modifiedDate"] < until)
        ]
        return window, window[asked.get("start", 0) : asked.get("end", 1_000)]

    def well(self, request: Request) -> Response:
        """As the contract has it."""
        window, page = self.page(request)
        return JSONResponse({"total": len(window), "data": page})


class Evil:
    """All of them, on one port, in a thread."""

    def __init__(self, ways: dict[str, Way]) -> None:
        self.ways = ways
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        app = Starlette(
            routes=[
                Route("/{way}/o/rest/v2/login", self._login, methods=["POST"]),
                Route("/{way}/o/rest/v2/dossiers", self._list, methods=["GET"]),
            ]
        )
        config = uvicorn.Config(app, port=self.port, log_level="critical", access_log=False)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> "Evil":
        self._thread.start()
        until = time.monotonic() + 20
        while not self._server.started and time.monotonic() < until:
            threading.Event().wait(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.force_exit = self._server.should_exit = True
        self._thread.join(10)

    def heal(self) -> None:
        """Everyone is well from now on."""
        for way in self.ways.values():
            way.is_healed = True

    async def _login(self, request: Request) -> Response:
        way = self.ways[request.path_params["way"]]
        way.logins.append(time.monotonic())
        token = f"t-{len(way.logins)}-{request.path_params['way']}"
        return JSONResponse({"access_token": token, "expires_in": 3600})

    async def _list(self, request: Request) -> Response:
        way = self.ways[request.path_params["way"]]
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        way.calls.append((time.monotonic(), token))
        if way.is_healed or way.fail is None:
            return way.well(request)
        return way.fail(request, way)


async def _never() -> AsyncIterator[bytes]:
    yield b"{"
    await asyncio.sleep(3_600)


async def _drop_by_drop(body: bytes) -> AsyncIterator[bytes]:
    for place in range(len(body)):
        yield body[place : place + 1]
        await asyncio.sleep(0.4)


def hangs(_: Request, __: Way) -> Response:
    """Takes the call and says nothing more."""
    return StreamingResponse(_never(), media_type="application/json")


def drips(request: Request, way: Way) -> Response:
    """A byte per 0.4 s: each within any timeout per chunk."""
    return StreamingResponse(_drop_by_drop(way.well(request).body), media_type="application/json")


def cuts(request: Request, way: Way) -> Response:
    """Closes the body in the middle, and says that this was all."""
    body = bytes(way.well(request).body)
    return Response(body[: len(body) // 2], media_type="application/json")


def cuts_at_a_record(request: Request, way: Way) -> Response:
    """Leaves the last rows out at a record's end: what is left reads well."""
    window, page = way.page(request)
    return JSONResponse({"total": len(window), "data": page[: len(page) // 2]})


def html(_: Request, __: Way) -> Response:
    """A page for people, with 200."""
    return HTMLResponse("<html><body>Đăng nhập</body></html>")


def busy(_: Request, __: Way) -> Response:
    """429, and asks for a second's pause."""
    return Response(status_code=429, headers={"Retry-After": "1"})


def busy_for_ever(_: Request, __: Way) -> Response:
    """429, and asks for three years' pause."""
    return Response(status_code=429, headers={"Retry-After": "99999999"})


def broken(_: Request, __: Way) -> Response:
    """500 at every call."""
    return Response("loi he thong", 500)


def expires(request: Request, way: Way) -> Response:
    """The first token is taken for four pages and no more."""
    token = way.calls[-1][1]
    used = sum(1 for _, told in way.calls if told == token)
    if token.startswith("t-1-") and used > 4:
        return JSONResponse({"description": "token expired"}, status_code=401)
    return way.well(request)


def bombs(_: Request, __: Way) -> Response:
    """291 kB of gzip that are 300 MB."""
    return Response(BOMB, media_type="application/json", headers={"Content-Encoding": "gzip"})


def one_page_for_ever(_: Request, way: Way) -> Response:
    """The same ten rows whatever is asked for, and always more to come."""
    return JSONResponse({"total": 1_000_000, "data": way.rows[:10]})


def empty_in_the_middle(request: Request, way: Way) -> Response:
    """The third call of a window finds nothing, though more was declared."""
    window, page = way.page(request)
    is_third = len(way.calls) % 5 == 3
    return JSONResponse({"total": len(window), "data": [] if is_third else page})


def short(request: Request, way: Way) -> Response:
    """Declares 1,000 and gives 990."""
    window, page = way.page(request)
    kept = {one["referenceUid"] for one in way.rows[:990]}
    return JSONResponse(
        {"total": len(window), "data": [one for one in page if one["referenceUid"] in kept]}
    )


def sliding(request: Request, way: Way) -> Response:
    """After each of the first pages one of its rows is modified: all behind it move up by one."""
    window, page = way.page(request)
    if page and len(way.calls) <= 5:
        page[0] = dict(page[0])
        moved = next(r for r in way.rows if r["referenceUid"] == page[0]["referenceUid"])
        moved["modifiedDate"] = max(r["modifiedDate"] for r in way.rows) + 1_000
    return JSONResponse({"total": len(window), "data": page})


def redirects_to(base: str) -> Answer:
    """Sends the caller, and its token, to another host."""

    def redirect(request: Request, _: Way) -> Response:
        return RedirectResponse(f"{base}{request.url.path}", 302)

    return redirect
