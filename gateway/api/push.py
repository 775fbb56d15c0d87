"""Push doors: canonical dossiers, and records in a department's own words.

The body goes from the socket to the decision as bytes; nothing parses it twice (CONTRACT, Push).
"""

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Header, Query, Request, Response
from sqlalchemy.engine import Connection as Tx
from starlette.concurrency import run_in_threadpool

from canonical.errors import RequestRefused
from canonical.reasons import Reason
from gateway.api import examples
from gateway.auth import context_of, principal_from_header, sender_of
from gateway.body import read_body
from gateway.groups import groups_of
from gateway.problems import problem
from store.clients import KeptAnswer
from store.connections import ConnectionRow
from sync.groups import SMALL_BYTES
from sync.pushes import Push
from sync.reading import CANONICAL, shape_of_content_type
from sync.taken import Outcome

router = APIRouter(tags=["Gửi hồ sơ"])
Key = Annotated[str | None, Header(alias="Idempotency-Key", max_length=200)]


def answer_body(outcome: Outcome) -> dict[str, Any]:
    """The push answer of CONTRACT."""
    return {
        "receipt": outcome.receipt,
        "counts": outcome.counts,
        "records": [
            {
                "position": fate.position,
                "code": fate.code,
                "disposition": fate.disposition,
                "reason": fate.reason.value if fate.reason is not None else None,
                "field": fate.field,
                "dossier": outcome.dossiers.get(fate.position),
            }
            for fate in outcome.fates
        ],
    }


Render = Callable[[Outcome], KeptAnswer]
Shape = Callable[[ConnectionRow, Tx], str]


def renderer(request: Request) -> Render:
    """How this request's outcome is answered; one object that cannot be taken is a problem."""

    def render(outcome: Outcome) -> KeptAnswer:
        if not outcome.is_list and outcome.counts["quarantined"]:
            fate = outcome.fates[0]
            reason = fate.reason or Reason.MAPPING_ERROR
            status = 403 if reason is Reason.AGENCY_FORBIDDEN else 422
            told = problem(request, status, reason, field=fate.field, receipt=outcome.receipt)
            return KeptAnswer("", status, told.media_type or "", bytes(told.body).decode())
        status = 202 if outcome.is_pending else 200
        body = msgspec.json.encode(answer_body(outcome)).decode()
        return KeptAnswer("", status, "application/json", body)

    return render


async def answer(
    request: Request, asked: str | None, system: str | None, shape: Shape, key: str | None
) -> Response:
    """The HTTP answer to a push."""
    context = context_of(request)
    header = request.headers.get("authorization", "")
    client_id, _ = sender_of(context, header)
    if not is_small(request):  # nobody who may not push is listened to for long
        principal = await run_in_threadpool(principal_from_header, context, header)
        if not principal.may("push"):
            raise RequestRefused(Reason.FORBIDDEN, 403)
    raw = await read_body(request, context.limits.body_bytes)
    render = renderer(request)
    now = context.now()
    push = Push(client_id, None, asked, system, shape, raw, now, key, render)
    end = await groups_of(request).take(push)
    said = end if isinstance(end, KeptAnswer) else render(end)
    return Response(said.body, status_code=said.status, media_type=said.content_type)


def is_small(request: Request) -> bool:
    """Whether a body says that it is small enough to be taken in together with others."""
    declared = request.headers.get("content-length", "")
    return declared.isdecimal() and int(declared) <= SMALL_BYTES


@router.post("/api/v1/dossiers", summary="Gửi hồ sơ theo mẫu chung", openapi_extra=examples.PUSH)
async def push_dossiers(
    request: Request,
    connection: Annotated[str | None, Query(max_length=100)] = None,
    key: Key = None,
) -> Response:
    """Một hồ sơ, một danh sách, hoặc NDJSON; trả lời theo từng bản ghi."""
    shape = shape_of_content_type(request.headers.get("content-type", ""))
    return await answer(request, connection, CANONICAL, lambda _row, _tx: shape, key)


@router.post(
    "/api/v1/connections/{connection_id}/records",
    summary="Gửi bản ghi theo mẫu riêng của hệ thống",
    openapi_extra=examples.NATIVE,
)
async def push_records(request: Request, connection_id: str, key: Key = None) -> Response:
    """Bản ghi theo hợp đồng riêng của sở, ngành; trục tự chuyển sang mẫu chung."""
    context = context_of(request)

    def shape(row: ConnectionRow, tx: Tx) -> str:
        if row.system == CANONICAL:
            return shape_of_content_type(request.headers.get("content-type", ""))
        return context.system_of(row, tx=tx).manifest.native_shape or ""

    return await answer(request, connection_id, None, shape, key)
