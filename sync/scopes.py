"""Who lies below an agency, and whom a grant reaches: worked out once, kept while nothing changes.

The catalogue is asked for every code that dossiers name and every day on which the tree changed;
that is far more than the read itself costs. What is kept is named by the catalogue's version, by
how many codes are named (they are only ever added) and by the day.
"""

import threading
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import TypeVar

from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.agencies import Span
from canonical.catalogue import Books
from canonical.codes import agency_code
from store import rights
from store.clients import Principal

Kept = TypeVar("Kept")
_MOST = 2_000


class Scopes:
    """What was worked out, for one store."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: tuple[int, Sequence[str]] = (0, ())
        self._kept: dict[object, object] = {}

    def seen(self, tx: Tx, count: int | None = None) -> Sequence[str]:
        """Every agency code that any dossier names.

        Args:
            tx: An open transaction.
            count: How many there are, where that was read in it already.
        """
        count = rights.count_agencies(tx) if count is None else count
        if self._seen[0] != count:
            self._seen = (count, rights.seen_agencies(tx))
        return self._seen[1]

    def below(self, books: Books, agency: str, seen: Sequence[str], day: date) -> Sequence[Span]:
        """An agency and all below it: `Catalogue.scope` of those codes."""
        code = agency_code(agency)
        key = (books.version, code, len(seen), day)
        return self._once(key, lambda: books.agencies.scope(code, seen, day))

    def granted(
        self, books: Books, principal: Principal, seen: Sequence[str], now: datetime
    ) -> Sequence[str]:
        """Of those codes the ones that a principal's grant reaches."""
        key = (books.version, principal.agencies, len(seen), clock.day_of(now))
        return self._once(key, lambda: rights.granted(principal, books.agencies, seen, now))

    def _once(self, key: object, work: Callable[[], Kept]) -> Kept:
        with self._lock:
            if key in self._kept:
                return self._kept[key]  # type: ignore[return-value] # kept under its own key
        found = work()
        with self._lock:
            if len(self._kept) >= _MOST:
                self._kept.clear()
            self._kept[key] = found
        return found
