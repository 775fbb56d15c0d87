"""A request's body, read with a limit: a body that is too large is refused before it is held."""

from fastapi import Request

from canonical.errors import RequestRefused
from canonical.reasons import Reason


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
