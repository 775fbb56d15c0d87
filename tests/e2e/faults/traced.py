"""Kill a process as it enters a decided system call: strace's doing, where a process may be traced.

Counted are the calls by which anything leaves a process for its store or its callers, in each
thread by itself: so every place between two of them is hit by some number.
"""

import shutil
import signal
import subprocess
import threading
from pathlib import Path

from tests.e2e.faults.forked import until
from tests.e2e.forking import Forked

CALLS = "pwrite64,fdatasync,fsync,ftruncate,sendto,sendmsg,write,writev"


class Doom:
    """A process that will be killed at its `number`th such call; by a timer where it cannot be
    traced.

    Attributes:
        how: What kills it.
    """

    def __init__(self, process: Forked, number: int) -> None:
        self._process = process
        self._tracer = self._trace(number)
        self.how = "strace" if self._tracer is not None else "a timer"
        if self._tracer is None:
            # About as long as a push takes from one of its statements to the next.
            threading.Timer(0.3 + number * 0.0013, process.kill).start()

    def _trace(self, number: int) -> subprocess.Popen[bytes] | None:
        if shutil.which("strace") is None:
            return None
        inject = f"inject={CALLS}:signal=KILL:when={number}"
        words = ["strace", "-f", "-qq", "-e", f"trace={CALLS}", "-e", inject]
        tracer = subprocess.Popen(
            [*words, "-o", "/dev/null", "-p", str(self._process.pid)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(lambda: self._is_traced() or tracer.poll() is not None, "it is traced", 20)
        may_not = tracer.poll() is not None and self._process.poll() is None
        return None if may_not else tracer

    def _is_traced(self) -> bool:
        try:
            lines = Path(f"/proc/{self._process.pid}/status").read_text("utf-8").splitlines()
        except (FileNotFoundError, ProcessLookupError):
            return True  # it was so, and is dead already
        told = dict(line.split(":", 1) for line in lines if ":" in line)
        return told["TracerPid"].strip() != "0"

    def came(self) -> bool:
        """Wait until it is dead; whether it was killed."""
        code = self._process.wait(60)
        if self._tracer is not None:
            self._tracer.wait(20)
        return code == -signal.SIGKILL
