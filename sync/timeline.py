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
    if any(entry.in_history for entry in told) or _has_history(fold):
        _retract(held, fold, seq)


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
