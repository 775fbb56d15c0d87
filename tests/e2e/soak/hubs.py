"""The hub's processes of a soak, on either store, and what is done to them."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from hub.settings import Settings
from tests.e2e.fleet import pause
from tests.e2e.plain import HTTP
from tests.e2e.served import free_port

_HUB = "from hub.main import main; main()"
_CANNOT_RUN = 2
SMALL = {
    "HUB_LEASE_S": "3",
    "HUB_TICK_S": "0.3",
    "HUB_DRAIN_S": "0.5",
    "HUB_FIRST_WAIT_S": "0.2",
    "HUB_LONGEST_WAIT_S": "1",
    "HUB_RETRY_BASE_S": "0.5",
    "HUB_RETRY_CAP_S": "4",
    "HUB_TIMEOUT_S": "3",
    "HUB_DELIVER_BATCH": "200",
    "HUB_LOG_LEVEL": "WARNING",
    "HUB_EGRESS_ALLOWLIST": "127.0.0.1",
}


class Hubs:
    """`hub serve`, and on PostgreSQL two `hub worker` beside it."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        data = folder / "data"
        data.mkdir(parents=True, exist_ok=True)
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("HUB_")}
        self.env |= {"HUB_DATA_DIR": str(data), **SMALL}
        if url:
            self.env["HUB_DATABASE_URL"] = url
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.roles = ["serve", "worker-1", "worker-2"] if url else ["serve"]
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.restarts = 0

    def settings(self) -> Settings:
        """What opens the same store in this process."""
        return Settings(data_dir=Path(self.env["HUB_DATA_DIR"]), database_url=self.url)

    def start(self, role: str) -> None:
        """Start a process; it does not wait until it is ready."""
        with (self.folder / f"{role}.log").open("ab") as out:
            self.processes[role] = subprocess.Popen(
                [sys.executable, "-c", _HUB, role.partition("-")[0]],
                env={**self.env, "HUB_PORT": str(self.port)},
                stdout=out,
                stderr=out,
            )

    def wait(self, within_s: float = 60.0) -> None:
        """Until the doors are open."""
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            self.supervise()
            with contextlib.suppress(httpx.TransportError):
                if HTTP.get(f"{self.base}/readyz", timeout=5).status_code == 200:
                    return
            pause(0.1)
        log = (self.folder / "serve.log").read_text("utf-8")
        raise AssertionError(f"hub serve is not ready:\n{log[-3000:]}")

    def supervise(self) -> None:
        """Start again what could not run, as the unit in deploy/ does: its store was away."""
        for role, process in list(self.processes.items()):
            if process.poll() == _CANNOT_RUN:
                self.restarts += 1
                self.start(role)

    def kill(self, role: str) -> None:
        """As a power cut does."""
        self.processes[role].kill()
        self.processes[role].wait(10)

    def freeze(self, role: str) -> None:
        """Stop it where it stands."""
        self.processes[role].send_signal(signal.SIGSTOP)

    def thaw(self, role: str) -> None:
        """Let it go on as if nothing had been."""
        self.processes[role].send_signal(signal.SIGCONT)

    def end(self) -> dict[str, int]:
        """Ask all to stop; role -> exit code."""
        for process in self.processes.values():
            process.send_signal(signal.SIGCONT)
            process.terminate()
        return {role: process.wait(40) for role, process in self.processes.items()}

    def destroy(self) -> None:
        """End what still runs, whatever happened."""
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
                process.wait(10)

    def command(self, *words: str, timeout_s: float = 300.0) -> subprocess.CompletedProcess[str]:
        """`hub …` beside the running processes."""
        return subprocess.run(
            [sys.executable, "-c", _HUB, *words],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def told(self, *words: str) -> Any:
        """The JSON a command says; what went wrong where it says none."""
        said = self.command(*words, "--json")
        if not said.stdout.strip():
            raise AssertionError(f"hub {' '.join(words)}: {said.returncode} {said.stderr[-2000:]}")
        return json.loads(said.stdout)
