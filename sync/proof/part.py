"""One part of a proof: its legs decided and put together anew, then held against the store.

Nothing here decides anything: `sync.intake.apply` does, the function that ran the first time.
"""

import hashlib
import json
from array import array
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from msgspec import Struct

from canonical import clock
from canonical.decide import Disposition
from canonical.indicators import Count, Judged, count_seed
from canonical.standing import Kind, Segment
from store import intake, proof
from store.dossiers import JudgementRow, SpanRow
from store.ground import Claimed
from store.intake import RecordRow
from sync.batch import namespace_of
from sync.intake import Origin, Taken, apply, source_of
from sync.proof import against
from sync.proof.against import Compared
from sync.proof.hand import Hand, Place
from sync.proof.plan import load_legs
from sync.proof.receipts import OUTAGES, set_apart
from sync.proof.remembered import Remembered
from sync.proof.spool import Told, told_of

Period = tuple[date, date, date]  # first day, last day, as of
_MASK = (1 << 64) - 1
COUNTED = (Disposition.APPLIED, Disposition.SUPERSEDED, Disposition.DUPLICATE)


class Task(Struct, frozen=True):
    """Which part, and what is to be known of it.

    Attributes:
        bounds: Where its legs lie in the file of legs.
        elsewhere: Crowded claims that are decided in another part.
        periods: For which indicators are counted.
    """

    part: int
    bounds: tuple[int, int]
    elsewhere: frozenset[Claimed]
    periods: list[Period]


class Outcome(Struct):
    """What followed, and what of it was not stored so.

    Attributes:
        counts: (rank, applied, superseded, duplicate) one after the other.
        duplicates: (rank, sum of keyed digests) of lists of duplicates.
        settled: (quarantined record, rank, receipt) of the replay that settled it.
        crowds: Claims that tie nobody -> the decision since which they are so.
        strangers: Crowded claims of other parts -> the first decision in which a leg here made one.
        indicators: One count per period.
    """

    compared: Compared
    counts: "array[int]"
    duplicates: list[tuple[int, int]]
    settled: list[tuple[int, int, int]]
    agencies: set[str]
    crowds: dict[Claimed, int]
    strangers: dict[Claimed, int]
    indicators: list[Count]
    unreadable: list[str]


def compute(hand: Hand, place: Place, task: Task) -> Outcome:
    """Decide a part anew and hold it against the store.

    Raises:
        StoreUnavailable, OperationalError, InterfaceError: the store cannot be read.
    """
    legs = load_legs(place.folder, task.bounds)
    ground = Remembered(proof.leg_names(hand.tx, legs), hand.roles, task.elsewhere)
    again = Again(hand, place, ground)
    for told in told_of(place.folder, task.part, hand.context.vault):
        again.take(told)
    again.spool.flush()
    return Outcome(
        compared=against.compare(hand.tx, ground, legs),
        counts=again.counts,
        duplicates=again.duplicates,
        settled=again.settled,
        agencies=ground.agencies,
        crowds=ground.crowds,
        strangers=ground.strangers,
        indicators=[count_seed(judged(ground), *period) for period in task.periods],
        unreadable=again.unreadable,
    )


class Again:
    """A part being decided anew.

    Attributes:
        unreadable: Receipts that could not be decided.
    """

    def __init__(self, hand: Hand, place: Place, ground: Remembered) -> None:
        self._hand, self._place, self._ground = hand, place, ground
        self.spool = hand.spool(place)
        self.counts = array("q")
        self.duplicates: list[tuple[int, int]] = []
        self.settled: list[tuple[int, int, int]] = []
        self.unreadable: list[str] = []

    def take(self, told: Told) -> None:
        """Decide what one receipt said of this part."""
        try:
            self._take(told)
        except OUTAGES:
            raise
        except Exception as error:  # noqa: BLE001 - a damaged store is what is looked for
            self.unreadable.append(f"receipt {told.receipt_id}: {type(error).__name__}")

    def _take(self, told: Told) -> None:
        self._ground.rank = told.rank
        taken = self._taken(told)
        if told.opens:
            [record] = told.records
            key = (namespace_of(source_of(taken), record.part), record.code)
            self._ground.open_generation(key, told.connection)
        books = self._hand.books(told.catalogue)
        # What a poll brings again is known over all parts, not here (sync.proof.apart).
        rows = apply(self._ground, books, taken, told.receipt_id, told.items()).told
        self._count(told, rows)
        refused = [row for row in rows if row.disposition is Disposition.QUARANTINED]
        if refused:
            set_apart(self.spool, self._place, told.rank, told.receipt_id, taken, refused)
        if told.is_replay and told.origin is not None:
            by = (told.rank, told.receipt_id)
            self.settled += [(intake.record_id(told.origin[0], r.position), *by) for r in rows]

    def _taken(self, told: Told) -> Taken:
        origin = told.origin
        return Taken(
            connection=self._hand.connection(told.connection),
            shape="",
            raw=b"",
            received_at=clock.local(told.received_at),
            agencies=frozenset(told.agencies),
            keeps_duplicates=told.keeps_duplicates,
            origin=Origin(origin[0], clock.local(origin[1])) if origin is not None else None,
        )

    def _count(self, told: Told, rows: Sequence[RecordRow]) -> None:
        ended = [row.disposition for row in rows]
        self.counts.extend((told.rank, *(ended.count(one) for one in COUNTED)))
        if told.keeps_duplicates:
            listed = [
                [row.position, row.code, row.leg_id]
                for row in rows
                if row.disposition is Disposition.DUPLICATE
            ]
            if listed:
                self.duplicates.append((told.rank, sum_of(self._hand.key, listed)))


def sum_of(key: bytes, listed: Iterable[Sequence[object]]) -> int:
    """A keyed digest of a list whatever the order in which its items are come by."""
    found = 0
    for item in listed:
        body = json.dumps(item).encode()
        found += int.from_bytes(hashlib.blake2b(body, digest_size=8, key=key).digest(), "big")
    return found & _MASK


def judged(ground: Remembered) -> Iterator[Judged]:
    """Every judged dossier, its segments whole."""
    for row in ground.judgements.values():
        yield _judged(row, ground.spans.get(row.dossier_id, ()))


def _judged(row: JudgementRow, spans: Iterable[SpanRow]) -> Judged:
    cut = [Segment(row.accepted_on, Kind.OPEN, None, None, row.first_due_on)]
    for span in spans:
        cut.append(
            Segment(span.from_day, Kind(span.kind), span.end_on, span.closed_on, span.due_on)
        )
        cut.append(Segment(span.to_day, Kind.OPEN, None, None, row.first_due_on))
    cut.append(Segment(row.from_day, Kind(row.kind), row.end_on, row.closed_on, row.due_on))
    return Judged(row.accepted_on, row.channel == "online", tuple(cut))
