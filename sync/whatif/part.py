"""One part of a what-if: its legs decided anew under the candidate, then held against the store.

The same functions decide as in a proof; only what differs is kept.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct, json

from store import coverage, proof, remaps, whatif
from store.coverage import Counted, Stretch
from store.dossiers import JudgementRow, SpanRow
from store.ground import Claimed
from store.intake import record_id
from store.remaps import Standing
from sync.hiding import masked
from sync.proof.hand import Hand, Place
from sync.proof.part import Again
from sync.proof.plan import load_legs
from sync.proof.remembered import Remembered
from sync.proof.spool import told_of
from sync.whatif import choosing
from sync.whatif.choosing import Name
from sync.whatif.report import APPEARS, CHANGED, GOES, DossierChange, FieldChange

_OBJECTS = ("procedure", "applicant", "acting")
Meeting = tuple[str, str, str, str]  # kind, key, namespace, code


class Task(Struct, frozen=True):
    """Which part, and for which connection.

    Attributes:
        forced: Legs that are decided anew whatever their records say.
    """

    part: int
    bounds: tuple[int, int]
    elsewhere: frozenset[Claimed]
    connection: str
    forced: frozenset[Name] = frozenset()


class Found(Struct):
    """What of a part would be another.

    Attributes:
        moved: How dossiers count before and after, where that differs.
        lost: Record id -> disposition, of those that were taken and would not be, in their leg.
        gained: Likewise of those that would be taken and were not.
        turned: Record id -> (before, after), of those taken either way.
        codes: Record id -> local code, of those gained.
        meetings: Claims that the store does not know, and who would make them.
        chosen: Legs that were decided anew.
        refused: Record id -> reason and field, of those the store refused of legs that were not.
    """

    dossiers: list[DossierChange]
    moved: list[tuple[Counted | None, Counted | None]]
    lost: dict[int, str]
    gained: dict[int, str]
    turned: dict[int, tuple[str, str]]
    codes: dict[int, str]
    meetings: list[Meeting]
    chosen: set[Name]
    refused: dict[int, tuple[str, str | None]]
    unreadable: list[str]


def compute(hand: Hand, place: Place, task: Task) -> Found:
    """Decide a part under the candidate, and say what differs.

    Raises:
        StoreUnavailable, OperationalError, InterfaceError: the store cannot be read.
    """
    every = load_legs(place.folder, task.bounds)
    known = proof.leg_names(hand.tx, every)
    names = {leg_id: (namespace, code) for (namespace, code, _), leg_id in known.items()}
    told = choosing.as_settled(told_of(place.folder, task.part, hand.context.vault))
    rows = remaps.standing(hand.tx, every, task.connection)
    chosen = choosing.touched(hand, told, task.connection, names, rows, task.forced)
    found = Found([], [], {}, {}, {}, {}, [], chosen, {}, [])
    found.refused = {
        i: (row.reason or "", row.field)
        for i, row in rows.items()
        if row.disposition == "quarantined" and names[row.leg_id] not in chosen
    }
    if not chosen:
        return found
    ground = Remembered(known, hand.roles, task.elsewhere)
    again = Again(hand, place, ground)
    for one in choosing.only(hand, told, chosen):
        again.take(one)
    again.spool.flush()
    found.unreadable = again.unreadable
    legs = [leg_id for leg_id in every if names.get(leg_id) in chosen]
    _dossiers(hand, ground, legs, found)
    _counts(hand, ground, legs, found)
    _records(ground, rows, names, task.connection, found)
    _claims(hand, ground, legs, found)
    return found


# ------------------------------------------------------------------ dossiers


def _dossiers(hand: Hand, ground: Remembered, legs: Sequence[int], found: Found) -> None:
    before = {told[0]: (i, *told[1:]) for i, told in whatif.living(hand.tx, legs).items()}
    after = {row.public_id: row for row in ground.dossiers.values() if row.merged_into is None}
    lines = _by_dossier(whatif.live_entries(hand.tx, legs), whatif.members(hand.tx, legs))
    live = {
        leg: {e.key: f"{e.status} {e.at}" for e in own.values() if e.retracted_by is None}
        for leg, own in ground.entries.items()
    }
    lines_after = _by_dossier(live, ground.member_of)
    for public_id in sorted({*before, *after}):
        old, new = before.get(public_id), after.get(public_id)
        if old is None or new is None:
            if old is not None and not _says(json.decode(old[1])):
                continue  # nothing could be read of it before either
            body = json.decode(old[1] if old is not None else new.body if new is not None else "{}")
            kind = APPEARS if old is None else GOES
            found.dossiers.append(DossierChange(public_id, _codes(body), kind, []))
            continue
        told, told_after = lines.get(old[0], set()), lines_after.get(new.id, set())
        if old[1] == new.body and old[2] == new.findings and told == told_after:
            continue
        first, second = json.decode(old[1]), json.decode(new.body)
        fields = list(_fields(first, second))
        if old[2] != new.findings:
            fields.append(FieldChange("findings", json.decode(old[2]), json.decode(new.findings)))
        if told != told_after:
            one, other = sorted(told - told_after), sorted(told_after - told)
            fields.append(FieldChange("timeline", [t[1] for t in one], [t[1] for t in other]))
        if fields:
            codes = sorted({*_codes(first), *_codes(second)})
            found.dossiers.append(DossierChange(public_id, codes, CHANGED, fields))


def _by_dossier(
    entries: Mapping[int, Mapping[str, str]], members: Mapping[int, int]
) -> dict[int, set[tuple[str, str]]]:
    told: dict[int, set[tuple[str, str]]] = {}
    for leg, own in entries.items():
        if leg in members:
            told.setdefault(members[leg], set()).update(own.items())
    return told


def _says(body: dict[str, Any]) -> bool:
    return any(leg["updated_at"] is not None for leg in body.get("legs", ()))


def _codes(body: dict[str, Any]) -> list[str]:
    return [f"{leg['namespace']}:{leg['code']}" for leg in body.get("legs", ())]


def _fields(before: dict[str, Any], after: dict[str, Any]) -> Iterable[FieldChange]:
    for name in dict.fromkeys((*before, *after)):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        if name in _OBJECTS:
            first, second = old or {}, new or {}
            for leaf in dict.fromkeys((*first, *second)):
                if first.get(leaf) != second.get(leaf):
                    path = f"{name}.{leaf}"
                    yield _masked(path, first.get(leaf), second.get(leaf))
        else:
            yield _masked(name, old, new)


def _masked(path: str, before: Any, after: Any) -> FieldChange:
    return FieldChange(path, masked(path, before), masked(path, after))


# ------------------------------------------------------------------ how they count


def _counts(hand: Hand, ground: Remembered, legs: Sequence[int], found: Found) -> None:
    before = {row.dossier_id: row for row in coverage.counted(hand.tx, legs)}
    after = {i: _counted(row, ground.spans.get(i, ())) for i, row in ground.judgements.items()}
    for i in {*before, *after}:
        old, new = before.get(i), after.get(i)
        if old != new:
            found.moved.append((old, new))


def _counted(row: JudgementRow, spans: Sequence[SpanRow]) -> Counted:
    return Counted(
        row.dossier_id,
        row.received_agency,
        row.channel,
        row.accepted_on,
        row.first_due_on,
        row.from_day,
        row.kind,
        row.end_on,
        row.closed_on,
        row.due_on,
        tuple(
            Stretch(s.from_day, s.to_day, s.kind, s.end_on, s.closed_on, s.due_on)
            for s in sorted(spans, key=lambda one: one.from_day)
        ),
    )


# ------------------------------------------------------------------ records and claims


def _records(
    ground: Remembered,
    rows: Mapping[int, Standing],
    names: Mapping[int, Name],
    connection: str,
    found: Found,
) -> None:
    before = {
        i: row.disposition
        for i, row in rows.items()
        if row.disposition != "quarantined" and names[row.leg_id] in found.chosen
    }
    after: dict[int, str] = {}
    for own in ground.records.values():
        for receipt_id, speaker, row in own:
            if speaker != connection:
                continue
            i = record_id(receipt_id, row.position)
            after[i] = row.disposition.value
            if i not in before and row.code is not None:
                found.codes[i] = row.code
    found.lost = {i: told for i, told in before.items() if i not in after}
    found.gained = {i: told for i, told in after.items() if i not in before}
    found.turned = {
        i: (told, after[i]) for i, told in before.items() if i in after and after[i] != told
    }


def _claims(hand: Hand, ground: Remembered, legs: Sequence[int], found: Found) -> None:
    known = whatif.claims_of(hand.tx, legs)
    for leg_id, own in ground.claims.items():
        row = ground.legs[leg_id]
        for kind, key in own:
            if (leg_id, kind, key) not in known:
                found.meetings.append((kind, key, row.namespace, row.code))
