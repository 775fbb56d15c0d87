"""A company as the national register holds it: the answer of chiTietDoanhNghiep, checked.

Contract: contract/company.md (domain/contracts.md 5.3, NGSP `apiCSDLDKDN`, versions 1.0 and 1.1).
"""

from datetime import datetime
from typing import Any

from msgspec import Struct
from stdnum.vn import mst

from adapters.business_registry.reader import body
from adapters.business_registry.transforms import msdn
from canonical.errors import Garbled, NotOnFile, RequestRefused
from canonical.mapping.transforms import Bad, date, integer, text, trim
from canonical.reasons import Reason

_SYSTEM = "business_registry"
_MOMENT = date("%Y-%m-%dT%H:%M:%S")


class Activity(Struct, frozen=True):
    """One line of business.

    Attributes:
        code: Of the national list of economic activities, None where the register has none.
        name: For people.
    """

    code: str | None
    name: str | None


class Company(Struct, frozen=True):
    """What the register says of one enterprise or branch. None: the register says nothing.

    Attributes:
        msdn: Enterprise number, `##########` or `##########-###` (ENTERPRISE_GDT_CODE).
        registration_number: Older number of its certificate, opaque (IMP_BUSINESS_CODE).
        name: NAME.
        short_name: SHORT_NAME.
        foreign_name: NAME_F.
        status_code: ENTERPRISE_STATUS_ID, the register's own code.
        status: ENTERPRISE_STATUS_NAME, in its words.
        type: ENTERPRISE_TYPE_NAME.
        founded_at: FOUNDING_DATE, +07:00.
        amended_at: LAST_AMEND_DATE, +07:00.
        changes: How often it was amended (NUMBER_CHANGES).
        address: Head office in one line (HOAdress.AddressFullText).
        representatives: Names of its legal representatives.
        activities: Its lines of business.
    """

    msdn: str
    registration_number: str | None
    name: str
    short_name: str | None
    foreign_name: str | None
    status_code: str | None
    status: str | None
    type: str | None
    founded_at: datetime | None
    amended_at: datetime | None
    changes: int | None
    address: str | None
    representatives: tuple[str, ...]
    activities: tuple[Activity, ...]


def checked_msdn(told: str) -> str:
    """The number to ask for, so that a mistyped one is told before anyone is asked.

    Raises:
        RequestRefused: FIELD_MISSING for an empty one, FIELD_TYPE for a wrong check digit.
    """
    if not told.strip():
        raise RequestRefused(Reason.FIELD_MISSING, 422, field="msdn")
    try:
        return msdn(told)
    except Bad as bad:
        raise RequestRefused(bad.reason, 422, field="msdn") from bad


def read(raw: bytes, asked: str) -> Company:
    """The company in one reply.

    Args:
        raw: The reply's bytes.
        asked: The number that was asked for, as `checked_msdn` gave it.

    Raises:
        NotOnFile: NOT_FOUND: the register holds no such company.
        Garbled: outside the contract, or an answer about another company.
    """
    data = _part(body(raw), "Data")
    main = _part(data or {}, "MainInformation")
    if data is None or main is None:
        raise NotOnFile(Reason.NOT_FOUND, system=_SYSTEM)
    number = _told(main, "ENTERPRISE_GDT_CODE", msdn)
    older = _told(main, "IMP_BUSINESS_CODE", text)
    name = _told(main, "NAME", trim)
    if number is None or name is None:
        raise Garbled(Reason.BODY_MALFORMED, "MainInformation", system=_SYSTEM)
    if mst.compact(asked) not in {mst.compact(told) for told in (number, older) if told}:
        raise Garbled(Reason.BODY_MALFORMED, "an answer about another company", system=_SYSTEM)
    address = _part(data, "HOAdress") or {}
    return Company(
        msdn=number,
        registration_number=older,
        name=name,
        short_name=_told(main, "SHORT_NAME", trim),
        foreign_name=_told(main, "NAME_F", trim),
        status_code=_told(main, "ENTERPRISE_STATUS_ID", text),
        status=_told(main, "ENTERPRISE_STATUS_NAME", trim),
        type=_told(main, "ENTERPRISE_TYPE_NAME", trim),
        founded_at=_told(main, "FOUNDING_DATE", _MOMENT),
        amended_at=_told(main, "LAST_AMEND_DATE", _MOMENT),
        changes=_told(main, "NUMBER_CHANGES", integer),
        address=_told(address, "AddressFullText", trim),
        representatives=tuple(
            name
            for person in _many(data, "Representatives")
            if (name := _told(person, "FULL_NAME", trim)) is not None
        ),
        activities=tuple(
            Activity(_told(line, "CODE", text), _told(line, "NAME", trim))
            for line in _many(data, "BusinessActivities")
        ),
    )


def _told(part: dict[str, Any], name: str, read_as: Any) -> Any:
    """The value of a name, None where it is null, empty or not there."""
    value = trim(part.get(name))
    if value is None or value == "":
        return None
    try:
        found = read_as(value)
    except Bad as bad:
        raise Garbled(Reason.BODY_MALFORMED, name, system=_SYSTEM) from bad
    if read_as is trim and not isinstance(found, str):
        raise Garbled(Reason.BODY_MALFORMED, name, system=_SYSTEM)
    return found


def _part(data: dict[str, Any], name: str) -> dict[str, Any] | None:
    """An object; None where it is null, empty or not there."""
    found = data.get(name)
    if not isinstance(found, dict | None):
        raise Garbled(Reason.BODY_MALFORMED, name, system=_SYSTEM)
    return found or None


def _many(data: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """A list of objects: the register sends one element without its list (object or array)."""
    found = data.get(name)
    items = found if isinstance(found, list) else [] if found is None else [found]
    if not all(isinstance(item, dict) for item in items):
        raise Garbled(Reason.BODY_MALFORMED, name, system=_SYSTEM)
    return items
