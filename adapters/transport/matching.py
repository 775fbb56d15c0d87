"""Which dossier of getHoSoMotCua a filing can be; pure.

The list carries neither SoHoSo1 nor anything else the hub gave (contract/SOURCES.md), so a filing
is known by who, what and when: identity number, name, birth, kind, day of reception. Another
person, another kind or an earlier day rule a dossier out. What fits and lacks something, is spelt
otherwise or was entered on a later day may be it all the same: then a person must say.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any

import msgspec
from msgspec import Struct

from canonical.prepared import prepare
from canonical.reading import xml
from canonical.text import folded

OPERATION = "TaoMoiHoSo"


class Sought(Struct, frozen=True):
    """What a filing said of itself, in the words of TaoMoiHoSo."""

    SoCMT1: str
    NgaySinh1: str
    HoVaTen1: str
    MaLoaiHs1: str
    NgayNhanHSo1: str


prepare(Sought)


class Fitting(Struct, frozen=True):
    """What a list says about a filing.

    Attributes:
        found: The one element that is it; None where none is.
        count: Elements that are it or may be.
        is_doubtful: Whether nobody but a person can tell.
    """

    found: dict[str, Any] | None
    count: int
    is_doubtful: bool


def sought(rendered: bytes) -> Sought:
    """What to look for, out of the envelope that was sent."""
    root = xml.parse(rendered)
    record = next(e for e in root.iter() if xml.local(e) == "dongBoQuyTrinh")
    return msgspec.convert(xml.to_value(record), Sought)


def fitting(told: Sought, listed: Sequence[dict[str, Any]], others: Collection[str]) -> Fitting:
    """What of a list a filing can be; an element stands twice where the list repeats it."""
    sure: dict[str, dict[str, Any]] = {}
    doubtful = set()
    for element in listed:
        code = _text(element.get("MaDK1"))
        if code in others:
            continue
        signs = _signs(told, element)
        if False in signs:
            continue
        if code and None not in signs:
            sure[code] = element
        else:
            doubtful.add(code)
    doubtful -= set(sure)
    if len(sure) + len(doubtful) == 0:
        return Fitting(None, 0, is_doubtful=False)
    if len(sure) == 1 and not doubtful:
        return Fitting(next(iter(sure.values())), 1, is_doubtful=False)
    return Fitting(None, len(sure) + len(doubtful), is_doubtful=True)


def _signs(told: Sought, element: dict[str, Any]) -> list[bool | None]:
    """Per sign: fits, rules out, or (None) says nothing sure."""
    person = _same(told.SoCMT1.strip(), _text(element.get("SOCMND1")))
    name = _text(element.get("HOTENNGUOINOP1"))
    born = _day(element.get("NGAYSINH1"))
    received = _day(element.get("NGAYNOPHOSO1"))
    ours = _day(told.NgayNhanHSo1)
    softer = [
        _same(folded(told.HoVaTen1), folded(name)),
        born == _day(told.NgaySinh1[:10]) if born else None,
    ]
    if person:  # one number, two spellings of a name: somebody mistyped
        softer = [sign or None for sign in softer]
    return [
        person,
        *softer,
        _same(told.MaLoaiHs1, _text(element.get("MALOAIHOSO1"))),
        # A department may write down the day on which it took the filing instead of the desk's.
        None if not (received and ours) or received > ours else received == ours,
    ]


def _same(ours: str, theirs: str) -> bool | None:
    return ours == theirs if theirs else None


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _day(value: Any) -> date | None:
    """A day out of dd/MM/yyyy or an ISO date, with a time behind it or not; None for neither."""
    told = _text(value)[:10]
    for form in ("%d/%m/%Y", "%Y-%m-%d"):
        try:
            return datetime.strptime(told, form).date()  # noqa: DTZ007 - a day
        except ValueError:
            continue
    return None
