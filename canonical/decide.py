"""What becomes of each record: a pure function over the heads that are held and the batch.

Dispositions (DESIGN 2, 3): applied, superseded, duplicate, quarantined. The newest statement of its
(leg, facet) is applied; an older one enters the timeline as arrived late and turns nothing back;
one that is held already, newest or not, is a duplicate.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from msgspec import Struct

from canonical.leg import Head
from canonical.reasons import Reason
from canonical.record import VersionBy


class Disposition(StrEnum):
    """The one end of a record; `pending` until decided."""

    APPLIED = "applied"
    SUPERSEDED = "superseded"
    DUPLICATE = "duplicate"
    QUARANTINED = "quarantined"
    PENDING = "pending"


TAKEN = frozenset({Disposition.APPLIED, Disposition.SUPERSEDED})


class Candidate(Struct, frozen=True, gc=False):
    """A checked record on the way to its decision.

    Attributes:
        key: (leg, facet): decisions are taken within one.
        sort_at: Its moment within the facet, ISO +07:00.
    """

    key: tuple[int, str]
    version_by: VersionBy
    version: int | None
    sort_at: str
    digest: str


class Decision(Struct, frozen=True, gc=False):
    """What becomes of one record.

    Attributes:
        same_time: Another content was held at exactly this time: a later step in order of intake.
    """

    disposition: Disposition
    reason: Reason | None = None
    same_time: bool = False


class Deciding:
    """A batch being decided, record by record: what was taken before is held for what follows."""

    def __init__(self, heads: Mapping[tuple[int, str], Sequence[Head]]) -> None:
        self._heads = heads
        self._held: dict[tuple[int, str], _Held] = {}

    def decide(self, candidate: Candidate) -> Decision:
        """What becomes of a record by its version; nothing is held by asking."""
        return self._of(candidate.key).decide(candidate)

    def hold(self, candidate: Candidate) -> None:
        """A record was taken, applied or superseded."""
        head = Head(candidate.version, candidate.sort_at, candidate.digest)
        self._of(candidate.key).add(head)

    def _of(self, key: tuple[int, str]) -> "_Held":
        known = self._held.get(key)
        if known is None:
            known = self._held[key] = _Held(self._heads.get(key, ()))
        return known


def decide_batch(
    heads: Mapping[tuple[int, str], Sequence[Head]], batch: Sequence[Candidate]
) -> list[Decision]:
    """One decision per candidate, in order; earlier candidates count as held for later ones."""
    deciding = Deciding(heads)
    decisions = []
    for candidate in batch:
        decision = deciding.decide(candidate)
        if decision.disposition in TAKEN:
            deciding.hold(candidate)
        decisions.append(decision)
    return decisions


class _Held:
    """The records held of one (leg, facet)."""

    def __init__(self, heads: Sequence[Head]) -> None:
        self.numbers: dict[int, str] = {}
        self.moments: dict[str, set[str]] = {}
        self.newest: tuple[int, str] | None = None
        self.newest_digest: str | None = None
        for head in heads:
            self.add(head)

    def add(self, head: Head) -> None:
        if head.version is None:
            self.moments.setdefault(head.sort_at, set()).add(head.digest)
        else:
            self.numbers[head.version] = head.digest
        place = (head.version or 0, head.sort_at)
        if self.newest is None or place >= self.newest:
            self.newest, self.newest_digest = place, head.digest

    def decide(self, candidate: Candidate) -> Decision:
        if candidate.version_by is VersionBy.OBSERVED:
            return self._observed(candidate)
        if candidate.version is not None:
            return self._numbered(candidate, candidate.version)
        return self._timed(candidate)

    def _observed(self, candidate: Candidate) -> Decision:
        if candidate.digest == self.newest_digest:
            return Decision(Disposition.DUPLICATE)
        return self._by_place((0, candidate.sort_at))

    def _numbered(self, candidate: Candidate, version: int) -> Decision:
        held = self.numbers.get(version)
        if held == candidate.digest:
            return Decision(Disposition.DUPLICATE)
        if held is not None:
            return Decision(Disposition.QUARANTINED, Reason.VERSION_CONFLICT)
        return self._by_place((version, candidate.sort_at))

    def _timed(self, candidate: Candidate) -> Decision:
        same = self.moments.get(candidate.sort_at, set[str]())
        if candidate.digest in same:
            return Decision(Disposition.DUPLICATE)
        decision = self._by_place((0, candidate.sort_at))
        return Decision(decision.disposition, same_time=bool(same))

    def _by_place(self, place: tuple[int, str]) -> Decision:
        if self.newest is None or place >= self.newest:
            return Decision(Disposition.APPLIED)
        return Decision(Disposition.SUPERSEDED)
