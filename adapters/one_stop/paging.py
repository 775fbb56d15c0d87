"""Where a run of the dossier list stands, and where it goes on.

The list is ordered by modifiedDate and paged by offset. A dossier that is modified while one pages
moves to the end, and everything behind its old place moves up by one: an offset counted from the
window's beginning would then skip a row for good. So the window's beginning goes along: the next
page starts at the last modifiedDate seen, after the rows that had that very one.
"""

from typing import Any, Self

from msgspec import Struct

from canonical.errors import Refused
from canonical.reasons import Reason


class Place(Struct, frozen=True):
    """The next page to ask for.

    Attributes:
        from_ms: modifiedDateFrom, inclusive, epoch milliseconds; None for everything.
        start: Offset inside that window.
    """

    from_ms: int | None
    start: int = 0

    def after(self, rows: list[Any], total: int) -> "Place | None":
        """The place behind a page; None where that was the last.

        Args:
            rows: The page's rows.
            total: Rows in the window, as the page declared them.
        """
        if not rows or self.start + len(rows) >= total:
            return None
        stamps = [row.get("modifiedDate") if isinstance(row, dict) else None for row in rows]
        last = stamps[-1]
        if self._is_in_order(stamps) and last != self.from_ms:
            return Place(last, sum(1 for stamp in stamps if stamp == last))
        # One millisecond fills the page, or the app keeps no order: only the offset is left.
        return Place(self.from_ms, self.start + len(rows))

    def _is_in_order(self, stamps: list[Any]) -> bool:
        if any(type(stamp) is not int for stamp in stamps):
            return False
        floor = stamps[0] if self.from_ms is None else self.from_ms
        return [floor, *stamps] == sorted([floor, *stamps])

    def to_cursor(self) -> str:
        """The place as text."""
        return f"{'' if self.from_ms is None else self.from_ms}:{self.start}"

    @classmethod
    def from_cursor(cls, cursor: str, *, system: str) -> Self:
        """The place a cursor stands for.

        Raises:
            Refused: CURSOR_LOST for text that `to_cursor` does not write.
        """
        since, _, start = cursor.partition(":")
        try:
            place = cls(int(since) if since else None, int(start))
        except ValueError as error:
            raise Refused(Reason.CURSOR_LOST, system=system) from error
        if place.start < 0:
            raise Refused(Reason.CURSOR_LOST, system=system)
        return place
