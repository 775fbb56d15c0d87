"""All that the changes of a group can reach, read once under the feed's lock and written once.

Dossiers are put together here, body after body; each sees of the others what was decided before it,
so a group ends as its bodies would have ended one after another.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct, structs
from sqlalchemy.engine import Connection as Tx
from typing_extensions import override

from canonical import leg
from canonical.leg import Fold
from store import dossiers, legs
from store.dossiers import ChangeRow, DossierRow, Held, JudgementRow, SpanRow
from store.ground import Claimed, Turn
from store.legs import ClaimRecord, Entry, LegRow
from sync.batch import Touched
from sync.memory import Memory


class _Written(Struct):
    """What is to be written at the end."""

    claims: set[tuple[int, Claimed]]
    crowds: set[Claimed]
    entries: dict[tuple[int, str], Entry]
    dossiers: dict[int, DossierRow]
    merged: dict[int, tuple[int, int]]
    members: set[int]
    judged: set[int]
    changes: list[ChangeRow]


class Reached(Memory):
    """The ground on which a group's dossiers are put together (store.ground.DossierGround)."""

    def __init__(
        self,
        tx: Tx,
        before: Mapping[int, LegRow],
        group: Sequence[Touched],
        decisions: int | None = None,
    ) -> None:
        super().__init__()
        self._tx = tx
        self._rows: dict[int, LegRow] = {}
        self._folds: dict[int, Fold] = {}
        self._held: dict[int, Held] = {}
        # Legs that nobody had told of before the group: the store holds nothing about them, and no
        # dossier that bears their ids.
        self._new = frozenset(i for i, row in before.items() if not row.fold)
        self._before: Collection[int] = ()  # dossiers that there were before the group
        self._roles: Mapping[str, str] = {}
        self._written = _Written(set(), set(), {}, {}, {}, set(), set(), [])
        # From here on nobody else puts dossiers together: what is read stays true.
        self._decided, self._seq = dossiers.lock_feed(tx, decisions or len(group))
        self._first_seq = self._seq
        touched = {leg_id for one in group for leg_id in one.order}
        if touched:
            keys = {
                (c.kind, c.key) for one in group for claims in one.claims.values() for c in claims
            }
            self._read(before, touched, keys)

    def _read(self, before: Mapping[int, LegRow], touched: set[int], keys: set[Claimed]) -> None:
        """Everybody who shares a claim or a dossier with these legs, or a claim they make now."""
        tx = self._tx
        found = touched | legs.reach(tx, touched - self._new, keys)
        while True:
            told = found - self._new
            members = legs.members(tx, told) if told else {}
            if members.keys() <= found:
                break
            found |= legs.reach(tx, told | members.keys())
        far = found - before.keys()
        self._rows = {i: before[i] for i in found if i in before}
        self._rows |= legs.load_legs(tx, far) if far else {}
        if told:
            super().save_claims(legs.load_claims(tx, told))
            super().save_members(members.items())
            self.entries = legs.load_entries(tx, told)
            self._held = dossiers.load_held(tx, told)
            self._before = frozenset(self._held)
        self._void = legs.crowded(tx, keys | {p for own in self.claims.values() for p in own})
        self._roles = legs.roles(tx)

    # ------------------------------------------------------------------ legs

    def settle(self, touched: Touched) -> None:
        """From here on legs are as one more body of the group left them."""
        for leg_id, row in touched.legs.items():
            self._rows[leg_id] = row
            self._folds[leg_id] = touched.folds[leg_id]

    def load_legs(self, leg_ids: Iterable[int]) -> dict[int, LegRow]:
        """Legs as they are at the decision that is settled now."""
        return {leg_id: self._rows[leg_id] for leg_id in leg_ids}

    def folds(self, rows: Iterable[LegRow]) -> dict[int, Fold]:
        """What they hold then."""
        told = list(rows)
        for row in told:
            if row.id not in self._folds:
                self._folds[row.id] = leg.decode(row.fold)
        return {row.id: self._folds[row.id] for row in told}

    def roles(self) -> Mapping[str, str]:
        """Connection id -> what its legs are to a case."""
        return self._roles

    # ------------------------------------------------------------------ ties and timelines

    @override
    def save_claims(self, claims: Sequence[ClaimRecord]) -> None:
        super().save_claims(claims)
        self._written.claims |= {(c.leg_id, (c.kind, c.key)) for c in claims}

    @override
    def _note_crowd(self, place: Claimed) -> None:
        self._written.crowds.add(place)

    @override
    def save_members(self, pairs: Iterable[tuple[int, int]]) -> None:
        told = list(pairs)
        super().save_members(told)
        self._written.members |= {leg_id for leg_id, _ in told}

    @override
    def save_entries(self, entries: Iterable[Entry]) -> None:
        told = list(entries)
        super().save_entries(told)
        self._written.entries |= {(e.leg_id, e.key): e for e in told}

    # ------------------------------------------------------------------ dossiers

    def load_held(self, dossier_ids: Iterable[int]) -> dict[int, Held]:
        """Dossiers as they are."""
        return {i: self._held[i] for i in dossier_ids if i in self._held}

    def save_dossiers(self, rows: Sequence[DossierRow]) -> None:
        """Keep or replace dossiers; when one began stays."""
        for row in rows:
            held = self._held.get(row.id)
            if held is not None:
                row = structs.replace(row, created_seq=held.created_seq, public_id=held.public_id)
            self._held[row.id] = _held(row)
            self._written.dossiers[row.id] = row
            self._written.merged.pop(row.id, None)

    def merge_dossiers(self, merged: Sequence[tuple[int, int]], seq: int) -> None:
        """Let old dossiers lead to the living one."""
        for old, living in merged:
            self._held[old] = structs.replace(self._held[old], merged_into=living)
            row = self._written.dossiers.get(old)
            if row is None:
                self._written.merged[old] = (living, seq)
            else:
                row = structs.replace(row, merged_into=living, changed_seq=seq)
                self._written.dossiers[old] = row

    @override
    def save_judgements(
        self,
        dossier_ids: Sequence[int],
        rows: Sequence[JudgementRow],
        spans: Sequence[SpanRow],
    ) -> None:
        super().save_judgements(dossier_ids, rows, spans)
        self._written.judged.update(dossier_ids)

    def public_id(self, leg_id: int) -> str | None:
        """The dossier a leg belongs to now; None where no change of the group can reach the leg."""
        dossier_id = self.member_of.get(leg_id)
        return self._held[dossier_id].public_id if dossier_id in self._held else None

    # ------------------------------------------------------------------ the feed

    def next_decision(self) -> int:
        """The place of the next decision among all."""
        self._decided += 1
        return self._decided

    def lock_feed(self) -> int:
        """The newest seq; the lock is held already."""
        return self._seq

    def append_changes(
        self, newest: int, changes: Sequence[ChangeRow], turns: Sequence[Turn]
    ) -> None:
        """Note one decision's lines; their order is all that is kept of the turns."""
        if len(changes) != len(turns):
            raise AssertionError("every change has its turn")
        self._written.changes += changes
        self._seq = newest + len(changes)

    # ------------------------------------------------------------------ the end

    def write(self) -> None:
        """Write what all decisions of the group came to."""
        tx, told, new = self._tx, self._written, self._new
        claims = [self.claims[leg_id][place] for leg_id, place in sorted(told.claims)]
        legs.save_claims(tx, claims, are_new=new.issuperset(c.leg_id for c in claims))
        legs.note_crowds(tx, told.crowds)
        entries = list(told.entries.values())
        legs.save_entries(tx, entries, are_new=new.issuperset(e.leg_id for e in entries))
        rows = list(told.dossiers.values())
        dossiers.save_dossiers(tx, rows, are_new=new.issuperset(told.dossiers))
        dossiers.merge_dossiers(tx, [(old, *into) for old, into in told.merged.items()])
        members = [(i, self.member_of[i]) for i in sorted(told.members)]
        dossiers.save_members(tx, members, are_new=new.issuperset(told.members))
        judged = sorted(told.judged)
        dossiers.save_judgements(
            tx,
            [i for i in judged if i in self._before],
            [self.judgements[i] for i in judged if i in self.judgements],
            [span for i in judged for span in self.spans.get(i, ())],
            are_new=new.issuperset(judged),
        )
        dossiers.note_agencies(tx, self.agencies)
        dossiers.append_changes(tx, self._first_seq, told.changes)


def _held(row: DossierRow) -> Held:
    return Held(
        row.id,
        row.public_id,
        row.merged_into,
        row.body,
        row.findings,
        row.pins,
        row.created_seq,
    )
