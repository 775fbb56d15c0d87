"""Where a run of a declared pull stands, and where it goes on after a page. Pure."""

from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from adapters.declared.declaration import Pull
from adapters.declared.reader import Found
from canonical.errors import Refused
from canonical.prepared import prepare
from canonical.reasons import Reason


class Place(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The next page to ask for.

    Attributes:
        since: Inclusive, ISO; "" for everything. Kept with the place: a run that goes on asks the
            same window, else a page number would mean other rows.
        until: Exclusive, ISO.
        number: How many pages lie before it.
        seen: How many rows lie before it.
        cursor: What the source said comes next: a cursor or an address; "" at first.
    """

    since: str
    until: str
    number: int = 0
    seen: int = 0
    cursor: str = ""

    def after(self, pull: Pull, found: Found, total: int | None, size: int) -> "Place | None":
        """The place behind a page; None where that was the last.

        Args:
            pull: The declaration.
            found: The page.
            total: Rows in the window as first declared; None where they are not.
            size: Rows asked for at once.
        """
        if not _goes_on(pull, found, total, size, self.seen):
            return None
        return Place(
            self.since,
            self.until,
            self.number + 1,
            self.seen + len(found.rows),
            found.next if pull.paging.kind in ("cursor", "link", "flag") else "",
        )

    def values(self, pull: Pull, size: int) -> dict[str, Any]:
        """What the templates may name of it."""
        first = pull.paging.first
        start = self.seen + (first or 0 if pull.paging.kind == "offset" else 0)
        return {
            "page": self.number + (1 if first is None else first),
            "offset": start,
            "offset_end": start + size,
            "page_size": size,
            "cursor": self.cursor or None,
        }

    def to_cursor(self) -> str:
        """The place as text."""
        return msgspec.json.encode(self).decode()

    @staticmethod
    def from_cursor(cursor: str, *, system: str) -> "Place":
        """The place a cursor stands for.

        Raises:
            Refused: CURSOR_LOST for text that `to_cursor` does not write.
        """
        try:
            place = msgspec.json.decode(cursor, type=Place)
            for moment in (place.since, place.until):
                _ = moment and datetime.fromisoformat(moment)
        except (msgspec.DecodeError, ValueError):
            raise Refused(Reason.CURSOR_LOST, system=system) from None
        if place.number < 0 or place.seen < 0:
            raise Refused(Reason.CURSOR_LOST, system=system)
        return place


prepare(Place)


def _goes_on(pull: Pull, found: Found, total: int | None, size: int, seen: int) -> bool:
    paging = pull.paging
    if paging.kind == "none":
        return False
    if paging.kind in ("cursor", "link"):
        return bool(found.next)
    if paging.more:
        return bool(found.has_more)
    if not found.rows:
        return False
    if total is not None:
        return seen + len(found.rows) < total
    return paging.ends == "empty" or len(found.rows) >= size
