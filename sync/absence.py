"""Dossiers that a source's complete list no longer tells of: noted first, gone the second time.

What is gone is taken in like any other word: a receipt whose bytes list the codes, decided and
proved as all are. A list that lacks more than half of what is held is taken for incomplete.
"""

import json
from collections.abc import Callable, Sequence

from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.errors import Garbled
from canonical.reasons import Reason
from store import connections, legs, reconciliations
from store.legs import LegRow
from store.reconciliations import CHUNK, Found
from sync.comparing import DELETED, Listing, part_of
from sync.context import Context
from sync.intake import prepare, take_in
from sync.reading import GONE
from sync.taken import Outcome, Taken

EXTRA = "extra"
IsMeant = Callable[[LegRow], bool]


def settle_missed(
    context: Context, listing: Listing, until_id: int, is_meant: IsMeant, *, trusts: bool
) -> int:
    """Note whom a complete list does not tell of; how many legs were looked at.

    Args:
        context: The hub's parts.
        listing: The list, read to its end.
        until_id: The highest leg id there was when it was begun.
        is_meant: Whether a leg would stand in what was listed, were it there.
        trusts: A person says that the list is complete, however much it lacks.

    Raises:
        Garbled: PAGE_SHORT where it lacks more than half of what is held.
    """
    held = 0
    missed: list[int] = []
    with context.store.read() as tx:
        for row in reconciliations.stream_legs(tx, listing.connection.id, until_id):
            held += 1
            if row.id not in listing.seen and is_meant(row):
                missed.append(row.id)
    if len(missed) * 2 > held and not trusts:
        raise Garbled(
            Reason.PAGE_SHORT,
            f"its list lacks {len(missed)} of {held} dossiers that are held: taken for incomplete",
            system=listing.connection.id,
        )
    counts = listing.heals and not listing.unreadable
    for start in range(0, len(missed), CHUNK):
        _settle(context, listing, missed[start : start + CHUNK], counts=counts)
    if counts:
        context.store.in_write(
            lambda tx: reconciliations.forget_missed(tx, listing.connection.id, listing.id)
        )
    return held


def _settle(context: Context, listing: Listing, ids: Sequence[int], *, counts: bool) -> None:
    """Some of those missed: extra, or gone where they were missed before."""
    with context.store.read() as tx:
        again = reconciliations.missed_before(tx, ids) if counts else set()
        rows = legs.load_legs(tx, ids)
    first = [one for one in ids if one not in again]

    def note(tx: Tx) -> None:
        connections.hold_lease(tx, listing.lease, context.now(), context.limits.lease_s)
        told = [_found(listing, rows[one], EXTRA, is_healed=False) for one in first]
        reconciliations.save_found(tx, listing.id, told)
        if counts:
            reconciliations.note_missed(tx, listing.id, first)

    if first:
        context.store.in_write(note)
    gone = [rows[one] for one in ids if one in again]
    if gone:
        _bury(context, listing, gone)


def _bury(context: Context, listing: Listing, rows: Sequence[LegRow]) -> None:
    """Take in that these are gone, as the one way in takes everything."""
    now = clock.from_iso(clock.to_iso(context.now()))
    told = {
        "reconciliation": listing.id,
        "gone": [{"part": part_of(listing.connection, r), "code": r.code} for r in rows],
    }
    taken = Taken(
        connection=listing.connection,
        shape=GONE,
        raw=json.dumps(told, ensure_ascii=False).encode(),
        received_at=now,
        keeps_duplicates=False,
    )

    def within(tx: Tx, outcome: Outcome) -> None:
        connections.hold_lease(tx, listing.lease, context.now(), context.limits.lease_s)
        applied = {fate.position for fate in outcome.fates if fate.disposition == "applied"}
        reconciliations.save_found(
            tx,
            listing.id,
            [_found(listing, r, DELETED, is_healed=n in applied) for n, r in enumerate(rows)],
        )

    take_in(context, taken, *prepare(context, taken), within)


def _found(listing: Listing, row: LegRow, kind: str, *, is_healed: bool) -> Found:
    return Found(part_of(listing.connection, row), row.code, "", kind, is_healed)
