"""What records are decided on, and what dossiers are put together on.

Deciding (sync.batch) and putting together (sync.dossiers) know only these questions and these
writings. What is taken in is decided on `sync.locked` and put together on `sync.reached`, memory
over the store that holds what a group of bodies needs; `hub verify` runs the same functions over
the memory of a proof (sync.proof.remembered).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from canonical.leg import Fold, Head
from store.dossiers import ChangeRow, DossierRow, Held, JudgementRow, SpanRow
from store.intake import RecordRow
from store.legs import ClaimRecord, Entry, Key, LegRow

Claimed = tuple[str, str]  # (kind, key)
# Whose turn it was that a change was told of: the place in the batch, then the names of its legs.
Turn = tuple[int, list[tuple[str, str, int]]]


class LegGround(Protocol):
    """What records are decided on; store.legs says what each question is.

    Attributes:
        knows_quarantine: Whether it can say what the quarantine holds; else nothing is known again.
    """

    @property
    def knows_quarantine(self) -> bool:
        """See above."""

    def lock_legs(self, keys: Iterable[Key], connection_id: str) -> dict[Key, LegRow]:
        """The newest generation of each, begun where there is none."""

    def folds(self, rows: Iterable[LegRow]) -> dict[int, Fold]:
        """What these legs hold, by leg id; the caller may fold more into them."""

    def load_heads(self, leg_ids: Iterable[int]) -> Mapping[tuple[int, str], Sequence[Head]]:
        """As `legs.load_heads`; it may tell of more legs."""

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
        """Keep what became of every record that is not a duplicate."""


class DossierGround(Protocol):
    """What dossiers are put together on; store.legs and store.dossiers say what each is."""

    def next_decision(self) -> int:
        """The place of this decision among all."""

    def lock_feed(self) -> int:
        """The newest seq; nobody else's to follow until the end."""

    def load_claims(self, leg_ids: Iterable[int]) -> list[ClaimRecord]:
        """As `legs.load_claims`."""

    def save_claims(self, claims: Sequence[ClaimRecord]) -> None:
        """As `legs.save_claims`."""

    def note_crowds(self, leg_ids: Iterable[int]) -> None:
        """Mark the claims of these legs that more than `legs.CROWD` legs make, for ever."""

    def crowded(self, leg_ids: Iterable[int]) -> Collection[Claimed]:
        """The claims of these legs that tie nobody; it may tell of more."""

    def claimants(self, keys: Iterable[Claimed]) -> set[int]:
        """The legs that make any of these claims, crowded ones left out."""

    def reach(self, leg_ids: Iterable[int]) -> set[int]:
        """All legs that share live claims with these, directly or through others."""

    def members(self, leg_ids: Iterable[int]) -> dict[int, int]:
        """As `legs.members`."""

    def load_legs(self, leg_ids: Iterable[int]) -> dict[int, LegRow]:
        """Legs by id, as they are at this decision."""

    def folds(self, rows: Iterable[LegRow]) -> dict[int, Fold]:
        """What these legs hold, by leg id."""

    def load_entries(self, leg_ids: Iterable[int]) -> dict[int, dict[str, Entry]]:
        """As `legs.load_entries`; the caller may merge more into them."""

    def save_entries(self, entries: Iterable[Entry]) -> None:
        """As `legs.save_entries`."""

    def roles(self) -> Mapping[str, str]:
        """As `legs.roles`."""

    def load_held(self, dossier_ids: Iterable[int]) -> dict[int, Held]:
        """As `dossiers.load_held`."""

    def save_dossiers(self, rows: Sequence[DossierRow]) -> None:
        """As `dossiers.save_dossiers`."""

    def merge_dossiers(self, merged: Sequence[tuple[int, int]], seq: int) -> None:
        """Let old dossiers lead to the living one; the seq is the last of this decision."""

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


class Ground(LegGround, DossierGround, Protocol):
    """Both at once."""
