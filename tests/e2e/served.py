"""A hub as its users meet it: `hub serve` as a process of its own, on loopback, with its own data.

Connections and clients are added before it starts, with the functions behind the commands.
"""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from hub import wiring
from hub.settings import Settings
from sync.context import Context
from tests.e2e.forking import Forked, fork, run

_STARTS_WITHIN_S = 30.0


@dataclass
class Served:
    """A hub that is serving.

    Attributes:
        base: Its address.
        data_dir: Where its store lies.
        env: The environment its commands need.
    """

    base: str
    data_dir: Path
    env: dict[str, str]

    def http(self) -> httpx.Client:
        return httpx.Client(base_url=self.base, trust_env=False, timeout=30)

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`hub …` beside the serving process."""
        return run(words, self.env, timeout_s=60)

    def token(self, client_id: str, secret: str) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": secret,
        }
        with self.http() as http:
            return str(
                http.post("/oauth/token", data=form).raise_for_status().json()["access_token"]
            )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def serving(folder: Path, prepare: Callable[[Context], Any], **more: str) -> Iterator[Served]:
    """A serving hub; it is stopped at the end, and what it wrote to its log is shown on failure."""
    data_dir = folder / "data"
    context = wiring.open_hub(Settings(data_dir=data_dir))
    try:
        prepare(context)
    finally:
        context.store.dispose()
    port = free_port()
    env = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
    env |= {"HUB_DATA_DIR": str(data_dir), "HUB_PORT": str(port), "HUB_DRAIN_S": "1", **more}
    log = folder / "serve.log"
    process = fork(["serve"], env, log)
    try:
        served = Served(f"http://127.0.0.1:{port}", data_dir, env)
        _wait(served, process, log)
        yield served
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _wait(served: Served, process: Forked, log: Path) -> None:
    until = time.monotonic() + _STARTS_WITHIN_S
    with served.http() as http:
        while time.monotonic() < until:
            assert process.poll() is None, f"hub serve ended:\n{log.read_text('utf-8')[-3000:]}"
            with contextlib.suppress(httpx.TransportError):
                if http.get("/readyz").status_code == 200:
                    return
            time.sleep(0.1)
    raise AssertionError(f"hub serve is not ready:\n{log.read_text('utf-8')[-3000:]}")
