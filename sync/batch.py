"""One batch through the decision: legs locked, records decided, legs folded, timelines grown.

The first half of "decide and apply" (DESIGN 3); the second, dossiers and the feed, is
sync.dossiers.
Everything between reading and writing is pure and in memory.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct, structs

from canonical import clock, leg
from canonical.agencies import Catalogue
from canonical.decide import TAKEN, Candidate, Deciding, Decision, Disposition
from canonical.leg import Fold
from canonical.reasons import Reason
from canonical.record import Item, Record, Rejected, Tombstone
from canonical.reuse import is_reused
from canonical.ties import Claim, claims_of
from store import intake
from store.ground import LegGround
from store.intake import RecordRow
from store.legs import Entry, Key, LegRow
from sync.entries import entries_of


class Source(Struct, frozen=True):
    """Who speaks in a batch, and for whom it may speak.

    Attributes:
        agencies: The agencies it is granted; empty for the whole province.
        keeps_duplicates: Whether the receipt lists every duplicate (a push), or counts them.
        origin_id: The receipt whose records are taken up again: they stand where they stood in the
            order of intake.
        in_turn: Whether such a record is held against what came in after it; told anew from the
            beginning, in order, nothing has come yet.
    """

    connection_id: str
    namespace: str
    agencies: frozenset[str] = frozenset()
    keeps_duplicates: bool = True
    origin_id: int | None = None
    in_turn: bool = True


class Touched(Struct):
    """What a batch changed, for the dossiers to be put together again.

    Attributes:
        legs: leg id -> leg with its new fold.
        folds: leg id -> decoded fold.
        entries: leg id -> timeline entries to be merged, in order.
        late: legs whose past was added to by a superseded record.
        order: leg id -> position of the record that first changed it, in that order.
        gone: legs that their source was found to have no longer.
        restored: legs that were gone and came again.
        claims: leg id -> what the leg claims to be now.
        retold: leg id -> its timeline told anew, whole.
        retold_by: the record by which what is told no more is taken back.
    """

    legs: dict[int, LegRow]
    folds: dict[int, Fold]
    entries: dict[int, list[Entry]]
    late: set[int]
    order: dict[int, int]
    gone: set[int] = set()
    restored: set[int] = set()
    claims: dict[int, frozenset[Claim]] = {}
    retold: dict[int, dict[str, Entry]] = {}
    retold_by: int = 0


class Decided(Struct):
    """What became of every item of a batch, in order of position.

    Attributes:
        rows: One per item; duplicates included.
        refused: How many were refused, those included that a poll had brought before.
    """

    rows: list[RecordRow]
    touched: Touched
    refused: int


def namespace_of(source: Source, part: str) -> str:
    """The namespace of a record: the connection's, or a part of it."""
    return f"{source.namespace}.{part}" if part else source.namespace


def keys_of(
    source: Source, received_at: datetime, items: Sequence[Item], catalogue: Catalogue
) -> set[Key]:
    """The legs that `decide_and_fold` will ask for."""
    allowed = (_allowed(item, source, catalogue, received_at) for item in items)
    return {_key(source, item) for item in allowed if not isinstance(item, Rejected)}


def _key(source: Source, item: Record | Tombstone) -> Key:
    return namespace_of(source, item.part), item.code


