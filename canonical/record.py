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

from canonical import clock
from canonical.explain import first_fault
from canonical.fields import FIELDS_OF, Facet, HistoryItem, Said
from canonical.leaves import BadDate, lay_out
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
    if not isinstance(raw, dict):
        return Rejected(position, Reason.FIELD_TYPE)
    try:
        cleaned = clean(raw)
    except Forbidden as found:
        return _rejected(raw, position, Reason.CHAR_FORBIDDEN, found.path[:200] or None)
    facet = cleaned.get("facet", Facet.SNAPSHOT)
    if not isinstance(facet, str) or facet not in _FACETS:
        return _rejected(raw, position, Reason.FIELD_TYPE, "facet")
    shape = FIELDS_OF[Facet(facet)]
    try:
        fields = msgspec.convert(cleaned, shape)
    except msgspec.ValidationError:
        reason, path = first_fault(cleaned, shape)
        return _rejected(raw, position, reason, path and path[:200])
    missing = _missing(fields, version_by)
    if missing is not None:
        return _rejected(raw, position, Reason.FIELD_MISSING, missing)
    try:
        said = lay_out(cleaned, fields.facet, now)
    except BadDate as bad:
        return _rejected(raw, position, Reason.DATE_INVALID, bad.path)
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


def _rejected(raw: dict[str, Any], position: int, reason: Reason, field: str | None) -> Rejected:
    return Rejected(position, reason, field, code_of(raw))


_ENCODER = msgspec.json.Encoder(order="sorted")


def fingerprint(
    said: dict[str, Any], version: int | None, updated_at: datetime | None, pepper: bytes
) -> str:
    """Keyed BLAKE2b-256 over the content, hex: equal content, equal digest.

    A plain digest over a record would let whoever reads the store try all PINs of six digits.
    """
    told = _ENCODER.encode([said, version, updated_at])
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
