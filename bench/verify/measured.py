"""A command, its processes watched: time, processor time and memory."""

import os
import resource
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Measured:
    """What a command took.

    Attributes:
        pss_mib: Most memory of all its processes together, shared pages counted once.
        rss_mib: Most memory of any one of them, shared pages included (VmHWM).
    """

    code: int
    out: str
    wall_s: float
    cpu_s: float
    pss_mib: float
    rss_mib: float


def measure(command: list[str], env: dict[str, str]) -> Measured:
    """Run a command to its end and watch it."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.monotonic()
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        watch = _Watch(process.pid)
        watch.start()
        out = process.stdout.read() if process.stdout is not None else ""
        code = process.wait()
        watch.stop()
    wall = time.monotonic() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured(code, out, wall, cpu, watch.pss / 1024, watch.rss / 1024)


class _Watch(threading.Thread):
    """Looks at a process and its children every quarter of a second."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid, self._ended = pid, threading.Event()
        self.pss = self.rss = 0

    def run(self) -> None:
        while not self._ended.wait(0.25):
            pids = [self._pid, *_children(self._pid)]
            self.pss = max(self.pss, sum(_kib(f"/proc/{p}/smaps_rollup", "Pss:") for p in pids))
            self.rss = max([self.rss, *(_kib(f"/proc/{p}/status", "VmHWM:") for p in pids)])

    def stop(self) -> None:
        self._ended.set()
        self.join()


def _children(pid: int) -> list[int]:
    try:
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _kib(path: str, name: str) -> int:
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return 0  # it has just ended
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)


def environment(data_dir: Path, url: str, key: str) -> dict[str, str]:
    """The settings of a hub over a store, and nothing else of ours."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
    own |= {"HUB_DATA_DIR": str(data_dir), "HUB_SECRET_KEY": key}
    return own | ({"HUB_DATABASE_URL": url} if url else {})


HUB = [sys.executable, "-c", "from hub.main import main; main()"]
