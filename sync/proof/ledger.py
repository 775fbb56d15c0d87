"""What the parts of a proof found, put together: what only shows over all of them.

The order of the feed, the counts of receipts that reached many parts, what a poll brought again,
agencies, crowded claims, indicators.
"""

import json
from array import array
from collections.abc import Iterable, Iterator

from sqlalchemy.engine import Connection as Tx

from canonical.indicators import Count
from store import acts, compare, proof
from store.compare import Difference
from store.ground import Claimed
from sync.dossiers import LAST_PLACE
from sync.proof import apart, part
from sync.proof.against import MOST_NAMED
from sync.proof.plan import Plan

APPLIED, SUPERSEDED, DUPLICATE, QUARANTINED = range(4)
_COUNTS = ("applied", "superseded", "duplicate", "quarantined")
Told = tuple[int, list[str]]  # how many were looked at, and what is wrong


class Ledger:
    """Everything the parts found.

    Attributes:
        rows: Table -> stored rows that were held against what follows.
        wrong: Table -> differences.
        settled: Quarantined record -> (rank, subject) of the act that settled it.
    """

    def __init__(self, plan: Plan, changes: int, key: bytes) -> None:
        self._plan, self._key = plan, key
        receipts = len(plan.receipts)
        self._counts = [array("Q", bytes(8 * receipts)) for _ in _COUNTS]
        self._duplicates = array("Q", bytes(8 * receipts))
        # Of each line of the feed, by its stored seq; rank is counted from 1, 0 is a line not met.
        self._ranks, self._places, self._numbers = (
            array("I", bytes(4 * changes)) for _ in range(3)
        )
        self._behind: dict[int, list[tuple[str, str, int]]] = {}
        self._ended: list[tuple[int, int, int]] = []
        self._crowds: dict[Claimed, int] = {}
        self._strangers: dict[Claimed, int] = {}
        self._kept = array("q")
        self.rows: dict[str, int] = {how.name: 0 for how in compare.TABLES}
        self.wrong: dict[str, list[str]] = {how.name: [] for how in compare.TABLES}
        self.settled: dict[int, tuple[int, str]] = {}
        self.agencies: set[str] = set()
        self.indicators: list[Count] = []
        self.unreadable: list[str] = []

    # ------------------------------------------------------------------ taking in

    def take_part(self, found: part.Outcome) -> None:
        """Put what one part found to the rest."""
        compared = found.compared
        for name, looked in compared.rows.items():
            self.rows[name] += looked
        for name, differences in compared.wrong.items():
            self._note(name, differences)
        self._take_counts(found.counts, (APPLIED, SUPERSEDED, DUPLICATE))
        for rank, told in found.duplicates:
            self._duplicates[rank] = (self._duplicates[rank] + told) % (1 << 64)
        self._take_lines(compared.feed)
        self._behind |= compared.behind
        self._ended += compared.ended
        self.take_settled(
            (record_id, rank, acts.of_replay(receipt_id))
            for record_id, rank, receipt_id in found.settled
        )
        self.agencies |= found.agencies
        self._crowds |= found.crowds
        for claim, rank in found.strangers.items():
            self._strangers[claim] = min(rank, self._strangers.get(claim, rank))
        self._add_indicators(found.indicators)
        self.unreadable += found.unreadable

    def take_settled(self, told: Iterable[tuple[int, int, str]]) -> None:
        """(record, rank, subject) of acts; what is settled stays so, whoever comes to it later."""
        for record_id, rank, subject in told:
            own = (rank, subject)
            self.settled[record_id] = min(own, self.settled.get(record_id, own))

    def take_apart(self, found: apart.Outcome) -> None:
        """Put what one part of the quarantine found to the rest."""
        self.rows["record"] += found.compared
        self._note("record", found.wrong)
        self._take_counts(found.counts, (DUPLICATE, QUARANTINED))
        self._kept.extend(found.ids)

    def _note(self, name: str, differences: list[Difference]) -> None:
        self.wrong[name] += [f"{one.place} {one.what}" for one in differences]

    def _take_counts(self, told: "array[int]", columns: tuple[int, ...]) -> None:
        width = len(columns) + 1
        for place, column in enumerate(columns, start=1):
            counts = self._counts[column]
            for rank, count in zip(told[::width], told[place::width], strict=True):
                counts[rank] += count

    def _take_lines(self, told: "array[int]") -> None:
        last = len(self._ranks)
        for seq, rank, place, number in zip(
            told[::4], told[1::4], told[2::4], told[3::4], strict=True
        ):
            if 0 < seq <= last:  # others are no part of a gapless feed, which is a check of its own
                self._ranks[seq - 1] = rank + 1
                self._places[seq - 1] = place
                self._numbers[seq - 1] = number

    def _add_indicators(self, counts: list[Count]) -> None:
        if not self.indicators:
            self.indicators = counts
            return
        for total, own in zip(self.indicators, counts, strict=True):
            total.total += own.total
            total.carried_over += own.carried_over
            total.resolved += own.resolved
            total.resolved_online += own.resolved_online
            for name, count in own.buckets.items():
                total.buckets[name] += count

    # ------------------------------------------------------------------ looking over all

    def ununited(self) -> set[Claimed]:
        """Crowded claims of which legs of other parts spoke before they were crowded."""
        return {
            claim
            for claim, rank in self._strangers.items()
            if claim not in self._crowds or rank < self._crowds[claim]
        }

    def table(self, tx: Tx, how: compare.Compared) -> Told:
        """One table: what the parts found, and stored rows that no part met."""
        wrong = self.wrong[how.name]
        if how is compare.CHANGE:
            wrong = wrong + list(self._disorder())
        if how is compare.DOSSIER:
            wrong = wrong + list(self._ends())
        if self.rows[how.name] != proof.count(tx, how.name):
            unmet = compare.orphans(tx, how, MOST_NAMED)
            wrong = wrong + [f"{one.place} {one.what}" for one in unmet]
            if how is compare.RECORD:
                wrong = wrong + list(self._unfounded(tx))
            if not wrong:
                wrong = [f"{how.name}: some rows follow from nothing that came in"]
        return self.rows[how.name], wrong

    def _unfounded(self, tx: Tx) -> Iterator[str]:
        """Quarantined records that follow from nothing."""
        kept = set(self._kept)
        for record_id in proof.quarantined(tx):
            if record_id not in kept:
                yield f"record {record_id} follows from nothing that came in"

    def _disorder(self) -> Iterator[str]:
        """Lines of the feed that do not stand where they must."""
        before: tuple[int, int, list[tuple[str, str, int]], int] | None = None
        for seq, own in enumerate(
            zip(self._ranks, self._places, self._numbers, strict=True), start=1
        ):
            rank, place, number = own
            if not rank:
                continue
            names = self._behind.get(seq, []) if place == LAST_PLACE else []
            now = (rank, place, names, number)
            if before is not None and now <= before:
                yield f"change {seq} is not in its place"
            before = now

    def _ends(self) -> Iterator[str]:
        """Dossiers that were merged and do not say in which decision."""
        for dossier_id, seq, rank in self._ended:
            last = len(self._ranks)
            is_in = 0 < seq <= last and self._ranks[seq - 1] == rank + 1
            if not is_in or (seq < last and self._ranks[seq] == rank + 1):
                yield f"dossier {dossier_id} differs in changed_seq"

    def receipts(self, tx: Tx) -> Told:
        """Every receipt's counts and its place among the decisions."""
        wrong, looked = [], 0
        for rank, row in enumerate(proof.every_receipt(tx)):
            looked += 1
            differs = list(self._differing(rank, row))
            if differs:
                wrong.append(f"receipt {row.id} differs in {', '.join(differs)}")
        return looked, wrong

    def _differing(self, rank: int, row: tuple[object, ...]) -> Iterator[str]:
        _, state, decided_no, applied, superseded, duplicate, quarantined, pending, _ = row
        is_decided = state == "decided"
        if decided_no != (rank + 1 if is_decided else None):
            yield "decided_no"
        for column, stored in enumerate((applied, superseded, duplicate, quarantined)):
            if stored != self._counts[column][rank]:
                yield _COUNTS[column]
        if is_decided and pending != 0:
            yield "pending"

    def duplicates(self, tx: Tx) -> Told:
        """The duplicates a push was told of are those that follow from the raw bytes."""
        wrong, looked = [], 0
        for rank, row in enumerate(proof.every_receipt(tx)):
            looked += 1
            if not self._is_told(rank, row.duplicates):
                wrong.append(f"receipt {row.id} differs in duplicates")
        return looked, wrong

    def _is_told(self, rank: int, kept: str) -> bool:
        try:
            listed = json.loads(kept)
            places = [item[0] for item in listed]
            is_same = part.sum_of(self._key, listed) == self._duplicates[rank]
            return is_same and places == sorted(set(places))
        except (ValueError, TypeError, LookupError):
            return False

    def agencies_seen(self, tx: Tx) -> Told:
        """Agency codes that are kept are those that dossiers named."""
        stored = proof.agencies_seen(tx)
        wrong = [f"agency_seen {code} is missing" for code in sorted(self.agencies - stored)]
        unfounded = sorted(stored - self.agencies)
        wrong += [f"agency_seen {code} follows from nothing that came in" for code in unfounded]
        return len(stored), wrong

    def crowds(self, tx: Tx) -> Told:
        """Claims that tie nobody are those that so many legs made."""
        stored = proof.crowds(tx)
        follows = self._crowds.keys()
        wrong = [f"claim_crowd {', '.join(one)} is missing" for one in sorted(follows - stored)]
        wrong += [
            f"claim_crowd {', '.join(one)} follows from nothing that came in"
            for one in sorted(stored - follows)
        ]
        return len(stored), wrong
