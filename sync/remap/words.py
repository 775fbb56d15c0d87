"""What is told anew: the words of legs, and those that came in while it is being done."""

from collections.abc import Collection, Iterable, Iterator

from msgspec import Struct, structs

from store import proof, remaps
from store.intake import record_id
from sync.in_force import InForce
from sync.proof.hand import Hand
from sync.proof.note import Name
from sync.proof.receipts import read_anew
from sync.proof.spool import Told
from sync.whatif import choosing


class Word(Struct):
    """What one receipt says of some legs.

    Attributes:
        told: As it first came in, but read by the mapping in force.
        positions: What of it is told anew; those that can no longer be read among them.
    """

    told: Told
    positions: set[int]

    def readable(self) -> set[int]:
        """The places of what can be read."""
        return {item.position for item in self.told.items()}

    def records(self) -> Iterator[int]:
        """Ids of the records, as they first came in."""
        return (record_id(self.told.receipt_id, one) for one in self.positions)


class Batch(Struct):
    """Legs that are told anew by one commit: everything that was ever said of them.

    Attributes:
        late: How many of the receipts that came since are among the words.
    """

    names: frozenset[Name]
    words: list[Word]
    late: int


def kept(told: Told, positions: Collection[int]) -> Told:
    """What a receipt says at these places."""
    return structs.replace(
        told,
        records=[one for one in told.records if one.position in positions],
        tombstones=[one for one in told.tombstones if one.position in positions],
    )


class Late:
    """Receipts that were decided since everything was read.

    Attributes:
        told: What they say.
        is_old: Whether any of them was read by an older mapping than the one in force.
    """

    def __init__(self, context: InForce, speakers: Iterable[str], until: int) -> None:
        self._context, self._speakers, self._until = context, sorted(speakers), until
        self.told: list[Told] = []
        self.is_old = False

    def read(self, hand: Hand) -> None:
        """Read those that were decided since the last time; it may be done in any transaction.

        Numbers of decisions are given under the feed's lock: what is committed has no gap.
        """
        until = proof.feed(hand.tx)[0]
        rows = remaps.decided_since(hand.tx, self._speakers, self._until, until)
        found, unread = read_anew(hand, [row[0] for row in rows])
        self.told += found
        self._until = until
        self.is_old |= bool(unread) or any(
            self._context.version_of(connection, version) > version
            for _, connection, version in rows
        )

    def of(self, hand: Hand, names: Collection[Name], after: int = 0) -> list[Told]:
        """What those behind the first so many say of these legs."""
        return list(choosing.only(hand, self.told[after:], names))
