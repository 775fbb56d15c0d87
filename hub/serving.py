"""`hub serve` and `hub worker`: the doors, the work that goes on by itself, and a graceful end.

Told to stop (SIGTERM, Ctrl-C), everything ends side by side: the doors take nothing new and answer
what they took, performers end at their next page and free their leases. What has not ended within
HUB_STOP_S is broken off; it is then as if the power had failed, which loses nothing either.
"""

import asyncio
import contextlib
import logging
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import uvicorn
from fastapi import FastAPI
from typing_extensions import override

from canonical.errors import HubError, StoreUnavailable
from canonical.reasons import Reason
from gateway.app import create_app
from hub import garbage
from hub.settings import Settings
from sync.context import Context
from sync.drain import drain
from sync.drift import settle_all
from sync.engine import Distributed, Engine
from sync.in_process import InProcess
from sync.jobs import Stopping
from sync.kinds import KINDS
from sync.working import Performer, work

logger = logging.getLogger(__name__)
# Of HUB_STOP_S: until when the doors wait for answers under way, and until when performers may go
# on. The rest is for breaking off and giving back.
_DOORS_PART = 0.6
_WORK_PART = 0.8


@contextlib.asynccontextmanager
async def background(
    context: Context, settings: Settings, stopping: Stopping
) -> AsyncIterator[None]:
    """Does the work that goes on by itself; at the end it is stopped, if it was not before."""
    engine, limits = _engine(context, stopping), context.limits
    # What performers read and write runs on threads: as many as there may be jobs under way.
    threads = ThreadPoolExecutor(limits.jobs_at_once + len(KINDS) + 1, "work")
    asyncio.get_running_loop().set_default_executor(threads)
    await engine.start()
    tasks = [
        asyncio.create_task(work(context, engine, KINDS, stopping)),
        asyncio.create_task(_drain_for_ever(context, settings.drain_s, stopping)),
    ]
    try:
        yield
    finally:
        stopping.now()
        left_s = settings.stop_s * _WORK_PART - stopping.asked_s_ago()
        await engine.stop(max(left_s, 0.0))
        _, late = await asyncio.wait(tasks, timeout=1.0)
        for task in late:
            task.cancel()


def _engine(context: Context, stopping: Stopping) -> Engine:
    perform, limits = Performer(context, KINDS, stopping), context.limits
    if context.store.is_sqlite:
        return InProcess(perform, limits.jobs_at_once)
    return Distributed(
        context.store,
        perform,
        [kind.name for kind in KINDS],
        at_once=limits.jobs_at_once,
        lease_s=limits.lease_s,
        look_s=limits.tick_s,
    )


async def _drain_for_ever(context: Context, every_s: float, stopping: Stopping) -> None:
    """Decides pending receipts every few seconds."""
    while not stopping:
        try:
            await asyncio.to_thread(drain, context, lambda: bool(stopping))
            await asyncio.to_thread(settle_all, context)
        except StoreUnavailable:
            pass  # the look for what is due says so
        except HubError as error:
            logger.warning(
                "Pending receipts wait", extra={"event": "drain.waits", "reason": error.reason}
            )
        except Exception:  # it must outlive whatever went wrong: nobody else decides them
            logger.exception("Pending receipts wait", extra={"event": "drain.broke"})
        await stopping.wait(every_s)


def build(context: Context, settings: Settings, stopping: Stopping | None = None) -> FastAPI:
    """The application with what runs beside it; `stopping` where it may be told before its end."""
    told = stopping or Stopping()
    app = create_app(context, lambda: background(context, settings, told))
    app.state.stopping = told  # /readyz says no from then on
    return app


class _Server(uvicorn.Server):
    """Leaves the signals to `run`: uvicorn would answer them again and die of them at the end."""

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def server(app: FastAPI, settings: Settings) -> uvicorn.Server:
    """A server for the application; X-Forwarded-For is trusted from nobody."""
    return _Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            loop="asyncio",  # not whatever a package happens to bring along
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=max(1, int(settings.stop_s * _DOORS_PART)),
        )
    )


def serve(context: Context, settings: Settings) -> None:
    """Open the doors and work, until told to stop.

    Raises:
        HubError: CONFLICT where its address cannot be listened on.
    """
    stopping = Stopping()
    doors = server(build(context, settings, stopping), settings)

    def stop() -> None:
        doors.should_exit = True
        stopping.now()

    try:
        _run(doors.serve(), stop, settings)
    except SystemExit as ended:  # uvicorn's way to say so
        place = f"{settings.host}:{settings.port}"
        raise HubError(Reason.CONFLICT, f"{place} cannot be listened on") from ended


def labour(context: Context, settings: Settings) -> None:
    """Only work, without doors, until told to stop."""
    stopping = Stopping()

    async def until_stopped() -> None:
        async with background(context, settings, stopping):
            logger.info("Working", extra={"event": "worker.started", "pid": os.getpid()})
            while not await stopping.wait(3_600):
                pass

    _run(until_stopped(), stopping.now, settings)


def _run(main: Coroutine[Any, Any, None], stop: Callable[[], None], settings: Settings) -> None:
    """Run until it ends; `stop` is called in its loop at the first signal, a second one ends it."""
    watch = threading.Timer(settings.stop_s, _leave)
    watch.daemon = True
    garbage.settle()

    async def told() -> None:
        def once() -> None:
            if watch.is_alive():
                _leave()
            watch.start()
            stop()

        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, once)
        await main

    # The watch goes on: threads may still keep the process when its loop has ended.
    asyncio.run(told())


def _leave() -> None:
    """End a process in which a thread still waits for something, a statement or a lock."""
    logger.warning("Stopped before everything had ended", extra={"event": "stop.broke_off"})
    os._exit(0)
