"""The departments that are asked: `python -m bench.source --records 100000 --port 9000`.

    POST /o/rest/v2/login, GET /o/rest/v2/dossiers   the one-stop app's contract, for the hub
    GET  /rest?offset=&limit=                        the same rows, plainly paged, for the peers
    POST /TichHopMotCua/Service.asmx (GET ?wsdl)     the licences, by SOAP, for both
    POST /again                                      from now on one row in 100 has moved
    POST /first                                      as in the beginning

Bare sockets and rows made beforehand; every page's envelope carries the time, so no two are equal.
"""

import argparse
import asyncio
import contextlib
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from bench.polled import Licences, Listed

_SOAP_PATH = "/TichHopMotCua/Service.asmx"
_DEAD = "http://127.0.0.1:9" + _SOAP_PATH
_DAY = re.compile(rb"tuNgay>([0-9/]{10})<")
_CONTRACT = Path("adapters") / "transport" / "contract" / "service-2014-used.wsdl"


class Source:
    """The data of both departments."""

    def __init__(self, records: int, port: int) -> None:
        self.first = Listed(records, moved=False)
        self.again: Listed | None = None
        self.now, self.port = self.first, port
        self.licences = Licences(records)
        self.licences.prepare()

    def answer(self, method: str, target: str, body: bytes) -> tuple[str, bytes]:
        """Content type and body of an answer."""
        at = urlsplit(target)
        asked = {name: told[0] for name, told in parse_qs(at.query).items()}
        match at.path:
            case "/o/rest/v2/dossiers":
                return "application/json", self._listed(asked)
            case "/o/rest/v2/login":
                return "application/json", b'{"access_token":"bench","expires_in":86400}'
            case "/rest":
                first = int(asked.get("offset", "0"))
                return "application/json", self._page(
                    "items", first, first + int(asked.get("limit", "500")), len(self.now)
                )
            case "/again":
                self.again = self.again or Listed(len(self.first), moved=True)
                self.now = self.again
                return "application/json", b"{}"
            case "/first":
                self.now = self.first
                return "application/json", b"{}"
        if at.path == _SOAP_PATH and method == "POST":
            return "text/xml; charset=utf-8", self._soap(body)
        here = f"http://127.0.0.1:{self.port}{_SOAP_PATH}"
        return "text/xml", _CONTRACT.read_text("utf-8").replace(_DEAD, here).encode()

    def _listed(self, asked: dict[str, str]) -> bytes:
        since = asked.get("modifiedDateFrom")
        behind = self.now.behind(int(since) if since else None)
        start, end = int(asked.get("start", "0")), int(asked.get("end", "500"))
        return self._page("data", behind + start, behind + end, len(self.now) - behind)

    def _page(self, name: str, first: int, end: int, total: int) -> bytes:
        rows = self.now.rows(first, end)
        stamp = time.time_ns()
        return b'{"total":%d,"servedAt":%d,"%s":[%s]}' % (total, stamp, name.encode(), rows)

    def _soap(self, body: bytes) -> bytes:
        found = _DAY.search(body)
        day = datetime.strptime(found[1].decode(), "%d/%m/%Y").date() if found else None  # noqa: DTZ007
        rows = self.licences.rows(day) if day is not None else b""
        return (
            b'<?xml version="1.0" encoding="utf-8"?><soap:Envelope'
            b' xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>'
            b'<getHoSoMotCuaResponse xmlns="http://tempuri.org/"><getHoSoMotCuaResult>'
            b"%s</getHoSoMotCuaResult></getHoSoMotCuaResponse></soap:Body></soap:Envelope>" % rows
        )


class _Talk(asyncio.Protocol):
    """One connection of a caller."""

    def __init__(self, source: Source) -> None:
        self.source, self.held = source, b""

    def connection_made(self, transport: Any) -> None:
        self.wire = transport

    def data_received(self, data: bytes) -> None:
        self.held += data
        end = self.held.find(b"\r\n\r\n")
        if end < 0:
            return
        lines = self.held[:end].decode("latin-1").split("\r\n")
        named = (line.partition(":") for line in lines[1:])
        head = {name.strip().lower(): told.strip() for name, _, told in named}
        size = int(head.get("content-length", "0"))
        if len(self.held) < end + 4 + size:
            if head.get("expect"):
                self.wire.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            return
        body, self.held = self.held[end + 4 : end + 4 + size], self.held[end + 4 + size :]
        method, target, _ = lines[0].split(" ", 2)
        kind, told = self.source.answer(method, target, body)
        out = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
        self.wire.write(out % (kind.encode(), len(told)) + told)


async def serve(records: int, port: int) -> None:
    """Answer until the process is ended."""
    source = Source(records, port)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Talk(source), "127.0.0.1", port)
    async with server:
        await server.serve_forever()


@contextlib.contextmanager
def running(records: int, port: int) -> Iterator[None]:
    """The departments, as a process of their own."""
    words = ["--records", str(records), "--port", str(port)]
    with subprocess.Popen([sys.executable, "-m", "bench.source", *words]) as process:
        try:
            for _ in range(6_000):
                with contextlib.suppress(ConnectionRefusedError):
                    tell(port, "first")
                    break
                time.sleep(0.05)  # noqa: TID251 - nothing here has a clock to be handed
            yield
        finally:
            process.kill()


def tell(port: int, word: str) -> None:
    """Have the source list what it had "first", or what it has "again"."""
    wire = HTTPConnection("127.0.0.1", port, timeout=300)
    try:
        wire.request("POST", f"/{word}")
        wire.getresponse().read()
    finally:
        wire.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--port", type=int, required=True)
    given = parser.parse_args()
    asyncio.run(serve(given.records, given.port))
