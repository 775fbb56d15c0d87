"""Laps in turn: whoever is compared is measured in one run, one after the other, round and round.

What each lap gave is appended at once to a file of JSON lines in build/bench/results; the table is
made from such files alone (`bench.table`).
"""

import json
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

RESULTS = Path("build") / "bench" / "results"


@dataclass
class Lap:
    """What one lap gave.

    Attributes:
        value: Dossiers (or answers) per second, seconds, or MiB: as the row says.
        more: Whatever else was seen: percentiles, memory, rows stored.
    """

    value: float
    more: dict[str, Any] = field(default_factory=dict)


@dataclass
class Contender:
    """One of those compared.

    Attributes:
        lap: Does one lap, given its number; None where it cannot be run.
        missing: Why it cannot be run.
    """

    name: str
    lap: Callable[[int], Lap] | None
    missing: str = ""


class Results:
    """The file one run of the benchmark writes."""

    def __init__(self, folder: Path = RESULTS) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.jsonl"
        self.add(kind="machine", **machine())

    @classmethod
    def of(cls, path: Path) -> "Results":
        """The file of a run that goes on."""
        results = cls.__new__(cls)
        results.path = path
        return results

    def add(self, **told: Any) -> None:
        """Append a line."""
        with self.path.open("a", encoding="utf-8") as out:
            out.write(json.dumps(told, ensure_ascii=False) + "\n")


def machine() -> dict[str, Any]:
    """Where this was measured, and how busy it was with other work."""
    cpu = ""
    info = Path("/proc/cpuinfo")
    if info.exists():
        named = [line for line in info.read_text("utf-8").splitlines() if "model name" in line]
        cpu = named[0].partition(":")[2].strip() if named else ""
    return {
        "at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "cpus": os.cpu_count(),
        "cpu": cpu,
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 1),
    }


def interleave(
    results: Results, row: str, unit: str, contenders: Sequence[Contender], laps: int
) -> None:
    """Measure everybody once per lap; who begins changes from lap to lap.

    Whoever fails is named with what it said, and not asked again; the others go on.
    """
    out = {who.name: who.missing for who in contenders if who.lap is None}
    for name, why in out.items():
        results.add(kind="missing", row=row, who=name, why=why)
        _say(f"{row}: {name}: not run: {why}")
    able = [who for who in contenders if who.lap is not None]
    for number in range(1, laps + 1):
        turn = number % len(able) if able else 0
        for who in [*able[turn:], *able[:turn]]:
            if who.name in out or who.lap is None:
                continue
            load = round(os.getloadavg()[0], 1)
            try:
                lap = who.lap(number)
            except Exception as failure:  # noqa: BLE001 - one who fails is named, not hidden
                out[who.name] = f"{type(failure).__name__}: {failure}"
                results.add(kind="missing", row=row, who=who.name, why=out[who.name][:2000])
                _say(f"{row}: {who.name}: failed: {out[who.name][:2000]}")
                continue
            results.add(
                kind="lap",
                row=row,
                unit=unit,
                who=who.name,
                lap=number,
                value=lap.value,
                load=load,
                **lap.more,
            )
            more = "  ".join(f"{name} {told}" for name, told in lap.more.items())
            _say(f"{row}: lap {number}: {who.name:28} {lap.value:12,.1f} {unit}  {more}")


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
