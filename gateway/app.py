"""The HTTP application: every door on one port."""

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import Depends, FastAPI

from gateway import openapi as openapi_of_doors
from gateway import problems
from gateway.api import dossiers, health, indicators, lookup, push, receipts, tokens
from gateway.body import SmallAtOpenDoors
from gateway.console import doors as console
from gateway.correlate import Correlate
from gateway.groups import groups_over
from gateway.lookup import page
from gateway.plain import plain
from gateway.soap import canonical as canonical_soap
from gateway.soap import native
from sync.context import Context

Background = Callable[[], AbstractAsyncContextManager[None]]


def create_app(context: Context, background: Background | None = None) -> FastAPI:
    """The application over a context.

    Args:
        context: The hub's parts.
        background: What runs beside the doors while the application lives.
    """

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with background() if background is not None else contextlib.nullcontext():
            yield

    app = FastAPI(
        title="Trục liên thông một cửa điện tử",
        version="1",
        description=(
            "Nhận hồ sơ từ các hệ thống của sở, ngành về một mô hình chung; trả lời cổng dịch vụ"
            " công, công dân và các chỉ số. / Dossiers of many department systems as one model."
        ),
        # The stock pages load from a CDN, and nothing here leaves the province.
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        dependencies=[Depends(plain)],
    )
    app.state.context = context
    app.state.groups = groups_over(context)
    problems.install(app)

    app.add_middleware(SmallAtOpenDoors)
    app.add_middleware(Correlate)
    for router in (
        tokens.router,
        push.router,
        dossiers.router,
        receipts.router,
        indicators.router,
        lookup.router,
        health.router,
        canonical_soap.router,
        native.router,
        page.router,
        *console.ROUTERS,
    ):
        app.include_router(router)
    _describe(app)
    return app


def _describe(app: FastAPI) -> None:
    """OpenAPI as the doors really are."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = openapi_of_doors.complete(made())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
