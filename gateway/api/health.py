"""Is the hub alive, is it ready, and what are its figures. HEAD answers as GET, without a body."""

import asyncio

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.concurrency import run_in_threadpool

from canonical.errors import HubError
from gateway.auth import context_of
from gateway.metrics import registry_of
from store import reads
from sync.context import Context

router = APIRouter(tags=["Vận hành"])
# Whoever asks gives up after a few seconds; a server that vanished may hold a look for longer.
LOOK_S = 4.0


@router.get("/livez", summary="Còn sống")
async def livez() -> dict[str, str]:
    """Tiến trình còn chạy."""
    return {"status": "alive"}


@router.get("/readyz", summary="Sẵn sàng")
async def readyz(request: Request, response: Response) -> dict[str, str]:
    """Đọc được kho dữ liệu và không đang dừng; một sở không trả lời không đổi gì."""
    is_stopping = bool(getattr(request.app.state, "stopping", None))
    is_ready = not is_stopping and await _answers(request)
    if not is_ready:
        response.status_code = 503
    return {"status": "ready" if is_ready else "not ready"}


async def _answers(request: Request) -> bool:
    """Whether the store answers in time; one look at a time, however many ask."""
    state = request.app.state
    look: asyncio.Task[bool] | None = getattr(state, "look", None)
    if look is None or look.done():
        look = state.look = asyncio.create_task(asyncio.to_thread(_look, context_of(request)))
    await asyncio.wait({look}, timeout=LOOK_S)
    return look.done() and look.result()


def _look(context: Context) -> bool:
    try:
        with context.store.read() as tx:
            reads.newest_seq(tx)
    except (HubError, OSError, RuntimeError):
        return False
    return True


@router.get("/metrics", summary="Số liệu Prometheus", response_class=Response)
async def metrics(request: Request) -> Response:
    """Số liệu vận hành; không có dữ liệu cá nhân."""
    state = request.app.state
    if not hasattr(state, "registry"):
        state.registry = registry_of(context_of(request))
    registry: CollectorRegistry = state.registry
    body = await run_in_threadpool(generate_latest, registry)
    return Response(body, media_type=CONTENT_TYPE_LATEST)


@router.head("/livez", include_in_schema=False)
async def livez_head() -> None:
    """As GET."""


@router.head("/readyz", include_in_schema=False)
async def readyz_head(request: Request, response: Response) -> None:
    """As GET."""
    await readyz(request, response)


@router.head("/metrics", include_in_schema=False)
async def metrics_head(request: Request) -> Response:
    """As GET."""
    return await metrics(request)
