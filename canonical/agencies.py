"""The agencies' catalogue: who lies below whom on which day, and who took over from whom.

"All below it" is the tree as of the day a dossier was accepted (DESIGN 2). A code lies below what
its row of that day names as its parent; where no row is held, or the row names none, below what is
left of its last dot: `H50.97.07` below `H50.97` and `H50`, never `H50.9` (CONTRACT, Indicators).
Successions (1 July 2025: no districts any more) carry open dossiers and rights over.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from msgspec import Struct, structs

from canonical import clock
from canonical.codes import agency_code

# The parent of an agency that lies below no other, whatever the dots of its code say.
TOPMOST = ""
_DAY = timedelta(days=1)


class CatalogueError(ValueError):
    """A catalogue that contradicts itself; the message is a sentence that names where."""


class Level(StrEnum):
    """What kind of agency."""

    PROVINCE = "province"
    DEPARTMENT = "department"
    DISTRICT = "district"
    COMMUNE = "commune"
    UNIT = "unit"


class Agency(Struct, frozen=True):
    """One agency for one stretch of time; a code that moves has a row for each of its places.

    Attributes:
        code: In the new form (`H50.14`); the old one is turned into it.
        parent: Whom it lies below; None where its dots say, `TOPMOST` where nobody.
        valid_from: First day of this row, None from ever on.
        valid_to: First day this row no longer holds, None for good.
    """

    code: str
    name: str
    parent: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    level: Level | None = None


class Succession(Struct, frozen=True):
    """From `on`, its first day, `new` answers for what `old` left open. One of several, perhaps."""

    old: str
    new: str
    on: date


class Span(Struct, frozen=True):
    """Dossiers of exactly this agency code, by the day they were accepted.

    Attributes:
        from_on: First accepted day, None for no bound.
        to_on: First accepted day no longer meant, None for no bound.
        open_on: Only those still open at the start of this day: carried over to a successor.
            None: all of them.
    """

    code: str
    from_on: date | None = None
    to_on: date | None = None
    open_on: date | None = None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All agencies and successions, checked.

    Raises:
        CatalogueError: a blank code, a row that ends before it begins, two rows of one code on one
            day, a succession without both codes, or a circle of parents or of successions.
    """

    agencies: tuple[Agency, ...] = ()
    successions: tuple[Succession, ...] = ()
    _rows: dict[str, list[Agency]] = field(init=False, repr=False, compare=False)
    # First days of the stretches in which the tree does not change.
    _turns: list[date] = field(init=False, repr=False, compare=False)
    # Day of a succession -> old agency -> its successors.
    _heirs_of: dict[date, dict[str, list[str]]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        agencies = tuple(_tidy(agency) for agency in self.agencies)
        edges = sorted(
            {(edge.on, agency_code(edge.old), agency_code(edge.new)) for edge in self.successions}
        )
        heirs_of: dict[date, dict[str, list[str]]] = {}
        for on, old, new in edges:
            heirs_of.setdefault(on, {}).setdefault(old, []).append(new)
        rows: dict[str, list[Agency]] = {}
        turns = {date.min}
        for agency in sorted(agencies, key=_begins):
            rows.setdefault(agency.code, []).append(agency)
            turns |= {day for day in (agency.valid_from, agency.valid_to) if day is not None}
        for name, value in (
            ("agencies", agencies),
            ("successions", tuple(Succession(old, new, on) for on, old, new in edges)),
            ("_rows", rows),
            ("_turns", sorted(turns)),
            ("_heirs_of", heirs_of),
        ):
            object.__setattr__(self, name, value)  # frozen for everyone else
        self._check_rows()
        self._check_parents()
        self._check_successions()

    def get(self, code: str, on: date) -> Agency | None:
        """The row held for a code on a day."""
        for agency in self._rows.get(code, ()):
            if _begins(agency) <= on and (agency.valid_to is None or on < agency.valid_to):
                return agency
        return None

    def parent_of(self, code: str, on: date) -> str | None:
        """The code it lies directly below on a day, held or not; None for a topmost one."""
        agency = self.get(code, on)
        if agency is not None and agency.parent is not None:
            return agency.parent or None
        return code.rpartition(".")[0] or None

    def ancestors(self, code: str, on: date) -> list[str]:
        """All it lies below on a day, the nearest first, itself left out."""
        return list(self._upwards(code, on))

    def is_below(self, code: str, top: str, on: date) -> bool:
        """Whether a code is `top` or lies below it on a day."""
        return code == top or top in self._upwards(code, on)

    def scope(self, top: str, seen: Iterable[str], as_of: date | None = None) -> list[Span]:
        """Which dossiers belong to an agency and all below it.

        Spans of one code may overlap: a dossier belongs once however many of them hold it. Leave
        those with `open_on` aside where only the agency that received a dossier counts.

        Args:
            top: The agency asked for.
            seen: The agency codes that dossiers name; others give no spans.
            as_of: Successions after this day have not happened; None for all that are declared.
        """
        top, last_day = agency_code(top), as_of or date.max
        return [span for code in sorted(set(seen)) for span in self._spans(code, top, last_day)]

    def rights(self, tops: Iterable[str], code: str, now: datetime) -> bool:
        """Whether a client granted these agencies may act for a code.

        Yes where the code, or a successor that took over from it by now, is one of them or lies or
        lay below one of them. A grant of no agency reaches nothing: "the whole province" is the
        caller's to say.
        """
        today = clock.day_of(now)
        granted = {agency_code(top) for top in tops}
        code = agency_code(code)
        answering = [(code, date.min)]
        answering += [(heir, last_on) for heir, _, last_on in self._heirs(code, today)]
        return any(
            one in granted or not granted.isdisjoint(self._upwards(one, turn))
            for one, since in answering
            for turn in self._turns_between(since, today)
        )

    def _turns_between(self, first: date, last: date) -> list[date]:
        """The days from `first` to `last` on which the tree begins to be another, `first` too."""
        return [first, *(turn for turn in self._turns if first < turn <= last)]

    def _upwards(self, code: str, on: date) -> Iterator[str]:
        above = self.parent_of(code, on)
        while above is not None:
            yield above
            above = self.parent_of(above, on)

    def _spans(self, code: str, top: str, last_day: date) -> list[Span]:
        """The spans of one code, none of which another covers."""
        carried = [
            Span(code, None, first_on, last_on)
            for heir, first_on, last_on in self._heirs(code, last_day)
            if any(self.is_below(heir, top, on) for on in self._turns_between(last_on, last_day))
        ]
        spans = list(self._stretches_below(code, top))
        for span in sorted(carried, key=lambda span: span.open_on or date.min):
            if not any(_covers(wide, span) for wide in spans):
                spans.append(span)
        return spans

    def _stretches_below(self, code: str, top: str) -> Iterator[Span]:
        """The stretches of time in which a code is or lies below `top`, joined where they touch."""
        begun: date | None = None
        for turn in self._turns:
            is_below = self.is_below(code, top, turn)
            if is_below and begun is None:
                begun = turn
            elif not is_below and begun is not None:
                yield Span(code, _bound(begun), turn)
                begun = None
        if begun is not None:
            yield Span(code, _bound(begun))

    def _heirs(self, code: str, last_day: date) -> Iterator[tuple[str, date, date]]:
        """Who took over from a code, at any remove: successor, first and last step's day."""
        waiting: list[tuple[str, date | None, date]] = [(code, None, date.min)]
        told = set()
        while waiting:
            holder, first_on, since = waiting.pop()
            for on, heirs_of in self._heirs_of.items():
                if not since <= on <= last_day:
                    continue
                for heir in self._takers(holder, on, heirs_of):
                    step = (heir, first_on or on, on)
                    if step not in told:
                        told.add(step)
                        waiting.append(step)
                        yield step

    def _takers(self, code: str, on: date, heirs_of: dict[str, list[str]]) -> list[str]:
        """Who takes over from a code on a day.

        An office below an agency ends with it where the catalogue holds neither any longer.
        """
        takers = list(heirs_of.get(code, ()))
        if self.get(code, on) is None:
            for above in self._upwards(code, on - _DAY):
                if self.get(above, on) is None:
                    takers += heirs_of.get(above, ())
        return takers

    def _check_rows(self) -> None:
        for code, rows in self._rows.items():
            if not code:
                raise CatalogueError("An agency has no code.")
            for agency in rows:
                if agency.valid_to is not None and agency.valid_to <= _begins(agency):
                    raise CatalogueError(f"Agency {code} ends before it begins.")
            for before, after in pairwise(rows):
                if before.valid_to is None or _begins(after) < before.valid_to:
                    raise CatalogueError(f"Agency {code} has two rows on {_begins(after)}.")

    def _check_parents(self) -> None:
        for turn in self._turns:
            above: dict[str, list[str]] = {}
            for code in self._rows:
                step: str | None = code
                while step is not None and step not in above:
                    parent = self.parent_of(step, turn)
                    above[step] = [] if parent is None else [parent]
                    step = parent
            since = "" if turn == date.min else f" from {turn}"
            _refuse_circle(above, f"Agencies lie above each other in a circle{since}")

    def _check_successions(self) -> None:
        before: dict[str, list[str]] = {}
        for edge in self.successions:
            if not edge.old or not edge.new or edge.on == date.min:
                raise CatalogueError(f"A succession of {edge.old or edge.new} is not whole.")
            before.setdefault(edge.new, []).append(edge.old)
        _refuse_circle(before, "Agencies succeed each other in a circle")


def _refuse_circle(before: dict[str, list[str]], what: str) -> None:
    try:
        TopologicalSorter(before).prepare()
    except CycleError as error:
        raise CatalogueError(f"{what}: {' > '.join(error.args[1])}.") from error


def _tidy(agency: Agency) -> Agency:
    parent = None if agency.parent is None else agency_code(agency.parent)
    return structs.replace(agency, code=agency_code(agency.code), parent=parent)


def _begins(agency: Agency) -> date:
    return agency.valid_from or date.min


def _bound(turn: date) -> date | None:
    return None if turn == date.min else turn


def _covers(wide: Span, span: Span) -> bool:
    """Whether every dossier of `span` is one of `wide`."""
    return (
        wide.code == span.code
        and (wide.from_on or date.min) <= (span.from_on or date.min)
        and (span.to_on or date.max) <= (wide.to_on or date.max)
        and (wide.open_on or date.min) <= (span.open_on or date.min)
    )
