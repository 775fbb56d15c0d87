"""Reading dossiers: one by id, by code or by filter, its timeline, and the change feed."""

import base64
import binascii
import hashlib
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from canonical import clock
from canonical.errors import RequestRefused
from canonical.reasons import Reason
from gateway.api import examples
from gateway.api.listing import Listing, parameters, read_listing
from gateway.api.reading import Wanted, ask
from gateway.auth import allowed, context_of, needs, subject
from gateway.problems import language_of
from store import reads, rights
from store.clients import Principal
from store.doors import load_door
from store.reads import Shown
from sync.context import Context
from sync.shown import render

router = APIRouter(tags=["Hồ sơ"])
Reader = Annotated[Principal, needs("read")]


@router.get("/api/v1/dossiers/{dossier_id}", summary="Một hồ sơ", responses=examples.ONE)
async def get_dossier(request: Request, dossier_id: str) -> Response:
    """Hồ sơ theo mã nội bộ của trục; mã cũ vẫn dẫn tới hồ sơ hiện tại."""
    wanted = Wanted(subject(request), language_of(request), public_id=dossier_id)
    body = (await ask(request, wanted)).items[0]
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Vary": "Accept-Language"}
    if _is_held(request.headers.get("if-none-match", ""), etag):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def _is_held(header: str, etag: str) -> bool:
    """Whether If-None-Match names this very answer; proxies that compress it make the tag weak."""
    tags = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    return etag in tags or tags == ["*"]


@router.get(
    "/api/v1/dossiers/{dossier_id}/history",
    summary="Dòng thời gian của hồ sơ",
    responses=examples.HISTORY,
)
async def get_history(
    request: Request,
    dossier_id: str,
    principal: Reader,
    known_at: Annotated[int | None, Query(ge=0, le=2**62)] = None,
) -> Response:
    """Mọi bước của mọi hệ thống, cũ nhất trước; `known_at` xem như trục biết tại một mốc."""
    context = context_of(request)

    def load() -> list[reads.TimelineItem] | None:
        with context.store.read() as tx:
            seen = rights.visible(tx, principal, context.books(tx).agencies, context.now())
            shown = reads.load_dossier(tx, dossier_id, seen)
            return reads.load_timeline(tx, shown.id, known_at) if shown is not None else None

    items = await run_in_threadpool(load)
    if items is None:
        raise RequestRefused(Reason.NOT_FOUND, 404)
    return Response(msgspec.json.encode({"items": items}), media_type="application/json")


def _cursor(value: str | None) -> int:
    if value is None:
        return 0
    try:
        place = int(base64.urlsafe_b64decode(value.encode() + b"=="))
    except (ValueError, binascii.Error) as error:
        raise RequestRefused(Reason.FIELD_TYPE, 422, field="cursor") from error
    if not 0 <= place < 2**63:
        raise RequestRefused(Reason.FIELD_TYPE, 422, field="cursor")
    return place


def _next(shown: list[Shown], limit: int) -> str | None:
    if len(shown) < limit:
        return None
    return base64.urlsafe_b64encode(str(shown[-1].id).encode()).rstrip(b"=").decode()


def _listing(
    context: Context, asker: str, asked: Listing, after: int, language: str
) -> tuple[list[bytes], str | None, int]:
    filters, now, scopes = asked.filters(), context.now(), context.scopes
    # How things stand is read first, so whoever follows the feed from there misses nothing.
    with context.store.glance() as tx:
        door = load_door(tx, [asker])
        principal = allowed(door, asker, "read")
        books = context.books(tx, door.catalogue)
        codes = scopes.seen(tx, door.agencies)
        seen = rights.EVERYTHING
        if principal.agencies:
            seen = rights.of_codes(tx, scopes.granted(books, principal, codes, now))
        if asked.agency is not None:
            spans = scopes.below(books, asked.agency, codes, clock.day_of(now))
            agency = rights.of_spans(tx, spans, len(codes))
            filters = msgspec.structs.replace(filters, agency=agency)
        shown = reads.list_dossiers(tx, filters, seen, after, asked.limit)
    items = [render(one, books, language) for one in shown]
    return items, _next(shown, asked.limit), door.newest


@router.get(
    "/api/v1/dossiers",
    summary="Tìm hồ sơ theo mã hoặc bộ lọc",
    responses={**examples.LISTING, 422: {"description": "Validation Error"}},
    openapi_extra={"parameters": parameters()},
)
async def list_dossiers(request: Request) -> Response:
    """`code`: mã hồ sơ quốc gia (hai dạng), số biên nhận, hoặc `KHÔNG_GIAN:MÃ_RIÊNG`."""
    asker = subject(request)
    asked, language = read_listing(request), language_of(request)
    after = _cursor(asked.cursor)
    if asked.code is not None:
        found = await ask(request, Wanted(asker, language, code=asked.code))
        items, following, newest = found.items, None, found.newest
    else:
        items, following, newest = await run_in_threadpool(
            _listing, context_of(request), asker, asked, after, language
        )
    body = (
        b'{"items":['
        + b",".join(items)
        + b'],"next":'
        + msgspec.json.encode(following)
        + b',"changes_from":'
        + str(newest).encode()
        + b"}"
    )
    headers = {}
    if following is not None:
        url = request.url.include_query_params(cursor=following)
        headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
    return Response(body, media_type="application/json", headers=headers)


@router.get(
    "/api/v1/changes",
    summary="Dòng thay đổi, liên tục và đúng thứ tự",
    responses=examples.CHANGES,
)
async def list_changes(
    request: Request,
    principal: Reader,
    after: Annotated[int, Query(ge=0, le=2**62)] = 0,
    limit: Annotated[int, Query(ge=1, le=5_000)] = 500,
) -> Response:
    """Các thay đổi sau số thứ tự `after`; đọc tiếp từ `next_after`."""
    context = context_of(request)

    def load() -> reads.ChangePage:
        with context.store.read() as tx:
            seen = rights.visible(tx, principal, context.books(tx).agencies, context.now())
            return reads.load_changes(tx, after, limit, seen)

    page = await run_in_threadpool(load)
    return Response(msgspec.json.encode(page), media_type="application/json")
