"""Push doors: canonical dossiers, and records in a department's own words.

The body goes from the socket to the decision as bytes; nothing parses it twice (CONTRACT, Push).
"""

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Header, Query, Request, Response
from msgspec import structs
from sqlalchemy.engine import Connection as Tx
from starlette.concurrency import run_in_threadpool

from canonical.errors import RequestRefused
from canonical.reasons import Reason
from gateway.api import examples
from gateway.auth import context_of, needs
from gateway.body import read_body
from gateway.problems import problem
from store import clients, connections, intake
from store.clients import KeptAnswer, Principal
from store.connections import ConnectionRow
from sync.context import Context
from sync.intake import Outcome, Taken, prepare, take_in
from sync.reading import CANONICAL, shape_of_content_type

router = APIRouter(tags=["Gửi hồ sơ"])
Pusher = Annotated[Principal, needs("push")]
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


def connection_for(
    context: Context, principal: Principal, asked: str | None, system: str | None
) -> ConnectionRow:
    """The connection a push is for.

    Raises:
        RequestRefused: 403 where the client has no such connection, 422 where it must name one.
    """
    if asked is None:
        if len(principal.connections) != 1:
            raise RequestRefused(Reason.FIELD_MISSING, 422, field="connection")
        asked = principal.connections[0]
    if asked not in principal.connections:
        raise RequestRefused(Reason.FORBIDDEN, 403)
    with context.store.read() as tx:
        found = connections.load_connection(tx, asked)
    if found is None or found.state != "enabled":
        raise RequestRefused(Reason.FORBIDDEN, 403)
    if system is not None and found.system != system:
        raise RequestRefused(Reason.FORBIDDEN, 403)
    return found


Render = Callable[[Outcome], KeptAnswer]


def push(
    context: Context,
    principal: Principal,
    connection: ConnectionRow,
    shape: str,
    raw: bytes,
    key: str | None,
    render: Render,
) -> KeptAnswer:
    """Take a body in and answer it; the same answer again for the same key and body.

    Raises:
        RequestRefused: 422 IDEMPOTENCY_MISMATCH.
        Malformed, Garbled: the body is refused whole.
    """
    digest = ""
    if key is not None:
        digest = intake.digest_of(f"{connection.id}\0{shape}\0".encode() + raw)
    kept = _kept(context, principal, key, digest)
    if kept is not None:
        return kept
    taken = Taken(
        connection=connection,
        shape=shape,
        raw=raw,
        received_at=context.now(),
        client_id=principal.id,
        agencies=principal.agencies,
    )
    found, version = prepare(context, taken)

    def keep(tx: Tx, outcome: Outcome) -> None:
        if key is not None:
            answer = structs.replace(render(outcome), body_digest=digest)
            if not clients.save_answer(tx, principal.id, key, answer, outcome.received_at):
                raise _OtherWasFirst(Reason.CONFLICT, 409)

    try:
        return render(take_in(context, taken, found, version, keep))
    except _OtherWasFirst:  # the same key at the same time: nothing of this one was kept
        first = _kept(context, principal, key, digest)
        if first is None:
            raise
        return first


class _OtherWasFirst(RequestRefused):
    """Another request with this Idempotency-Key was committed first."""


def _kept(
    context: Context, principal: Principal, key: str | None, digest: str
) -> KeptAnswer | None:
    """The answer once given for this key and body; refused for another body."""
    if key is None:
        return None
    with context.store.read() as tx:
        kept = clients.load_answer(tx, principal.id, key)
    if kept is not None and kept.body_digest != digest:
        raise RequestRefused(Reason.IDEMPOTENCY_MISMATCH, 422)
    return kept


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
    request: Request,
    principal: Principal,
    connection: ConnectionRow,
    shape: str,
    raw: bytes,
    key: str | None,
) -> Response:
    """The HTTP answer to a push."""
    said = await run_in_threadpool(
        push, context_of(request), principal, connection, shape, raw, key, renderer(request)
    )
    return Response(said.body, status_code=said.status, media_type=said.content_type)


@router.post("/api/v1/dossiers", summary="Gửi hồ sơ theo mẫu chung", openapi_extra=examples.PUSH)
async def push_dossiers(
    request: Request,
    principal: Pusher,
    connection: Annotated[str | None, Query(max_length=100)] = None,
    key: Key = None,
) -> Response:
    """Một hồ sơ, một danh sách, hoặc NDJSON; trả lời theo từng bản ghi."""
    context = context_of(request)
    raw = await read_body(request, context.limits.body_bytes)
    row = await run_in_threadpool(connection_for, context, principal, connection, CANONICAL)
    shape = shape_of_content_type(request.headers.get("content-type", ""))
    return await answer(request, principal, row, shape, raw, key)


@router.post(
    "/api/v1/connections/{connection_id}/records",
    summary="Gửi bản ghi theo mẫu riêng của hệ thống",
    openapi_extra=examples.NATIVE,
)
async def push_records(
    request: Request, connection_id: str, principal: Pusher, key: Key = None
) -> Response:
    """Bản ghi theo hợp đồng riêng của sở, ngành; trục tự chuyển sang mẫu chung."""
    context = context_of(request)
    raw = await read_body(request, context.limits.body_bytes)
    row = await run_in_threadpool(connection_for, context, principal, connection_id, None)
    shape = context.system_of(row).manifest.native_shape
    if row.system == CANONICAL:
        shape = shape_of_content_type(request.headers.get("content-type", ""))
    if not shape:
        raise RequestRefused(Reason.NOT_FOUND, 404)
    return await answer(request, principal, row, shape, raw, key)
