"""How a proof is cut into parts: legs that may have met lie in one part, and a part fits in memory.

Two legs may have met where they ever made the same claim, or bear the same code. Which claims there
were is read from the store, and that is safe: a claim that is not stored, or stored and not made,
is found when the part is computed, since claims are compared like everything else.

A claim that so many legs make that it ties nobody (`store.legs.CROWD`) would put them all in one
part. Only the first of them are kept together; the others take it to be crowded from the beginning,
and it is checked afterwards that it was, when they made it (`Ledger.united`).
"""

import hashlib
from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from msgspec import Struct
from sqlalchemy.engine import Connection as Tx

from store import proof
from store.ground import Claimed

PART_WEIGHT = 8_000  # some 20 MiB
CROWD_TOGETHER = 200  # several times store.legs.CROWD: claims come and go before it is reached
_LEG_WEIGHT = 3  # a leg with its dossier weighs as much in memory as three records
_NO_PART = (1 << 32) - 1
NOT_YET = 1 << 62  # ids of legs that are supposed; above all that there are
_CHUNK_BYTES = 2_000_000
_CHUNK_RECEIPTS = 200
_ROUTE, _LEGS = "route.bin", "legs.bin"


class Plan(Struct, frozen=True):
    """What is to be done, and by which part.

    Attributes:
        receipts: Receipt ids in the order of their decisions, pending ones last; a decision's place
            here is its rank.
        decided: How many of them are decided.
        chunks: Stretches of ranks that are read at once.
        bounds: Where the legs of each part begin and end in the file of legs.
        elsewhere: Part -> crowded claims that are decided in another part.
        crowds: Crowded claim -> the part that decides since when it is so.
    """

    receipts: "array[int]"
    decided: int
    chunks: list[tuple[int, int]]
    bounds: list[tuple[int, int]]
    elsewhere: dict[int, frozenset[Claimed]]
    crowds: dict[Claimed, int]

    @property
    def parts(self) -> int:
        """How many parts there are; at least one."""
        return len(self.bounds)


class Route:
    """Which part a leg belongs to, by its namespace and code.

    Attributes:
        count: How many parts there are; a leg that is not wanted has this number.
    """

    def __init__(self, hashes: "array[int]", parts: "array[int]", count: int) -> None:
        self._hashes, self._parts, self.count = hashes, parts, count

    def part_of(self, namespace: str, code: str) -> int:
        """The part; of a leg the store does not know, any."""
        own = _hash(namespace, code)
        place = bisect_left(self._hashes, own)
        if place < len(self._hashes) and self._hashes[place] == own:
            return self._parts[place]
        return own % self.count


def load_route(folder: Path, parts: int) -> Route:
    """The route as `make` left it."""
    hashes, numbers = array("Q"), array("I")
    raw = (folder / _ROUTE).read_bytes()
    legs = len(raw) // (hashes.itemsize + numbers.itemsize)
    hashes.frombytes(raw[: legs * hashes.itemsize])
    numbers.frombytes(raw[legs * hashes.itemsize :])
    return Route(hashes, numbers, parts)


def load_legs(folder: Path, bounds: tuple[int, int]) -> "array[int]":
    """The ids of the legs of one part, ascending."""
    found = array("q")
    with (folder / _LEGS).open("rb") as file:
        file.seek(bounds[0] * found.itemsize)
        found.frombytes(file.read((bounds[1] - bounds[0]) * found.itemsize))
    return found


def _hash(namespace: str, code: str) -> int:
    told = hashlib.blake2b(f"{namespace}\0{code}".encode(), digest_size=8).digest()
    return int.from_bytes(told, "big")


def make(
    tx: Tx,
    folder: Path,
    weight: int,
    united: Collection[Claimed] = (),
    *,
    wanted: Collection[int] | None = None,
    meetings: Sequence[Sequence[tuple[str, str]]] = (),
) -> Plan:
    """Cut what is in the store into parts; routes are left in the folder.

    Args:
        tx: One consistent look at the store.
        folder: Where files of this proof lie.
        weight: About how much a part may weigh, in records.
        united: Crowded claims whose legs must all be in one part.
        wanted: Legs that are wanted, with all that may have met them: the others are of no part.
            None for all.
        meetings: (namespace, code) of legs that meet in what is supposed and not stored; those that
            are not there yet among them.
    """
    receipts, decided, chunks = _receipts(tx)
    legs = _Legs(tx)
    for names in meetings:
        legs.join_names(names)
    legs.in_order()
    claimed = _join_claims(tx, legs, united)
    part_of, bounds = legs.parts(weight, wanted)
    _write(folder, legs, part_of, len(bounds))
    elsewhere: dict[int, set[Claimed]] = {part: set() for part in range(len(bounds) + 1)}
    crowds = {}
    for claim, places in claimed.items():
        crowds[claim] = part_of[places[0]]
        for part in {part_of[place] for place in places} - {crowds[claim]}:
            elsewhere[part].add(claim)
    told = {part: frozenset(claims) for part, claims in elsewhere.items() if claims}
    return Plan(receipts, decided, chunks, bounds, told, crowds)


def _receipts(tx: Tx) -> "tuple[array[int], int, list[tuple[int, int]]]":
    ids, decided, chunks = array("q"), 0, []
    begun, size = 0, 0
    for receipt_id, size_bytes, is_decided in proof.receipts_in_order(tx):
        if size + size_bytes > _CHUNK_BYTES or len(ids) - begun >= _CHUNK_RECEIPTS:
            if len(ids) > begun:
                chunks.append((begun, len(ids)))
            begun, size = len(ids), 0
        ids.append(receipt_id)
        size += size_bytes
        decided += is_decided
    if len(ids) > begun:
        chunks.append((begun, len(ids)))
    return ids, decided, chunks


