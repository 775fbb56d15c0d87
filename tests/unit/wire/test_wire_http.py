import asyncio
import gzip
import logging
import socket
import time
from typing import Any

import httpx
import pytest
import respx

from adapters.wire import Wire
from canonical.errors import (
    Busy,
    Garbled,
    HubError,
    NotAllowed,
    Refused,
    TryAgain,
    Unreachable,
)
from canonical.reasons import Reason
from tests.unit.wire.conftest import raw_server, reset


def answer(body: bytes = b"{}", status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    if not any(h.lower().startswith("content-type") for h in headers):
        lines.append("Content-Type: application/json")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def called(
    raw: Any, *, timeout_s: float = 60.0, max_body_bytes: int = 10_000, **how: Any
) -> Any:
    wire = Wire(max_body_bytes=max_body_bytes)
    async with raw_server(raw) as server:
        try:
            return await wire.http("trial", timeout_s=timeout_s).call("GET", server.address, **how)
        finally:
            await wire.close()


async def failed(raw: Any, **how: Any) -> HubError:
    with pytest.raises(HubError) as failure:
        await called(raw, **how)
    assert failure.value.system == "trial"
    return failure.value


async def test_an_answer_comes_whole_with_its_headers() -> None:
    got = await called(answer(b'{"a": 1}', "200 OK", "X-Page: 2", "Content-Type: Text/JSON; q=1"))
    assert (got.status, got.body, got.content_type) == (200, b'{"a": 1}', "text/json")
    assert got.headers["x-page"] == "2"


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        ("301 Moved", Refused, Reason.REDIRECT_REFUSED),
        ("304 Not Modified", Refused, Reason.REDIRECT_REFUSED),
        ("400 Bad", Refused, Reason.HTTP_4XX),
        ("404 Not Found", Refused, Reason.HTTP_4XX),
        ("401 Who", NotAllowed, Reason.AUTH_DENIED),
        ("403 No", NotAllowed, Reason.AUTH_DENIED),
        ("429 Slow", Busy, Reason.RATE_LIMITED),
        ("500 Oops", TryAgain, Reason.HTTP_5XX),
        ("503 Later", TryAgain, Reason.HTTP_5XX),
    ],
)
async def test_a_status_is_sorted_by_what_to_do(status: str, kind: type, reason: Reason) -> None:
    error = await failed(answer(b"secret body", status, "Location: http://127.0.0.1:1/"))
    assert type(error) is kind
    assert error.reason is reason
    assert "secret" not in str(error)


@pytest.mark.parametrize("status", ["429 Slow", "503 Later"])
async def test_a_named_pause_reaches_the_caller(status: str) -> None:
    error = await failed(answer(b"", status, "Retry-After: 30"))
    assert isinstance(error, Busy)
    assert error.retry_after_s == 30.0


async def test_a_redirect_is_not_followed() -> None:
    async with raw_server(answer()) as other:
        error = await failed(answer(b"", "302 Found", f"Location: {other.address}/x"))
        assert error.reason is Reason.REDIRECT_REFUSED
        assert other.asked == []


async def test_a_status_that_is_an_answer_in_the_contract_comes_back_as_one() -> None:
    got = await called(answer(b"fault", "500 Fault"), allow=(500,))
    assert (got.status, got.body) == (500, b"fault")


async def test_another_content_type_than_the_contract_knows_is_refused() -> None:
    page = answer(b"<html>", "200 OK", "Content-Type: text/html; charset=utf-8")
    error = await failed(page, expect=("application/json",))
    assert error.reason is Reason.CTYPE_UNEXPECTED
    nothing = b"HTTP/1.1 204 No Content\r\n\r\n"
    assert (await called(nothing, expect=("application/json",))).status == 204


async def test_a_body_shorter_than_declared_is_truncated() -> None:
    error = await failed(answer(b"x" * 100)[:-40])
    assert isinstance(error, Garbled)
    assert error.reason is Reason.BODY_TRUNCATED


async def test_a_cut_chunked_body_is_truncated() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    error = await failed(head + b"10\r\n0123456789abcdef\r\n5\r\nab")
    assert error.reason is Reason.BODY_TRUNCATED


