"""What the hub is to reach, row by row, and how a run stands to it: below floor, floor or goal.

A ratio is taken within each lap, of two that were measured one after the other; the median decides.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Laps = Mapping[str, Mapping[int, dict[str, Any]]]  # who -> lap -> its line


@dataclass(frozen=True)
class Goal:
    """One cell of the table.

    Attributes:
        of: Gives one figure per lap.
        floor: What must be reached; None where a figure is shown and nothing is asked of it.
        is_at_most: Whether less is better.
    """

    row: str
    says: str
    of: Callable[[Laps], list[float]]
    floor: float | None = None
    goal: float | None = None
    is_at_most: bool = False
    unit: str = "×"

    def stands(self, figure: float) -> str:
        """How a median stands to what is to be reached."""
        if self.floor is None:
            return ""

        def reached(mark: float) -> bool:
            return figure <= mark if self.is_at_most else figure >= mark

        if not reached(self.floor):
            return "below floor"
        return "goal" if self.goal is not None and reached(self.goal) else "floor"


def ratio(mine: str, theirs: str) -> Callable[[Laps], list[float]]:
    """How many times the one is the other, lap by lap."""

    def of(laps: Laps) -> list[float]:
        own, other = laps.get(mine, {}), laps.get(theirs, {})
        both = own.keys() & other.keys()
        return [own[lap]["value"] / other[lap]["value"] for lap in sorted(both)]

    return of


def minus(mine: str, theirs: str) -> Callable[[Laps], list[float]]:
    """How much more the one is than the other, lap by lap."""

    def of(laps: Laps) -> list[float]:
        own, other = laps.get(mine, {}), laps.get(theirs, {})
        both = own.keys() & other.keys()
        return [own[lap]["value"] - other[lap]["value"] for lap in sorted(both)]

    return of


def told(who: str, name: str = "value") -> Callable[[Laps], list[float]]:
    """A figure of the lap itself."""

    def of(laps: Laps) -> list[float]:
        own = laps.get(who, {})
        return [float(own[lap][name]) for lap in sorted(own) if name in own[lap]]

    return of


def _again(laps: Laps) -> list[float]:
    own = laps.get("hub", {})
    return [own[lap]["value"] / own[lap]["first"] for lap in sorted(own)]


def _against(row: str, who: str, floor: float | None, goal: float | None) -> Goal:
    return Goal(row, f"hub / {who}", ratio("hub", who), floor, goal)


def _most(
    row: str,
    says: str,
    of: Callable[[Laps], list[float]],
    floor: float,
    goal: float,
    unit: str = "×",
) -> Goal:
    return Goal(row, says, of, floor, goal, is_at_most=True, unit=unit)


GOALS = (
    _against("push-single", "node-red", 3, 6),
    _against("push-single", "node-red-same-rows", 1.5, 3),
    _against("push-batch", "node-red", 1.5, 3),
    _against("push-batch", "node-red-set-based", None, None),
    _against("push-batch", "node-red-same-rows", 0.7, 1.5),
    _against("push-soap-batch", "spyne", 5, 12),
    _against("push-soap-single", "spyne", 8, 15),
    _against("pull-rest", "dlt-pyarrow", 2, 5),
    _against("pull-rest", "singer-pair", 6, 12),
    _against("pull-rest", "node-fetch-same-rows", None, None),
    _against("pull-soap", "node-soap", 3, 6),
    _against("pull-soap", "dlt-zeep", 8, 13),
    _against("pull-soap", "node-soap-same-rows", None, None),
    Goal("pull-again", "1 % moved / first pull", _again, 1.3),
    _most("memory", "whole pull over idle", minus("whole", "idle"), 100, 60, " MiB"),
    _most("memory", "whole / a tenth", ratio("whole", "a-tenth"), 1.1, 1.0),
    _most("statements", "500 / 1", ratio("batch-of-500", "batch-of-1"), 1, 1),
    _most("statements", "50 / 1", ratio("batch-of-50", "batch-of-1"), 1, 1),
    _most("verify", "wall time", told("hub"), 300, 120, " s"),
    _most("verify", "largest process", told("hub", "largest_mib"), 256, 256, " MiB"),
    _against("reads-id", "sqlmodel", 4, 8),
    _against("reads-code", "sqlmodel", 4, 8),
    _against("reads-page", "sqlmodel", 4, 8),
    Goal("reads-deep", "hub / sqlmodel", ratio("hub, deep", "sqlmodel, deep"), 4, 8),
    _most("reads-deep", "cost at depth / at 0", ratio("hub", "hub, deep"), 1.3, 1.1),
    _most("indicators-office", "hub / recompute", ratio("hub", "recompute"), 1 / 20, 1 / 100),
    _most("indicators-agency", "hub / recompute", ratio("hub", "recompute"), 1 / 20, 1 / 100),
    _most("indicators-province", "hub / recompute", ratio("hub", "recompute"), 1 / 5, 1 / 20),
    _most("indicators-as-of", "hub / recompute", ratio("hub", "recompute"), 1 / 5, 1 / 20),
    Goal("processes", "two / one", ratio("two", "one"), 1),
    Goal("processes", "four / one", ratio("four", "one"), 1),
)
