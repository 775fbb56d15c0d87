"""Processor time of processes with their children: what a lap cost, however busy the machine."""

import contextlib
import os
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


def used(pid: int) -> float:
    """Seconds a process and its children used so far, those that ended included."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        living = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    except OSError:
        return 0.0
    own = sum(int(ticks) for ticks in stat[11:15]) / _TICK  # own and reaped, user and system
    return own + sum(used(int(child)) for child in living)


class Spent:
    """Processor time from now on of those named; `of` says how much, in microseconds a piece."""

    def __init__(self, **pids: int) -> None:
        self._pids = pids
        self._before = {name: used(pid) for name, pid in pids.items()}

    def of(self, pieces: int) -> dict[str, float]:
        """name_us -> microseconds for each of so many pieces."""
        found: dict[str, float] = {}
        for name, pid in self._pids.items():
            with contextlib.suppress(ZeroDivisionError):
                spent = used(pid) - self._before[name]
                found[f"{name}_us"] = round(max(spent, 0.0) * 1e6 / pieces, 1)
        return found
