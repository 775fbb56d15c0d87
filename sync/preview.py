"""A sample record beside the dossier it becomes, field by field. Writes nothing and tells nobody.

By the mapping in force, or by a candidate document that nobody has saved (a live editor).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct, to_builtins

from canonical.errors import HubError
from canonical.mapping import compile_mapping
from canonical.mapping.compile import MappingFault, Unmapped
from canonical.mapping.overlay import OverlayFault, laid_over
from canonical.mapping.traced import NOTHING, Traced, trace
from canonical.ports import BadRow, GoneRow, Row, System
from canonical.reasons import Reason, sentence
from canonical.record import Record, Rejected, VersionBy, to_record
from canonical.shown import shown_fields
from canonical.text import Malformed
from store.connections import ConnectionRow
from sync.connection_documents import effective
from sync.context import Context
from sync.hiding import is_personal, masked, masked_whole
from sync.reading import CANONICAL, read_canonical
from sync.samples import Sampled


class FieldShown(Struct, frozen=True):
    """One mapping row at work.

    Attributes:
        place: Where the row stands: `record.rows[7]`.
        target: The canonical field.
        source: The wire path or expression; "" for a constant.
        wire: What the record holds there, masked unless asked for; None where nothing.
        value: What it becomes; None where the row says nothing, or fails.
        says: Whether the row says something (a value of None then says none).
        reason: Why it fails; "" where it does not.
        vi: The same in Vietnamese, with its position; "" where it does not.
        en: Likewise in English.
    """

    place: str
    target: str
    source: str
    wire: Any
    value: Any
    says: bool
    reason: str = ""
    vi: str = ""
    en: str = ""


class Preview(Struct, frozen=True):
    """A record and what becomes of it.

    Attributes:
        origin: page | stored | file | door | made.
        body: By which name the body was read.
        shape: Which shape of the mapping the record has.
        row: Its place in the body, from 0.
        rows: How many the body has.
        code: Its local code, where it can be told.
        reason: Why it would be quarantined; "" where it would be applied.
        field: The field at fault.
        vi: That in one Vietnamese sentence with its position; "" where it would be applied.
        en: Likewise in English.
        fields: Every row of the mapping, in its order.
        record: The record in the department's words, masked unless asked for.
        dossier: The fields it states, as the outside face lays them out; None where refused.
        unread: Its fields that no row reads and the mapping does not ignore.
    """

    connection: str
    origin: str
    body: str
    shape: str
    row: int
    rows: int
    code: str | None
    reason: str
    field: str | None
    vi: str
    en: str
    fields: list[FieldShown]
    record: Any
    dossier: dict[str, Any] | None
    unread: list[str] = []


def preview(
    context: Context,
    row: ConnectionRow,
    sample: Sampled,
    *,
    place: int = 0,
    document: Mapping[str, Any] | None = None,
    overlay: Mapping[str, Any] | None = None,
    personal: bool = False,
) -> Preview:
    """One record of a sample beside the dossier it becomes.

    Args:
        context: The hub's parts.
        row: The connection.
        sample: Bytes, and by which name they are read (sync.samples).
        place: Which record of it, from 0.
        document: A candidate mapping instead of the one in force.
        overlay: A candidate overlay instead of the connection's, over its system's mapping.
        personal: Whether people's data is shown; whoever asks for it says so in the records.

    Raises:
        HubError: NOT_FOUND where there is no such record, FIELD_TYPE for a candidate that cannot
            be compiled; what the reader says of a body outside its contract.
    """
    if row.system == CANONICAL:
        return _canonical(context, row, sample, place, personal=personal)
    system = context.system_of(row)
    told = _document(system, row, document, overlay)
    rows = system.rows(sample.shape, sample.raw)
    found = _picked(rows, place)
    if not isinstance(found, Row):
        return _unreadable(row, sample, found, place, len(rows))
    try:
        traced = trace(told, system.transforms, row.tables).get(found.shape, [])
        compiled = compile_mapping(told, system.transforms, row.tables)
    except MappingFault as fault:
        raise HubError(Reason.FIELD_TYPE, str(fault)) from fault
    shape = compiled.shapes.get(found.shape)
    if shape is None:
        outcome: Record | Rejected = Rejected(place, Reason.MAPPING_ERROR, None)
    else:
        said = shape.apply(found.values)
        by, part = VersionBy(shape.version_by), shape.part
        outcome = _checked(context, said, place, by, part)
    fields = [_shown(one, found, outcome, personal=personal) for one in traced]
    known = shape.known if shape is not None else frozenset[str]()
    return _told(
        row,
        sample,
        (place, len(rows)),
        found.shape,
        outcome,
        fields,
        record=found.values if personal else _hidden(found.values, traced),
        unread=sorted(name for name in found.values if name not in known),
        personal=personal,
    )


def _document(
    system: System,
    row: ConnectionRow,
    document: Mapping[str, Any] | None,
    overlay: Mapping[str, Any] | None,
) -> dict[str, Any]:
    if document is not None:
        return dict(document)
    try:
        if overlay is not None and system.mapping_document is not None:
            return laid_over(system.mapping_document, dict(overlay))
        return effective(system, row) or {}
    except OverlayFault as fault:
        raise HubError(Reason.FIELD_TYPE, str(fault)) from fault


def _picked(rows: Sequence[Row | BadRow | GoneRow], place: int) -> Row | BadRow | GoneRow:
    if not 0 <= place < len(rows):
        raise HubError(Reason.NOT_FOUND, f"the sample has {len(rows)} records; there is no {place}")
    return rows[place]


def _checked(
    context: Context, said: Any, place: int, version_by: VersionBy, part: str
) -> Record | Rejected:
    if isinstance(said, Unmapped):
        return Rejected(place, said.reason, said.field, said.code)
    try:
        return to_record(said, place, now=context.now(), version_by=version_by, part=part)
    except Malformed:
        return Rejected(place, Reason.CHAR_FORBIDDEN)


def _shown(one: Traced, found: Row, outcome: Record | Rejected, *, personal: bool) -> FieldShown:
    place = f"{found.shape}.rows[{one.place}]"
    wire, value = one.take(found.values), one.make(found.values)
    reason, field = "", one.source or one.target
    if isinstance(value, Unmapped):
        reason, field, value = value.reason.value, value.field or field, NOTHING
    elif isinstance(outcome, Rejected) and _is_about(outcome.field, one.target):
        reason, field = outcome.reason.value, outcome.field or field
    elif isinstance(outcome, Record) and one.target in outcome.says:
        value = outcome.says[one.target]
    says = value is not NOTHING
    wire = None if wire is NOTHING else _plain(wire)
    value = _plain(value) if says else None
    if not personal:
        wire, value = masked(one.target, wire), masked(one.target, value)
    return FieldShown(
        place,
        one.target,
        one.source,
        wire,
        value,
        says,
        reason,
        f"{place}, trường {field}: {sentence(Reason(reason))}" if reason else "",
        f"{place}, field {field}: {sentence(Reason(reason), 'en')}" if reason else "",
    )


def _is_about(field: str | None, target: str) -> bool:
    return field is not None and (field == target or field.startswith((f"{target}.", f"{target}[")))


def _plain(value: Any) -> Any:
    """As JSON holds it."""
    return value.isoformat() if isinstance(value, datetime) else to_builtins(value)


def _hidden(values: Any, traced: Sequence[Traced]) -> Any:
    """The record; shown is what a row reads into a field that tells of no person."""
    hidden = {p for one in traced if is_personal(one.target) for p in one.source.split(" | ")}
    read = {p for one in traced for p in one.source.split(" | ") if p} - hidden
    return masked_whole(_plain(values), lambda path: path in read)


def _unreadable(
    row: ConnectionRow, sample: Sampled, found: BadRow | GoneRow, place: int, rows: int
) -> Preview:
    if isinstance(found, GoneRow):
        vi = f"bản ghi {place}: nguồn báo không còn hồ sơ này"
        en = f"record {place}: the source says that it no longer has this dossier"
        return Preview(
            row.id,
            sample.origin,
            sample.shape,
            "",
            place,
            rows,
            found.code,
            "",
            None,
            vi,
            en,
            [],
            None,
            {"gone_at": found.gone_at},
        )
    rejected = Rejected(place, found.reason, found.field, found.code)
    return _told(row, sample, (place, rows), "", rejected, [], record=None, unread=[])


def _told(
    row: ConnectionRow,
    sample: Sampled,
    at: tuple[int, int],
    shape: str,
    outcome: Record | Rejected,
    fields: list[FieldShown],
    *,
    record: Any,
    unread: list[str],
    personal: bool = False,
) -> Preview:
    reason, field = "", None
    dossier = None
    if isinstance(outcome, Rejected):
        reason, field = outcome.reason.value, outcome.field
    else:
        dossier = _dossier(outcome, personal=personal)
    where = f", trường {field}" if field else ""
    where_en = f", field {field}" if field else ""
    return Preview(
        connection=row.id,
        origin=sample.origin,
        body=sample.shape,
        shape=shape,
        row=at[0],
        rows=at[1],
        code=outcome.code,
        reason=reason,
        field=field,
        vi=f"bản ghi {at[0]}{where}: {sentence(Reason(reason))}" if reason else "",
        en=f"record {at[0]}{where_en}: {sentence(Reason(reason), 'en')}" if reason else "",
        fields=fields,
        record=_plain(record),
        dossier=dossier,
        unread=unread,
    )


def _dossier(record: Record, *, personal: bool) -> dict[str, Any]:
    """The fields that the record states, in the order of the outside face."""
    says = record.says
    laid = shown_fields(says, says.get("received_at_agency") or says.get("agency"), None)
    heads = {path.partition(".")[0] for path in says}
    told = {name: value for name, value in laid.items() if name in heads}
    if "history" in says:
        told["history"] = says["history"]
    if not personal:
        told = {name: masked(name, value) for name, value in told.items()}
    head = {
        "code": record.code,
        "facet": record.facet.value,
        "version": record.version,
        "updated_at": record.updated_at.isoformat() if record.updated_at else None,
    }
    return {**head, **told}


def _canonical(
    context: Context, row: ConnectionRow, sample: Sampled, place: int, *, personal: bool
) -> Preview:
    """A record in the hub's own words: nothing is mapped, all is checked."""
    read = read_canonical(sample.raw, sample.shape, row.namespace, context.now(), context.vault)
    if not 0 <= place < len(read.items):
        raise HubError(Reason.NOT_FOUND, f"the sample has {len(read.items)} records")
    item = read.items[place]
    outcome = item if isinstance(item, (Record, Rejected)) else Rejected(place, Reason.FIELD_TYPE)
    fields = []
    if isinstance(outcome, Record):
        fields = [
            FieldShown(name, name, name, shown, shown, says=True)
            for name, value in outcome.says.items()
            for shown in [value if personal and name != "pin" else masked(name, value)]
        ]
    return _told(
        row,
        sample,
        (place, len(read.items)),
        "canonical",
        outcome,
        fields,
        record=None,
        unread=[],
        personal=personal,
    )
