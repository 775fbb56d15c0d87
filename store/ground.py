"""What a batch is decided on: the store itself, or the memory of a proof (sync.proof).

Deciding and putting together know only these questions and these writings, so `hub verify` runs the
same functions that ran the first time without a second store.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from sqlalchemy.engine import Connection as Tx

from canonical import leg
from canonical.leg import Fold, Head
from store import dossiers, intake, legs
from store.dossiers import ChangeRow, DossierRow, Held, JudgementRow, SpanRow
from store.intake import RecordRow
from store.legs import ClaimRecord, Entry, Key, LegRow

Claimed = tuple[str, str]  # (kind, key)
# Whose turn it was that a change was told of: the place in the batch, then the names of its legs.
Turn = tuple[int, list[tuple[str, str, int]]]


class Ground(Protocol):
    """The questions and writings of deciding, in one transaction; store.legs says what each is.

    Attributes:
        knows_quarantine: Whether it can say what the quarantine holds; else nothing is known again.
    """

    @property
    def knows_quarantine(self) -> bool:
        """See above."""

    def lock_legs(self, keys: Iterable[Key], connection_id: str) -> dict[Key, LegRow]:
        """The legs with these (namespace, code), newest generation, begun where there are none."""

    def folds(self, rows: Iterable[LegRow]) -> dict[int, Fold]:
        """What these legs hold, by leg id; the caller may fold more into them."""

    def load_heads(self, leg_ids: Iterable[int]) -> Mapping[tuple[int, str], Sequence[Head]]:
        """As `legs.load_heads`."""

    def save_legs(self, rows: Sequence[LegRow], folds: Mapping[int, Fold]) -> None:
        """Write back what changed in legs and what they hold now."""

    def held_in_quarantine(
        self, connection_id: str, digests: Iterable[str]
    ) -> dict[str, tuple[int, int]]:
        """As `legs.held_in_quarantine`."""

    def note_seen_again(self, seen: Mapping[int, int], receipt_id: int) -> None:
        """As `legs.note_seen_again`."""

    def insert_records(
        self, receipt_id: int, connection_id: str, rows: Sequence[RecordRow]
    ) -> None:
        """As `intake.insert_records`."""

    def next_decision(self) -> int:
        """As `dossiers.next_decision`."""

    def lock_feed(self) -> int:
        """As `dossiers.lock_feed`."""

    def load_claims(self, leg_ids: Iterable[int]) -> list[ClaimRecord]:
        """As `legs.load_claims`."""

    def save_claims(self, claims: Sequence[ClaimRecord]) -> None:
        """As `legs.save_claims`."""

    def note_crowds(self, leg_ids: Iterable[int]) -> None:
        """As `legs.note_crowds`."""

    def crowded(self, leg_ids: Iterable[int]) -> Collection[Claimed]:
        """As `legs.crowded`."""

    def claimants(self, keys: Iterable[Claimed]) -> set[int]:
        """As `legs.claimants`."""

    def reach(self, leg_ids: Iterable[int]) -> set[int]:
        """As `legs.reach`."""

    def members(self, leg_ids: Iterable[int]) -> dict[int, int]:
        """As `legs.members`."""

    def load_legs(self, leg_ids: Iterable[int]) -> dict[int, LegRow]:
        """As `legs.load_legs`."""

    def load_entries(self, leg_ids: Iterable[int]) -> dict[int, dict[str, Entry]]:
        """As `legs.load_entries`."""

    def save_entries(self, entries: Iterable[Entry]) -> None:
        """As `legs.save_entries`."""

    def roles(self) -> Mapping[str, str]:
        """As `legs.roles`."""

    def load_held(self, dossier_ids: Iterable[int]) -> dict[int, Held]:
        """As `dossiers.load_held`."""

    def save_dossiers(self, rows: Sequence[DossierRow]) -> None:
        """As `dossiers.save_dossiers`."""

    def merge_dossiers(self, merged: Sequence[tuple[int, int]], seq: int) -> None:
        """As `dossiers.merge_dossiers`."""

    def save_members(self, pairs: Sequence[tuple[int, int]]) -> None:
        """As `dossiers.save_members`."""

    def save_judgements(
        self,
        dossier_ids: Sequence[int],
        rows: Sequence[JudgementRow],
        spans: Sequence[SpanRow],
    ) -> None:
        """As `dossiers.save_judgements`."""

    def note_agencies(self, agency_codes: Iterable[str]) -> None:
        """As `dossiers.note_agencies`."""

    def append_changes(
        self, newest: int, changes: Sequence[ChangeRow], turns: Sequence[Turn]
    ) -> None:
        """As `dossiers.append_changes`; `turns` says of each change why it stands where it does."""


class Stored:
    """The store, in an open write transaction.

    A leg that a batch begins is written once, whole, when the batch is decided; until then nobody
    can have told anything of it, and nothing is asked of it.
    """

    knows_quarantine = True

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._begun: dict[int, LegRow] = {}
        self._alone: set[int] = set()  # legs that share no claim with anyone, as far as was asked

    def _earlier(self, leg_ids: Iterable[int]) -> list[int]:
        """Those legs that this batch did not begin."""
        return [i for i in leg_ids if i not in self._begun]

    def _shares_claims(self, leg_ids: Iterable[int]) -> bool:
        """Whether any of these legs shares a claim: else none is in a crowd or reaches another."""
        unknown = set(leg_ids) - self._alone
        if unknown and legs.share_claims(self._tx, unknown):
            return True
        self._alone |= unknown
        return False

    def _are_begun(self, leg_ids: Iterable[int]) -> bool:
        """Whether this batch began them all: then nothing can be there of any."""
        return all(i in self._begun for i in leg_ids)

    def lock_legs(self, keys: Iterable[Key], connection_id: str) -> dict[Key, LegRow]:
        """As `legs.lock_legs`; those that are not there are begun."""
        ordered = sorted(set(keys))
        held = legs.lock_legs(self._tx, ordered)
        missing = [key for key in ordered if key not in held]
        ids = legs.number_legs(self._tx, len(missing)) if missing else []
        begun = {
            key: LegRow(leg_id, *key, 1, connection_id, "", same_time=False, gone_at=None)
            for key, leg_id in zip(missing, ids, strict=True)
        }
        self._begun = {row.id: row for row in begun.values()}
        self._alone = set()
        return held | begun

    def folds(self, rows: Iterable[LegRow]) -> dict[int, Fold]:
        """Decoded anew: nobody else has them."""
        return {row.id: leg.decode(row.fold) for row in rows}

    def load_heads(self, leg_ids: Iterable[int]) -> Mapping[tuple[int, str], Sequence[Head]]:
        """As `legs.load_heads`."""
        earlier = self._earlier(leg_ids)
        return legs.load_heads(self._tx, earlier) if earlier else {}

    def save_legs(self, rows: Sequence[LegRow], folds: Mapping[int, Fold]) -> None:
        """As `legs.save_legs`, with the folds as text."""
        for row in rows:
            row.fold = leg.encode(folds[row.id])
        legs.begin_legs(self._tx, list(self._begun.values()))
        legs.save_legs(self._tx, [row for row in rows if row.id not in self._begun])

    def held_in_quarantine(
        self, connection_id: str, digests: Iterable[str]
    ) -> dict[str, tuple[int, int]]:
        """As `legs.held_in_quarantine`."""
        return legs.held_in_quarantine(self._tx, connection_id, digests)

    def note_seen_again(self, seen: Mapping[int, int], receipt_id: int) -> None:
        """As `legs.note_seen_again`."""
        legs.note_seen_again(self._tx, seen, receipt_id)

    def insert_records(
        self, receipt_id: int, connection_id: str, rows: Sequence[RecordRow]
    ) -> None:
        """As `intake.insert_records`."""
        intake.insert_records(self._tx, receipt_id, connection_id, rows)

    def next_decision(self) -> int:
        """As `dossiers.next_decision`."""
        return dossiers.next_decision(self._tx)

    def lock_feed(self) -> int:
        """As `dossiers.lock_feed`."""
        return dossiers.lock_feed(self._tx)

    def load_claims(self, leg_ids: Iterable[int]) -> list[ClaimRecord]:
        """As `legs.load_claims`."""
        earlier = self._earlier(leg_ids)
        return legs.load_claims(self._tx, earlier) if earlier else []

    def save_claims(self, claims: Sequence[ClaimRecord]) -> None:
        """As `legs.save_claims`."""
        are_new = self._are_begun(claim.leg_id for claim in claims)
        legs.save_claims(self._tx, claims, are_new=are_new)
        self._alone = set()

    def note_crowds(self, leg_ids: Iterable[int]) -> None:
        """As `legs.note_crowds`."""
        if self._shares_claims(leg_ids):
            legs.note_crowds(self._tx, leg_ids)

    def crowded(self, leg_ids: Iterable[int]) -> Collection[Claimed]:
        """As `legs.crowded`."""
        return legs.crowded(self._tx, leg_ids) if self._shares_claims(leg_ids) else set()

    def claimants(self, keys: Iterable[Claimed]) -> set[int]:
        """As `legs.claimants`."""
        return legs.claimants(self._tx, keys)

    def reach(self, leg_ids: Iterable[int]) -> set[int]:
        """As `legs.reach`."""
        return legs.reach(self._tx, leg_ids) if self._shares_claims(leg_ids) else set(leg_ids)

    def members(self, leg_ids: Iterable[int]) -> dict[int, int]:
        """As `legs.members`."""
        earlier = self._earlier(leg_ids)
        return legs.members(self._tx, earlier) if earlier else {}

    def load_legs(self, leg_ids: Iterable[int]) -> dict[int, LegRow]:
        """As `legs.load_legs`."""
        return legs.load_legs(self._tx, leg_ids)

    def load_entries(self, leg_ids: Iterable[int]) -> dict[int, dict[str, Entry]]:
        """As `legs.load_entries`."""
        earlier = self._earlier(leg_ids)
        return legs.load_entries(self._tx, earlier) if earlier else {}

    def save_entries(self, entries: Iterable[Entry]) -> None:
        """As `legs.save_entries`."""
        told = list(entries)
        are_new = self._are_begun(entry.leg_id for entry in told)
        legs.save_entries(self._tx, told, are_new=are_new)

    def roles(self) -> Mapping[str, str]:
        """As `legs.roles`."""
        return legs.roles(self._tx)

    def load_held(self, dossier_ids: Iterable[int]) -> dict[int, Held]:
        """As `dossiers.load_held`."""
        earlier = self._earlier(dossier_ids)  # a dossier's id is that of a leg
        return dossiers.load_held(self._tx, earlier) if earlier else {}

    def save_dossiers(self, rows: Sequence[DossierRow]) -> None:
        """As `dossiers.save_dossiers`."""
        are_new = self._are_begun(row.id for row in rows)
        dossiers.save_dossiers(self._tx, rows, are_new=are_new)

    def merge_dossiers(self, merged: Sequence[tuple[int, int]], seq: int) -> None:
        """As `dossiers.merge_dossiers`."""
        dossiers.merge_dossiers(self._tx, merged, seq)

    def save_members(self, pairs: Sequence[tuple[int, int]]) -> None:
        """As `dossiers.save_members`."""
        are_new = self._are_begun(leg_id for leg_id, _ in pairs)
        dossiers.save_members(self._tx, pairs, are_new=are_new)

    def save_judgements(
        self,
        dossier_ids: Sequence[int],
        rows: Sequence[JudgementRow],
        spans: Sequence[SpanRow],
    ) -> None:
        """As `dossiers.save_judgements`."""
        dossiers.save_judgements(self._tx, dossier_ids, rows, spans)

    def note_agencies(self, agency_codes: Iterable[str]) -> None:
        """As `dossiers.note_agencies`."""
        dossiers.note_agencies(self._tx, agency_codes)

    def append_changes(
        self, newest: int, changes: Sequence[ChangeRow], turns: Sequence[Turn]
    ) -> None:
        """As `dossiers.append_changes`; their order is all that is kept of the turns."""
        if len(changes) != len(turns):
            raise AssertionError("every change has its turn")
        dossiers.append_changes(self._tx, newest, changes)
