"""A leg: what one system holds of a case, folded field by field out of its facets.

Within one facet the newer version wins; across facets the later moment, then the higher version
(CONTRACT, "superseded and VERSION_CONFLICT are decided within one (leg, facet)"); where both are
equal, the facet that comes later in a case's life. Every field keeps the place of the statement
that gave it, so any order of arrival gives one leg.
"""

from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from canonical import clock
from canonical.fields import Facet
from canonical.record import Record, VersionBy

# How a statement is placed among those of its own facet: (number or 0, moment, order of intake).
Place = tuple[int, str, int]


class Told(Struct, frozen=True, array_like=True, gc=False):
    """One field's newest statement within one facet: its value and where it stands."""

    value: Any
    place: Place
    effective_at: str


class Fold(Struct, array_like=True):
    """The folded statements of one leg.

    Attributes:
        fields: facet -> leaf path -> newest statement.
        first_due: facet -> the oldest statement that promised a due date.
    """

    fields: dict[str, dict[str, Told]] = {}
    first_due: dict[str, Told] = {}


class Head(Struct, frozen=True, gc=False):
    """What is known of one held record, as decisions need it."""

    version: int | None
    sort_at: str
    digest: str


_ENCODER = msgspec.json.Encoder()
# The course of a case: what is paid for is finished after it.
_COURSE = (
    Facet.SNAPSHOT,
    Facet.RECEPTION,
    Facet.STEP,
    Facet.MONEY,
    Facet.RESULT,
    Facet.RATING,
)
_LATER = {facet.value: place for place, facet in enumerate(_COURSE)}
_DECODER = msgspec.json.Decoder(Fold)


def encode(fold: Fold) -> str:
    """The fold as text; equal folds give equal text."""
    ordered = Fold(
        {
            facet: {path: told[path] for path in sorted(told)}
            for facet, told in sorted(fold.fields.items())
        },
        dict(sorted(fold.first_due.items())),
    )
    return _ENCODER.encode(ordered).decode()


def decode(text: str) -> Fold:
    """A fold from text `encode` wrote; "" gives an empty one."""
    return _DECODER.decode(text) if text else Fold({}, {})


def effective_at(record: Record, received_at: datetime) -> str:
    """When a statement holds from: the source's own time, else the time of intake; ISO +07:00."""
    return clock.to_iso(record.updated_at or received_at)


def sort_at(record: Record, received_at: datetime) -> str:
    """The moment by which a statement is placed within its facet, ISO +07:00."""
    if record.version_by is VersionBy.OBSERVED:
        return clock.to_iso(received_at)
    return effective_at(record, received_at)


def place_of(record: Record, record_id: int, received_at: datetime) -> Place:
    """A statement's place within its facet.

    A numbered statement stands after every unnumbered one of the same facet.
    """
    return (record.version or 0, sort_at(record, received_at), record_id)


def tell(fold: Fold, record: Record, record_id: int, received_at: datetime) -> None:
    """Fold one more statement in; the order of calls does not matter."""
    place = place_of(record, record_id, received_at)
    at = effective_at(record, received_at)
    facet = record.facet.value
    fields = fold.fields.setdefault(facet, {})
    if not fields:
        fields.update({path: Told(value, place, at) for path, value in record.says.items()})
    else:
        for path, value in record.says.items():
            held = fields.get(path)
            if held is None or place > held.place:
                fields[path] = Told(value, place, at)
    due = record.says.get("due_at")
    if due is not None:
        first = fold.first_due.get(facet)
        if first is None or place < first.place:
            fold.first_due[facet] = Told(due, place, at)


# (moment, version, facet, order of intake): the last only ever tells apart statements of one facet.
_Rank = tuple[str, int, int, int]


def _rank(facet: str, told: Told) -> _Rank:
    return (told.effective_at, told.place[0], _LATER[facet], told.place[2])


def newest(fold: Fold, path: str) -> Told | None:
    """The newest statement about one field over all facets; None where nothing is said."""
    if len(fold.fields) == 1:
        [only] = fold.fields.values()
        return only.get(path)
    best: tuple[str, Told] | None = None
    for facet, fields in fold.fields.items():
        told = fields.get(path)
        if told is not None and (best is None or _rank(facet, told) > _rank(*best)):
            best = (facet, told)
    return best[1] if best is not None else None


def state_of(fold: Fold) -> tuple[str, str] | None:
    """A leg's state and since when; None where nothing tells one.

    Within a facet the state it says outright stands over its history; a facet that never says one
    speaks by the last item of its history. Over all facets the latest of these is the leg's.
    """
    best: tuple[_Rank, str] | None = None
    for facet, fields in fold.fields.items():
        told, history = fields.get("status"), fields.get("history")
        if told is not None and told.value is not None:
            found = (_rank(facet, told), str(told.value))
        elif history is not None and history.value:
            last = max(history.value, key=lambda item: str(item["at"]))
            rank = (last["at"], history.place[0], _LATER[facet], history.place[2])
            found = (rank, last["status"])
        else:
            continue
        if best is None or found > best:
            best = found
    return (best[0][0], best[1]) if best is not None else None


def view(fold: Fold) -> dict[str, Told]:
    """Every field that is said, with its newest statement over all facets."""
    if len(fold.fields) == 1:
        return dict(next(iter(fold.fields.values())))
    best: dict[str, tuple[str, Told]] = {}
    for facet, fields in fold.fields.items():
        for path, told in fields.items():
            held = best.get(path)
            if held is None or _rank(facet, told) > _rank(*held):
                best[path] = (facet, told)
    return {path: told for path, (_, told) in best.items()}


def first_due(fold: Fold) -> str | None:
    """The due date that was promised first, ISO; None where none was."""
    if not fold.first_due:
        return None
    return str(min(fold.first_due.items(), key=lambda one: _rank(*one))[1].value)


def newest_place(fold: Fold, facet: Facet) -> Place | None:
    """Where the newest statement of a facet stands; None where the facet says nothing."""
    return max((told.place for told in fold.fields.get(facet.value, {}).values()), default=None)


def history_place(fold: Fold, facet: Facet) -> Place | None:
    """Where the newest full history of a facet stands; None where the facet never told one."""
    told = fold.fields.get(facet.value, {}).get("history")
    return told.place if told is not None else None
