"""What a part of the proof is decided on: plain memory that answers as the store would.

It begins empty and holds the legs of one part alone. Legs bear the ids under which the store knows
them, so that nothing has to be matched afterwards; one the store does not know has a negative id.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import count

from msgspec import Struct, structs
from typing_extensions import override

from canonical.decide import TAKEN
from canonical.leg import Fold, Head
from store.dossiers import ChangeRow, DossierRow, Held
from store.ground import Claimed, Turn
from store.intake import RecordRow
from store.legs import ClaimRecord, Key, LegRow
from sync.memory import Memory

LegName = tuple[str, str, int]  # namespace, code, generation


class Line(Struct, frozen=True):
    """One line of the feed as it follows: numbered within its part alone.

    Attributes:
        rank: Which decision it belongs to, from 0.
        turn: Its place among the lines of that decision.
    """

    change: ChangeRow
    rank: int
    turn: Turn


class Remembered(Memory):
    """The ground of one part (see store.ground.Ground, which says what each method is).

    Attributes:
        rank: The decision that is being taken, from 0.
        records: Leg id -> (receipt id, connection, record), applied or superseded.
        retold: Those of them that were told anew since, each with the note that says so.
        lines: The feed of this part; a change's seq is its place here, from 1.
        ended: Dossier id -> the decision in which it was last merged into another.
        crowds: Claims that tie nobody -> the decision since which they are so.
        strangers: Crowded claims of other parts -> the first decision in which a leg here made one.
    """

    # The quarantine of all parts is decided together (sync.proof.apart).
    knows_quarantine = False

    def __init__(
        self,
        known: Mapping[LegName, int],
        roles: Mapping[str, str],
        elsewhere: Collection[Claimed] = (),
    ) -> None:
        super().__init__(elsewhere)
        self.rank = 0
        self.legs: dict[int, LegRow] = {}
        self.held_folds: dict[int, Fold] = {}
        self.saved: set[int] = set()
        self.dossiers: dict[int, DossierRow] = {}
        self.records: dict[int, list[tuple[int, str, RecordRow]]] = {}
        self.retold: dict[int, list[tuple[int, str, RecordRow, int]]] = {}
        self.lines: list[Line] = []
        self.ended: dict[int, int] = {}
        self.crowds: dict[Claimed, int] = {}
        self.strangers: dict[Claimed, int] = {}
        self._known = known
        self._roles = roles
        self._elsewhere = frozenset(elsewhere)
        self._newest: dict[Key, int] = {}
        self._begun: dict[LegName, int] = {}
        self._heads: dict[int, dict[str, list[Head]]] = {}
        self._unknown = count(-1, -1)

    # ------------------------------------------------------------------ legs

    def lock_legs(self, keys: Iterable[Key], connection_id: str) -> dict[Key, LegRow]:
        """The newest generation of each, begun where there is none."""
        found = {}
        for key in keys:
            newest = self._newest.get(key)
            found[key] = self.legs[newest] if newest is not None else self._open(key, connection_id)
        return found

    @property
    def known(self) -> Mapping[LegName, int]:
        """Name -> id of the legs the store knows."""
        return self._known

    def generations(self, key: Key) -> list[LegRow]:
        """Every generation of a leg that was begun."""
        newest = self._newest.get(key)
        if newest is None:
            return []
        every = (self._begun.get((*key, n)) for n in range(1, self.legs[newest].generation + 1))
        return [self.legs[i] for i in every if i is not None]

    def begin(self, row: LegRow) -> int:
        """The id of a leg that another ground knows, begun where it is not."""
        name = (row.namespace, row.code, row.generation)
        while name not in self._begun:
            self._open((row.namespace, row.code), row.connection_id)
        return self._begun[name]

    def tell_anew(self, leg_ids: Iterable[int], note_id: int) -> None:
        """What these legs hold is told anew: of the records before only that they were."""
        for leg_id in leg_ids:
            before = self.records.pop(leg_id, [])
            self.retold.setdefault(leg_id, []).extend((*one, note_id) for one in before)
            self._heads.pop(leg_id, None)

    def hold(self, row: LegRow, fold: Fold) -> None:
        """From now on a leg is this, and holds that."""
        self.legs[row.id] = row
        self.held_folds[row.id] = fold
        self.saved.add(row.id)

    def open_generation(self, key: Key, connection_id: str) -> None:
        """Begin the next generation of a leg there is."""
        if key in self._newest:
            self._open(key, connection_id)

    def _open(self, key: Key, connection_id: str) -> LegRow:
        newest = self._newest.get(key)
        generation = self.legs[newest].generation + 1 if newest is not None else 1
        own = self._known.get((*key, generation))
        leg_id = own if own is not None else next(self._unknown)
        row = LegRow(leg_id, *key, generation, connection_id, "", same_time=False, gone_at=None)
        self.legs[leg_id] = row
        self.held_folds[leg_id] = Fold({}, {})
        self._newest[key] = leg_id
        self._begun[(*key, generation)] = leg_id
        return row

    def folds(self, rows: Iterable[LegRow]) -> dict[int, Fold]:
        """The folds themselves: what is folded into them is kept."""
        return {row.id: self.held_folds[row.id] for row in rows}

    def load_heads(self, leg_ids: Iterable[int]) -> Mapping[tuple[int, str], Sequence[Head]]:
        """What is held per (leg, facet)."""
        return {
            (leg_id, facet): heads
            for leg_id in leg_ids
            for facet, heads in self._heads.get(leg_id, {}).items()
        }

    def save_legs(self, rows: Sequence[LegRow], folds: Mapping[int, Fold]) -> None:
        """They are the very rows that are kept; those never saved hold nothing, not even a fold."""
        self.saved.update(row.id for row in rows)

    def load_legs(self, leg_ids: Iterable[int]) -> dict[int, LegRow]:
        """Legs by id."""
        return {leg_id: self.legs[leg_id] for leg_id in leg_ids}

    def roles(self) -> Mapping[str, str]:
        """Connection id -> what its legs are to a case."""
        return self._roles

    # ------------------------------------------------------------------ records

    def held_in_quarantine(
        self, connection_id: str, digests: Iterable[str]
    ) -> dict[str, tuple[int, int]]:
        """Never asked."""
        raise AssertionError("the quarantine is decided elsewhere")

    def note_seen_again(self, seen: Mapping[int, int], receipt_id: int) -> None:
        """Never told."""
        raise AssertionError("the quarantine is decided elsewhere")

    def insert_records(
        self, receipt_id: int, connection_id: str, rows: Sequence[RecordRow]
    ) -> None:
        """What was taken is held from now on."""
        for row in rows:
            if row.disposition not in TAKEN or row.leg_id is None:
                continue
            self.records.setdefault(row.leg_id, []).append((receipt_id, connection_id, row))
            if row.facet is not None:
                heads = self._heads.setdefault(row.leg_id, {}).setdefault(row.facet, [])
                heads.append(Head(row.version, row.sort_at or "", row.digest or ""))

    def next_decision(self) -> int:
        """The decision that is being taken."""
        return self.rank + 1

    # ------------------------------------------------------------------ claims

    @override
    def save_claims(self, claims: Sequence[ClaimRecord]) -> None:
        """Keep claims; those that are decided in another part are noted."""
        super().save_claims(claims)
        for claim in claims:
            place = (claim.kind, claim.key)
            if claim.live and place in self._elsewhere:
                self.strangers.setdefault(place, self.rank)

    @override
    def _note_crowd(self, place: Claimed) -> None:
        self.crowds[place] = self.rank

    # ------------------------------------------------------------------ dossiers

    def load_held(self, dossier_ids: Iterable[int]) -> dict[int, Held]:
        """Dossiers as they are."""
        return {
            i: Held(
                i,
                row.public_id,
                row.merged_into,
                row.body,
                row.findings,
                row.pins,
                row.created_seq,
            )
            for i in dossier_ids
            if (row := self.dossiers.get(i)) is not None
        }

    def save_dossiers(self, rows: Sequence[DossierRow]) -> None:
        """Keep or replace dossiers; when one began stays."""
        for row in rows:
            held = self.dossiers.get(row.id)
            if held is not None:
                row = structs.replace(row, created_seq=held.created_seq, public_id=held.public_id)
            self.dossiers[row.id] = row
            self.ended.pop(row.id, None)

    def merge_dossiers(self, merged: Sequence[tuple[int, int]], seq: int) -> None:
        """Let old dossiers lead to the living one; the seq is the last of this decision."""
        for old, living in merged:
            self.dossiers[old] = structs.replace(
                self.dossiers[old], merged_into=living, changed_seq=0
            )
            self.ended[old] = self.rank

    # ------------------------------------------------------------------ the feed

    def lock_feed(self) -> int:
        """How many lines there are."""
        return len(self.lines)

    def append_changes(
        self, newest: int, changes: Sequence[ChangeRow], turns: Sequence[Turn]
    ) -> None:
        """Keep the lines of one decision, each with its turn."""
        for change, turn in zip(changes, turns, strict=True):
            self.lines.append(Line(change, self.rank, turn))
