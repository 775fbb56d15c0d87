"""What a source says about one dossier, checked: a `Record`, or `Rejected` with reason and field.

Every way in ends here: a canonical push, a door, a polled page, a file. Mapping and checking are
pure and never raise for a bad record.
"""

import hashlib
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import UNSET, Struct

from canonical import clock, codes
from canonical.explain import first_fault
from canonical.fields import FIELDS_OF, MERGED, Facet, HistoryItem, Said
from canonical.reasons import Reason
from canonical.text import Forbidden, Malformed, clean

_FACETS = frozenset(Facet)


class VersionBy(StrEnum):
    """How a source tells which of two statements is newer (DESIGN 3)."""

    NUMBER = "number"
    TIME = "time"
    OBSERVED = "observed"
    DECLARED = "declared"  # the canonical push: the number where there is one, else the time


class Rejected(Struct, frozen=True):
    """One record that cannot be taken.

    Attributes:
        position: Its place in the receipt, from 0.
        reason: Code of the closed list.
        field: Path of the field at fault (`applicant.name`, `history[0].at`), None for the record.
        code: The local code where it could be read.
        digest: Keyed digest of the row as it came, by which a poll knows it again; None where
            nothing tells two such rows apart.
    """

    position: int
    reason: Reason
    field: str | None = None
    code: str | None = None
    digest: str | None = None


class Record(Struct, frozen=True):
    """One checked statement about one facet of one leg.

    Attributes:
        position: Its place in the receipt, from 0.
        code: The source's local code.
        part: "" or a named sub-namespace of the connection's (one system, two code books).
        facet: Which part of the leg it states.
        version_by: How its place among its neighbours is found.
        version: The declared number, None where there is none.
        updated_at: When the source says it was so, +07:00; None where it does not say.
        says: Leaf path -> value as JSON holds it; None says none; absent says nothing. Moments
            are ISO text at +07:00. `pin` is still clear here and must not be stored.
        digest: Over the checked content (see `fingerprint`); equal content gives an equal digest
            whatever its spelling.
    """

    position: int
    code: str
    part: str
    facet: Facet
    version_by: VersionBy
    version: int | None
    updated_at: datetime | None
    says: dict[str, Any]
    digest: str


class Tombstone(Struct, frozen=True):
    """A checked word that a source no longer has a dossier.

    Attributes:
        position: Its place in the receipt, from 0.
        code: The source's local code.
        part: As of a record.
        gone_at: When it was so, ISO at +07:00; None: when it was taken in.
        digest: Over what it says.
    """

    position: int
    code: str
    part: str
    gone_at: str | None
    digest: str


Item = Record | Rejected | Tombstone


def to_tombstone(
    position: int, code: Any, part: str, gone_at: str | None, *, now: datetime, pepper: bytes = b""
) -> Tombstone | Rejected:
    """The checked tombstone, or why it cannot be taken.

    Args:
        position: Its place in the receipt.
        code: As the source spells it.
        part: Sub-namespace of the connection's namespace.
        gone_at: ISO text with its offset, or naive at +07:00; None where the source does not say.
        now: Bounds the years a date may name.
        pepper: Key of the digest.
    """
    own = code_of({"code": code})
    if own is None:
        return Rejected(position, Reason.FIELD_TYPE, "code")
    at = None
    if gone_at is not None:
        try:
            moment = datetime.fromisoformat(gone_at)
        except ValueError:
            return Rejected(position, Reason.DATE_INVALID, "gone_at", own)
        if not clock.is_plausible(moment, now):
            return Rejected(position, Reason.DATE_INVALID, "gone_at", own)
        at = clock.to_iso(moment)
    digest = fingerprint({"gone": [part, own, at]}, None, None, pepper)
    return Tombstone(position, own, part, at, digest)


def to_record(
    raw: Any,
    position: int,
    *,
    now: datetime,
    version_by: VersionBy = VersionBy.DECLARED,
    part: str = "",
    pepper: bytes = b"",
) -> Record | Rejected:
    """The checked record, or why it cannot be taken.

    Args:
        raw: One record in canonical words, as decoded from JSON or built by a mapping.
        position: Its place in the receipt.
        now: Bounds the years a date may name.
        version_by: The source's declared way of versioning.
        part: Sub-namespace of the connection's namespace.
        pepper: Key of the digest, so that a low-entropy field (PIN) cannot be guessed from it.

    Raises:
        Malformed: a lone surrogate or nesting beyond 64: the whole body is to be refused.
    """
    code = code_of(raw)
    if not isinstance(raw, dict):
        return Rejected(position, Reason.FIELD_TYPE, None, code)
    try:
        cleaned = clean(raw)
    except Forbidden as found:
        return Rejected(position, Reason.CHAR_FORBIDDEN, found.path[:200] or None, code)
    facet = cleaned.get("facet", Facet.SNAPSHOT)
    if not isinstance(facet, str) or facet not in _FACETS:
        return Rejected(position, Reason.FIELD_TYPE, "facet", code)
    shape = FIELDS_OF[Facet(facet)]
    try:
        fields = msgspec.convert(cleaned, shape)
    except msgspec.ValidationError:
        reason, path = first_fault(cleaned, shape)
        return Rejected(position, reason, path and path[:200], code)
    missing = _missing(fields, version_by)
    if missing is not None:
        return Rejected(position, Reason.FIELD_MISSING, missing, code)
    said: dict[str, Any] = {}
    bad_date = _flatten(fields, said, now)
    if bad_date is not None:
        return Rejected(position, Reason.DATE_INVALID, bad_date, code)
    version = None if fields.version is UNSET else fields.version
    updated_at = None if fields.updated_at is UNSET else fields.updated_at
    if updated_at is not None:
        updated_at = clock.local(updated_at)
    return Record(
        position=position,
        code=fields.code,
        part=part,
        facet=fields.facet,
        version_by=version_by,
        version=version,
        updated_at=updated_at,
        says=said,
        digest=fingerprint(said, version, updated_at, pepper),
    )