def decide_and_fold(
    ground: LegGround,
    source: Source,
    receipt_id: int,
    received_at: datetime,
    items: Sequence[Item],
    catalogue: Catalogue,
) -> Decided:
    """Decide every item and write the legs; rows are returned for `insert_records`.

    Args:
        ground: What the batch is decided on.
        source: Who speaks.
        receipt_id: The receipt the items came in.
        received_at: When they came, for sources that tell no time.
        items: Checked records, tombstones and rejections, in order.
        catalogue: For what a granted agency includes.
    """
    allowed = [_allowed(item, source, catalogue, received_at) for item in items]
    keys = {item.position: _key(source, item) for item in allowed if not isinstance(item, Rejected)}
    held = ground.lock_legs(keys.values(), source.connection_id)
    heads = ground.load_heads([row.id for row in held.values()])
    folds = ground.folds(held.values())
    deciding = Deciding(heads)
    touched = Touched({}, folds, {}, set(), {})
    rows = []
    for item in allowed:
        if isinstance(item, Rejected):
            rows.append(rejected_row(item))
            continue
        row = held[keys[item.position]]
        if isinstance(item, Tombstone):
            refusal = _refusal(folds[row.id], source, catalogue, received_at)
            rows.append(_bury(touched, item, row, refusal, received_at))
            continue
        candidate = candidate_of(item, row.id, received_at)
        decision = _refusal(folds[row.id], source, catalogue, received_at)
        if decision is None:
            decision = decision_of(deciding, candidate, folds[row.id], item)
            decision = _in_its_turn(decision, folds[row.id], item, source, received_at)
        rows.append(_row(item, row.id, decision, received_at))
        is_silent = not folds[row.id].fields
        if decision.disposition in TAKEN:
            deciding.hold(candidate)
            _fold(touched, item, row, decision, source, receipt_id, received_at)
        if row.gone_at is not None and (
            _came_again(row.gone_at, decision, source, received_at)
            or (is_silent and decision.disposition in TAKEN)  # it can be read again
        ):
            row.gone_at = None
            touched.restored.add(row.id)
            _touch(touched, row, item.position)
    ground.save_legs(list(touched.legs.values()), folds)
    touched.claims = {
        i: claims_of(row.namespace, row.code, folds[i]) for i, row in touched.legs.items()
    }
    refused = sum(row.disposition is Disposition.QUARANTINED for row in rows)
    if not source.keeps_duplicates and ground.knows_quarantine:
        rows = _known_again(ground, source, receipt_id, rows)
    return Decided(rows, touched, refused)


def _known_again(
    ground: LegGround, source: Source, receipt_id: int, rows: list[RecordRow]
) -> list[RecordRow]:
    """A poll brings the same bad row again and again: it is kept once, and counted."""
    told = {r.digest for r in rows if r.disposition is Disposition.QUARANTINED and r.digest}
    if not told:
        return rows
    held = ground.held_in_quarantine(source.connection_id, told)
    found, seen = known_again(rows, held)
    ground.note_seen_again(seen, receipt_id)
    return found


def known_again(
    rows: Sequence[RecordRow], held: Mapping[str, tuple[int, int]]
) -> tuple[list[RecordRow], dict[int, int]]:
    """The rows of a poll, those it brought before as duplicates; and how often those were seen.

    Args:
        rows: What became of its items.
        held: Digest -> (record id, times seen) of what the quarantine holds.

    Returns:
        The rows; and record id -> times seen now.
    """
    seen: dict[int, int] = {}
    own: set[str] = set()
    found = []
    for row in rows:
        is_known = False
        if row.disposition is Disposition.QUARANTINED and row.digest is not None:
            is_known = row.digest in held or row.digest in own
            own.add(row.digest)
            if row.digest in held:
                record_id, times = held[row.digest]
                seen[record_id] = seen.get(record_id, times) + 1
        found.append(
            structs.replace(row, disposition=Disposition.DUPLICATE, reason=None, field=None)
            if is_known
            else row
        )
    return found, seen


def _allowed(item: Item, source: Source, catalogue: Catalogue, now: datetime) -> Item:
    """The item, or a rejection where it names an agency the sender has no grant for."""
    if not isinstance(item, Record) or not source.agencies:
        return item
    for path in ("agency", "received_at_agency"):
        said = item.says.get(path)
        if said is not None and not catalogue.rights(source.agencies, said, now):
            return Rejected(item.position, Reason.AGENCY_FORBIDDEN, path, item.code)
    return item


def _refusal(fold: Fold, source: Source, catalogue: Catalogue, now: datetime) -> Decision | None:
    """A refusal where the leg already is of an agency the sender has no grant for."""
    agency = leg.newest(fold, "agency") if source.agencies else None
    if agency is None or agency.value is None:
        return None
    if catalogue.rights(source.agencies, agency.value, now):
        return None
    return Decision(Disposition.QUARANTINED, Reason.AGENCY_FORBIDDEN)


def decision_of(deciding: Deciding, candidate: Candidate, fold: Fold, record: Record) -> Decision:
    """What becomes of a record, the leg being what the records before it made of it.

    A duplicate stays one however its case has changed since; a new case under an old code is that
    also where it counts its versions from 1 again.
    """
    decision = deciding.decide(candidate)
    if decision.disposition is not Disposition.DUPLICATE and is_reused(fold, record):
        return Decision(Disposition.QUARANTINED, Reason.CODE_REUSED)
    return decision


