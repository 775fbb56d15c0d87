"""The only place that turns an error into an HTTP answer: application/problem+json (CONTRACT).

Never the input, never a stack: FastAPI's own 422 and pydantic's errors echo what was sent (TRAPS).
"""

import logging
import re
import uuid
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from canonical.errors import HubError, RequestRefused, StoreUnavailable
from canonical.reasons import Reason, sentence
from canonical.text import Malformed

logger = logging.getLogger(__name__)
_Q = re.compile(r"q\s*=\s*([01](?:\.[0-9]{0,3})?)")
_BY_STATUS = {
    400: Reason.BODY_MALFORMED,
    401: Reason.UNAUTHENTICATED,
    403: Reason.FORBIDDEN,
    404: Reason.NOT_FOUND,
    405: Reason.NOT_FOUND,
    409: Reason.CONFLICT,
    412: Reason.PRECONDITION_FAILED,
    413: Reason.BODY_TOO_LARGE,
    429: Reason.TOO_MANY,
}


def language_of(request: Request) -> str:
    """The caller's language: "en" where it would rather have English than Vietnamese, else "vi"."""
    wishes = [part.partition(";") for part in request.headers.get("accept-language", "").split(",")]
    told = [(name.strip().lower().partition("-")[0], _weight(q)) for name, _, q in wishes]
    known = [one for one in told if one[0] in ("vi", "en") and one[1] > 0]
    return max(known, key=lambda one: one[1], default=("vi", 1.0))[0]


def _weight(told: str) -> float:
    """The q of one language (RFC 9110, 12.4.2); 1 where none is told, 0 where it is none."""
    if not told.strip():
        return 1.0
    found = _Q.fullmatch(told.strip().lower())
    return float(found.group(1)) if found is not None else 0.0


def correlation_id(request: Request) -> str:
    """The one id to quote: given to every request at the door."""
    found = getattr(request.state, "correlation_id", None)
    if found is None:
        found = request.state.correlation_id = uuid.uuid4().hex
    return str(found)


def problem(
    request: Request,
    status: int,
    reason: Reason,
    *,
    field: str | None = None,
    headers: dict[str, str] | None = None,
    **more: Any,
) -> Response:
    """A problem document; `detail` in the caller's language."""
    told = {
        "type": f"urn:lienthong:reason:{reason.value}",
        "title": sentence(reason, "en"),
        "status": status,
        "detail": sentence(reason, language_of(request)),
        "reason": reason.value,
        "field": field,
        "correlation_id": correlation_id(request),
        **more,
    }
    return Response(
        msgspec.json.encode(told),
        status_code=status,
        media_type="application/problem+json",
        headers=headers,
    )


def refused(request: Request, error: RequestRefused) -> Response:
    """The answer to a request that is refused whole."""
    headers: dict[str, str] = {}
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(error.retry_after_s)
    more = {"receipt": error.receipt} if error.receipt is not None else {}
    return problem(
        request, error.status, error.reason, field=error.field, headers=headers or None, **more
    )


def install(app: FastAPI) -> None:
    """Give every kind of failure its answer."""

    @app.exception_handler(RequestRefused)
    async def _on_refused(request: Request, error: RequestRefused) -> Response:
        return refused(request, error)

    @app.exception_handler(Malformed)
    async def _on_malformed(request: Request, _: Malformed) -> Response:
        return problem(request, 400, Reason.BODY_MALFORMED)

    @app.exception_handler(StoreUnavailable)
    async def _on_outage(request: Request, error: StoreUnavailable) -> Response:
        logger.error(
            "The store cannot be used",
            extra={"event": "store.unavailable", "correlation_id": correlation_id(request)},
        )
        return problem(request, 503, error.reason, headers={"Retry-After": "5"})

    @app.exception_handler(HubError)
    async def _on_hub_error(request: Request, error: HubError) -> Response:
        return problem(request, 400, error.reason)

    @app.exception_handler(RequestValidationError)
    async def _on_validation(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        place = [str(part) for part in first["loc"][1:]]
        reason = Reason.FIELD_MISSING if first["type"] == "missing" else Reason.FIELD_TYPE
        if first["type"] == "json_invalid":
            return problem(request, 400, Reason.BODY_MALFORMED)
        if first["type"] == "extra_forbidden":
            reason = Reason.FIELD_UNKNOWN
        return problem(request, 422, reason, field=".".join(place)[:200] or None)

    @app.exception_handler(HTTPException)
    async def _on_http(request: Request, error: HTTPException) -> Response:
        reason = _BY_STATUS.get(error.status_code, Reason.BODY_MALFORMED)
        return problem(request, error.status_code, reason, headers=dict(error.headers or {}))

    @app.exception_handler(Exception)
    async def _on_anything(request: Request, error: Exception) -> Response:
        logger.error(
            "A request failed for the hub's own reason",
            exc_info=error,
            extra={"event": "request.failed", "correlation_id": correlation_id(request)},
        )
        return problem(request, 500, Reason.STORE_UNAVAILABLE)
