"""A caller that costs little: requests made beforehand, answers read by their declared length."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from http.client import HTTPConnection
from statistics import median
from typing import Any

import msgspec
from msgspec import Struct


class Lap(Struct, frozen=True):
    """One lap of one read.

    Attributes:
        per_second: Answers per second over all connections.
        p50_us: Median time of one answer, microseconds.
        p99_us: Of a hundred the slowest but one.
    """

    per_second: float
    p50_us: float
    p99_us: float


class Door:
    """A served application and a token for it."""

    def __init__(self, port: int, client_id: str, client_secret: str, token_path: str) -> None:
        self.port = port
        link = HTTPConnection("127.0.0.1", port, timeout=60)
        form = f"grant_type=client_credentials&client_id={client_id}&client_secret={client_secret}"
        link.request(
            "POST", token_path, form, {"Content-Type": "application/x-www-form-urlencoded"}
        )
        self.token = str(msgspec.json.decode(link.getresponse().read())["access_token"])

    def get(self, path: str) -> Any:
        """One answer, decoded; anything but 200 is an error."""
        link = HTTPConnection("127.0.0.1", self.port, timeout=120)
        link.request("GET", path, headers={"Authorization": f"Bearer {self.token}"})
        said = link.getresponse()
        raw = said.read()
        if said.status != 200:
            raise RuntimeError(f"{path}: {said.status}")
        return msgspec.json.decode(raw)

    def request(self, path: str) -> bytes:
        """The bytes of one request."""
        return (
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
            f"Authorization: Bearer {self.token}\r\nAccept: application/json\r\n\r\n"
        ).encode()

    def lap(self, paths: Sequence[str], connections: int) -> Lap:
        """Ask for all paths, shared out over so many connections."""
        return asyncio.run(_lap(self.port, [self.request(p) for p in paths], connections))


class _Caller(asyncio.Protocol):
    def __init__(self, requests: Iterable[bytes], took: list[float]) -> None:
        self._requests, self._took = iter(requests), took
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._held, self._missing = b"", -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._to = transport
        self._next()

    def _next(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._to.close()
            if not self.done.done():
                self.done.set_result(None)
            return
        self._begun = time.perf_counter()
        self._to.write(request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        if self._missing < 0:
            self._held += data
            head, mark, rest = self._held.partition(b"\r\n\r\n")
            if not mark:
                return
            if not head.startswith(b"HTTP/1.1 200"):
                self.done.set_exception(RuntimeError(head[:80].decode()))
                self._to.close()
                return
            _, _, told = head.lower().partition(b"content-length:")
            self._missing = int(told.split(b"\r\n", 1)[0]) - len(rest)
        else:
            self._missing -= len(data)
        if self._missing == 0:
            self._took.append(time.perf_counter() - self._begun)
            self._held, self._missing = b"", -1
            self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or RuntimeError("closed"))


async def _lap(port: int, requests: Sequence[bytes], connections: int) -> Lap:
    loop, took = asyncio.get_running_loop(), list[float]()
    begun = time.perf_counter()
    callers = [
        (
            await loop.create_connection(
                lambda n=n: _Caller(requests[n::connections], took), "127.0.0.1", port
            )
        )[1]
        for n in range(connections)
    ]
    await asyncio.gather(*(caller.done for caller in callers))
    spent = time.perf_counter() - begun
    took.sort()
    return Lap(
        per_second=len(requests) / spent,
        p50_us=median(took) * 1e6,
        p99_us=took[int(len(took) * 0.99)] * 1e6,
    )
