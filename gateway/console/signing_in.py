"""/console/login, /console/logout, /console/password, /console/language."""

from typing import Annotated

from fastapi import Form, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from canonical.errors import RequestRefused
from canonical.reasons import Reason
from gateway.console import language, navigation
from gateway.console.desk import SESSION, Desk
from gateway.console.door import LOGIN, PASSWORD, believe, desk_of, open_router, staff_router
from store import staff_sessions
from sync import staff

before = open_router()
router = staff_router()


@before.get(LOGIN)
async def form(request: Request) -> Response:
    """The form; whoever has signed in already is led on."""
    desk = await desk_of(request)
    if desk.session is not None:
        return desk.back(navigation.home(desk))
    return desk.page("login.html", next=inside(request.query_params.get("next", "")))


@before.post(LOGIN)
async def sign_in(
    request: Request,
    name: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "",  # noqa: A002 - a field's name
) -> Response:
    """Sign somebody in; the same sentence for a wrong name and a wrong password."""
    desk = await desk_of(request)
    wanted = inside(next)
    try:
        await believe(request, desk)
    except RequestRefused:
        return desk.page("login.html", 403, next=wanted, fault=desk.say("login.outdated"))
    try:
        cookie = await run_in_threadpool(staff.sign_in, desk.context, name, password)
    except RequestRefused as error:
        is_many = error.reason is Reason.TOO_MANY
        fault = desk.say("login.too_many" if is_many else "login.wrong")
        answer = desk.page("login.html", error.status, next=wanted, fault=fault, typed=name[:100])
        if error.retry_after_s is not None:
            answer.headers["Retry-After"] = str(error.retry_after_s)
        return answer
    answer = desk.back(wanted or "/console")
    desk.keep(answer, SESSION, cookie)
    return answer


@router.post("/console/logout")
async def sign_out(request: Request) -> Response:
    """Sign out; the session is gone for whoever held its cookie."""
    desk = await desk_of(request)
    await believe(request, desk)
    if desk.session is not None:
        digest = desk.session.digest
        await run_in_threadpool(
            desk.context.store.in_write, lambda tx: staff_sessions.end(tx, digest)
        )
    answer = desk.back(LOGIN, "login.signed_out")
    answer.delete_cookie(SESSION, path="/console")
    return answer


@router.get(PASSWORD)
async def password_form(request: Request) -> Response:
    """The form for another password."""
    return _password_page(await desk_of(request))


@router.post(PASSWORD)
async def change_password(
    request: Request,
    before: Annotated[str, Form()] = "",
    after: Annotated[str, Form()] = "",
    again: Annotated[str, Form()] = "",
) -> Response:
    """Set another password; every other session of this person ends."""
    desk = await desk_of(request)
    await believe(request, desk)
    if after != again:
        return _password_page(desk, 422, "password.differ")
    try:
        cookie = await run_in_threadpool(
            staff.change_password, desk.context, desk.member, before, after
        )
    except RequestRefused as error:
        faults = {401: "password.wrong", 429: "login.too_many"}
        return _password_page(desk, error.status, faults.get(error.status, "password.unfit"))
    answer = desk.back(navigation.home(desk), "password.changed")
    desk.keep(answer, SESSION, cookie)
    return answer


def _password_page(desk: Desk, status: int = 200, fault: str = "") -> Response:
    told = desk.say(fault, shortest=staff.SHORTEST) if fault else ""
    return desk.page("password.html", status, fault=told, shortest=staff.SHORTEST)


@before.post("/console/language")
async def switch_language(
    request: Request,
    to: Annotated[str, Form()] = "",
    back: Annotated[str, Form()] = "",
) -> Response:
    """Go on in another language, on the same page."""
    desk = await desk_of(request)
    await believe(request, desk)
    answer = desk.back(inside(back) or "/console")
    if to in language.LANGUAGES:
        desk.keep_language(answer, to)
    return answer


def inside(path: str) -> str:
    """An address of the console; nothing where it leads elsewhere."""
    is_ours = path == "/console" or path.startswith(("/console/", "/console?"))
    return path if is_ours and path.isprintable() and "\\" not in path and "//" not in path else ""
