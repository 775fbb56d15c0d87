"""A load generator that costs little: prebuilt requests over kept-open connections, bare sockets.

Every answer is counted and its status looked at. `python -m bench.load` shows how much it can do
against a server that only answers, so that one sees it is not what limits a measurement.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.postgres import free_port

LONGEST_S = 900.0


@dataclass
class Told:
    """What came of a load.

    Attributes:
        took: Seconds of every answer, in the order they came.
        bad: How many answers were no 2xx, and the beginning of the first such.
    """

    wall_s: float = 0.0
    took: list[float] = field(default_factory=list)
    bad: int = 0
    first_bad: bytes = b""

    def percentile(self, share: float) -> float:
        """Seconds within which that share of the answers came."""
        return sorted(self.took)[min(len(self.took) - 1, int(len(self.took) * share))]


def post(path: str, body: bytes, kind: str, authorization: str = "", more: str = "") -> bytes:
    """One POST as bytes on the wire."""
    head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: {kind}\r\n"
    if authorization:
        head += f"Authorization: {authorization}\r\n"
    return f"{head}{more}Content-Length: {len(body)}\r\n\r\n".encode() + body


def get(path: str, authorization: str = "") -> bytes:
    """One GET as bytes on the wire."""
    head = f"GET {path} HTTP/1.1\r\nHost: bench\r\n"
    if authorization:
        head += f"Authorization: {authorization}\r\n"
    return f"{head}\r\n".encode()


class _Lane(asyncio.Protocol):
    """One connection: a request, its answer, the next request."""

    def __init__(self, waiting: list[bytes], told: Told, done: "asyncio.Future[None]") -> None:
        self.waiting, self.told, self.done = waiting, told, done
        self.held = b""
        self.begun = 0.0
        self.is_asking = False

    def connection_made(self, transport: Any) -> None:
        self.wire = transport
        self._next()

    def _next(self) -> None:
        if not self.waiting:
            self.is_asking = False
            self.wire.close()
            return
        self.is_asking = True
        self.begun = time.perf_counter()
        self.wire.write(self.waiting.pop())

    def data_received(self, data: bytes) -> None:
        self.held = self.held + data if self.held else data
        end = self.held.find(b"\r\n\r\n")
        if end < 0 or not _is_whole(self.held, end):
            return
        self.told.took.append(time.perf_counter() - self.begun)
        if self.held[9:10] != b"2":
            self.told.bad += 1
            self.told.first_bad = self.told.first_bad or self.held[:600]
        self.held = b""
        self._next()

    def connection_lost(self, error: Exception | None) -> None:
        if self.is_asking:
            self.told.bad += 1
            self.told.first_bad = self.told.first_bad or b"the connection was closed"
        if not self.done.done():
            self.done.set_result(None)


def _is_whole(held: bytes, end: int) -> bool:
    head = held[:end].lower()
    at = head.find(b"content-length:")
    if at < 0:
        return b"transfer-encoding" not in head or held.endswith(b"0\r\n\r\n")
    stop = head.find(b"\r", at)
    size = int(head[at + 15 : stop if stop > 0 else end])
    return len(held) >= end + 4 + size


async def _run(ports: Sequence[int], requests: Sequence[bytes], connections: int) -> Told:
    loop = asyncio.get_running_loop()
    told, waiting = Told(), list(reversed(requests))
    ends = [loop.create_future() for _ in range(connections)]
    begun = time.perf_counter()
    for number, end in enumerate(ends):
        port = ports[number % len(ports)]
        await loop.create_connection(lambda end=end: _Lane(waiting, told, end), "127.0.0.1", port)
    async with asyncio.timeout(LONGEST_S):
        await asyncio.gather(*ends)
    told.wall_s = time.perf_counter() - begun
    return told


def run(port: int | Sequence[int], requests: Sequence[bytes], connections: int) -> Told:
    """Send all requests over so many connections, spread over the ports; wait for all answers."""
    ports = [port] if isinstance(port, int) else port
    return asyncio.run(_run(ports, requests, connections))


class _Echo(asyncio.Protocol):
    """Answers 200 to whatever has a whole body."""

    def __init__(self) -> None:
        self.held = b""

    def connection_made(self, transport: Any) -> None:
        self.wire = transport

    def data_received(self, data: bytes) -> None:
        self.held += data
        end = self.held.find(b"\r\n\r\n")
        if end >= 0 and _is_whole(self.held, end):
            self.held = b""
            self.wire.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Echo, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


def alone(requests: Sequence[bytes], connections: int) -> Told:
    """The same load against a server that only answers: the generator's own limit."""
    import subprocess

    port = free_port()
    command = [sys.executable, "-m", "bench.load", "serve", str(port)]
    with subprocess.Popen(command) as process:
        try:
            for _ in range(200):
                try:
                    return run(port, requests, connections)
                except ConnectionRefusedError:
                    time.sleep(0.05)  # noqa: TID251 - nothing here has a clock to be handed
            raise RuntimeError("the answering server did not start")
        finally:
            process.kill()


def main() -> None:
    """Serve answers, or show what the generator can do."""
    if sys.argv[1:2] == ["serve"]:
        asyncio.run(_serve(int(sys.argv[2])))
        return
    from bench.invented import json_batch

    for size, count, connections in ((1, 20_000, 64), (500, 100, 4)):
        bodies = [json_batch(n * size, size) for n in range(count)]
        told = alone([post("/", b, "application/json") for b in bodies], connections)
        print(f"batches of {size}: {count * size / told.wall_s:,.0f} dossiers/s, bad {told.bad}")


if __name__ == "__main__":
    main()
