"""Doors in the departments' own contracts: the bytes go to the adapter's pure door and back.

Credentials are those of a hub client, in the body where the contract puts them, else HTTP Basic.
"""

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from canonical.errors import HubError, RequestRefused
from canonical.ports import Door, DoorAnswer, DoorCall
from canonical.reasons import Reason
from canonical.text import Malformed
from gateway.auth import context_of, principal_from_header
from gateway.body import read_body
from store import clients, connections
from store.clients import Principal
from store.connections import ConnectionRow
from sync.context import Context
from sync.intake import Taken, prepare, take_in

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
    headers = request.headers
    told = await run_in_threadpool(
        _call,
        context,
        row,
        door,
        raw,
        (
            headers.get("content-type", ""),
            headers.get("soapaction", ""),
            headers.get("authorization", ""),
        ),
    )
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


def _call(
    context: Context, row: ConnectionRow, door: Door, raw: bytes, headers: tuple[str, str, str]
) -> DoorAnswer:
    content_type, action, authorization = headers
    call: DoorCall | None = None
    try:
        call = door.call(raw, content_type, action)
        principal = _principal(context, call, authorization)
        if not principal.may("push") or row.id not in principal.connections:
            raise RequestRefused(Reason.FORBIDDEN, 403)
        taken = Taken(
            connection=row,
            shape=call.shape,
            raw=raw,
            received_at=context.now(),
            client_id=principal.id,
            agencies=principal.agencies,
        )
        found, mapping_version = prepare(context, taken)
        outcome = take_in(context, taken, found, mapping_version)
    except HubError as error:
        return door.refusal(call, error.reason, "")
    except Malformed:
        return door.refusal(call, Reason.BODY_MALFORMED, "")
    return door.answer(call, outcome.fates)


def _principal(context: Context, call: DoorCall, authorization: str) -> Principal:
    if authorization:
        return principal_from_header(context, authorization, basic=True)
    with context.store.read() as tx:
        found = clients.authenticate(tx, call.user or "", call.password or "", context.now())
    if found is None:
        raise RequestRefused(Reason.UNAUTHENTICATED, 401)
    return found
