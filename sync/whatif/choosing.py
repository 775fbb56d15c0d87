"""Which legs of a part a candidate touches at all: the others stay what they are, undecided.

A leg is as it was where each of its records reads as it was read. Whoever may have met a leg that
is touched is decided with it: what they have in common may change.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, structs

from store import whatif
from store.intake import record_id
from store.remaps import Standing
from sync.proof.hand import Hand
from sync.proof.spool import Told

Name = tuple[str, str]  # namespace, code


def touched(
    hand: Hand,
    told: Sequence[Told],
    connection: str,
    names: Mapping[int, Name],
    rows: Mapping[int, Standing],
    forced: Collection[Name],
) -> set[Name]:
    """Names of the legs that are to be decided anew.

    Args:
        hand: This process's means.
        told: What all receipts say of the part.
        connection: Of which the candidate is.
        names: Leg id -> name, of the legs the store knows.
        rows: Record id -> what is stored of the connection's words about them.
        forced: Names that are wanted whatever their records say.
    """
    found = otherwise(hand, told, connection, names, rows)
    return _with_neighbours(hand, names, found.names | set(forced))


class Otherwise(Struct):
    """What reads otherwise than it is stored.

    Attributes:
        names: Legs of which any record does.
        gone: Record id -> leg, of those stored that nothing here says any more.
        new: Record id -> leg, of those said that are not stored.
        moved: (leg before, leg now) of a record.
    """

    names: set[Name]
    gone: dict[int, Name]
    new: dict[int, Name]
    moved: set[tuple[Name, Name]]


def otherwise(
    hand: Hand,
    told: Sequence[Told],
    connection: str,
    names: Mapping[int, Name],
    rows: Mapping[int, Standing],
) -> Otherwise:
    """What of a connection's words reads otherwise; arguments as of `touched`."""
    digests: dict[Name, set[tuple[str | None, str | None]]] = {}
    for row in rows.values():
        digests.setdefault(names[row.leg_id], set()).add((row.facet, row.digest))
    found = Otherwise(set(), {}, {}, set())
    seen = set()
    for one in told:
        if one.connection != connection:
            continue
        for i, name, facet, digest in _words(hand, one):
            held = rows.get(i)
            if held is None:
                if (facet, digest) not in digests.get(name, ()):
                    found.names.add(name)
                    found.new[i] = name
                continue
            seen.add(i)
            if (held.facet, held.digest, names[held.leg_id]) != (facet, digest, name):
                before = names[held.leg_id]
                found.names |= {name, before}
                if before != name:
                    found.moved.add((before, name))
    found.gone = {i: names[row.leg_id] for i, row in rows.items() if i not in seen}
    found.names |= set(found.gone.values())
    return found


def _words(hand: Hand, one: Told) -> Iterator[tuple[int, Name, str | None, str]]:
    """(record id, leg, facet, digest) of everything a receipt says."""
    namespace = hand.connection(one.connection).namespace
    for record in one.records:
        i = record_id(one.receipt_id, record.position)
        yield i, (_of(namespace, record.part), record.code), record.facet.value, record.digest
    for stone in one.tombstones:
        i = record_id(one.receipt_id, stone.position)
        yield i, (_of(namespace, stone.part), stone.code), None, stone.digest


def names_of(hand: Hand, one: Told) -> set[Name]:
    """The legs that a receipt speaks of."""
    return {name for _, name, _, _ in _words(hand, one)}


def _of(namespace: str, part: str) -> str:
    return f"{namespace}.{part}" if part else namespace


def _with_neighbours(hand: Hand, names: Mapping[int, Name], changed: set[Name]) -> set[Name]:
    """These, and every leg that ever made a claim with one of them, directly or through others."""
    if not changed:
        return changed
    claims: dict[Name, set[tuple[str, str]]] = {}
    makers: dict[tuple[str, str], set[Name]] = {}
    for leg_id, kind, key in whatif.claims_of(hand.tx, names):
        claims.setdefault(names[leg_id], set()).add((kind, key))
        makers.setdefault((kind, key), set()).add(names[leg_id])
    found, ahead = set(changed), list(changed)
    while ahead:
        for claim in claims.get(ahead.pop(), ()):
            new = makers.pop(claim, set()) - found
            found |= new
            ahead += new
    return found


def as_settled(told: Iterable[Told]) -> list[Told]:
    """What receipts say, but for what a person gave to the next generation of its code.

    That is said by the receipt which opened it, however the case before it reads now.
    """
    listed = list(told)
    given = {
        (one.origin.place_id, record.position)
        for one in listed
        if one.opens and one.origin is not None
        for record in one.records
    }
    if not given:
        return listed

    def kept(one: Told) -> Told:
        first = one.receipt_id if one.origin is None else one.origin.place_id
        left = [record for record in one.records if (first, record.position) not in given]
        return structs.replace(one, records=left)

    return [one if one.opens else kept(one) for one in listed]


def only(hand: Hand, told: Iterable[Told], chosen: Collection[Name]) -> Iterator[Told]:
    """What receipts say of these legs alone."""
    for one in told:
        namespace = hand.connection(one.connection).namespace
        records = [r for r in one.records if (_of(namespace, r.part), r.code) in chosen]
        stones = [t for t in one.tombstones if (_of(namespace, t.part), t.code) in chosen]
        if records or stones:
            yield structs.replace(one, records=records, tombstones=stones)
