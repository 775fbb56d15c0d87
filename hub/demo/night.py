"""The one-stop app on the second day: dossiers that moved on, and a state nobody knows."""

import random
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from hub.demo.days import WorkingDays, at
from hub.demo.desk import DeskCase, last_row, open_case

Row = dict[str, Any]
# A sub-state that the process of one agency got, and that no table has yet.
UNKNOWN = "processing_42"
MOVED = 24  # dossiers


def moved_on(cases: Iterable[DeskCase], today: date) -> list[Row]:
    """The rows of those that the app moves on in the night; it ends what was signed the day before.

    Args:
        cases: Dossiers of this year; those that are moved are changed.
        today: The night before this day.
    """
    begun = at(today, 0, 2)
    moved = [case for case in cases if case.states[-1][1] == "processing"][:MOVED]
    for number, case in enumerate(moved):
        case.states.append((begun + timedelta(seconds=number), "releasing"))
    return [last_row(case) for case in moved]


def unknown_state(seed: int, today: date) -> Row:
    """A dossier accepted in the middle of last month, in the state UNKNOWN."""
    days = WorkingDays(today - timedelta(days=150), today + timedelta(days=60))
    middle = (today.replace(day=1) - timedelta(days=1)).replace(day=10)
    dice = random.Random(f"{seed}:unknown")
    begun = days.after(middle)
    case = open_case(1601, "SXD", "SXD.CCHN.CAP", begun, "processing", days, dice)
    return last_row(case) | {
        "dossierSubStatus": UNKNOWN,
        "dossierSubStatusText": "Lấy ý kiến liên ngành",
    }
