"""Every indicator that a what-if would move: per agency, with all below it, and year."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from msgspec import structs
from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.agencies import Span
from canonical.catalogue import Books
from canonical.indicators import BUCKETS, Count, count_seed
from store import indicators
from store.coverage import Counted
from sync.coverage_figures import judged_of
from sync.indicators import Ask, question_of
from sync.whatif.report import FigureChange, figures

Moved = Sequence[tuple[Counted | None, Counted | None]]


def changes(tx: Tx, books: Books, moved: Moved, now: datetime) -> list[FigureChange]:
    """The figures that would be others, by agency and year.

    Args:
        tx: A read transaction.
        books: The catalogue.
        moved: How dossiers count before and after, where that differs.
        now: The present moment.
    """
    if not moved:
        return []
    today = clock.day_of(now)
    rows = [[pair[side] for pair in moved] for side in (0, 1)]
    told = [row for side in rows for row in side if row is not None]
    touched = {row.agency for row in told}
    tops = sorted(_tops(books, touched))
    found = []
    for year in range(min(row.accepted_on.year for row in told), today.year + 1):
        asked = Ask("", date(year, 1, 1), date(year, 12, 31))
        as_of = min(asked.end, today)
        less, more = (_Year(side, asked.start, asked.end, as_of) for side in rows)
        for agency in tops:
            spans = books.agencies.scope(agency, touched, as_of)
            gone, come = less.within(spans), more.within(spans)
            if gone != come:
                ask = structs.replace(asked, agency=agency)
                [before] = indicators.count_seed(tx, question_of(tx, books, ask, now)).values()
                after = _sum(before, gone, come)
                found.append(
                    FigureChange(
                        agency, asked.start, asked.end, as_of, figures(before), figures(after)
                    )
                )
    return sorted(found, key=lambda one: (one.agency, one.start))


class _Year:
    """One side of what moves, in one year, by the agency that received it."""

    def __init__(self, rows: Iterable[Counted | None], start: date, end: date, as_of: date) -> None:
        self._period = (start, end, as_of)
        self._rows: dict[str, list[Counted]] = {}
        self._whole: dict[str, Count] = {}
        for row in rows:
            if row is not None and _may_count(row, start.year):
                self._rows.setdefault(row.agency, []).append(row)

    def within(self, spans: Sequence[Span]) -> Count:
        """What counts of it in a scope."""
        by_code: dict[str, list[Span]] = {}
        for span in spans:
            if span.code in self._rows:
                by_code.setdefault(span.code, []).append(span)
        found = _nothing()
        for code, own in by_code.items():
            found = _sum(found, _nothing(), self._count(code, own))
        return found

    def _count(self, code: str, spans: Sequence[Span]) -> Count:
        if any(s.from_on is None and s.to_on is None and s.open_on is None for s in spans):
            if code not in self._whole:
                self._whole[code] = count_seed(map(judged_of, self._rows[code]), *self._period)
            return self._whole[code]
        rows = (row for row in self._rows[code] if _is_in(row, spans))
        return count_seed(map(judged_of, rows), *self._period)


def _nothing() -> Count:
    return Count(0, dict.fromkeys(BUCKETS, 0), 0, 0, 0)


def _tops(books: Books, touched: set[str]) -> set[str]:
    """Every agency that these may lie below: by the catalogue, and by the dots of their codes."""
    found = {agency.code for agency in books.data.agencies} | touched
    found |= {one.new for one in books.data.successions}
    for code in touched:
        head = code
        while "." in head:
            head = head.rpartition(".")[0]
            found.add(head)
    return found


def _may_count(row: Counted, year: int) -> bool:
    """Whether a dossier may count in a year: accepted by then, and not closed before it."""
    if row.accepted_on.year > year:
        return False
    return row.accepted_on.year == year or row.closed_on is None or row.closed_on.year >= year


def _is_in(row: Counted, spans: Sequence[Span]) -> bool:
    """As `rights.in_scope` has it."""
    for span in spans:
        if span.from_on is not None and row.accepted_on < span.from_on:
            continue
        if span.to_on is not None and row.accepted_on >= span.to_on:
            continue
        if span.open_on is None or row.closed_on is None or row.closed_on >= span.open_on:
            return True
    return False


def _sum(before: Count, less: Count, more: Count) -> Count:
    return Count(
        before.total - less.total + more.total,
        {name: before.buckets[name] - less.buckets[name] + more.buckets[name] for name in BUCKETS},
        before.carried_over - less.carried_over + more.carried_over,
        before.resolved - less.resolved + more.resolved,
        before.resolved_online - less.resolved_online + more.resolved_online,
    )
