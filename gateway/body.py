"""A request's body, read with a limit: a body that is too large is refused before it is held."""

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from canonical.errors import RequestRefused
from canonical.reasons import Reason

# Doors whose form is read before anybody is known; what is said there fits on one page.
_OPEN_DOORS = frozenset(
    {
        "/oauth/token",
        "/api/v1/lookup",
        "/tra-cuu",
        "/console/login",
        "/console/language",
        "/console/filings",
    }
)
OPEN_DOOR_BYTES = 16 * 1024


async def read_body(request: Request, limit_bytes: int) -> bytes:
    """The whole body.

    Raises:
        RequestRefused: 413 BODY_TOO_LARGE beyond the limit.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit_bytes:
        raise RequestRefused(Reason.BODY_TOO_LARGE, 413)
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit_bytes:
            raise RequestRefused(Reason.BODY_TOO_LARGE, 413)
        parts.append(part)
    return b"".join(parts)


class SmallAtOpenDoors:
    """ASGI middleware: 413 for a large body at a door that asks for no token.

    FastAPI reads a form or a JSON body whole before any code of ours sees it, and has no limit.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, its body counted."""
        if scope["type"] != "http" or scope["path"] not in _OPEN_DOORS:
            await self._app(scope, receive, send)
            return
        size = 0

        async def receive_counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > OPEN_DOOR_BYTES:
                raise HTTPException(413)
            return message

        await self._app(scope, receive_counted, send)
