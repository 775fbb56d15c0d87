"""The catalogue as one value: agencies and who succeeds them, procedures, the province's own days.

It is kept whole, once per change, so that any decision can be taken again under the version it was
taken under.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cached_property

import msgspec
from msgspec import Struct

from canonical import calendar, codes, deadline
from canonical.agencies import Agency, Catalogue, Succession
from canonical.precedence import Precedence, precedence_from
from canonical.prepared import prepare


class ProcedureFacts(Struct, frozen=True):
    """One procedure.

    Attributes:
        code: National code, e.g. `1.001612`.
        duration: How long it may take, a decimal number as text; None where it is not known.
        duration_unit: working_day | calendar_day | hour.
        precedence: Group of fields -> roles, first speaker first; empty for the default.
    """

    code: str
    name: str
    domain: str = ""
    duration: str | None = None
    duration_unit: str = "working_day"
    precedence: dict[str, list[str]] = {}


class CatalogueData(Struct, frozen=True):
    """Everything catalogued, as it is stored.

    Attributes:
        days: Day -> what the province says of it, in the words of `calendar.read_override`.
    """

    agencies: tuple[Agency, ...] = ()
    successions: tuple[Succession, ...] = ()
    procedures: tuple[ProcedureFacts, ...] = ()
    days: dict[date, str] = {}


prepare(CatalogueData)


def encode(data: CatalogueData) -> str:
    """The catalogue as text; equal catalogues give equal text."""
    # Days become text first: `order` knows no other keys.
    plain = msgspec.to_builtins(data, str_keys=True, order="sorted")
    return msgspec.json.encode(plain).decode()


def decode(text: str) -> CatalogueData:
    """A catalogue from text that `encode` wrote."""
    return msgspec.json.decode(text, type=CatalogueData)


_MOST_ASKED = 10_000


@dataclass(frozen=True)
class Books:
    """One version of the catalogue, ready to be asked.

    Attributes:
        version: 0 for the empty one a new hub begins with.
    """

    version: int
    data: CatalogueData

    @cached_property
    def agencies(self) -> Catalogue:
        """The tree of agencies. Raises CatalogueError where it contradicts itself."""
        return Catalogue(self.data.agencies, self.data.successions)

    @cached_property
    def procedures(self) -> Mapping[str, ProcedureFacts]:
        """Procedures by what their spellings share (`codes.procedure_key`)."""
        return {codes.procedure_key(p.code): p for p in self.data.procedures}

    @cached_property
    def precedences(self) -> Mapping[str, Precedence]:
        """Procedure key -> its own precedence, where it has one."""
        return {
            key: precedence_from(p.precedence) for key, p in self.procedures.items() if p.precedence
        }

    @cached_property
    def working_days(self) -> calendar.Calendar:
        """The public calendar with the province's own days over it."""
        return calendar.vietnam(
            overrides={day: calendar.read_override(text) for day, text in self.data.days.items()}
        )

    def check(self) -> None:
        """Build every part once, so that a wrong one never comes into force.

        Raises:
            ValueError: what is wrong and where (CatalogueError for agencies).
        """
        parts = (self.agencies, self.precedences, self.working_days)
        if any(part is None for part in parts):
            raise AssertionError("a part of the catalogue is missing")
        for code in self.procedures:
            self.duration_of(code)

    def agency_name(self, code: str | None, on: date) -> str | None:
        """An agency's name on a day; its code where the catalogue does not hold it."""
        if code is None:
            return None
        held = self.agencies.get(code, on)
        return held.name if held is not None else code

    def is_listed(self, procedure: str) -> bool:
        """Whether the catalogue holds a procedure."""
        return self._facts(procedure)[0]

    def duration_of(self, procedure: str) -> deadline.Duration | None:
        """How long a procedure may take; None where the catalogue does not say."""
        return self._facts(procedure)[1]

    @cached_property
    def _asked(self) -> dict[str, tuple[bool, deadline.Duration | None]]:
        return {}

    def _facts(self, procedure: str) -> tuple[bool, deadline.Duration | None]:
        """Whether it is held and how long it may take; every dossier that is shown asks this."""
        found = self._asked.get(procedure)
        if found is None:
            facts = self.procedures.get(codes.procedure_key(procedure))
            duration = None
            if facts is not None and facts.duration is not None:
                unit = deadline.Unit(facts.duration_unit)
                duration = deadline.Duration(Fraction(facts.duration), unit)
            found = (facts is not None, duration)
            if len(self._asked) < _MOST_ASKED:  # departments may write anything there
                self._asked[procedure] = found
        return found


EMPTY = Books(0, CatalogueData())