async def test_a_broken_chunked_body_is_malformed() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert (await failed(head + b"zz\r\nnonsense")).reason is Reason.BODY_MALFORMED


async def test_a_truncated_gzip_is_truncated_though_its_length_is_honest() -> None:
    cut = gzip.compress(b'{"rows": []}' * 50)[:-10]
    error = await failed(answer(cut, "200 OK", "Content-Encoding: gzip"))
    assert error.reason is Reason.BODY_TRUNCATED


async def test_a_gzip_bomb_is_refused_while_it_is_unpacked() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    error = await failed(answer(bomb, "200 OK", "Content-Encoding: gzip"), max_body_bytes=1_000_000)
    assert error.reason is Reason.BODY_TOO_LARGE


async def test_a_declared_length_beyond_the_limit_is_refused_unread() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n"
    assert (await failed(head)).reason is Reason.BODY_TOO_LARGE


async def test_a_body_without_end_is_refused_at_the_limit() -> None:
    async def flood(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 4096)
            await writer.drain()

    assert (await failed(flood)).reason is Reason.BODY_TOO_LARGE


async def drip(writer: asyncio.StreamWriter) -> None:
    for byte in answer(b"x" * 500):
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.02)


async def silence(_: asyncio.StreamWriter) -> None:
    await asyncio.sleep(5)


async def stall(writer: asyncio.StreamWriter) -> None:
    writer.write(answer(b"x" * 500)[:200])
    await writer.drain()
    await asyncio.sleep(5)


@pytest.mark.parametrize("play", [drip, silence, stall])
async def test_one_deadline_holds_for_the_whole_call(play: Any) -> None:
    began = time.monotonic()
    error = await failed(play, timeout_s=0.2)
    assert isinstance(error, Unreachable)
    assert error.reason is Reason.TIMEOUT_TOTAL
    assert time.monotonic() - began < 1.0


async def test_silence_is_unreachable_and_a_reset_too() -> None:
    async def hang_up(writer: asyncio.StreamWriter) -> None:
        reset(writer)

    async def reset_midway(writer: asyncio.StreamWriter) -> None:
        writer.write(answer(b"x" * 500)[:200])
        await writer.drain()
        await asyncio.sleep(0.05)
        reset(writer)

    async def end(_: asyncio.StreamWriter) -> None:
        return

    for play in (hang_up, reset_midway, end):
        error = await failed(play)
        assert isinstance(error, Unreachable), play
        assert error.reason is Reason.NET_RESET


async def test_what_is_no_http_is_malformed() -> None:
    assert (await failed(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")).reason is Reason.BODY_MALFORMED


async def test_nobody_at_the_port_is_refused(dead_port: int) -> None:
    wire = Wire()
    with pytest.raises(Unreachable) as failure:
        await wire.http("trial").call("GET", f"http://127.0.0.1:{dead_port}/x?ma=H50.12-1")
    assert failure.value.reason is Reason.NET_REFUSED
    assert failure.value.detail == f"127.0.0.1:{dead_port}"
    await wire.close()


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/x",
        "file:///etc/passwd",
        "http://user:secret@127.0.0.1/x",
        "http:///x",
        "http://127.0.0.1:99999/",
        "http://10.0.0.1/secret",
        "//127.0.0.1/",
        "",
    ],
)
async def test_an_address_outside_the_rules_is_never_called(url: str) -> None:
    with pytest.raises(Refused) as failure:
        await Wire().http("trial").call("GET", url)
    assert failure.value.reason is Reason.EGRESS_DENIED
    assert "secret" not in str(failure.value)


