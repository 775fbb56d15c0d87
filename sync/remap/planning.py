"""Which legs are told anew, batch by batch: those that the mapping in force reads otherwise.

Everything is read once, in a consistent look, and sorted by part as for a proof; then part by part
is held against what stands. A leg whose records only come to another one is batched with that.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import structs
from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.decide import TAKEN, Disposition
from store import proof, remaps
from store.intake import RecordRow, receipt_id_of, record_id
from store.remaps import Standing
from sync.in_force import InForce
from sync.proof.crew import crew_for
from sync.proof.hand import Hand
from sync.proof.note import Name
from sync.proof.plan import PART_WEIGHT, load_legs
from sync.proof.retelling import Retold, as_retold, retell
from sync.proof.spool import Told, told_of
from sync.remap.words import Batch, Late, Word, kept
from sync.whatif import choosing
from sync.whatif.choosing import Otherwise
from sync.whatif.gathering import Gathered, Gathering, route_of

LEGS_AT_ONCE = 200
Going = Callable[[], None]


class Plan:
    """Everything read, by part.

    Attributes:
        late: What came in since.
    """

    def __init__(
        self, context: InForce, connection_id: str, gathered: Gathered, until: int
    ) -> None:
        self._context, self._connection, self._gathered = context, connection_id, gathered
        self._route = route_of(gathered)
        self.late = Late(context, gathered.speakers, until)

    def batches(self, most: int = LEGS_AT_ONCE) -> Iterator[Batch]:
        """What is to be told anew, as it stands when its part is come to."""
        for part in range(self._gathered.cut.parts):
            yield from self._of_part(part, most)

    def _of_part(self, part: int, most: int) -> list[Batch]:
        with self._context.store.read() as tx:
            hand = Hand(self._context, tx, 0, b"")
            self.late.read(hand)
            held = Held(hand, self._gathered, part, self._late_of(hand, part))
            found = held.otherwise(self._connection)
            unread = held.unread(self._gathered.unread)
            groups = [g for g in _together(sorted(found.names), found) if not g & unread]
            batches = []
            for names in _filled(groups, most):
                words = held.words(names)
                if words:
                    batches.append(Batch(names, words, len(self.late.told)))
            return batches

    def _late_of(self, hand: Hand, part: int) -> list[Told]:
        names = {
            name
            for one in self.late.told
            for name in choosing.names_of(hand, one)
            if self._route.part_of(*name) == part
        }
        return self.late.of(hand, names)


def read_all(
    context: InForce, folder: Path, connection_id: str, going: Going, weight: int = PART_WEIGHT
) -> Plan:
    """Read everything that was ever said of a connection's cases.

    Args:
        context: Reads by the mapping in force.
        folder: Where its files lie.
        connection_id: Which.
        going: Asked again and again; it raises to break off.
        weight: About how much a part may weigh, in records.
    """
    meetings: list[list[Name]] = []
    with crew_for(context, 1) as (crew, tx):
        until = proof.feed(tx)[0]
        while True:
            own = folder / str(len(meetings))
            reading = Gathering(crew, tx, own, weight, connection_id, meetings)
            for _ in reading:
                going()
            gathered = reading.told
            more = list(_moves(context, tx, gathered, connection_id))
            if not more:
                return Plan(context, connection_id, gathered, until)
            meetings += more


def _moves(
    context: InForce, tx: Tx, gathered: Gathered, connection_id: str
) -> Iterator[list[Name]]:
    """Legs of different parts of which a record leaves one and comes to the other."""
    hand = Hand(context, tx, 0, b"")
    gone: dict[int, Name] = {}
    new: dict[int, Name] = {}
    for part in range(gathered.cut.parts):
        found = Held(hand, gathered, part, ()).otherwise(connection_id)
        gone |= found.gone
        new |= found.new
    seen: set[tuple[Name, Name]] = set()
    for i in gone.keys() & new.keys():
        pair = (gone[i], new[i])
        if pair not in seen:
            seen.add(pair)
            yield list(pair)


def _filled(groups: Sequence[set[Name]], most: int) -> Iterator[frozenset[Name]]:
    """Groups put together until they are enough for one commit."""
    chosen: set[Name] = set()
    for group in groups:
        chosen |= group
        if len(chosen) >= most:
            yield frozenset(chosen)
            chosen = set()
    if chosen:
        yield frozenset(chosen)


def _together(names: Sequence[Name], found: Otherwise) -> Iterator[set[Name]]:
    """These legs, those together of which records move between them."""
    near: dict[Name, set[Name]] = {}
    for one, other in found.moved:
        near.setdefault(one, set()).add(other)
        near.setdefault(other, set()).add(one)
    seen: set[Name] = set()
    for name in names:
        if name in seen:
            continue
        group, ahead = {name}, [name]
        while ahead:
            more = near.get(ahead.pop(), set()) - group
            group |= more
            ahead += more
        seen |= group
        yield group


class Held:
    """One part: its words, and what stands of them."""

    def __init__(self, hand: Hand, gathered: Gathered, part: int, late: Sequence[Told]) -> None:
        self._hand = hand
        place = gathered.place
        self._legs = load_legs(place.folder, gathered.cut.bounds[part])
        self._known = proof.leg_names(hand.tx, self._legs)
        self.names = {own: (name[0], name[1]) for name, own in self._known.items()}
        self.told = choosing.as_settled([*told_of(place.folder, part, hand.context.vault), *late])
        self.rows = remaps.standing(hand.tx, self._legs)

    def otherwise(self, connection_id: str) -> Otherwise:
        """What of a connection's words reads otherwise than it stands."""
        own = {i: row for i, row in self.rows.items() if row.connection_id == connection_id}
        return choosing.otherwise(self._hand, self.told, connection_id, self.names, own)

    def unread(self, receipts: Collection[int]) -> set[Name]:
        """Legs of which a whole receipt cannot be read: they stay as they are."""
        return {
            self.names[row.leg_id] for i, row in self.rows.items() if receipt_id_of(i) in receipts
        }

    def words(self, names: frozenset[Name]) -> list[Word]:
        """All that has to be said again of these legs; nothing where all stands as it reads.

        What would be a duplicate, or was refused before in the same words, changes nothing and is
        left out; but a leg that was ever gone needs whoever showed that it was there again.
        """
        told = list(choosing.only(self._hand, self.told, names))
        rows = {i: row for i, row in self.rows.items() if self.names[row.leg_id] in names}
        found = retell(self._hand, [as_retold(one) for one in told], self._known)
        if _standing(rows, self.names) == _taken(found):
            return []
        needed = _needed(found, rows, _buried(self._hand, told))
        seen = {record_id(one.receipt_id, item.position) for one in told for item in one.items()}
        words = {one.receipt_id: Word(one, needed.get(one.receipt_id, set())) for one in told}
        for i in sorted(rows.keys() - seen):
            receipt_id = receipt_id_of(i)
            if receipt_id not in words:
                words[receipt_id] = Word(_silent(receipt_id, rows[i]), set())
            words[receipt_id].positions.add(i - record_id(receipt_id, 0))
        return [
            structs.replace(word, told=kept(word.told, word.positions))
            for word in words.values()
            if word.positions
        ]


