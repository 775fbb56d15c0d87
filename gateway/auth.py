"""Who is asking: access tokens (client credentials), HTTP Basic at the SOAP doors."""

import base64
import binascii
import functools
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Depends, Request
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from starlette.concurrency import run_in_threadpool

from canonical.errors import RequestRefused
from canonical.reasons import Reason
from store import clients
from store.clients import Principal
from store.doors import Door
from sync.context import Context

TOKEN_S = 3_600


def context_of(request: Request) -> Context:
    """The hub's parts, set once when the application was made."""
    found: Context = request.app.state.context
    return found


def issue_token(context: Context, principal: Principal) -> str:
    """A signed access token, good for an hour; a revoked client's stops at once all the same."""
    key = OctKey.import_key(context.vault.token_key)
    now = context.now()
    claims = {
        "sub": principal.id,
        "iat": int(now.timestamp()),
        "exp": int((now + timedelta(seconds=TOKEN_S)).timestamp()),
    }
    return jwt.encode({"alg": "HS256"}, claims, key)


@functools.lru_cache(4096)
def _claims(key: bytes, token: str) -> tuple[str, int]:
    """Whom a token names and until when (seconds since 1970), once its signature is found good."""
    try:
        claims = jwt.decode(token, OctKey.import_key(key), algorithms=["HS256"]).claims
    except (JoseError, ValueError) as error:
        raise RequestRefused(Reason.UNAUTHENTICATED, 401) from error
    expires, subject = claims.get("exp"), claims.get("sub")
    if not isinstance(expires, int) or not isinstance(subject, str):
        raise RequestRefused(Reason.UNAUTHENTICATED, 401)
    return subject, expires


def _subject(context: Context, token: str, now: datetime) -> str:
    subject, expires = _claims(context.vault.token_key, token)
    if expires <= now.timestamp():
        raise RequestRefused(Reason.UNAUTHENTICATED, 401)
    return subject


def principal_from_header(context: Context, header: str, *, basic: bool = False) -> Principal:
    """The principal that an Authorization header names.

    Raises:
        RequestRefused: 401 where there is none, it is forged, expired or revoked.
    """
    scheme, _, value = header.partition(" ")
    with context.store.read() as tx:
        if scheme.lower() == "bearer":
            found = clients.load_principal(tx, _subject(context, value.strip(), context.now()))
        elif basic and scheme.lower() == "basic":
            client_id, secret = _basic(value)
            found = clients.authenticate(tx, client_id, secret, context.now())
        else:
            found = None
    if found is None:
        raise RequestRefused(Reason.UNAUTHENTICATED, 401)
    return found


def _basic(value: str) -> tuple[str, str]:
    try:
        told = base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise RequestRefused(Reason.UNAUTHENTICATED, 401) from error
    client_id, _, secret = told.partition(":")
    return client_id, secret


def needs(*scopes: str) -> Callable[..., Principal]:
    """A dependency: the principal, refused with 403 unless it has one of these scopes."""

    async def check(request: Request) -> Principal:
        context = context_of(request)
        header = request.headers.get("authorization", "")
        principal = await run_in_threadpool(principal_from_header, context, header)
        if not any(principal.may(scope) for scope in scopes):
            raise RequestRefused(Reason.FORBIDDEN, 403)
        return principal

    return Depends(check)  # type: ignore[no-any-return]


def subject(request: Request) -> str:
    """The client id that a request's good token names; whether it may is asked with its question.

    Raises:
        RequestRefused: 401 where there is no token, or it is forged or expired.
    """
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise RequestRefused(Reason.UNAUTHENTICATED, 401)
    context = context_of(request)
    return _subject(context, value.strip(), context.now())


async def _named(request: Request) -> str:
    return subject(request)


Asker = Annotated[str, Depends(_named)]


def allowed(door: Door, subject: str, *scopes: str) -> Principal:
    """The principal a token named, if it may.

    Raises:
        RequestRefused: 401 where it is revoked or unknown, 403 where it has none of these scopes.
    """
    principal = door.principals.get(subject)
    if principal is None:
        raise RequestRefused(Reason.UNAUTHENTICATED, 401)
    if not any(principal.may(scope) for scope in scopes):
        raise RequestRefused(Reason.FORBIDDEN, 403)
    return principal
