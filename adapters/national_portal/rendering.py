"""What the national portal is told of a change: pure, by the tables of outgoing.toml.

Told nothing (None) of: a joined or gone dossier (the living one's own change of the same moment
tells its record; the portal can take nothing back), and a dossier that is not yet one to the
outside: without a national code (MaHoSo is the portal's key; a made-up one could never be taken
back), or without procedure, agency or state. The change that completes it tells its whole record.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from canonical import clock
from canonical.ports import Event
from canonical.reasons import Reason

_MOMENT = "%Y%m%d%H%M%S"
_NOT_YET = ("national_code", "procedure.code", "agency", "status")
_UNTOLD = frozenset({"joined", "gone"})


class Field(Struct, frozen=True, forbid_unknown_fields=True):
    """One wire field; outgoing.toml says what its keys mean."""

    name: str
    source: str = msgspec.field(default="", name="from")
    by_state: dict[str, str] = {}
    form: str = ""
    table: str = ""
    otherwise: str = ""
    most: int = 0
    overlong: str = ""
    required: bool = False
    unless: list[str] = []


class Listed(Struct, frozen=True, forbid_unknown_fields=True):
    """One list of a dossier record."""

    item: list[Field]
    source: str = msgspec.field(name="from")


class Identity(Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of identity number, known by its form."""

    code: str
    pattern: str


class Tables(Struct, frozen=True, forbid_unknown_fields=True):
    """outgoing.toml."""

    tables: dict[str, dict[str, str]]
    identity: list[Identity]
    record: list[Field]
    lists: dict[str, Listed]
    progress: list[Field]


TABLES = msgspec.convert(
    tomllib.loads(Path(__file__).with_name("outgoing.toml").read_text("utf-8")), Tables
)


class Told(Struct, frozen=True, forbid_unknown_fields=True):
    """What is kept of a change on its way, byte for byte.

    Attributes:
        is_new: Whether it is first told as a creation; else as an update.
        record: The dossier for DongBoHoSoMC.
        progress: The rows for CapNhatTienDoHoSoMC that the hub learnt with this change.
        fault: Reason and wire field of the first thing the portal would not take; None where all
            is well.
    """

    is_new: bool
    record: dict[str, Any]
    progress: list[dict[str, str]]
    fault: tuple[Reason, str] | None = None


_DECODER = msgspec.json.Decoder(Told)


def to_bytes(event: Event) -> bytes | None:
    """What is told of a change; None where the portal is told nothing of it (see the module)."""
    body = event.body
    if event.kind in _UNTOLD or any(_value(body, path) is None for path in _NOT_YET):
        return None
    faults: list[tuple[Reason, str]] = []
    record: dict[str, Any] = _fields(TABLES.record, body, body["status"], faults)
    record["DinhDanhCHS"] = _identities(body)
    for name, listed in TABLES.lists.items():
        items = body.get(listed.source) or []
        record[name] = [_fields(listed.item, item, body["status"], faults) for item in items]
    rows = _progress(event.entries, record["MaHoSo"], faults)
    return msgspec.json.encode(
        Told(event.kind == "created", record, rows, faults[0] if faults else None)
    )


def from_bytes(raw: bytes) -> Told:
    """What `to_bytes` made."""
    return _DECODER.decode(raw)


def _progress(
    entries: Sequence[Mapping[str, Any]], code: str, faults: list[tuple[Reason, str]]
) -> list[dict[str, str]]:
    """One row per step, whichever systems tell of it; what its source took back is no step."""
    rows: dict[tuple[str, ...], dict[str, str]] = {}
    for entry in entries:
        if entry.get("retracted_by") is None:
            told = _fields(TABLES.progress, entry, entry["status"], faults)
            row = {"MaHoSo": code, **told}
            key = (row["ThoiDiemXuLy"], row["NguoiXuLy"], row["TrangThai"])
            rows.setdefault(key, row)
    return list(rows.values())


def _fields(
    fields: Sequence[Field],
    values: Mapping[str, Any],
    status: str,
    faults: list[tuple[Reason, str]],
) -> dict[str, str]:
    return {field.name: _field(field, values, status, faults) for field in fields}


def _field(
    field: Field, values: Mapping[str, Any], status: str, faults: list[tuple[Reason, str]]
) -> str:
    value = _value(values, field.by_state.get(status, field.source))
    if (value is None or value == "") and field.otherwise:
        value = TABLES.tables[field.otherwise][status]
    if value is None or value == "":
        if field.required and status not in field.unless:
            faults.append((Reason.FIELD_MISSING, field.name))
        return ""
    if field.table:
        told = TABLES.tables[field.table].get(value)
        if told is None:
            faults.append((Reason.REF_UNKNOWN, field.name))
        return told or ""
    if field.form == "moment":
        return clock.from_iso(value).strftime(_MOMENT)
    text = str(value)
    if field.most and len(text) > field.most:
        if field.overlong != "mark":
            faults.append((Reason.FIELD_TOO_LONG, field.name))
        return text[: field.most - 1].rstrip() + "…"
    return text


def _identities(body: Mapping[str, Any]) -> list[dict[str, str]]:
    """The owner's identity number with its kind, where its form says which; never a stand-in."""
    number = _value(body, "applicant.id_number") or ""
    if _value(body, "applicant.kind") != "person":
        return []
    return [
        {"LoaiDinhDanh": kind.code, "SoDinhDanh": number}
        for kind in TABLES.identity
        if re.fullmatch(kind.pattern, number)
    ]


def _value(values: Mapping[str, Any], path: str) -> Any:
    found: Any = values if path else None
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found
