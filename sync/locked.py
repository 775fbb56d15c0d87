"""The legs of a group, locked and read once: what its records are decided on, body after body.

What a body made of a leg is what the next one meets, as if each had been taken in by itself; only
the reading and the writing are done for all of them together. A leg that the group begins is
numbered at first and written once, whole, when all is decided; nothing is asked of it until then.
"""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import structs
from sqlalchemy.engine import Connection as Tx

from canonical import leg
from canonical.decide import TAKEN
from canonical.leg import Fold, Head
from store import intake, legs
from store.intake import Kept, RecordRow
from store.legs import Key, LegRow


class Locked:
    """The ground on which a group is decided (see store.ground.LegGround).

    Attributes:
        before: Leg id -> leg as it was before the group, one that it begins as an empty one; nobody
            changes these.
    """

    knows_quarantine = True

    def __init__(self, tx: Tx, keys: Mapping[Key, str]) -> None:
        self._tx = tx
        held = legs.lock_legs(tx, keys)
        self._begun = legs.number_legs(tx, {k: keys[k] for k in keys.keys() - held.keys()})
        self._rows = held | self._begun
        self.before = {row.id: row for row in self._rows.values()}
        told = [row.id for row in held.values() if row.fold]  # of others nothing is held
        self._heads: dict[tuple[int, str], list[Head]] = legs.load_heads(tx, told) if told else {}
        self._now: dict[Key, LegRow] = {}
        self._folds: dict[int, Fold] = {}
        self._changed: dict[int, tuple[LegRow, Fold]] = {}
        self._kept: list[Kept] = []

    def lock_legs(self, keys: Iterable[Key], connection_id: str) -> dict[Key, LegRow]:
        """Each leg as the bodies before left it; what those hold of it changes no more."""
        found = {}
        for key in dict.fromkeys(keys):
            now = self._now.get(key)
            row = self._rows[key] if now is None else now
            held = leg.decode(row.fold) if now is None else leg.copied(self._folds[row.id])
            self._folds[row.id] = held
            found[key] = self._now[key] = structs.replace(row)
        return found

    def folds(self, rows: Iterable[LegRow]) -> dict[int, Fold]:
        """What the legs hold that were asked for last; the caller may fold more into them."""
        return {row.id: self._folds[row.id] for row in rows}

    def load_heads(self, leg_ids: Iterable[int]) -> Mapping[tuple[int, str], Sequence[Head]]:
        """What is held per (leg, facet), of all legs of the group."""
        return self._heads

    def save_legs(self, rows: Sequence[LegRow], folds: Mapping[int, Fold]) -> None:
        """Note what is to be written; the last word of a group stands."""
        for row in rows:
            self._changed[row.id] = (row, folds[row.id])

    def held_in_quarantine(
        self, connection_id: str, digests: Iterable[str]
    ) -> dict[str, tuple[int, int]]:
        """As `legs.held_in_quarantine`: only polls ask, and a poll is a group of one."""
        return legs.held_in_quarantine(self._tx, connection_id, digests)

    def note_seen_again(self, seen: Mapping[int, int], receipt_id: int) -> None:
        """As `legs.note_seen_again`."""
        legs.note_seen_again(self._tx, seen, receipt_id)

    def insert_records(
        self, receipt_id: int, connection_id: str, rows: Sequence[RecordRow]
    ) -> None:
        """Note what is to be kept; what was taken is held from now on."""
        for row in rows:
            self._kept.append((receipt_id, connection_id, row))
            if row.disposition in TAKEN and row.leg_id is not None and row.facet is not None:
                head = Head(row.version, row.sort_at or "", row.digest or "")
                self._heads.setdefault((row.leg_id, row.facet), []).append(head)

    def write(self) -> None:
        """Write what the group made of its legs, and its records."""
        for row, fold in self._changed.values():
            row.fold = leg.encode(fold)
        now = {row.id: row for row, _ in self._changed.values()}
        legs.begin_legs(self._tx, [now.pop(row.id, row) for row in self._begun.values()])
        legs.save_legs(self._tx, list(now.values()))
        intake.insert_records(self._tx, self._kept)
