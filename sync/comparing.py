"""One page of a source's own list held against what the hub holds, and healed by the one way in.

What a row would become if it were taken in says how the two stand: a duplicate is agreed on, a row
that would be applied is missing or stale here, one that contradicts what is held under the same
version diverges. Missing and stale rows are taken in, those rows of the page alone; what diverges
is shown and left to people.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

from msgspec import Struct, structs
from sqlalchemy.engine import Connection as Tx

from canonical import leg
from canonical.decide import Deciding, Decision, Disposition
from canonical.errors import Garbled, Refused, RequestRefused
from canonical.leg import Fold, Head
from canonical.ports import Page
from canonical.reasons import Reason
from canonical.record import Item, Record, Rejected
from canonical.text import Malformed
from store import connections, legs, reconciliations
from store.connections import ConnectionRow, LeaseToken
from store.legs import Key, LegRow
from store.reconciliations import Found
from sync import shapes
from sync.batch import candidate_of, decision_of
from sync.context import Context
from sync.intake import prepare, take_in
from sync.reading import Read
from sync.taken import Outcome, Taken

MISSING, STALE, DIVERGED, DELETED = "missing", "stale", "diverged", "deleted"
_HEALED = frozenset({"applied", "superseded", "duplicate"})
Place = tuple[int, str]  # a leg and one of its facets


class Listing(Struct):
    """A source's own list, as far as it was read.

    Attributes:
        heals: Whether missing and stale rows are taken in.
        rows: How many there were.
        seen: Legs it tells of.
        agreed: Facets of which it tells what is the newest.
        older: Facets of which it tells something that the hub holds a newer word of.
        unreadable: Rows of which not even the code could be read.
        set_apart: Rows that are in the quarantine.
    """

    id: int
    connection: ConnectionRow
    lease: LeaseToken
    heals: bool
    rows: int = 0
    seen: set[int] = set()
    agreed: set[Place] = set()
    older: set[Place] = set()
    unreadable: int = 0
    set_apart: int = 0


class _Held(Struct, frozen=True):
    """What the hub holds of the dossiers of a page.

    Attributes:
        parts: The sub-namespaces its dossiers may lie in.
        quarantined: Digests of rows that the quarantine knows.
    """

    parts: Collection[str]
    rows: Mapping[Key, LegRow]
    folds: Mapping[int, Fold]
    heads: Mapping[Place, Sequence[Head]]
    quarantined: Collection[str]


def compare_page(context: Context, listing: Listing, page: Page) -> None:
    """Hold one page against the store, take in what is safe, keep what was found.

    Raises:
        HubError: the page is outside its contract, the lease was lost, the store is away.
    """
    taken = Taken(
        connection=listing.connection,
        shape=page.shape,
        raw=page.raw,
        received_at=page.observed_at,
        keeps_duplicates=False,
    )
    try:
        found, mapping_version = prepare(context, taken)
    except RequestRefused as error:
        raise Refused(error.reason, system=listing.connection.id) from error
    except Malformed as error:
        raise Garbled(Reason.BODY_MALFORMED, system=listing.connection.id) from error
    with context.store.read() as tx:
        held = _load(context, tx, listing.connection, found.items, mapping_version)
    listing.rows += len(found.items)
    kinds, safe = _kinds(listing, found.items, held, page.observed_at)
    _keep(context, listing, taken, found, mapping_version, kinds, safe if listing.heals else set())


def _keep(
    context: Context,
    listing: Listing,
    taken: Taken,
    found: Read,
    mapping_version: int,
    kinds: Mapping[int, str],
    safe: Collection[int],
) -> None:
    """Take in the rows at the positions that are safe, and note what was found, in one commit."""
    items = {item.position: item for item in found.items}

    def note(tx: Tx, fates: Mapping[int, str]) -> None:
        connections.hold_lease(tx, listing.lease, context.now(), context.limits.lease_s)
        told = [
            _found(items[position], kind, is_healed=fates.get(position) in _HEALED)
            for position, kind in sorted(kinds.items())
        ]
        reconciliations.save_found(tx, listing.id, told)

    def within(tx: Tx, outcome: Outcome) -> None:
        note(tx, {fate.position: fate.disposition for fate in outcome.fates})

    if safe:
        only = structs.replace(found, items=[i for i in found.items if i.position in safe])
        part = structs.replace(taken, shape=shapes.part(taken.shape, safe))
        take_in(context, part, only, mapping_version, within)
    elif kinds:
        context.store.in_write(lambda tx: note(tx, {}))


def _found(item: Item, kind: str, *, is_healed: bool) -> Found:
    part = "" if isinstance(item, Rejected) else item.part
    facet = item.facet.value if isinstance(item, Record) else ""
    return Found(part, item.code or "", facet, kind, is_healed)


def _load(
    context: Context, tx: Tx, connection: ConnectionRow, items: Sequence[Item], version: int
) -> _Held:
    shapes_of = context.mapping(tx, connection, version).shapes.values()
    parts = sorted({shape.part for shape in shapes_of})
    wanted = {key for item in items for key in _keys(item, connection, parts)}
    rows = legs.load_newest(tx, wanted) if wanted else {}
    ids = [row.id for row in rows.values()]
    bad = {i.digest for i in items if isinstance(i, Rejected) and i.digest is not None}
    return _Held(
        parts=parts,
        rows=rows,
        folds={row.id: leg.decode(row.fold) for row in rows.values()},
        heads=legs.load_heads(tx, ids) if ids else {},
        quarantined=legs.held_in_quarantine(tx, connection.id, bad) if bad else (),
    )


def _keys(item: Item, connection: ConnectionRow, parts: Collection[str]) -> Iterator[Key]:
    """The names a row's leg may have: one, or several where only its code could be read."""
    if item.code is None:
        return
    for part in parts if isinstance(item, Rejected) else (item.part,):
        yield (f"{connection.namespace}.{part}" if part else connection.namespace, item.code)


