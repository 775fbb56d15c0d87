"""Moods of the wire: what goes wrong between two systems whatever they say to each other."""

import asyncio
from typing import Any

from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LATE_S = 30.0
DRIP_S = 0.05
CUT = 0.6

_FAULT_11 = """<?xml version="1.0" encoding="utf-8"?>
<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><soap:Fault>\
<faultcode>soap:Server</faultcode><faultstring>Loi he thong</faultstring>\
</soap:Fault></soap:Body></soap:Envelope>"""
_FAULT_12 = """<?xml version="1.0" encoding="utf-8"?>
<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope"><soap:Body><soap:Fault>\
<soap:Code><soap:Value>soap:Receiver</soap:Value></soap:Code>\
<soap:Reason><soap:Text xml:lang="vi">Loi he thong</soap:Text></soap:Reason>\
</soap:Fault></soap:Body></soap:Envelope>"""


def html_page() -> Response:
    """A page where data was asked for."""
    return HTMLResponse("<!DOCTYPE html><html><body><h1>Đăng nhập</h1></body></html>")


def soap_fault(mood: str) -> Response:
    """A plain fault: SOAP 1.2 for "fault12", else 1.1; HTTP 500 as both bindings ask."""
    if mood == "fault12":
        return Response(_FAULT_12, 500, media_type="application/soap+xml")
    return Response(_FAULT_11, 500, media_type="text/xml")


async def apart_from_well(
    mood: str, app: ASGIApp, scope: Scope, receive: Receive, send: Send, gone: Receive
) -> None:
    """Answer as the mood has it; a mood that is not of the wire answers as `app` does.

    Args:
        mood: One of MOODS.
        app: The contract's own answer.
        scope: As ASGI has it.
        receive: Gives the request.
        send: As ASGI has it.
        gone: Gives nothing but the caller's hanging up.
    """
    if mood == "slow" and await _hung_up(gone, LATE_S):
        return
    if mood == "silent":
        await _hung_up(gone, None)
    elif mood == "busy":
        await Response("", 429, headers={"retry-after": "7"})(scope, receive, send)
    elif mood == "truncated":
        await _cut(*await _collect(app, scope, receive), send)
    elif mood == "drip":
        await _drip(*await _collect(app, scope, receive), send, gone)
    else:
        await app(scope, receive, send)


async def _hung_up(gone: Receive, within_s: float | None) -> bool:
    """Whether the caller hung up within that time; waits for ever where it is None."""
    try:
        async with asyncio.timeout(within_s):
            while (await gone())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return False
    return True


async def _collect(app: ASGIApp, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
    sent: list[Any] = []

    async def keep(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, keep)
    return sent[0], b"".join(message.get("body", b"") for message in sent[1:])


async def _cut(start: Message, body: bytes, send: Send) -> None:
    await _begin(start, int(len(body) * CUT), send)
    await send({"type": "http.response.body", "body": body[: int(len(body) * CUT)]})


async def _drip(start: Message, body: bytes, send: Send, gone: Receive) -> None:
    await _begin(start, len(body), send)
    for place in range(len(body)):
        await send(
            {"type": "http.response.body", "body": body[place : place + 1], "more_body": True}
        )
        if await _hung_up(gone, DRIP_S):
            return
    await send({"type": "http.response.body", "body": b""})


async def _begin(start: Message, length: int, send: Send) -> None:
    headers = [h for h in start["headers"] if h[0].lower() != b"content-length"]
    await send({**start, "headers": [*headers, (b"content-length", str(length).encode())]})
