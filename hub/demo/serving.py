"""The simulated departments and the hub, each a server of its own on a real loopback socket."""

import asyncio
import contextlib
import importlib
import queue
import socket
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from msgspec import Struct
from starlette.types import ASGIApp

from adapters import registry
from adapters.simulation import Simulation, running
from canonical.errors import HubError
from canonical.reasons import Reason
from hub import serving
from hub.settings import Settings
from sync.context import Context

_START_S = 30.0


class Department(Struct, frozen=True):
    """One simulated department or receiver, serving.

    Attributes:
        base: Its address, `http://127.0.0.1:41234`.
        endpoint: What a connection is given: an address, or a folder.
        options: What a connection needs besides (`--set`), credentials included.
    """

    connection: str
    system: str
    base: str
    endpoint: str
    options: Mapping[str, str]


class AppThread:
    """An application with a thread, an event loop and a free port of its own.

    Attributes:
        base: Its address, `http://127.0.0.1:41234`.
    """

    def __init__(self, name: str, app: ASGIApp) -> None:
        self._app = app
        self._told: queue.Queue[str | BaseException] = queue.Queue()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._serve, name=name)
        self._thread.start()
        base = self._told.get(timeout=_START_S)
        if isinstance(base, BaseException):
            raise base
        self.base = base

    def _serve(self) -> None:
        try:
            self._loop.run_until_complete(self._until_stopped())
        except (OSError, RuntimeError) as error:
            self._told.put(error)
        finally:
            self._loop.close()

    async def _until_stopped(self) -> None:
        async with running(self._app) as base:
            self._told.put(base)
            await self._stop.wait()

    def stop(self) -> None:
        """Ask it to stop serving."""
        with contextlib.suppress(RuntimeError):  # its loop has ended by itself
            self._loop.call_soon_threadsafe(self._stop.set)

    def join(self) -> None:
        """Wait until its socket is given back."""
        self._thread.join()


class SimulatorThread(AppThread):
    """A simulated department, or a simulated receiver."""

    def __init__(
        self,
        connection: str,
        system: str,
        data: Path | None = None,
        options: dict[str, str] | None = None,
    ) -> None:
        folder = registry.folder_of(system)
        module = importlib.import_module(f"adapters.{folder.name}.simulator")
        simulation: Simulation = module.build(data, options or {})
        super().__init__(f"simulate-{connection}", simulation.app)
        place = simulation.endpoint
        is_folder = place.startswith("/") and "folder" in (options or {})
        self.department = Department(
            connection=connection,
            system=system,
            base=self.base,
            endpoint=place if is_folder else self.base + place,
            options={**simulation.options, **simulation.secrets},
        )


def stop_all(threads: Sequence[AppThread]) -> None:
    """Stop them side by side; returns when every socket is given back."""
    for thread in threads:
        thread.stop()
    for thread in threads:
        thread.join()


class HubThread:
    """The hub's doors, on the port of its settings where that is free, else on any other."""

    def __init__(self, context: Context, settings: Settings) -> None:
        listener = _listen(settings.port)
        self.base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self._server = serving.server(serving.build(context, settings), settings)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name="hub"
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.should_exit = True
        self._thread.join()


def _listen(port: int) -> socket.socket:
    for wanted in (port, 0):
        try:
            return socket.create_server(("127.0.0.1", wanted))
        except OSError as error:
            if wanted == 0:
                raise HubError(Reason.CONFLICT, "no free port on loopback") from error
    raise AssertionError("unreachable")
