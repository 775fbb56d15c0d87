"""The table of a run out of its JSON lines: medians, spread, ratios, and how they stand."""

import json
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Line = dict[str, Any]


def of(paths: Sequence[Path]) -> str:
    """What was measured, as Markdown."""
    text = "\n".join(path.read_text("utf-8") for path in paths)
    lines: list[Line] = [json.loads(line) for line in text.splitlines() if line]
    rows = list(dict.fromkeys(line["row"] for line in lines if "row" in line))
    return "\n\n".join(
        _row(row, [line for line in lines if line.get("row") == row]) for row in rows
    )


def _row(row: str, lines: list[Line]) -> str:
    laps = [line for line in lines if line["kind"] == "lap"]
    told = [f"{row} ({laps[0]['unit']})" if laps else row]
    for who in dict.fromkeys(line["who"] for line in laps):
        values = [line["value"] for line in laps if line["who"] == who]
        told.append(
            f"  {who:30} {statistics.median(values):12,.1f}"
            f"  ({min(values):,.1f} to {max(values):,.1f}, {len(values)} laps)"
        )
    told += [f"  {line['who']:30} not run: {line['why']}" for line in lines if "why" in line]
    return "\n".join(told)


if __name__ == "__main__":
    print(of([Path(name) for name in sys.argv[1:]]))
