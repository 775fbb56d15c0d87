"""The records of a tried page that would be quarantined: each with its place, reason and field."""

from collections.abc import Sequence
from typing import Any

from canonical.reasons import sentence
from canonical.record import Rejected

MOST_ROWS = 1_000  # told to a screen or script
_MOST_NAMED = 20  # in a sentence


def refused_row(position: int, item: Rejected) -> dict[str, Any]:
    """One refused record: its position in the page from 0, as `preview --row` takes it."""
    return {
        "position": position,
        "reason": item.reason.value,
        "field": item.field,
        "vi": sentence(item.reason),
        "en": sentence(item.reason, "en"),
    }


def refused_places(rows: Sequence[dict[str, Any]]) -> tuple[str, str]:
    """Where they stand and why, Vietnamese and English."""
    parts = [
        f"{row['position']}: {row['reason']} {row['field'] or ''}".strip()
        for row in rows[:_MOST_NAMED]
    ]
    more = len(rows) - _MOST_NAMED
    tail = f", +{more}" if more > 0 else ""
    named = ", ".join(parts) + tail
    return f"ở vị trí (từ 0) {named}", f"at positions (from 0) {named}"
