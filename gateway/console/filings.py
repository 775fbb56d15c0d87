"""/console/filings: filings whose outcome nobody can tell, and what a person says of them.

For staff who may repair; also for clients with scope `admin`, by HTTP Basic with their credentials,
as scripts have it from before there were accounts. A browser sends such credentials along with
whatever another site makes it send: so every form carries a token that only this page can make, for
this person, this filing as it is now, and an hour.
"""

import hashlib
import hmac
from typing import Annotated, Any

from fastapi import Form, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from canonical.errors import HubError, RequestRefused
from canonical.reasons import Reason
from gateway.auth import context_of, principal_from_header
from gateway.console.desk import Desk
from gateway.console.door import PASSWORD, desk_of, open_router, to_login
from store import connections, filings, rights
from store.clients import Principal
from store.connections import ConnectionRow
from store.filings import FilingRow
from store.staff_rights import Right
from sync.context import Context
from sync.filing_decisions import CHOICES, Decision, Said, decide_filing

router = open_router()
PATH = "/console/filings"
FORM_S = 3_600
_BASIC = {"WWW-Authenticate": 'Basic realm="lienthong", charset="UTF-8"'}


@router.get(PATH)
async def waiting(request: Request) -> Response:
    """What waits for a person."""
    desk = await desk_of(request)
    return await run_in_threadpool(_answer, desk)


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
    desk = await desk_of(request)
    return await run_in_threadpool(_decide, desk, told, token)


def _answer(desk: Desk) -> Response:
    principal = _operator(desk)
    return principal if isinstance(principal, Response) else _page(desk, principal, 200)


def _decide(desk: Desk, told: dict[str, str], token: str) -> Response:
    principal = _operator(desk)
    if isinstance(principal, Response):
        return principal
    context = desk.context
    row = _visible(context, principal, told["filing"])
    if row is None:
        return _page(desk, principal, 404, fault="filings.gone")
    if desk.request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return _page(desk, principal, 403, fault="filings.outdated")
    if not _is_ours(context, principal, row, token):
        return _page(desk, principal, 409, fault="filings.outdated")
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
        return _page(desk, principal, 422, fault="filings.unfit")
    except HubError as error:
        is_conflict = error.reason is Reason.CONFLICT
        fault = _FAULTS.get(error.reason, "filings.unfit")
        return _page(desk, principal, 409 if is_conflict else 422, fault=fault)
    return desk.back(PATH, "filings.decided", number=row.id)


_FAULTS = {Reason.FIELD_MISSING: "filings.missing", Reason.CONFLICT: "filings.conflict"}


def _operator(desk: Desk) -> Principal | Response:
    """Who asks, or the answer that asks who."""
    header = desk.request.headers.get("authorization", "")
    if not header:
        return _member(desk)
    try:
        principal = principal_from_header(context_of(desk.request), header, basic=True)
    except RequestRefused as error:
        refused = desk.refuse(error.status, error.reason)
        refused.headers.update(_BASIC)
        return refused
    if not principal.may("admin"):
        return desk.refuse(403, Reason.FORBIDDEN)
    return principal


def _member(desk: Desk) -> Principal | Response:
    if desk.session is None:
        return to_login(desk)
    if desk.member.must_change:
        return desk.back(PASSWORD)
    if not desk.may(Right.REPAIR):
        return desk.refuse(403, Reason.FORBIDDEN)
    return desk.principal


def _visible(context: Context, principal: Principal, told: str) -> FilingRow | None:
    """A filing that waits, and that this person may see."""
    return next((row for row, _ in _rows(context, principal) if str(row.id) == told), None)


def _rows(context: Context, principal: Principal) -> list[tuple[FilingRow, str]]:
    with context.store.read() as tx:
        books = context.books(tx)
        seen = rights.visible(tx, principal, books.agencies, context.now())
        return filings.list_waiting(tx, seen)


def _page(desk: Desk, principal: Principal, status: int, *, fault: str = "") -> Response:
    context = desk.context
    rows = _rows(context, principal)
    with context.store.read() as tx:
        known = {row.id: row for row in connections.list_connections(tx)}
    shown = [_shown(context, principal, row, dossier, known) for row, dossier in rows]
    base = "base.html" if desk.session is not None else "bare.html"
    told = desk.say(fault) if fault else ""
    return desk.page("filings.html", status, rows=shown, fault=told, who=principal.name, base=base)


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
        "state": row.state,
        "title": manifest.title if manifest is not None else row.connection_id,
        "owner": manifest.owner if manifest is not None else "",
        "reason": row.reason,
        "is_person": row.state == "person",
        "failed": [place for place, plan in enumerate(row.plans, 1) if plan.state == "failed"],
        "choices": [choice.value for choice in CHOICES.get(row.state, ())],
        "token": _token(context, principal, row, int(context.now().timestamp()) + FORM_S),
    }


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
