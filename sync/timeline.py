"""A leg's timeline kept: doubles once, a newer full history replaces the older, nothing deleted."""

from collections.abc import Sequence

from canonical.leg import Fold
from store.legs import Entry
from sync.entries import entry_key


def merge_entries(held: dict[str, Entry], told: Sequence[Entry], fold: Fold, seq: int) -> None:
    """Merge what a batch told into the held entries of one leg, in place.

    An entry that only histories told, and that the newest full history of its facet no longer
    tells, stays and is marked retracted by the record that left it out. `is_changed` marks what has
    to be written.
    """
    for entry in told:
        known = held.get(entry.key)
        if known is None:
            entry.known_seq = seq
            held[entry.key] = entry
            continue
        if (entry.from_record and not known.from_record) or (
            entry.in_history and not known.in_history
        ):
            known.from_record = known.from_record or entry.from_record
            known.in_history = known.in_history or entry.in_history
            known.is_changed = True
        if entry.from_record and known.retracted_by is not None:  # said again, in so many words
            known.retracted_by = known.retracted_seq = None
            known.is_changed = True
    if any(entry.in_history for entry in told) or _has_history(fold):
        _retract(held, fold, seq)


_TOLD = ("record_id", "note", "from_record", "in_history", "arrived_late")


def replace_entries(held: dict[str, Entry], told: dict[str, Entry], by: int, seq: int) -> None:
    """Put what a leg tells now in place of the held entries, in place; nothing is deleted.

    Args:
        held: The timeline of a leg.
        told: The same, told anew from the beginning.
        by: The record by which entries are taken back that nobody tells any more.
        seq: The change with which the hub learnt it.
    """
    for key, entry in told.items():
        known = held.get(key)
        if known is None:
            entry.known_seq, entry.is_changed = seq, True
            if entry.retracted_by is not None:
                entry.retracted_seq = seq
            held[key] = entry
            continue
        for name in _TOLD:
            setattr(known, name, getattr(entry, name))
        if entry.retracted_by is None:
            known.retracted_by = known.retracted_seq = None
        elif known.retracted_by is None:
            known.retracted_by, known.retracted_seq = entry.retracted_by, seq
        known.is_changed = True
    for key, known in held.items():
        if key in told:
            continue
        # No record's own word any more: only a history that tells it again brings it back.
        known.from_record, known.in_history, known.is_changed = False, True, True
        if known.retracted_by is None:
            known.retracted_by, known.retracted_seq = by, seq


def _has_history(fold: Fold) -> bool:
    return any("history" in fields for fields in fold.fields.values())


def _retract(held: dict[str, Entry], fold: Fold, seq: int) -> None:
    for facet, fields in fold.fields.items():
        told = fields.get("history")
        if told is None:
            continue
        kept = {
            entry_key(facet, i["status"], i["at"], i.get("officer"), i.get("unit"))
            for i in told.value or ()
        }
        newest_record = told.place[2]
        for entry in held.values():
            if entry.facet != facet:
                continue
            if entry.from_record or entry.key in kept:  # a record's own word stands by itself
                if entry.retracted_by is not None:
                    entry.retracted_by = entry.retracted_seq = None
                    entry.is_changed = True
            elif entry.retracted_by is None:
                entry.retracted_by, entry.retracted_seq = newest_record, seq
                entry.is_changed = True
