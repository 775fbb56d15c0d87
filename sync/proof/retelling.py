"""Legs told anew from the beginning, in memory: what they hold then, and what of it is another.

The same for what is told anew (sync.remap.committing) and for its proof (sync.proof.part): the same
words in the same order come to the same legs. Whatever was said of these legs before is left out.
"""

from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct, structs

from canonical import clock, leg
from canonical.leg import Fold
from canonical.ties import Claim, claims_of
from store.intake import RecordRow, record_id
from store.legs import Entry, LegRow
from sync.applying import decide
from sync.batch import Touched, namespace_of
from sync.dossiers import LAST_PLACE
from sync.proof.hand import Hand
from sync.proof.note import Name
from sync.proof.remembered import LegName, Remembered
from sync.proof.spool import Told
from sync.taken import Origin, Taken, source_of
from sync.timeline import merge_entries

_NOW = -1


def taken_of(hand: Hand, told: Told) -> Taken:
    """A receipt as it was taken in."""
    return Taken(
        connection=hand.connection(told.connection),
        shape="",
        raw=b"",
        received_at=clock.local(told.received_at),
        agencies=frozenset(told.agencies),
        keeps_duplicates=told.keeps_duplicates,
        origin=(
            structs.replace(told.origin, received_at=clock.local(told.origin.received_at))
            if told.origin is not None
            else None
        ),
    )


def begins(hand: Hand, ground: Remembered, told: Told, taken: Taken) -> None:
    """Begin the next generation of a leg, where that is what was decided."""
    if told.opens and told.records:
        [record] = told.records
        key = (namespace_of(source_of(taken), record.part), record.code)
        ground.open_generation(key, told.connection)


def as_retold(told: Told) -> Told:
    """What a receipt said, to be told anew: at the place at which it stands."""
    origin = told.origin
    if origin is None:
        own = Origin(told.receipt_id, told.received_at, is_retold=True, in_turn=False)
    else:
        own = Origin(told.receipt_id, origin.received_at, origin.place_id, is_retold=True)
    return structs.replace(told, origin=own)


class Retold(Struct):
    """What legs hold when all is said again.

    Attributes:
        ground: The legs.
        entries: Leg id -> its timeline.
        ended: What became of what each receipt said.
    """

    ground: Remembered
    entries: dict[int, dict[str, Entry]]
    ended: list[tuple[Told, Sequence[RecordRow]]]


def retell(hand: Hand, told: Sequence[Told], known: Mapping[LegName, int]) -> Retold:
    """Decide these words anew, in this order, from legs that hold nothing.

    Args:
        hand: Means to look up connections and catalogues.
        told: All that was ever said of the legs.
        known: Name -> id of legs; others get negative ones.
    """
    found = Retold(Remembered(known, {}), {}, [])
    for one in told:
        taken = taken_of(hand, one)
        begins(hand, found.ground, one, taken)
        books = hand.books(one.catalogue)
        decided = decide(found.ground, books, taken, one.receipt_id, one.items())
        touched = decided.touched
        for leg_id, own in touched.entries.items():
            held = found.entries.setdefault(leg_id, {})
            merge_entries(held, own, touched.folds[leg_id], _NOW)
        found.ended.append((one, decided.told))
    return found


def named(found: Retold, ids: Mapping[int, int]) -> Retold:
    """The same, with these ids of legs in place of those they had."""
    if not ids:
        return found
    ground = found.ground
    for old, new in ids.items():
        row = ground.legs.pop(old)
        ground.legs[new] = structs.replace(row, id=new)
        ground.held_folds[new] = ground.held_folds.pop(old)
        if old in ground.saved:
            ground.saved.add(new)
        entries = found.entries.pop(old, {})
        for entry in entries.values():
            entry.leg_id = new
        found.entries[new] = entries
    ended: list[tuple[Told, Sequence[RecordRow]]] = [
        (told, [structs.replace(r, leg_id=ids.get(r.leg_id or 0, r.leg_id)) for r in rows])
        for told, rows in found.ended
    ]
    return Retold(ground, found.entries, ended)


class Old(Struct):
    """What a leg was before it was told anew.

    Attributes:
        text: What it held (leg.encode); "" where nobody ever told of it.
        claims: Those that live.
    """

    row: LegRow
    text: str
    entries: Mapping[str, Entry]
    claims: frozenset[Claim]


def turned(
    olds: Mapping[int, Old], found: Retold, moved: Collection[Name], note_id: int, at: str
) -> Touched:
    """The legs that are others now.

    Args:
        olds: Leg id -> what it was, of all legs that are told anew.
        found: What they are.
        moved: Names of legs whose records are of other legs now.
        note_id: The receipt that says so.
        at: When, ISO at +07:00: of which nothing can be read any more is gone from then on.
    """
    touched = Touched({}, {}, {}, set(), {}, retold_by=record_id(note_id, 0))
    for leg_id, old in sorted(olds.items()):
        ground = found.ground
        now = ground.legs.get(leg_id)
        fold = ground.held_folds[leg_id] if leg_id in ground.saved else Fold({}, {})
        if not old.text and not fold.fields:
            continue
        entries = found.entries.get(leg_id, {})
        is_empty = now is None or not fold.fields
        gone_at = (old.row.gone_at or at) if now is None or is_empty else now.gone_at
        same_time = now is not None and not is_empty and now.same_time
        before = (old.text, old.row.same_time, old.row.gone_at, _live(old.entries))
        if before == (leg.encode(fold), same_time, gone_at, _live(entries)):
            continue
        row = structs.replace(old.row, same_time=same_time, gone_at=gone_at)
        touched.legs[leg_id], touched.folds[leg_id] = row, fold
        touched.order[leg_id] = LAST_PLACE
        touched.late.add(leg_id)
        touched.retold[leg_id] = entries
        if gone_at is not None and old.row.gone_at is None:
            touched.gone.add(leg_id)
        elif gone_at is None and old.row.gone_at is not None:
            touched.restored.add(leg_id)
        stays = is_empty and (row.namespace, row.code) not in moved
        touched.claims[leg_id] = old.claims if stays else claims_of(row.namespace, row.code, fold)
    return touched


def _live(entries: Mapping[str, Entry]) -> dict[str, bool]:
    return {key: one.arrived_late for key, one in entries.items() if one.retracted_by is None}
