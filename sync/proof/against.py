"""A part as it follows from the raw bytes, held against the stored rows of its legs.

Places in the feed are known over all parts only. A line is matched with the stored one of the same
dossier and receipt and takes its seq; whether the stored seqs are in the order that follows is
checked when all parts are done (sync.proof.ledger).
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from operator import attrgetter

from msgspec import Struct, structs
from sqlalchemy.engine import Connection as Tx

from canonical import leg
from store import acts, intake
from store.compare import (
    CHANGE,
    CLAIM,
    DOSSIER,
    JUDGEMENT,
    LEG,
    MEMBER,
    RECORD,
    SPAN,
    TIMELINE,
    Difference,
    Row,
    differing,
    missing,
    stored_rows,
    unfounded,
)
from store.compare import Compared as Table
from store.intake import RecordRow
from sync.dossiers import LAST_PLACE
from sync.proof.remembered import Line, Remembered

MOST_NAMED = 20
_AT_ONCE = 500


class Compared(Struct):
    """What was held against each other, and what differed.

    Attributes:
        rows: Table -> stored rows that were looked at.
        wrong: Table -> differences, up to MOST_NAMED.
        feed: (seq, rank, place in its batch, number in its part) one after the other.
        behind: Seq -> names of the legs, of lines behind every record of a batch.
        ended: (dossier, stored changed_seq, rank of the decision that merged it).
    """

    rows: dict[str, int]
    wrong: dict[str, list[Difference]]
    feed: "array[int]"
    behind: dict[int, list[tuple[str, str, int]]]
    ended: list[tuple[int, int, int]]

    def note(self, table: str, difference: Difference) -> None:
        """Keep a difference, unless enough of its table are told."""
        told = self.wrong.setdefault(table, [])
        if len(told) < MOST_NAMED:
            told.append(difference)


def compare(
    tx: Tx, ground: Remembered, legs: Sequence[int], acts_of: Mapping[str, int]
) -> Compared:
    """Hold every row of these legs, and of those that follow, against the stored ones."""
    found = Compared({}, {}, array("q"), {}, [])
    known = set(legs)
    every = [*legs, *sorted(i for i in ground.legs if i not in known)]
    seqs = _match_lines(tx, ground, every, found)
    tables = Follows(ground, seqs, acts_of).tables()
    for begun in range(0, len(every), _AT_ONCE):
        ids = every[begun : begun + _AT_ONCE]
        for how, follows in tables:
            _hold(tx, how, ids, {row[: len(how.keys)]: row for row in follows(ids)}, found, ground)
    return found


def _hold(
    tx: Tx,
    how: Table,
    ids: Sequence[int],
    follows: dict[Row, Row],
    found: Compared,
    ground: Remembered,
) -> None:
    width, looked = len(how.keys), 0
    for own in stored_rows(tx, how, ids):
        looked += 1
        other = follows.pop(own[:width], None)
        if own == other:
            continue
        if other is not None and how is DOSSIER and own[0] in ground.ended:
            # Which line was the last of a decision is known over all parts only.
            found.ended.append((own[0], own[-1], ground.ended[own[0]]))
            other = (*other[:-1], own[-1])
        if other is None:
            found.note(how.name, unfounded(how, own))
        elif own != other:
            found.note(how.name, differing(how, own, other))
    for other in follows.values():
        found.note(how.name, missing(how, other))
    found.rows[how.name] = found.rows.get(how.name, 0) + looked


def _match_lines(tx: Tx, ground: Remembered, ids: Sequence[int], found: Compared) -> Sequence[int]:
    """Match lines of the feed with stored ones; the stored seq of each line, in its order here."""
    seqs = array("q", bytes(8 * len(ground.lines)))
    waiting: dict[tuple[int, int | None], list[int]] = {}
    for number, line in enumerate(ground.lines):
        place = (line.change.dossier_id, line.change.receipt_id)
        waiting.setdefault(place, []).append(number)
    looked = 0
    for begun in range(0, len(ids), _AT_ONCE):
        for own in stored_rows(tx, CHANGE, ids[begun : begun + _AT_ONCE]):
            looked += 1
            mine = waiting.get((own[1], own[-1]))
            if not mine:
                found.note(CHANGE.name, unfounded(CHANGE, own))
                continue
            number = mine.pop(0)
            seqs[number] = own[0]
            _hold_line(own, ground.lines[number], number, found)
    for left in waiting.values():
        for number in left:
            change = ground.lines[number].change
            told = f"of dossier {change.dossier_id} by receipt {change.receipt_id}"
            found.note(CHANGE.name, Difference(f"{CHANGE.name} {told}", "is missing"))
    found.rows[CHANGE.name] = looked
    return seqs


def _hold_line(own: Row, line: Line, number: int, found: Compared) -> None:
    other = (own[0], *structs.astuple(line.change)[1:])
    if own != other:
        found.note(CHANGE.name, differing(CHANGE, own, other))
    place, names = line.turn
    found.feed.extend((own[0], line.rank, place, number))
    if place == LAST_PLACE:
        found.behind[own[0]] = names


Rows = Callable[[Iterable[int]], Iterator[Row]]


class Follows:
    """The rows that follow, by leg, as the tables lay them out."""

    def __init__(self, ground: Remembered, seqs: Sequence[int], acts_of: Mapping[str, int]) -> None:
        self._ground, self._seqs, self._acts = ground, seqs, acts_of

    def tables(self) -> tuple[tuple[Table, Rows], ...]:
        """Every table but the feed, with what its rows are."""
        return (
            (LEG, self._legs),
            (CLAIM, self._claims),
            (TIMELINE, self._entries),
            (MEMBER, self._members),
            (DOSSIER, self._dossiers),
            (JUDGEMENT, self._judgements),
            (SPAN, self._spans),
            (RECORD, self._records),
        )

    def _seq(self, number: int | None) -> int | None:
        return self._seqs[number - 1] if number is not None and number > 0 else number

    def _legs(self, ids: Iterable[int]) -> Iterator[Row]:
        ground = self._ground
        for i in ids:
            row = ground.legs.get(i)
            if row is not None:
                fold = leg.encode(ground.held_folds[i]) if i in ground.saved else ""
                yield _LEG(structs.replace(row, fold=fold))

    def _claims(self, ids: Iterable[int]) -> Iterator[Row]:
        for i in ids:
            yield from map(_CLAIM, self._ground.claims.get(i, {}).values())

    def _entries(self, ids: Iterable[int]) -> Iterator[Row]:
        for i in ids:
            for entry in self._ground.entries.get(i, {}).values():
                entry.known_seq = self._seq(entry.known_seq) or 0
                entry.retracted_seq = self._seq(entry.retracted_seq)
                yield _ENTRY(entry)

    def _members(self, ids: Iterable[int]) -> Iterator[Row]:
        members = self._ground.member_of
        return ((i, members[i]) for i in ids if i in members)

    def _dossiers(self, ids: Iterable[int]) -> Iterator[Row]:
        for i in ids:
            row = self._ground.dossiers.get(i)
            if row is not None:
                seqs = self._seq(row.created_seq), self._seq(row.changed_seq)
                yield (*_days(_DOSSIER(row))[:-2], *seqs)

    def _judgements(self, ids: Iterable[int]) -> Iterator[Row]:
        for i in ids:
            row = self._ground.judgements.get(i)
            if row is not None:
                yield _days(_JUDGEMENT(row))

    def _spans(self, ids: Iterable[int]) -> Iterator[Row]:
        for i in ids:
            for span in self._ground.spans.get(i, ()):
                yield _days(_SPAN(span))

    def _records(self, ids: Iterable[int]) -> Iterator[Row]:
        for i in ids:
            for receipt_id, connection_id, row in self._ground.records.get(i, ()):
                yield record_row(receipt_id, connection_id, row)
            for receipt_id, connection_id, row, note_id in self._ground.retold.get(i, ()):
                act = self._acts.get(acts.of_remap(note_id))
                yield record_row(receipt_id, connection_id, row, act)


def record_row(
    receipt_id: int,
    connection_id: str,
    row: RecordRow,
    resolved_by: int | None = None,
    seen: int = 1,
    last_receipt_id: int | None = None,
) -> Row:
    """A record as the table lays it out."""
    return (
        intake.record_id(receipt_id, row.position),
        receipt_id,
        connection_id,
        row.leg_id,
        row.code,
        row.part,
        row.facet,
        row.version,
        row.sort_at,
        row.digest,
        row.disposition.value,
        row.reason.value if row.reason is not None else None,
        row.field,
        resolved_by,
        seen,
        last_receipt_id or receipt_id,
    )


_LEG = attrgetter(*LEG.columns)
_CLAIM = attrgetter(*CLAIM.columns)
_ENTRY = attrgetter(*TIMELINE.columns)
_DOSSIER = attrgetter(*DOSSIER.columns)
_JUDGEMENT = attrgetter(*JUDGEMENT.columns)
_SPAN = attrgetter(*SPAN.columns)


def _days(row: Row) -> Row:
    return tuple(v.isoformat() if isinstance(v, date) else v for v in row)
