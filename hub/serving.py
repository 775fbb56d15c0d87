"""`hub serve`: the doors and what runs beside them, in one process, stopped gracefully."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

import uvicorn
from fastapi import FastAPI

from canonical.errors import HubError
from gateway.app import create_app
from hub.settings import Settings
from sync.context import Context
from sync.drain import drain

logger = logging.getLogger(__name__)
STOP_S = 20


@contextlib.asynccontextmanager
async def background(context: Context, every_s: float) -> AsyncIterator[None]:
    """Decides pending receipts every few seconds while the doors are open."""
    task = asyncio.create_task(_drain_for_ever(context, every_s))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _drain_for_ever(context: Context, every_s: float) -> None:
    while True:
        try:
            await asyncio.to_thread(drain, context)
        except HubError as error:
            logger.warning(
                "Pending receipts wait", extra={"event": "drain.waits", "reason": error.reason}
            )
        except Exception:  # it must outlive whatever went wrong: nobody else decides them
            logger.exception("Pending receipts wait", extra={"event": "drain.broke"})
        await asyncio.sleep(every_s)


def build(context: Context, settings: Settings) -> FastAPI:
    """The application with what runs beside it."""
    return create_app(context, lambda: background(context, settings.drain_s))


def server(app: FastAPI, settings: Settings) -> uvicorn.Server:
    """A server for the application; X-Forwarded-For is trusted from nobody."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=STOP_S,
        )
    )