def _kinds(
    listing: Listing, items: Sequence[Item], held: _Held, now: datetime
) -> tuple[dict[int, str], set[int]]:
    """Position -> what is wrong there, and the positions that are safe to be taken in."""
    kinds: dict[int, str] = {}
    safe: set[int] = set()
    deciding = Deciding(held.heads)
    for item in items:
        rows = [held.rows[k] for k in _keys(item, listing.connection, held.parts) if k in held.rows]
        listing.seen.update(row.id for row in rows)
        kind: str | None = None
        if isinstance(item, Rejected):
            _set_apart(listing, item, held, safe)
        elif not rows:
            kind = MISSING if isinstance(item, Record) else None
        elif isinstance(item, Record):
            kind = _kind(listing, item, rows[0], held, deciding, now)
        elif rows[0].gone_at is None:
            kind = DELETED
        if kind is not None:
            kinds[item.position] = kind
            if kind != DIVERGED:
                safe.add(item.position)
    return kinds, safe


def _set_apart(listing: Listing, item: Rejected, held: _Held, safe: set[int]) -> None:
    """A row that cannot be taken is kept in the quarantine, once."""
    listing.set_apart += 1
    if item.code is None:
        listing.unreadable += 1
    if item.digest is not None and item.digest not in held.quarantined:
        safe.add(item.position)


def _kind(
    listing: Listing,
    record: Record,
    row: LegRow,
    held: _Held,
    deciding: Deciding,
    now: datetime,
) -> str | None:
    """What is wrong with a record of which the hub knows the dossier; None where nothing is."""
    place = (row.id, record.facet.value)
    candidate = candidate_of(record, row.id, now)
    decision = decision_of(deciding, candidate, held.folds[row.id], record)
    heads = held.heads.get(place, ())
    if decision.disposition is Disposition.DUPLICATE:
        is_newest = bool(heads) and _newest(heads).digest == record.digest
        (listing.agreed if is_newest else listing.older).add(place)
        return MISSING if row.gone_at is not None else None
    if decision.disposition is Disposition.QUARANTINED or decision.same_time:
        return DIVERGED
    deciding.hold(candidate)
    return _unheld(listing, place, decision, is_known=bool(heads))


def _unheld(listing: Listing, place: Place, decision: Decision, *, is_known: bool) -> str:
    if decision.disposition is Disposition.SUPERSEDED:
        listing.older.add(place)
        return MISSING
    listing.agreed.add(place)
    return STALE if is_known else MISSING


def _newest(heads: Sequence[Head]) -> Head:
    places = [(head.version or 0, head.sort_at, n) for n, head in enumerate(heads)]
    return heads[max(places)[2]]


def note_ahead(context: Context, listing: Listing) -> None:
    """Note where the hub holds a newer word than the source lists: they diverge."""
    ahead = sorted(listing.older - listing.agreed)
    if not ahead:
        return

    def work(tx: Tx) -> None:
        connections.hold_lease(tx, listing.lease, context.now(), context.limits.lease_s)
        rows = legs.load_legs(tx, {leg_id for leg_id, _ in ahead})
        told = [
            Found(
                part=part_of(listing.connection, rows[leg_id]),
                code=rows[leg_id].code,
                facet=facet,
                kind=DIVERGED,
                healed=False,
            )
            for leg_id, facet in ahead
        ]
        reconciliations.save_found(tx, listing.id, told)

    context.store.in_write(work)


def part_of(connection: ConnectionRow, row: LegRow) -> str:
    """The sub-namespace of a connection that a leg lies in."""
    return row.namespace.removeprefix(connection.namespace).removeprefix(".")