def _silent(receipt_id: int, row: Standing) -> Told:
    """A receipt of which nothing can be read any more."""
    return Told(
        rank=0,
        receipt_id=receipt_id,
        connection=row.connection_id,
        received_at=clock.from_iso("1990-01-01T00:00:00+07:00"),
        catalogue=0,
        agencies=[],
        keeps_duplicates=True,
        origin=None,
        opens=False,
        is_replay=False,
        records=[],
        tombstones=[],
    )


Taken = dict[int, tuple[Name, str | None, str | None]]


def _standing(rows: Mapping[int, Standing], names: Mapping[int, Name]) -> Taken:
    return {
        i: (names[row.leg_id], row.facet, row.digest) for i, row in rows.items() if row.is_taken
    }


def _taken(found: Retold) -> Taken:
    return {
        record_id(told.receipt_id, row.position): (_name(found, row), row.facet, row.digest)
        for told, rows in found.ended
        for row in rows
        if row.disposition in TAKEN
    }


def _name(found: Retold, row: RecordRow) -> Name:
    held = found.ground.legs[row.leg_id or 0]
    return held.namespace, held.code


def _buried(hand: Hand, told: Sequence[Told]) -> set[Name]:
    """Legs that their source was ever said to have no longer."""
    return {
        name
        for one in told
        if one.tombstones
        for name in choosing.names_of(hand, structs.replace(one, records=[]))
    }


def _needed(
    found: Retold, rows: Mapping[int, Standing], buried: Collection[Name]
) -> dict[int, set[int]]:
    """Receipt -> the places in it that have to be said again."""
    needed: dict[int, set[int]] = {}
    refused: set[tuple[Name, str | None]] = set()
    for told, ended in found.ended:
        for row in ended:
            name = ("", row.code or "") if row.leg_id is None else _name(found, row)
            is_new = row.disposition in TAKEN
            if row.disposition is Disposition.QUARANTINED:
                is_new = (name, row.digest) not in refused
                refused.add((name, row.digest))
            if is_new or name in buried or record_id(told.receipt_id, row.position) in rows:
                needed.setdefault(told.receipt_id, set()).add(row.position)
    return needed
