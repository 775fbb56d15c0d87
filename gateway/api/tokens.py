"""Access tokens by client credentials (RFC 6749, 4.4)."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from canonical.errors import RequestRefused
from canonical.reasons import Reason
from gateway.auth import TOKEN_S, context_of, issue_token
from store import clients

router = APIRouter(tags=["Xác thực"])


class Token(BaseModel):
    """An access token."""

    access_token: str
    token_type: str
    expires_in: int


@router.post("/oauth/token", summary="Lấy mã truy cập")
async def token(
    request: Request,
    response: Response,
    grant_type: Annotated[str, Form(max_length=100)],
    client_id: Annotated[str, Form(max_length=200)],
    client_secret: Annotated[str, Form(max_length=200)],
) -> Token:
    """Đổi tài khoản máy lấy mã truy cập dùng trong một giờ."""
    context = context_of(request)
    if grant_type != "client_credentials":
        raise RequestRefused(Reason.FIELD_TYPE, 422, field="grant_type")

    def check() -> str | None:
        with context.store.read() as tx:
            principal = clients.authenticate(tx, client_id, client_secret, context.now())
        return issue_token(context, principal) if principal is not None else None

    made = await run_in_threadpool(check)
    if made is None:
        raise RequestRefused(Reason.UNAUTHENTICATED, 401)
    response.headers["Cache-Control"] = "no-store"  # RFC 6749, 5.1
    return Token(access_token=made, token_type="Bearer", expires_in=TOKEN_S)  # noqa: S106
