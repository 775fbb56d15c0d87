"""Receipts: the hub's proof of intake, for whoever pushed."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from canonical.errors import RequestRefused
from canonical.reasons import Reason
from gateway.auth import context_of, needs
from store import shown_receipts
from store.clients import Principal

router = APIRouter(tags=["Gửi hồ sơ"])


@router.get("/api/v1/receipts/{receipt_id}", summary="Biên nhận của một lần gửi")
async def get_receipt(
    request: Request, receipt_id: str, principal: Annotated[Principal, needs("push", "admin")]
) -> Response:
    """Kết quả của từng bản ghi, và dấu vân tay của đúng những byte đã nhận."""
    context = context_of(request)

    def load() -> shown_receipts.ShownReceipt | None:
        with context.store.read() as tx:
            return shown_receipts.load_shown_receipt(tx, receipt_id)

    found = await run_in_threadpool(load)
    if found is None or not _may_see(principal, found):
        raise RequestRefused(Reason.NOT_FOUND, 404)
    told = msgspec.structs.asdict(found)
    told.pop("client_id")
    return Response(msgspec.json.encode(told), media_type="application/json")


def _may_see(principal: Principal, found: shown_receipts.ShownReceipt) -> bool:
    return principal.may("admin") or (
        found.connection in principal.connections and found.client_id in (None, principal.id)
    )
