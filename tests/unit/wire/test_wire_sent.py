"""Whether a request has begun to leave: what a filing must know before it may be sent again."""

import asyncio
import socket
from collections.abc import Iterator

import pytest

from adapters.wire import Wire
from adapters.wire.http import status_of
from canonical.errors import Busy, HubError, TryAgain
from canonical.reasons import Reason
from tests.unit.wire.conftest import raw_server, reset


async def tried(address: str, timeout_s: float = 60.0, wire: Wire | None = None) -> tuple[int, str]:
    """How often leaving was told, and the reason of the failure ("" where there was none)."""
    told: list[None] = []
    wire = wire or Wire()
    try:
        http = wire.http("trial", timeout_s=timeout_s)
        await http.call("POST", address, content=b"x", on_sent=lambda: told.append(None))
    except HubError as error:
        return len(told), error.reason.value
    finally:
        await wire.close()
    return len(told), ""


async def test_a_call_that_is_answered_left_once() -> None:
    async with raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as server:
        assert await tried(server.address) == (1, "")


async def test_a_call_that_is_cut_off_left() -> None:
    async def cut(writer: asyncio.StreamWriter) -> None:
        reset(writer)

    async with raw_server(cut) as server:
        assert await tried(server.address) == (1, "NET_RESET")


async def test_a_call_that_is_never_answered_left() -> None:
    async def hang(_: asyncio.StreamWriter) -> None:
        await asyncio.sleep(5)

    async with raw_server(hang) as server:
        assert await tried(server.address, timeout_s=0.2) == (1, "TIMEOUT_TOTAL")


async def test_where_nobody_listens_nothing_left(dead_port: int) -> None:
    assert await tried(f"http://127.0.0.1:{dead_port}") == (0, "NET_REFUSED")


async def test_where_the_address_is_not_allowed_nothing_left() -> None:
    wire = Wire(["department.invalid"])
    assert await tried("http://127.0.0.1:9", wire=wire) == (0, "EGRESS_DENIED")


async def test_where_the_name_leads_nowhere_nothing_left() -> None:
    wire = Wire(["department.invalid"])
    assert await tried("http://department.invalid", wire=wire) == (0, "NET_DNS")


@pytest.fixture
def full_port() -> Iterator[int]:
    """A port whose queue is full, so that no connection is ever made."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    waiting = [socket.socket() for _ in range(8)]
    for one in waiting:
        one.setblocking(False)
        one.connect_ex(listener.getsockname())
    yield listener.getsockname()[1]
    for one in [*waiting, listener]:
        one.close()


async def test_a_connection_that_is_never_made_sent_nothing(full_port: int) -> None:
    assert await tried(f"http://127.0.0.1:{full_port}", timeout_s=0.3) == (0, "TIMEOUT_TOTAL")


def test_the_status_an_error_is_about_can_be_told() -> None:
    assert status_of(Busy(Reason.RATE_LIMITED, "gtvt.example:443: HTTP 429")) == 429
    assert status_of(TryAgain(Reason.HTTP_5XX, "gtvt.example:443: HTTP 502")) == 502
    assert status_of(TryAgain(Reason.HTTP_5XX, "HTTP 500 without a fault")) == 500
    assert status_of(TryAgain(Reason.NET_RESET, "gtvt.example:443")) is None
