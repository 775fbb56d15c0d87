"""The door of the console: who goes in, and which form is believed.

Whoever has not signed in goes no further; a form must be one this session was handed.

A page is a function on a `staff_router()`, with the right it needs:

    router = staff_router()

    @router.get("/console/receipts")
    def receipts(desk: Annotated[Desk, needs(Right.WATCH)]) -> Response:
        return desk.page("receipts.html", rows=...)

Plain functions run on threads. HubError becomes a page in the reader's language (or, for htmx, a
notice), as gateway.problems makes a document of it for machines.
"""

import logging
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from typing_extensions import override

from canonical import clock
from canonical.errors import HubError, RequestRefused, StoreUnavailable
from canonical.reasons import Reason
from gateway.auth import context_of
from gateway.console.desk import SESSION, Desk
from store import staff_sessions
from store.staff_rights import Right
from store.staff_sessions import Session
from sync import staff
from sync.context import Context

logger = logging.getLogger(__name__)
LOGIN, PASSWORD = "/console/login", "/console/password"
_STATUS = {Reason.NOT_FOUND: 404, Reason.CONFLICT: 409, Reason.FORBIDDEN: 403}
_SAFE = frozenset({"GET", "HEAD"})
_Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class Turned(Exception):
    """Carries an answer out of a dependency, in place of the page that was asked for."""

    def __init__(self, answer: Response) -> None:
        super().__init__()
        self.answer = answer


class ConsoleRoute(APIRoute):
    """A page that anybody may ask for: whoever has signed in is known, failures become pages."""

    needs_session = False

    @override
    def get_route_handler(self) -> _Handler:
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                # Before anything of the body is read.
                desk = await desk_of(request)
                if self.needs_session and desk.session is None:
                    return to_login(desk)
                return await handle(request)
            except Turned as turned:
                return turned.answer
            except Exception as error:  # noqa: BLE001 - each kind has its page, none is swallowed
                return _failed(request, error)
            finally:
                await request.close()  # files that came with a form

        return answer


class StaffRoute(ConsoleRoute):
    """A page for those who have signed in."""

    needs_session = True


def staff_router() -> APIRouter:
    """A router for pages that need a sign-in; no part of the machines' contract."""
    return APIRouter(include_in_schema=False, route_class=StaffRoute)


def open_router() -> APIRouter:
    """A router for the pages before it."""
    return APIRouter(include_in_schema=False, route_class=ConsoleRoute)


async def desk_of(request: Request) -> Desk:
    """The desk of a request, found once."""
    found: Desk | None = getattr(request.state, "desk", None)
    if found is None:
        session = None
        if SESSION in request.cookies:
            session = await run_in_threadpool(
                _session, context_of(request), request.cookies[SESSION]
            )
        found = request.state.desk = Desk(request, session)
    return found


def _session(context: Context, cookie: str) -> Session | None:
    now = context.now()
    with context.store.read() as tx:
        found = staff_sessions.load(tx, cookie, now, staff.lifetime(context))
    if found is not None and staff_sessions.is_to_be_noted(found, now):
        at = clock.to_iso(now)
        context.store.in_write(lambda tx: staff_sessions.note(tx, found.digest, at))
    return found


def needs(right: Right) -> Any:
    """A dependency: the desk of somebody who may do this; 403 otherwise.

    A form, or what htmx sends, must carry this session's token.
    """

    async def check(request: Request) -> Desk:
        desk = await desk_of(request)
        if desk.session is None:
            raise Turned(to_login(desk))
        if desk.member.must_change:
            raise Turned(desk.back(PASSWORD))
        if not desk.may(right):
            raise RequestRefused(Reason.FORBIDDEN, 403)
        await believe(request, desk)
        return desk

    return Depends(check)


async def believe(request: Request, desk: Desk) -> None:
    """Refuse what changes something and was not sent by a form of ours.

    Raises:
        RequestRefused: 403 FORBIDDEN.
    """
    if request.method in _SAFE:
        return
    token = request.headers.get("x-csrf-token") or (await request.form()).get("token", "")
    if not (isinstance(token, str) and desk.is_ours(token) and _is_from_here(request)):
        raise RequestRefused(Reason.FORBIDDEN, 403)


def _is_from_here(request: Request) -> bool:
    """What a browser says of where a form stood; an old one says nothing."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def to_login(desk: Desk) -> Response:
    """Lead to the sign-in, and from there back to what was asked for."""
    request = desk.request
    if request.method not in _SAFE or desk.is_part:
        return desk.back(LOGIN)
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return desk.back(f"{LOGIN}?next={quote(asked, safe='')}")


def _failed(request: Request, error: Exception) -> Response:
    """The page for a failure."""
    desk: Desk = getattr(request.state, "desk", None) or Desk(request, None)
    if isinstance(error, HTTPException):
        if error.status_code == 404:
            return desk.refuse(404, Reason.NOT_FOUND)
        raise error
    if isinstance(error, RequestValidationError):
        return desk.refuse(422, Reason.FIELD_TYPE)
    if isinstance(error, RequestRefused):
        return desk.refuse(error.status, error.reason, error.detail)
    if isinstance(error, StoreUnavailable):
        logger.error("The store cannot be used", extra=_event(request, "store.unavailable"))
        return desk.refuse(503, error.reason)
    if isinstance(error, HubError):
        return desk.refuse(_STATUS.get(error.reason, 422), error.reason, error.detail)
    logger.error(
        "A request failed for the hub's own reason",
        exc_info=error,
        extra=_event(request, "request.failed"),
    )
    return desk.refuse(500, Reason.STORE_UNAVAILABLE)


def _event(request: Request, event: str) -> dict[str, str]:
    told = getattr(request.state, "correlation_id", "")
    return {"event": event, "correlation_id": told}
