"""Printed, computed, counted independently: three figures side by side, and whether they agree."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from msgspec import Struct

from hub.demo.figures import BUCKETS_VI, EARLY, LINES, ON_TIME, Line

Counts = Mapping[str, Any]
EQUAL, DIFFERENT, ASSUMED = "bằng", "KHÁC", "giả định"
NOTHING = "không có"


class Cell(Struct, frozen=True):
    """One figure.

    Attributes:
        printed: As the interview has it; "không in" where it is silent.
        counted: By the independent script; None where there is none.
        verdict: EQUAL, DIFFERENT or ASSUMED.
        why: Why it is assumed.
    """

    name: str
    printed: str
    computed: str
    counted: str | None
    verdict: str
    why: str = ""


class Block(Struct, frozen=True):
    """One unit in one period."""

    title: str
    cells: Sequence[Cell]


def number(value: int) -> str:
    """4833 as 4.833."""
    return f"{value:,}".replace(",", ".")


def key_of(agency: str, start: date, end: date) -> str:
    """By what the hub's answers and the script's counts are found."""
    return f"{agency} {start} {end}"


def blocks(computed: Mapping[str, Counts], counted: Mapping[str, Counts] | None) -> list[Block]:
    """The interview's lines; `counted` is None where the script was not found."""
    found = []
    for line in LINES:
        key = key_of(line.agency, line.start, line.end)
        own = None if counted is None else counted[key]
        found.append(
            Block(
                f"{line.unit}, {line.period} (xét đến hết ngày {line.end:%d/%m/%Y})",
                [*_cells(line, computed[key], own), *_rest(line, computed[key], own)],
            )
        )
    return found


def is_wrong(told: Sequence[Block]) -> bool:
    """Whether any figure differs from what was printed, or from the independent count."""
    return any(cell.verdict == DIFFERENT for block in told for cell in block.cells)


def differing(computed: Mapping[str, Counts], counted: Mapping[str, Counts] | None) -> bool:
    """Whether the hub and the script differ in anything they both count, the province included."""
    names = ("total", "buckets", "resolved", "resolved_online")
    return counted is not None and any(
        told[name] != counted[key][name] for key, told in computed.items() for name in names
    )


def _cells(line: Line, hub: Counts, own: Counts | None) -> list[Cell]:
    found = [
        _cell(
            "tiếp nhận và xử lý",
            line.total,
            hub["total"],
            None if own is None else own["total"],
            "",
        )
    ]
    if line.share_over is not None:
        found.append(_share(line, hub, own))
    for bucket, name in BUCKETS_VI.items():
        if bucket not in line.made:
            continue
        counted = None if own is None else own["buckets"][bucket]
        printed = line.printed.get(bucket)
        found.append(
            _cell(name, printed, hub["buckets"][bucket], counted, line.assumed.get(bucket, ""))
        )
    return found


def _cell(name: str, printed: int | None, hub: int, own: int | None, why: str) -> Cell:
    same = (printed is None or printed == hub) and (own is None or own == hub)
    verdict = EQUAL if printed is not None else ASSUMED
    return Cell(
        name=name,
        printed="không in" if printed is None else number(printed),
        computed=number(hub),
        counted=None if own is None else number(own),
        verdict=verdict if same else DIFFERENT,
        why=why if same else "",
    )


def _share(line: Line, hub: Counts, own: Counts | None) -> Cell:
    """Early and on time together, which the interview gives as a share only."""
    over = line.share_over or 0
    ours = _percent(hub)
    theirs = None if own is None else _percent(own)
    is_over = ours > over and (theirs is None or theirs == ours)
    return Cell(
        name="trước hẹn và đúng hẹn",
        printed=f"trên {over} %",
        computed=_shown(ours),
        counted=None if theirs is None else _shown(theirs),
        verdict=EQUAL if is_over else DIFFERENT,
    )


def _percent(told: Counts) -> float:
    done = told["buckets"][EARLY] + told["buckets"][ON_TIME]
    return float(round(100 * done / told["total"], 1)) if told["total"] else 0.0


def _shown(percent: float) -> str:
    return f"{percent:.1f} %".replace(".", ",")


def _rest(line: Line, hub: Counts, own: Counts | None) -> list[Cell]:
    """Buckets that the interview does not know: they must be empty."""
    odd = sum(count for name, count in hub["buckets"].items() if name not in line.made)
    odd_own = None
    if own is not None:
        odd_own = sum(count for name, count in own["buckets"].items() if name not in line.made)
    if not odd and not odd_own:
        return []
    return [_cell("nhóm khác", 0, odd, odd_own, "")]