class _Legs:
    """Every leg by its place among all, and which of them belong together."""

    def __init__(self, tx: Tx) -> None:
        self.ids, self.hashes, self.weights = array("q"), array("Q"), array("L")
        for leg_id, namespace, code, records in proof.legs_weighed(tx):
            self.ids.append(leg_id)
            self.hashes.append(_hash(namespace, code))
            self.weights.append(records + _LEG_WEIGHT)
        self._first = array("l", range(len(self.ids)))
        self._by_name: dict[int, int] = {}
        # Generations of one code belong together, and two codes of one hash must.
        self.by_hash = array("l", sorted(self._first, key=self.hashes.__getitem__))
        for one, other in zip(self.by_hash, self.by_hash[1:], strict=False):
            if self.hashes[one] == self.hashes[other]:
                self.join(one, other)

    def join_names(self, names: Sequence[tuple[str, str]]) -> None:
        """Let legs belong together by their names; one that is not there yet takes the last place.

        Every generation of a code is already where its first is.
        """
        places = [self._named(namespace, code) for namespace, code in names]
        for other in places[1:]:
            self.join(places[0], other)

    def in_order(self) -> None:
        """Legs by hash again, those that were named now among them."""
        self.by_hash = array("l", sorted(self.by_hash, key=self.hashes.__getitem__))

    def _named(self, namespace: str, code: str) -> int:
        own = _hash(namespace, code)
        if not self._by_name:
            self._by_name = {one: place for place, one in enumerate(self.hashes)}
        if own not in self._by_name:
            self._by_name[own] = len(self.ids)
            self.by_hash.append(len(self.ids))
            self._first.append(len(self.ids))
            self.ids.append(NOT_YET + len(self.ids))
            self.hashes.append(own)
            self.weights.append(_LEG_WEIGHT)
        return self._by_name[own]

    def place(self, leg_id: int) -> int | None:
        """A leg's place; None where a claim names a leg that is not there."""
        place = bisect_left(self.ids, leg_id)
        return place if place < len(self.ids) and self.ids[place] == leg_id else None

    def _root(self, place: int) -> int:
        first = self._first
        while first[place] != place:
            first[place] = first[first[place]]
            place = first[place]
        return place

    def join(self, one: int, other: int) -> None:
        """Let two belong together; the oldest stands for all."""
        one, other = self._root(one), self._root(other)
        self._first[max(one, other)] = min(one, other)

    def parts(
        self, weight: int, wanted: Collection[int] | None = None
    ) -> "tuple[array[int], list[tuple[int, int]]]":
        """Place -> part, and where each part's legs lie when ordered by part.

        Neighbours in the store become neighbours in a part, so that it is read in few stretches.
        What is not wanted gets the number behind the last part.
        """
        groups = array("L", bytes(self.weights.itemsize * len(self.ids)))
        named = bytearray(len(self.ids))
        for place, own in enumerate(self.weights):
            root = self._root(place)
            groups[root] += own
            if wanted is None or self.ids[place] >= NOT_YET or self.ids[place] in wanted:
                named[root] = 1
        part_of, part, filled = array("I"), 0, 0
        for place in range(len(self.ids)):
            root = self._root(place)
            if root < place:
                part_of.append(part_of[root])
                continue
            if not named[root]:
                part_of.append(_NO_PART)
                continue
            if filled and filled + groups[place] > weight:
                part, filled = part + 1, 0
            filled += groups[place]
            part_of.append(part)
        sizes = [0] * (part + 1)
        for place, own in enumerate(part_of):
            if own == _NO_PART:
                part_of[place] = part + 1
            else:
                sizes[own] += 1
        bounds, end = [], 0
        for size in sizes:
            bounds.append((end, end + size))
            end += size
        return part_of, bounds


def _join_claims(tx: Tx, legs: _Legs, united: Collection[Claimed]) -> dict[Claimed, list[int]]:
    """Join the legs of each claim; of the crowded ones, the places of all that ever made them."""
    crowded = proof.crowds(tx)
    meetings: dict[Claimed, list[int]] = {}
    for claim, places in _claimed(tx, legs):
        together = places
        if claim in crowded:
            meetings[claim] = places
            together = places if claim in united else places[:CROWD_TOGETHER]
        for other in together[1:]:
            legs.join(together[0], other)
    return meetings


def _claimed(tx: Tx, legs: _Legs) -> Iterator[tuple[Claimed, list[int]]]:
    """Each claim with the places of the legs that ever made it, oldest first."""
    claim: Claimed | None = None
    places: list[int] = []
    for kind, key, leg_id in proof.claims_in_order(tx):
        if claim != (kind, key):
            if claim is not None and len(places) > 0:
                yield claim, places
            claim, places = (kind, key), []
        place = legs.place(leg_id)
        if place is not None:
            places.append(place)
    if claim is not None and len(places) > 0:
        yield claim, places


def _write(folder: Path, legs: _Legs, part_of: "array[int]", parts: int) -> None:
    with (folder / _ROUTE).open("wb") as file:
        file.write(array("Q", (legs.hashes[place] for place in legs.by_hash)).tobytes())
        file.write(array("I", (part_of[place] for place in legs.by_hash)).tobytes())
    ordered = sorted(range(len(part_of)), key=part_of.__getitem__)
    with (folder / _LEGS).open("wb") as file:
        file.write(array("q", (legs.ids[place] for place in ordered)).tobytes())
