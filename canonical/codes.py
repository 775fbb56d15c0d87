"""Agency, dossier and procedure codes: both national forms in, one form kept.

Sources: QĐ 20/2020/QĐ-TTg (agency identifiers), NĐ 61/2018 (dossier code), domain/dossier.md 1.3.
Foreign codes stay opaque: what does not look national is returned as it came.
"""

import functools
import hashlib
import re
import uuid

# Old form: level4.level3.level2.level1, e.g. 000.00.19.H50; new form: H50.19 and deeper.
_OLD_AGENCY = re.compile(r"^([0-9]{3})\.([0-9]{2})\.([0-9]{2,3})\.([A-Z][0-9]{2})\Z")
_DOSSIER = re.compile(r"^(.+?)-([0-9]{6}|[0-9]{8})-([0-9]{3,})\Z")
_PROCEDURE = re.compile(
    r"^([0-9]{1,2}\.[0-9]{6})(?:\.(?:[0-9]{3}\.[0-9]{2}\.[0-9]{2}\.)?[A-Z][0-9]{2})?\Z"
)
_DOSSIER_NAMESPACE = uuid.UUID("6f1c1b0e-6f0e-5a33-9d0c-0b50a4c9e5a5")


@functools.lru_cache(4096)  # a province has some hundreds
def agency_code(text: str) -> str:
    """The new form of an agency code: `000.00.19.H50` and `H50.19` both give `H50.19`."""
    match = _OLD_AGENCY.match(text.strip())
    if match is None:
        return text.strip()
    parts = list(reversed(match.groups()))
    while parts[-1].strip("0") == "":
        parts.pop()
    return ".".join(parts)


def national_code(text: str) -> str:
    """A dossier's national code with its agency in the new form; opaque codes unchanged."""
    text = text.strip()
    match = _DOSSIER.match(text)
    if match is None:
        return text
    agency, day, number = match.groups()
    return f"{agency_code(agency)}-{day}-{number}"


def issuing_agency(code: str) -> str | None:
    """The agency that issued a national dossier code; None where the code is opaque."""
    match = _DOSSIER.match(code)
    return agency_code(match.group(1)) if match else None


@functools.lru_cache(4096)
def procedure_key(code: str) -> str:
    """What two spellings of one procedure share: `1.002835.000.00.00.H56` gives `1.002835`."""
    match = _PROCEDURE.match(code.strip())
    return match.group(1) if match else code.strip()


def is_national_procedure(code: str) -> bool:
    """Whether a procedure code is one of the national base, in any spelling."""
    return _PROCEDURE.match(code.strip()) is not None


def dossier_id(namespace: str, code: str, generation: int) -> str:
    """The hub's stable id of the dossier that began with this leg (a UUID as text)."""
    told = f"{namespace}\0{code}\0{generation}".encode()
    made = bytearray(hashlib.sha1(_DOSSIER_NAMESPACE.bytes + told, usedforsecurity=False).digest())
    made[6] = made[6] & 0x0F | 0x50  # as uuid.uuid5, version and variant set by hand: 5 x faster
    made[8] = made[8] & 0x3F | 0x80
    found = made[:16].hex()
    return f"{found[:8]}-{found[8:12]}-{found[12:16]}-{found[16:20]}-{found[20:]}"
