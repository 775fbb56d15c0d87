"""The table of a run out of its JSON lines: medians, spread, ratios, and how they stand.

`python -m bench.table build/bench/results/….jsonl …` prints it again.
"""

import json
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.goals import GOALS, Goal

Line = dict[str, Any]
_FEW = 5


def of(paths: Sequence[Path]) -> str:
    """What was measured, as Markdown."""
    text = "\n".join(path.read_text("utf-8") for path in paths)
    lines: list[Line] = [json.loads(line) for line in text.splitlines() if line]
    parts = [_machine(lines), _standing(lines), _figures(lines), _absent(lines)]
    return "\n\n".join(part for part in parts if part)


def _machine(lines: list[Line]) -> str:
    found = [line for line in lines if line["kind"] == "machine"]
    if not found:
        return ""
    told = found[0]
    store = next((line["version"] for line in lines if line["kind"] == "store"), "")
    busy = [line["load"] for line in lines if "load" in line]
    said = f"{told['at']}: {told['cpus']} × {told['cpu'] or 'CPU'}, {told['memory_gib']} GiB, "
    said += f"Python {told['python']}, {' '.join(store.split()[:2])}"
    if busy and statistics.median(busy) > told["cpus"]:
        said += (
            f"\n\n**Preliminary: the machine was busy with other work** (load {min(busy):.0f} to"
            f" {max(busy):.0f} on {told['cpus']} processors)."
        )
    return said


def _laps(lines: list[Line], row: str) -> dict[str, dict[int, Line]]:
    found: dict[str, dict[int, Line]] = {}
    for line in lines:
        if line["kind"] == "lap" and line["row"] == row:
            found.setdefault(line["who"], {})[line["lap"]] = line
    return found


def _standing(lines: list[Line]) -> str:
    rows = {line["row"] for line in lines if "row" in line}
    goals = [goal for goal in GOALS if goal.row in rows]
    told = ["| work | figure | median | spread | laps | floor | goal | stands |", "|---" * 8 + "|"]
    told += [_cell(goal, goal.of(_laps(lines, goal.row))) for goal in goals]
    return "\n".join(told) if goals else ""


def _cell(goal: Goal, figures: list[float]) -> str:
    def shown(figure: float | None) -> str:
        if figure is None:
            return "–"
        sign = "≤ " if goal.is_at_most and figure in (goal.floor, goal.goal) else ""
        return f"{sign}{figure:.3g}{goal.unit}"

    asked = f"{shown(goal.floor)} | {shown(goal.goal)}"
    if not figures:
        return f"| {goal.row} | {goal.says} | – | – | 0 | {asked} | not measured |"
    middle = statistics.median(figures)
    spread = f"{min(figures):.3g} to {max(figures):.3g}"
    stands = goal.stands(middle)
    if stands and len(figures) < _FEW:
        stands += " (too few laps to say)"
    unit = goal.unit
    return (
        f"| {goal.row} | {goal.says} | {middle:.3g}{unit} | {spread} | {len(figures)}"
        f" | {asked} | {stands} |"
    )


_SEEN = ("own_us", "postgres_us", "stored_bytes", "rss_mib", "p50_ms", "p99_ms")


def _figures(lines: list[Line]) -> str:
    told = [
        "| work | who | median | spread | unit | " + " | ".join(_SEEN) + " |",
        "|---" * (5 + len(_SEEN)) + "|",
    ]
    rows = list(dict.fromkeys(line["row"] for line in lines if line["kind"] == "lap"))
    for row in rows:
        for who, laps in _laps(lines, row).items():
            values = [line["value"] for line in laps.values()]
            unit = next(iter(laps.values()))["unit"]
            more = [
                [line[name] for line in laps.values() if line.get(name) is not None]
                for name in _SEEN
            ]
            seen = " | ".join(f"{statistics.median(m):,.0f}" if m else "" for m in more)
            told.append(
                f"| {row} | {who} | {statistics.median(values):,.0f}"
                f" | {min(values):,.0f} to {max(values):,.0f} | {unit} | {seen} |"
            )
    return "\n".join(told) if rows else ""


def _absent(lines: list[Line]) -> str:
    found = [line for line in lines if line["kind"] == "missing"]
    told = [f"- {line['row']}: {line['who']}: {' '.join(line['why'].split())}" for line in found]
    return "\n".join(["Not run, and why:", "", *told]) if found else ""


if __name__ == "__main__":
    print(of([Path(name) for name in sys.argv[1:]]))