async def test_a_body_goes_out_as_the_contract_has_it() -> None:
    wire = Wire()
    async with raw_server(answer()) as server:
        http = wire.http("trial", auth=("basic", "hub", "mật"))
        await http.call("POST", server.address, json={"ma": "Đông Hà"}, headers={"X-Key": "k"})
        await http.call("POST", server.address, form={"a": "1 2"}, params={"trang": 1})
        await http.call("PUT", server.address, content=b"<a/>", content_type="text/xml")
    await wire.close()
    as_json, as_form, as_xml = server.asked
    assert '{"ma": "Đông Hà"}'.encode() in as_json
    assert b"x-key: k" in as_json.lower()
    assert b"authorization: basic aHVi" in as_json.replace(
        b"Authorization: Basic", b"authorization: basic"
    )
    assert b"POST /?trang=1 " in as_form
    assert as_form.endswith(b"a=1+2")
    assert as_xml.endswith(b"<a/>")
    assert b"text/xml" in as_xml


@pytest.mark.parametrize("secret", ["khóa", "line\nbreak", "line\r\nX: y"])
async def test_a_secret_that_no_header_can_carry_is_named_and_not_shown(secret: str) -> None:
    wire = Wire()
    async with raw_server(answer()) as server:
        with pytest.raises(Refused) as failure:
            await wire.http("trial").call("GET", server.address, headers={"X-Key": secret})
    await wire.close()
    assert failure.value.reason is Reason.MAPPING_ERROR
    assert secret not in str(failure.value)
    assert failure.value.__cause__ is None
    assert server.asked == []


async def test_the_environment_cannot_divert_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert (await called(answer())).status == 200


async def test_no_address_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        await called(answer(), params={"ma": "H50.12-160301-0123"})
    assert "0123" not in caplog.text


async def test_a_name_is_called_at_the_address_that_was_checked() -> None:
    wire = Wire(["localhost", "127.0.0.1", "::1"])
    async with raw_server(answer()) as server:
        port = server.address.rpartition(":")[2]
        got = await wire.http("trial").call("GET", f"http://localhost:{port}/x")
    await wire.close()
    assert got.status == 200
    assert f"host: localhost:{port}".encode() in server.asked[0].lower()


async def test_a_name_that_leads_elsewhere_a_moment_later_is_not_followed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    async def getaddrinfo(_loop: Any, host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        # Nobody listens at the first: the next address checked is tried, and nothing else asked.
        found = ["127.0.0.2", "127.0.0.1"] if len(asked) == 1 else ["127.0.0.3"]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in found]

    async with raw_server(answer()) as server:
        port = server.address.rpartition(":")[2]
        monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
        wire = Wire(["so-mau.gov.vn", "127.0.0.0/8"])
        got = await wire.http("trial", timeout_s=5).call("GET", f"http://so-mau.gov.vn:{port}/")
        await wire.close()
    assert got.status == 200
    assert asked == ["so-mau.gov.vn"]
    assert f"host: so-mau.gov.vn:{port}".encode() in server.asked[0].lower()


async def test_a_ceiling_holds_whatever_a_connection_asks_for() -> None:
    wire = Wire(timeout_s=30, longest_timeout_s=4)
    assert wire.deadline_s() == 4
    assert wire.deadline_s(60) == 4
    assert wire.deadline_s(1) == 1
    assert Wire(timeout_s=30).deadline_s() == 30


async def test_two_calls_at_once_do_not_share_a_deadline() -> None:
    wire = Wire()
    async with raw_server(silence) as silent, raw_server(answer()) as well:
        slow = wire.http("slow", timeout_s=0.2).call("GET", silent.address)
        fast = wire.http("fast", timeout_s=60).call("GET", well.address)
        told = await asyncio.gather(slow, fast, return_exceptions=True)
    await wire.close()
    assert isinstance(told[0], Unreachable)
    assert not isinstance(told[1], BaseException)


@respx.mock
async def test_a_fake_of_httpx_is_read_like_the_real_one() -> None:
    respx.get("http://127.0.0.1:9/x").mock(httpx.Response(200, json={"a": 1}))
    respx.get("http://127.0.0.1:9/y").mock(side_effect=httpx.ReadError("cut"))
    wire = Wire()
    http = wire.http("trial")
    assert (await http.call("GET", "http://127.0.0.1:9/x")).body == b'{"a":1}'
    with pytest.raises(Unreachable):
        await http.call("GET", "http://127.0.0.1:9/y")
    await wire.close()
