"""Indicators for the government portal: counted from dossiers, never from neighbours' totals."""

from datetime import date
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from canonical.errors import RequestRefused
from canonical.fields import Channel
from canonical.reasons import Reason
from gateway.api import examples
from gateway.auth import Asker, allowed, context_of
from gateway.plain import Day
from store import rights
from store.doors import load_door
from sync.indicators import Ask, answer

router = APIRouter(tags=["Chỉ số"])
Text = Annotated[str | None, Query(max_length=200)]


@router.get(
    "/api/v1/indicators",
    summary="Chỉ số giải quyết hồ sơ trong kỳ",
    responses=examples.INDICATORS,
)
async def get_indicators(
    request: Request,
    asker: Asker,
    agency: Annotated[str, Query(max_length=200)],
    start: Annotated[Day, Query(alias="from")],
    end: Annotated[Day, Query(alias="to")],
    profile: Literal["seed"] = "seed",
    as_of: Day | None = None,
    procedure: Text = None,
    channel: Channel | None = None,
    connection: Text = None,
    by: Literal["receiving", "handling"] = "receiving",
    group_by: Literal["agency", "procedure", "channel"] | None = None,
) -> Response:
    """Hồ sơ nhận trong kỳ, xét tại cuối ngày `as_of`; chín nhóm không chồng nhau, cộng đủ tổng."""
    context = context_of(request)
    if end < start:
        raise RequestRefused(Reason.FIELD_TYPE, 422, field="to")
    if start == date.min:  # what was carried over is read on the day before
        raise RequestRefused(Reason.DATE_INVALID, 422, field="from")
    ask = Ask(
        agency=agency,
        start=start,
        end=end,
        as_of=as_of,
        procedure=procedure,
        channel=channel.value if channel is not None else None,
        connection=connection,
        is_by_handling=by == "handling",
        group_by=group_by,
        profile=profile,
    )

    def count() -> dict[str, Any]:
        with context.store.glance() as tx:
            door = load_door(tx, [asker])
            principal = allowed(door, asker, "indicators", "read")
            books = context.books(tx, door.catalogue)
            if not rights.may_ask_for(principal, agency, books.agencies, context.now()):
                raise RequestRefused(Reason.FORBIDDEN, 403)
            return answer(tx, books, ask, context.now(), context.scopes)

    told = await run_in_threadpool(count)
    return Response(msgspec.json.encode(told), media_type="application/json")
