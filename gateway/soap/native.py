"""Doors in the departments' own contracts: the bytes go to the adapter's pure door and back.

Credentials are those of a hub client, in the body where the contract puts them, else HTTP Basic.
"""

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from canonical.errors import HubError, RequestRefused
from canonical.ports import Door, DoorAnswer, DoorCall
from canonical.reasons import Reason
from canonical.text import Malformed
from gateway.auth import context_of, sender_of
from gateway.body import read_body
from gateway.groups import groups_of
from store import connections
from store.connections import ConnectionRow
from sync.context import Context
from sync.pushes import Push

router = APIRouter(tags=["SOAP"])


@router.get(
    "/soap/v1/connections/{connection_id}", summary="WSDL của cửa riêng", response_class=Response
)
async def native_wsdl(request: Request, connection_id: str) -> Response:
    """Hợp đồng riêng của sở, ngành với địa chỉ cửa của trục."""
    _, door = await run_in_threadpool(_door_of, context_of(request), connection_id)
    address = str(request.url.replace(query=""))
    return Response(door.wsdl(address), media_type="text/xml; charset=utf-8")


@router.post(
    "/soap/v1/connections/{connection_id}",
    summary="Cửa riêng của hệ thống",
    response_class=Response,
)
async def native_call(request: Request, connection_id: str) -> Response:
    """Phần mềm của sở, ngành gọi theo đúng hợp đồng của mình."""
    context = context_of(request)
    row, door = await run_in_threadpool(_door_of, context, connection_id)
    try:
        raw = await read_body(request, context.limits.body_bytes)
    except RequestRefused as error:
        told = door.refusal(None, error.reason, "")
        return Response(told.body, status_code=told.status, media_type=told.content_type)
    told = await _call(request, row, door, raw)
    return Response(told.body, status_code=told.status, media_type=told.content_type)


def _door_of(context: Context, connection_id: str) -> tuple[ConnectionRow, Door]:
    with context.store.read() as tx:
        row = connections.load_connection(tx, connection_id)
    if row is None or row.state != "enabled":
        raise RequestRefused(Reason.NOT_FOUND, 404)
    door = context.system_of(row).door
    if door is None:
        raise RequestRefused(Reason.NOT_FOUND, 404)
    return row, door


async def _call(request: Request, row: ConnectionRow, door: Door, raw: bytes) -> DoorAnswer:
    context, headers = context_of(request), request.headers
    call: DoorCall | None = None
    try:
        content_type, action = headers.get("content-type", ""), headers.get("soapaction", "")
        call = await run_in_threadpool(door.call, raw, content_type, action)
        client_id, secret = _sender(context, call, headers.get("authorization", ""))
        shape, now = call.shape, context.now()
        push = Push(client_id, secret, row.id, None, lambda _row, _tx: shape, raw, now)
        outcome = await groups_of(request).outcome(push)
    except HubError as error:
        return door.refusal(call, error.reason, "")
    except Malformed:
        return door.refusal(call, Reason.BODY_MALFORMED, "")
    return door.answer(call, outcome.fates)


def _sender(context: Context, call: DoorCall, authorization: str) -> tuple[str, str | None]:
    if authorization:
        return sender_of(context, authorization, basic=True)
    return call.user or "", call.password or ""
