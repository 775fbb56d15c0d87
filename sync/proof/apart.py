"""The quarantine decided anew: a poll's bad row is kept once and counted, over all parts together.

Records that were set apart come here by their content, so each part of the quarantine holds all of
one content and decides it with the rule that ran the first time (`sync.batch.known_again`).
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from msgspec import Struct, structs

from canonical.decide import Disposition
from store import acts, intake, proof
from store.compare import QUARANTINED, Difference, Row, differing, missing, stored_rows
from store.intake import RecordRow
from sync.batch import known_again
from sync.proof.against import MOST_NAMED, record_row
from sync.proof.hand import Hand, Place
from sync.proof.spool import Apart, apart_of

_AT_ONCE = 500


class Kept(Struct):
    """One record that stays in the quarantine."""

    receipt_id: int
    connection: str
    row: RecordRow
    seen: int
    last_receipt_id: int

    @property
    def id(self) -> int:
        """The record's id."""
        return intake.record_id(self.receipt_id, self.row.position)


class Outcome(Struct):
    """What followed, and what of it was not stored so.

    Attributes:
        counts: (rank, duplicates, quarantined) one after the other.
        ids: Of every record that stays in the quarantine.
        compared: Stored rows that were looked at.
    """

    counts: "array[int]"
    ids: "array[int]"
    compared: int
    wrong: list[Difference]


def compute(hand: Hand, place: Place, part: int, settled: Mapping[int, tuple[int, int]]) -> Outcome:
    """Decide one part of the quarantine anew and hold it against the store.

    Args:
        hand: This process's means.
        place: Where what was set apart lies.
        part: Which.
        settled: Record id -> (rank, receipt) of the replay that settled it last.

    Raises:
        StoreUnavailable, OperationalError, InterfaceError: the store cannot be read.
    """
    counts = array("q")
    quarantine = Quarantine()
    for apart in by_receipt(apart_of(place.folder, part, hand.context.vault)):
        kept = quarantine.take(apart)
        counts.extend((apart.rank, len(apart.rows) - kept, kept))
    found = Outcome(counts, array("q"), 0, [])
    opened, replayed = proof.acts_that_opened(hand.tx), proof.acts_of_replays(hand.tx)
    follows = {}
    for one in quarantine.kept.values():
        replay = settled.get(one.id)
        by_replay = replayed.get(acts.of_replay(replay[1])) if replay is not None else None
        follows[one.id] = record_row(
            one.receipt_id,
            one.connection,
            one.row,
            opened.get(one.id, by_replay),
            one.seen,
            one.last_receipt_id,
        )
    _hold(hand, follows, found)
    return found


def by_receipt(told: Iterable[Apart]) -> Iterator[Apart]:
    """What each receipt set apart, whichever parts of the proof it came from, in its order."""
    for _, group in groupby(told, key=lambda apart: apart.rank):
        every = list(group)
        rows = sorted((row for one in every for row in one.rows), key=lambda row: row.position)
        yield structs.replace(every[0], rows=rows)


class Quarantine:
    """What is kept, and by which content a poll knows it again."""

    def __init__(self) -> None:
        self.kept: dict[int, Kept] = {}
        self._by_content: dict[tuple[str, str], list[Kept]] = {}

    def take(self, apart: Apart) -> int:
        """Decide what one receipt set apart; how many records of it are kept."""
        rows = apart.rows
        if not apart.keeps_duplicates:
            rows, seen = known_again(rows, self._held(apart))
            for record_id, times in seen.items():
                self.kept[record_id].seen = times
                self.kept[record_id].last_receipt_id = apart.receipt_id
        own = [row for row in rows if row.disposition is Disposition.QUARANTINED]
        for row in own:
            kept = Kept(apart.receipt_id, apart.connection, row, 1, apart.receipt_id)
            self.kept[kept.id] = kept
            if row.digest is not None:
                self._by_content.setdefault((apart.connection, row.digest), []).append(kept)
        return len(own)

    def _held(self, apart: Apart) -> dict[str, tuple[int, int]]:
        """Digest -> (record id, times seen), as the store would tell it."""
        found = {}
        for digest in {row.digest for row in apart.rows if row.digest is not None}:
            held = self._by_content.get((apart.connection, digest))
            if held:
                found[digest] = (min(one.id for one in held), min(one.seen for one in held))
        return found


def _hold(hand: Hand, follows: dict[int, Row], found: Outcome) -> None:
    ids = sorted(follows)
    found.ids.extend(ids)
    for begun in range(0, len(ids), _AT_ONCE):
        for own in stored_rows(hand.tx, QUARANTINED, ids[begun : begun + _AT_ONCE]):
            found.compared += 1
            other = follows.pop(own[0])
            if own != other:
                found.wrong.append(differing(QUARANTINED, own, other))
    found.wrong += [missing(QUARANTINED, other) for other in follows.values()]
    del found.wrong[MOST_NAMED:]
