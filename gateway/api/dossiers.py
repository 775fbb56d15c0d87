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
from canonical.fields import Channel
from canonical.reasons import Reason
from canonical.states import Status
from gateway.api import examples
from gateway.auth import context_of, needs
from gateway.plain import Day
from gateway.problems import language_of
from store import reads, rights
from store.clients import Principal
from store.reads import Filters, Shown
from sync.context import Context
from sync.shown import render

router = APIRouter(tags=["Hồ sơ"])
Reader = Annotated[Principal, needs("read")]
MAX_LIMIT = 500
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
Text = Annotated[str | None, Query(max_length=400)]


@router.get("/api/v1/dossiers/{dossier_id}", summary="Một hồ sơ", responses=examples.ONE)
async def get_dossier(request: Request, dossier_id: str, principal: Reader) -> Response:
    """Hồ sơ theo mã nội bộ của trục; mã cũ vẫn dẫn tới hồ sơ hiện tại."""
    context, language = context_of(request), language_of(request)

    def load() -> bytes | None:
        with context.store.read() as tx:
            books = context.books(tx)
            seen = rights.visible(tx, principal, books.agencies, context.now())
            shown = reads.load_dossier(tx, dossier_id, seen)
            return render(shown, books, language) if shown is not None else None

    body = await run_in_threadpool(load)
    if body is None:
        raise RequestRefused(Reason.NOT_FOUND, 404)
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


class Asked(msgspec.Struct, frozen=True):
    """What a listing was asked for."""

    code: str | None
    agency: str | None
    filters: Filters
    after: int
    limit: int


def _listing(
    context: Context, principal: Principal, asked: Asked, language: str
) -> tuple[list[bytes], str | None, int]:
    with context.store.read() as tx:
        books = context.books(tx)
        newest = reads.newest_seq(tx)
        seen = rights.visible(tx, principal, books.agencies, context.now())
        if asked.code is not None:
            shown = reads.find_by_code(tx, asked.code, seen)
            return [render(s, books, language) for s in shown], None, newest
        filters = asked.filters
        if asked.agency is not None:
            today = clock.day_of(context.now())
            scope = rights.of_agency(tx, books.agencies, asked.agency, today)
            filters = msgspec.structs.replace(filters, agency=scope)
        shown = reads.list_dossiers(tx, filters, seen, asked.after, asked.limit)
        return [render(s, books, language) for s in shown], _next(shown, asked.limit), newest


@router.get("/api/v1/dossiers", summary="Tìm hồ sơ theo mã hoặc bộ lọc", responses=examples.LISTING)
async def list_dossiers(
    request: Request,
    principal: Reader,
    code: Text = None,
    agency: Text = None,
    procedure: Text = None,
    status: Status | None = None,
    connection: Text = None,
    channel: Channel | None = None,
    accepted_from: Day | None = None,
    accepted_to: Day | None = None,
    due_before: Day | None = None,
    limit: Limit = 50,
    cursor: Text = None,
) -> Response:
    """`code`: mã hồ sơ quốc gia (hai dạng), số biên nhận, hoặc `KHÔNG_GIAN:MÃ_RIÊNG`."""
    asked = Asked(
        code=code,
        agency=agency,
        filters=Filters(
            procedure=procedure,
            status=status.value if status is not None else None,
            connection=connection,
            channel=channel.value if channel is not None else None,
            accepted_from=accepted_from,
            accepted_to=accepted_to,
            due_before=due_before,
        ),
        after=_cursor(cursor),
        limit=limit,
    )
    items, following, newest = await run_in_threadpool(
        _listing, context_of(request), principal, asked, language_of(request)
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
