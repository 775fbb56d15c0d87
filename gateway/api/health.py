"""Is the hub alive, is it ready, and what are its figures."""

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.concurrency import run_in_threadpool

from canonical.errors import HubError
from gateway.auth import context_of
from gateway.metrics import registry_of
from store import reads

router = APIRouter(tags=["Vận hành"])


@router.get("/livez", summary="Còn sống")
async def livez() -> dict[str, str]:
    """Tiến trình còn chạy."""
    return {"status": "alive"}


@router.get("/readyz", summary="Sẵn sàng")
async def readyz(request: Request, response: Response) -> dict[str, str]:
    """Đọc được kho dữ liệu."""
    context = context_of(request)

    def look() -> bool:
        try:
            with context.store.read() as tx:
                reads.newest_seq(tx)
        except (HubError, OSError, RuntimeError):
            return False
        return True

    is_ready = await run_in_threadpool(look)
    if not is_ready:
        response.status_code = 503
    return {"status": "ready" if is_ready else "not ready"}


@router.get("/metrics", summary="Số liệu Prometheus", response_class=Response)
async def metrics(request: Request) -> Response:
    """Số liệu vận hành; không có dữ liệu cá nhân."""
    registry = registry_of(context_of(request))
    body = await run_in_threadpool(generate_latest, registry)
    return Response(body, media_type=CONTENT_TYPE_LATEST)
