"""Serving a simulation on a real loopback socket: for a command, and inside tests and the demo."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp
from typing_extensions import override

from adapters.simulation.harness import Simulation


def serve(simulation: Simulation, *, port: int, host: str = "127.0.0.1") -> None:
    """Serve until interrupted."""
    uvicorn.run(
        simulation.app,
        host=host,
        port=port,
        interface="asgi3",
        log_level="warning",
        lifespan="off",
        ws="none",
    )


@asynccontextmanager
async def running(app: ASGIApp, *, port: int = 0, host: str = "127.0.0.1") -> AsyncIterator[str]:
    """The base address (`http://127.0.0.1:41234`) while it is served in this event loop.

    Args:
        app: A `Simulation`, or any ASGI app.
        port: 0 for any free one.
        host: Loopback, unless somebody insists.
    """
    listener = socket.create_server((host, port))
    config = uvicorn.Config(
        app,
        interface="asgi3",
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=1,
    )
    server = _Guest(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        # The socket already listens: whoever calls before the server is ready waits in its queue.
        yield f"http://{host}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listener.close()


class _Guest(uvicorn.Server):
    """A server that leaves the process's signals to whoever runs the process."""

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
