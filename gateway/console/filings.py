"""/console/filings: filings whose outcome nobody can tell, and what a person says of them.

For clients with scope `admin`, by HTTP Basic with their credentials, since a browser can do that
without a script. A browser sends such credentials along with whatever another site makes it send:
so every form carries a token that only this page can make, for this person, this filing as it is
now, and an hour.
"""

import hashlib
import hmac
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.concurrency import run_in_threadpool

from canonical import clock
from canonical.errors import HubError, RequestRefused
from canonical.filing import STATE_TEXT_VI
from canonical.reasons import Reason, sentence
from gateway.auth import context_of, principal_from_header
from store import connections, filings, rights
from store.clients import Principal
from store.connections import ConnectionRow
from store.filings import FilingRow
from sync.context import Context
from sync.filing_decisions import CHOICES, Decision, Said, decide_filing

router = APIRouter(include_in_schema=False)
PATH = "/console/filings"
FORM_S = 3_600
_FOLDER = Path(__file__).parent
_PAGES = Environment(loader=FileSystemLoader(_FOLDER), autoescape=select_autoescape(["html"]))
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}
_OUTDATED = "Biểu mẫu đã cũ hoặc hồ sơ vừa thay đổi. Hãy xem lại rồi quyết định."


def _moment(iso: str | None) -> str:
    return clock.from_iso(iso).strftime("%d/%m/%Y %H:%M:%S") if iso else "chưa"


_PAGES.filters["moment"] = _moment


@router.get("/console/console.css")
async def style() -> HTMLResponse:
    """The pages' one style sheet."""
    return HTMLResponse((_FOLDER / "console.css").read_text("utf-8"), media_type="text/css")


@router.get(PATH)
async def waiting(request: Request, done: str = "") -> Response:
    """What waits for a person."""
    return await run_in_threadpool(_answer, request, done)


@router.post(PATH)
async def decide(
    request: Request,
    filing: Annotated[str, Form()] = "",
    decision: Annotated[str, Form()] = "",
    code: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
    token: Annotated[str, Form()] = "",
) -> Response:
    """One decision; 303 back to what is left."""
    told = {"filing": filing, "decision": decision, "code": code, "reason": reason}
    return await run_in_threadpool(_decide, request, told, token)


def _answer(request: Request, done: str) -> Response:
    principal = _operator(request)
    if isinstance(principal, Response):
        return principal
    said = f"Đã ghi quyết định về hồ sơ nộp thay số {done}." if done.isdecimal() else ""
    return _page(request, principal, 200, said=said[:100])


def _decide(request: Request, told: dict[str, str], token: str) -> Response:
    principal = _operator(request)
    if isinstance(principal, Response):
        return principal
    context = context_of(request)
    row = _visible(context, principal, told["filing"])
    if row is None:
        return _page(request, principal, 404, fault=sentence(Reason.NOT_FOUND))
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return _page(request, principal, 403, fault=_OUTDATED)
    if not _is_ours(context, principal, row, token):
        return _page(request, principal, 409, fault=_OUTDATED)
    try:
        said = Said(
            decision=Decision(told["decision"]),
            actor=principal.name,
            reason=told["reason"],
            code=told["code"] or None,
            seen_at=row.updated_at,
        )
        decide_filing(context, row.id, said)
    except ValueError:
        return _page(request, principal, 422, fault=sentence(Reason.FIELD_TYPE))
    except HubError as error:
        status = 409 if error.reason is Reason.CONFLICT else 422
        fault = _FAULTS.get(error.reason, sentence(error.reason))
        return _page(request, principal, status, fault=fault)
    return RedirectResponse(f"{PATH}?done={row.id}", 303, headers=_HEADERS)


_FAULTS = {
    Reason.FIELD_MISSING: "Hãy ghi lý do; nếu sở đã nhận thì ghi cả mã của sở.",
    Reason.CONFLICT: "Không ghi được: hồ sơ vừa thay đổi, hoặc mã này đã thuộc hồ sơ khác.",
}