def _in_its_turn(
    decision: Decision, fold: Fold, record: Record, source: Source, received_at: datetime
) -> Decision:
    """Of one moment, what came in later stands; a record taken up again came when it first came."""
    if source.origin_id is None or not source.in_turn:
        return decision
    if decision.disposition is not Disposition.APPLIED:
        return decision
    order = intake.record_id(source.origin_id, record.position)
    newest = leg.newest_place(fold, record.facet)
    if newest is None or leg.place_of(record, order, received_at) > newest:
        return decision
    return structs.replace(decision, disposition=Disposition.SUPERSEDED)


def candidate_of(record: Record, leg_id: int, received_at: datetime) -> Candidate:
    """A record on the way to its decision within its leg and facet."""
    return Candidate(
        key=(leg_id, record.facet.value),
        version_by=record.version_by,
        version=record.version,
        sort_at=leg.sort_at(record, received_at),
        digest=record.digest,
    )


def rejected_row(item: Rejected) -> RecordRow:
    """The row of an item that could not be read: quarantined, of no leg."""
    return RecordRow(
        position=item.position,
        leg_id=None,
        code=item.code,
        part="",
        facet=None,
        version=None,
        sort_at=None,
        digest=item.digest,
        disposition=Disposition.QUARANTINED,
        reason=item.reason,
        field=item.field,
    )


_FIELD_OF = {Reason.VERSION_CONFLICT: "version", Reason.AGENCY_FORBIDDEN: "agency"}


def _row(record: Record, leg_id: int, decision: Decision, received_at: datetime) -> RecordRow:
    return RecordRow(
        position=record.position,
        leg_id=leg_id,
        code=record.code,
        part=record.part,
        facet=record.facet.value,
        version=record.version,
        sort_at=leg.sort_at(record, received_at),
        digest=record.digest,
        disposition=decision.disposition,
        reason=decision.reason,
        field=_FIELD_OF.get(decision.reason) if decision.reason is not None else None,
    )


def _fold(
    touched: Touched,
    record: Record,
    row: LegRow,
    decision: Decision,
    source: Source,
    receipt_id: int,
    received_at: datetime,
) -> None:
    """Fold one decided record into its leg, and its words into the timeline."""
    own_id = intake.record_id(receipt_id, record.position)
    order = intake.record_id(source.origin_id or receipt_id, record.position)
    _touch(touched, row, record.position)
    leg.tell(touched.folds[row.id], record, order, received_at)
    if decision.same_time:
        row.same_time = True
    is_late = decision.disposition is Disposition.SUPERSEDED
    if is_late:
        touched.late.add(row.id)
    touched.entries.setdefault(row.id, []).extend(
        entries_of(record, row.id, own_id, received_at, is_late=is_late)
    )


def _touch(touched: Touched, row: LegRow, position: int) -> None:
    """Note that a leg is another than it was."""
    if row.id not in touched.legs:
        touched.legs[row.id] = row
        touched.order[row.id] = position


def _bury(
    touched: Touched,
    item: Tombstone,
    row: LegRow,
    refusal: Decision | None,
    received_at: datetime,
) -> RecordRow:
    """What becomes of a tombstone: nothing is taken from the leg, it is gone from its day on."""
    at = item.gone_at or clock.to_iso(received_at)
    decision = refusal or Decision(Disposition.APPLIED)
    if refusal is None and not touched.folds[row.id].fields:  # nobody ever told of such a dossier
        decision = Decision(Disposition.QUARANTINED, Reason.NOT_FOUND)
    elif refusal is None and row.gone_at is not None:
        decision = Decision(Disposition.DUPLICATE)
    elif refusal is None:
        row.gone_at = at
        touched.gone.add(row.id)
        _touch(touched, row, item.position)
    return RecordRow(
        position=item.position,
        leg_id=row.id,
        code=item.code,
        part=item.part,
        facet=None,
        version=None,
        sort_at=at,
        digest=item.digest,
        disposition=decision.disposition,
        reason=decision.reason,
        field=_FIELD_OF.get(decision.reason) if decision.reason is not None else None,
    )


def _came_again(gone_at: str, decision: Decision, source: Source, received_at: datetime) -> bool:
    """Whether a record shows that its source has the dossier again.

    A page that lists it does, also where it says nothing new. What is pushed may be an old word
    that was under way: only one that changes what is held counts.
    """
    shows = TAKEN | {Disposition.DUPLICATE}
    if source.keeps_duplicates:
        shows = frozenset({Disposition.APPLIED})
    return decision.disposition in shows and clock.to_iso(received_at) >= gone_at