def fingerprint(
    said: dict[str, Any], version: int | None, updated_at: datetime | None, pepper: bytes
) -> str:
    """Keyed BLAKE2b-256 over the content, hex: equal content, equal digest.

    A plain digest over a record would let whoever reads the store try all PINs of six digits.
    """
    told = msgspec.json.encode([said, version, updated_at], order="sorted")
    return hashlib.blake2b(told, digest_size=32, key=pepper[:64]).hexdigest()


def code_of(raw: Any) -> str | None:
    """The local code a record names, where it can be read and shown safely; else None."""
    if not isinstance(raw, dict):
        return None
    code = raw.get("code")
    if not isinstance(code, str) or not 0 < len(code) <= 200:
        return None
    try:
        return str(clean(code))
    except (Forbidden, Malformed):
        return None


def _missing(fields: Said, version_by: VersionBy) -> str | None:
    """The first required field that is absent or null; None when all are there."""
    if version_by is VersionBy.DECLARED and not (
        _is_there(fields.version) or _is_there(fields.updated_at)
    ):
        return "version"
    if version_by is VersionBy.NUMBER and not _is_there(fields.version):
        return "version"
    if version_by is VersionBy.TIME and not _is_there(fields.updated_at):
        return "updated_at"
    if fields.facet is not Facet.SNAPSHOT or version_by is not VersionBy.DECLARED:
        return None
    for name in ("status", "agency", "procedure"):
        if not _is_there(getattr(fields, name)):
            return name
    procedure: Any = getattr(fields, "procedure", UNSET)
    return None if _is_there(procedure.code) else "procedure.code"


def _is_there(value: object) -> bool:
    return value is not UNSET and value is not None


_HEAD = frozenset({"code", "facet", "version", "updated_at"})


def _flatten(fields: Said, said: dict[str, Any], now: datetime) -> str | None:
    """Fill `said` with leaf path -> JSON value; the path of the first implausible date, or None."""
    updated_at = fields.updated_at
    if isinstance(updated_at, datetime) and not clock.is_plausible(updated_at, now):
        return "updated_at"
    for name in fields.__struct_fields__:
        value = getattr(fields, name)
        if value is UNSET or name in _HEAD:
            continue
        if name in MERGED:
            bad = _flatten_object(name, value, said, now)
        else:
            said[name], bad = _plain(value, name, now)
        if bad is not None:
            return bad
    for name, tidy in _TIDY.items():
        if said.get(name) is not None:
            said[name] = tidy(said[name])
    return None


_TIDY = {
    "national_code": codes.national_code,
    "agency": codes.agency_code,
    "received_at_agency": codes.agency_code,
}
_LEAVES = {
    "procedure": ("code", "name", "domain"),
    "applicant": ("kind", "name", "id_number", "phone", "email", "address"),
    "acting": ("kind", "name", "id_number", "phone", "email", "address"),
}


def _flatten_object(
    name: str, value: Struct | None, said: dict[str, Any], now: datetime
) -> str | None:
    for leaf in _LEAVES[name]:
        told = None if value is None else getattr(value, leaf)
        if told is UNSET:
            continue
        said[f"{name}.{leaf}"], bad = _plain(told, f"{name}.{leaf}", now)
        if bad is not None:
            return bad
    return None


_BARE = frozenset({str, int, type(None)})


def _plain(value: Any, path: str, now: datetime) -> tuple[Any, str | None]:
    """The value as JSON holds it, and the path of an implausible date in it."""
    if type(value) in _BARE:
        return value, None
    if isinstance(value, datetime):
        if not clock.is_plausible(value, now):
            return None, path
        return clock.to_iso(value), None
    if isinstance(value, StrEnum):
        return value.value, None
    if isinstance(value, Struct):
        told = {}
        for name in value.__struct_fields__:
            told[name], bad = _plain(getattr(value, name), f"{path}.{name}", now)
            if bad is not None:
                return None, bad
        return told, None
    if isinstance(value, list):
        return _plain_list(value, path, now)
    return value, None


def _plain_list(value: list[Any], path: str, now: datetime) -> tuple[Any, str | None]:
    items = []
    for place, item in enumerate(value):
        told, bad = _plain(item, f"{path}[{place}]", now)
        if bad is not None:
            return None, bad
        items.append(told)
    return items, None


__all__ = [
    "HistoryItem",
    "Item",
    "Malformed",
    "Record",
    "Rejected",
    "Tombstone",
    "VersionBy",
    "code_of",
    "fingerprint",
    "to_record",
    "to_tombstone",
]
