"""Who is tied to whom, in plain memory that answers as the store would.

What is taken in works on one that was filled from the store (sync.reached), a proof on one that
began empty (sync.proof.remembered).
"""

from collections.abc import Collection, Iterable, Sequence

from msgspec import structs

from store.dossiers import JudgementRow, SpanRow
from store.ground import Claimed
from store.legs import CROWD, ClaimRecord, Entry


class Memory:
    """Claims, members, timelines and judgements of some legs (see store.ground.DossierGround).

    Attributes:
        claims: Leg id -> every claim it ever made.
        member_of: Leg id -> dossier id.
    """

    def __init__(self, void: Collection[Claimed] = ()) -> None:
        self.entries: dict[int, dict[str, Entry]] = {}
        self.claims: dict[int, dict[Claimed, ClaimRecord]] = {}
        self.member_of: dict[int, int] = {}
        self.judgements: dict[int, JudgementRow] = {}
        self.spans: dict[int, list[SpanRow]] = {}
        self.agencies: set[str] = set()
        self._void = set(void)
        self._live: dict[Claimed, set[int]] = {}
        self._members: dict[int, set[int]] = {}

    # ------------------------------------------------------------------ claims

    def load_claims(self, leg_ids: Iterable[int]) -> list[ClaimRecord]:
        """Every claim these legs ever made."""
        return [claim for i in leg_ids for claim in self.claims.get(i, {}).values()]

    def save_claims(self, claims: Sequence[ClaimRecord]) -> None:
        """Keep claims, or whether they live."""
        for claim in claims:
            place = (claim.kind, claim.key)
            own = self.claims.setdefault(claim.leg_id, {})
            held = own.get(place)
            # The store keeps the code it was first told and changes nothing but `live`.
            own[place] = claim if held is None else structs.replace(held, live=claim.live)
            if claim.live:
                self._live.setdefault(place, set()).add(claim.leg_id)
            elif place in self._live:
                self._live[place].discard(claim.leg_id)

    def note_crowds(self, leg_ids: Iterable[int]) -> None:
        """Mark claims that more than CROWD legs make."""
        for leg_id in leg_ids:
            for place, claim in self.claims.get(leg_id, {}).items():
                if claim.live and place not in self._void and len(self._live[place]) > CROWD:
                    self._void.add(place)
                    self._note_crowd(place)

    def _note_crowd(self, place: Claimed) -> None:
        """A claim ties nobody from now on."""

    def crowded(self, leg_ids: Iterable[int]) -> Collection[Claimed]:
        """The claims that tie nobody, those of any leg."""
        return self._void

    def claimants(self, keys: Iterable[Claimed]) -> set[int]:
        """The legs that make any of these claims."""
        return {i for place in keys if place not in self._void for i in self._live.get(place, ())}

    def reach(self, leg_ids: Iterable[int]) -> set[int]:
        """All legs that share live claims with these, directly or through others."""
        found = set(leg_ids)
        ahead = list(found)
        while ahead:
            for place, claim in self.claims.get(ahead.pop(), {}).items():
                if not claim.live:
                    continue
                others = self._live[place]
                if len(others) > 1 and place not in self._void:
                    new = others - found
                    found |= new
                    ahead += new
        return found

    # ------------------------------------------------------------------ members

    def members(self, leg_ids: Iterable[int]) -> dict[int, int]:
        """Leg id -> dossier id, for legs and everyone in the same dossiers."""
        wanted = {self.member_of[i] for i in leg_ids if i in self.member_of}
        return {leg_id: one for one in wanted for leg_id in self._members[one]}

    def save_members(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Say which dossier each leg belongs to."""
        for leg_id, dossier_id in pairs:
            before = self.member_of.get(leg_id)
            if before is not None:
                self._members[before].discard(leg_id)
            self.member_of[leg_id] = dossier_id
            self._members.setdefault(dossier_id, set()).add(leg_id)

    # ------------------------------------------------------------------ what dossiers count as

    def load_entries(self, leg_ids: Iterable[int]) -> dict[int, dict[str, Entry]]:
        """The timelines themselves: what is merged into them is kept."""
        return {i: self.entries.setdefault(i, {}) for i in leg_ids}

    def save_entries(self, entries: Iterable[Entry]) -> None:
        """They are the very entries that are kept."""
        for entry in entries:
            entry.is_changed = False

    def save_judgements(
        self,
        dossier_ids: Sequence[int],
        rows: Sequence[JudgementRow],
        spans: Sequence[SpanRow],
    ) -> None:
        """Replace what these dossiers count as."""
        for dossier_id in dossier_ids:
            self.judgements.pop(dossier_id, None)
            self.spans.pop(dossier_id, None)
        for row in rows:
            self.judgements[row.dossier_id] = row
        for span in spans:
            self.spans.setdefault(span.dossier_id, []).append(span)

    def note_agencies(self, agency_codes: Iterable[str]) -> None:
        """Remember every agency code that a dossier names."""
        self.agencies.update(agency_codes)
