"""Where the next run of a connection begins, decided from what the pages brought. Pure.

The watermark is inclusive, reaches back by the measured lateness of the source, and never moves
past the moment at which its window was begun; it advances when the whole window has arrived (DESIGN
3). A checkpoint holds `watermark`, `lateness_s` where the source proved late, and inside an
unfinished window `cursor` and `window_at`, when it was begun.

A window may stay open for days: the hub was killed and goes on where it was. What the source said
late meanwhile lies behind that place, and the newest rows of the window are days younger than it.
So whatever is younger than the window's beginning is asked for once more, and that with it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from canonical import clock
from canonical.ports import Fate, Manifest
from canonical.record import Item, Record

Point = dict[str, Any]
Items = Sequence[Item]
LONGEST_OVERLAP_S = 7 * 86_400.0


def since(point: Mapping[str, Any], manifest: Manifest) -> datetime | None:
    """From when on to ask, inclusive; None for everything."""
    watermark = point.get("watermark")
    if watermark is None:
        return None
    reach_s = min(_reach_s(point, manifest), LONGEST_OVERLAP_S)
    return clock.from_iso(watermark) - timedelta(seconds=reach_s)


def newest(items: Items, latest: datetime, started_at: datetime) -> datetime | None:
    """The newest update in a page; None where it tells no time.

    One after `latest`, further ahead than the clocks of two houses may differ, says only that the
    row was there when the run began: the overlap must still reach back from a moment that was real.
    """
    moments = [i.updated_at for i in items if isinstance(i, Record) and i.updated_at is not None]
    return max((m if m <= latest else started_at for m in moments), default=None)


def after_page(
    point: Mapping[str, Any],
    manifest: Manifest,
    cursor: str | None,
    items: Items,
    fates: Sequence[Fate],
    started_at: datetime,
) -> Point:
    """The checkpoint that is true once a page is durable; `started_at` is its run's."""
    moved = dict(point)
    if point.get("cursor") is None and not manifest.durable_cursor:
        moved["window_at"] = clock.to_iso(started_at)
    watermark = point.get("watermark")
    if watermark is not None:
        # Only what the overlap itself let through can be measured; a run that was asked to go back
        # further tells nothing about lateness.
        reach_s = _reach_s(point, manifest)
        late = [s for s in _late_by_s(clock.from_iso(watermark), items, fates) if s <= reach_s]
        if late and max(late) * 2 > reach_s:
            moved["lateness_s"] = min(max(late) * 2, LONGEST_OVERLAP_S)
    if manifest.durable_cursor or manifest.ordered:
        moved["cursor"] = cursor
    return moved


def after_window(point: Mapping[str, Any], reached: datetime | None) -> Point:
    """The checkpoint once a whole window has arrived; never before the one there was."""
    moved = {**point, "cursor": None}
    began, held = moved.pop("window_at", None), point.get("watermark")
    if reached is not None and began is not None:
        reached = min(reached, clock.from_iso(began))
    if reached is not None and (held is None or clock.from_iso(held) < reached):
        moved["watermark"] = clock.to_iso(reached)
    return moved


def _reach_s(point: Mapping[str, Any], manifest: Manifest) -> float:
    return max(float(manifest.overlap_s), float(point.get("lateness_s", 0.0)))


def _late_by_s(watermark: datetime, items: Items, fates: Sequence[Fate]) -> list[float]:
    """By how many seconds records lie before the watermark that were not known before.

    What the overlap brings a second time is a duplicate and not late, else every run would reach
    back further than the one before.
    """
    new = {f.position for f in fates if f.disposition in ("applied", "superseded")}
    return [
        (watermark - item.updated_at).total_seconds()
        for item in items
        if isinstance(item, Record)
        and item.position in new
        and item.updated_at is not None
        and item.updated_at < watermark
    ]