def _operator(request: Request) -> Principal | Response:
    """Who asks, or the answer that asks who."""
    header = request.headers.get("authorization", "")
    try:
        principal = principal_from_header(context_of(request), header, basic=True)
    except RequestRefused as error:
        headers = {**_HEADERS, "WWW-Authenticate": 'Basic realm="lienthong", charset="UTF-8"'}
        return _plain(error.status, error.reason, headers)
    if not principal.may("admin"):
        return _plain(403, Reason.FORBIDDEN, _HEADERS)
    return principal


def _plain(status: int, reason: Reason, headers: dict[str, str]) -> Response:
    body = _PAGES.get_template("refused.html").render(said=sentence(reason))
    return HTMLResponse(body, status, headers=headers)


def _visible(context: Context, principal: Principal, told: str) -> FilingRow | None:
    """A filing that waits, and that this person may see."""
    return next((row for row, _ in _rows(context, principal) if str(row.id) == told), None)


def _rows(context: Context, principal: Principal) -> list[tuple[FilingRow, str]]:
    with context.store.read() as tx:
        books = context.books(tx)
        seen = rights.visible(tx, principal, books.agencies, context.now())
        return filings.list_waiting(tx, seen)


def _page(
    request: Request, principal: Principal, status: int, *, said: str = "", fault: str = ""
) -> Response:
    context = context_of(request)
    rows = _rows(context, principal)
    with context.store.read() as tx:
        known = {row.id: row for row in connections.list_connections(tx)}
    shown = [_shown(context, principal, row, dossier, known) for row, dossier in rows]
    body = _PAGES.get_template("filings.html").render(
        rows=shown, said=said, fault=fault, who=principal.name
    )
    return HTMLResponse(body, status, headers=_HEADERS)


def _shown(
    context: Context,
    principal: Principal,
    row: FilingRow,
    dossier: str,
    known: dict[str, ConnectionRow],
) -> dict[str, Any]:
    """What the operator needs; nothing of the citizen."""
    linked = known.get(row.connection_id)
    is_known = linked is not None and context.knows(linked)
    manifest = context.system_of(linked).manifest if linked is not None and is_known else None
    return {
        "row": row,
        "dossier": dossier,
        "state": STATE_TEXT_VI[row.state],
        "title": manifest.title if manifest is not None else row.connection_id,
        "owner": manifest.owner if manifest is not None else "",
        "why": _why(row),
        "failed": [place for place, plan in enumerate(row.plans, 1) if plan.state == "failed"],
        "choices": [choice.value for choice in CHOICES.get(row.state, ())],
        "token": _token(context, principal, row, int(context.now().timestamp()) + FORM_S),
    }


def _why(row: FilingRow) -> str:
    if row.state == "person":
        return (
            "Đã gửi mà không nhận được câu trả lời; sở không cho tra cứu, hoặc có hơn một hồ sơ"
            " tại sở có thể là hồ sơ này."
        )
    return sentence(Reason(row.reason)) if row.reason else ""


def _token(context: Context, principal: Principal, row: FilingRow, until: int) -> str:
    told = f"{principal.id}\0{row.id}\0{row.updated_at}\0{until}".encode()
    mac = hmac.new(context.vault.form_key, told, hashlib.sha256).hexdigest()
    return f"{until}.{mac}"


def _is_ours(context: Context, principal: Principal, row: FilingRow, token: str) -> bool:
    """Whether this page made the token, for this person and the filing as it is, not long ago."""
    until, _, _ = token.partition(".")
    if not (until.isascii() and until.isdecimal() and len(until) < 16):
        return False
    if int(until) < context.now().timestamp():
        return False
    made = _token(context, principal, row, int(until))
    return hmac.compare_digest(made.encode(), token.encode("utf-8", "backslashreplace"))
