"""`hub …` in processes of its own that start in a third of a second.

Each is a process like any other, with a log, an exit code and a death of its own; it is forked
from one that has imported everything, since importing is most of what a start costs.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

PRELOADED = (
    "pytest",
    "hub.main",
    "hub.commands.backup",
    "hub.commands.connections",
    "hub.commands.quarantine",
    "hub.commands.receivers",
    "hub.commands.running",
    "hub.commands.work",
    "hub.logs",
    "hub.serving",
    "hub.wiring",
    "adapters.one_stop.client",
    "adapters.public_portal.receiver",
    "sqlalchemy.dialects.sqlite",
    "sqlalchemy.dialects.postgresql.psycopg",
    "store.migrate",
    "tests.e2e.faults.forked",
)
_KINDS = multiprocessing.get_context("forkserver")
_KINDS.set_forkserver_preload(list(PRELOADED))


class Forked:
    """A hub process, to be treated as one of subprocess.Popen."""

    def __init__(self, process: BaseProcess) -> None:
        self._process = process
        self.pid = process.pid or 0

    def poll(self) -> int | None:
        """Its exit code; minus the signal that killed it; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float) -> int:
        """Wait for its end. Raises subprocess.TimeoutExpired."""
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired("hub", timeout)
        return code

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it is there."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """As a power cut does."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to stop."""
        self.send_signal(signal.SIGTERM)


def fork(
    words: Sequence[str],
    env: Mapping[str, str],
    log: Path | str = os.devnull,
    *,
    err: Path | str = "",
    first: Callable[[], None] | None = None,
) -> Forked:
    """`hub …` with an environment.

    Args:
        words: What comes behind `hub`.
        env: All of it; nothing of this process's own is left.
        log: What it says is added to this file.
        err: What it says of errors, where that goes to another file.
        first: A module's function that is called in it before anything else.
    """
    told = (list(words), dict(env), str(log), str(err or log), first)
    process = _KINDS.Process(target=_live, args=told, daemon=True)
    process.start()
    return Forked(process)


def run(
    words: Sequence[str],
    env: Mapping[str, str],
    *,
    timeout_s: float,
    first: Callable[[], None] | None = None,
) -> subprocess.CompletedProcess[str]:
    """As subprocess.run of `hub …` does, with what it said as text."""
    with tempfile.TemporaryDirectory(prefix="lienthong-said-") as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        process = fork(words, env, out, err=err, first=first)
        try:
            code = process.wait(timeout_s)
        finally:
            process.kill()
        return subprocess.CompletedProcess(
            words, code, out.read_text("utf-8"), err.read_text("utf-8")
        )


def _live(
    words: list[str], env: dict[str, str], out: str, err: str, first: Callable[[], None] | None
) -> None:
    for number, path in ((1, out), (2, err)):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(handle, number)
        os.close(handle)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = ["hub", *words]
    if first is not None:
        first()
    from hub.main import main

    main()
