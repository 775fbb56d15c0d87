"""/tra-cuu: the plain page where citizens look up their dossier; no script."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.concurrency import run_in_threadpool

from canonical import clock
from canonical.errors import RequestRefused
from canonical.reasons import Reason, sentence
from gateway.auth import context_of
from sync.lookup import Answer, look_up

router = APIRouter(include_in_schema=False)
_PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=select_autoescape(["html"])
)
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}

_NOT_FOUND = "Không tìm thấy hồ sơ với mã và PIN này. Hãy xem lại phiếu hẹn."
_LONGEST_CODE = 200
_LONGEST_PIN = 20


def _moment(iso: str) -> str:
    return clock.from_iso(iso).strftime("%d/%m/%Y %H:%M")


def _day(iso: str | None) -> str:
    return f"{iso[8:10]}/{iso[5:7]}/{iso[:4]}" if iso else "chưa có"


_PAGES.filters["moment"] = _moment
_PAGES.filters["day"] = _day


def _page(
    status: int,
    code: str,
    found: Answer | None,
    fault: str | None,
    retry_after_s: int | None = None,
) -> HTMLResponse:
    body = _PAGES.get_template("tra-cuu.html").render(code=code, found=found, fault=fault)
    headers = dict(_HEADERS)
    if retry_after_s is not None:
        headers["Retry-After"] = str(retry_after_s)
    return HTMLResponse(body, status_code=status, headers=headers)


@router.get("/tra-cuu")
async def form() -> HTMLResponse:
    """The empty form."""
    return _page(200, "", None, None)


@router.get("/tra-cuu.css")
async def style() -> HTMLResponse:
    """The page's one style sheet."""
    sheet = (Path(__file__).parent / "tra-cuu.css").read_text("utf-8")
    return HTMLResponse(sheet, media_type="text/css")


@router.post("/tra-cuu")
async def search(
    request: Request,
    code: Annotated[str, Form()] = "",
    pin: Annotated[str, Form()] = "",
) -> HTMLResponse:
    """The answer, or one sentence that says nothing of whether the code exists."""
    if len(code) > _LONGEST_CODE or len(pin) > _LONGEST_PIN:  # nobody's: a page, not a problem
        return _page(404, "", None, _NOT_FOUND)
    try:
        found = await run_in_threadpool(look_up, context_of(request), code.strip(), pin.strip())
    except RequestRefused as error:
        text = _NOT_FOUND if error.reason is Reason.NOT_FOUND else sentence(error.reason)
        return _page(error.status, code, None, text, error.retry_after_s)
    return _page(200, code, found, None)
