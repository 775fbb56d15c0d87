"""Bytes of one door call or one pulled page to wire rows. Contract: contract/exchdocument.wsdl.

A door call gives first one row per element, in order (so a row's position is the element's), then
the further statements that some elements make about another leg or facet.
"""

from typing import Any

from msgspec import Struct

from adapters.city_one_stop import envelope
from canonical.errors import Garbled, NotAllowed, Refused, TryAgain
from canonical.ports import BadRow, Row
from canonical.reasons import Reason

PUSH, STATUS, RESULT, PULL = "pushDocument", "updateStatus", "updateResult", "pullDocument"
NOTHING = "nothing"  # a call whose arg0 is null (errCode 1)
# Operation of the door -> the repeated element of its arg0.
LISTS = {
    PUSH: "ossDocumentSoapList",
    STATUS: "documentStatusSoapList",
    RESULT: "documentResultSoapList",
}
_CREDENTIALS = frozenset({"userName", "password"})
_ATTACHMENTS = "attachmentList"
_INT, _LONG = 2**31, 2**63
# The contract's numbers; everything else is text.
_NUMBERS = {
    PUSH: {"gioiTinh": _INT},
    STATUS: {
        "onlineId": _LONG,
        "trangThaiHienTai": _INT,
        "trangThaiKeTiep": _INT,
        "soGioThucHien": _INT,
        "soGioYeuCauXuLy": _INT,
    },
    RESULT: {"lePhiHoSo": _INT, "phiXuLyHoSo": _INT},
    PULL: {"onlineId": _LONG, "gioiTinh": _INT},
}


class Pulled(Struct, frozen=True):
    """One page of online registrations.

    Attributes:
        rows: In the page's order.
        ids: Every onlineId that could be read, each once: what `updateSendSignal` acknowledges.
        has_more: conTiep: whether more wait behind this page.
    """

    rows: list[Row | BadRow]
    ids: list[int]
    has_more: bool


def rows(shape: str, raw: bytes) -> list[Row | BadRow]:
    """The rows of one body.

    Raises:
        Garbled: the body is outside the contract.
        NotAllowed, TryAgain, Refused: a pulled page that says why it is none (`pulled`).
    """
    if shape == PULL:
        return pulled(raw).rows
    if shape == NOTHING:
        return []
    if shape not in LISTS:
        raise _malformed("no such shape")
    name, element = envelope.message(raw)
    argument = envelope.only(element, "arg0")
    if name != shape or argument is None:
        raise _malformed(f"not a call of {shape}")
    return _statements(shape, _elements(argument, shape))


def pulled(raw: bytes) -> Pulled:
    """One answer to pullDocument. errCode 2 (no record) is an empty page.

    Raises:
        Garbled: outside the contract; no conTiep among the rest.
        NotAllowed, TryAgain, Refused: as `check`.
    """
    answer = envelope.returned(raw, PULL)
    if envelope.text(answer, "errCode") == "2":
        return Pulled([], [], has_more=False)
    check(answer)
    more = _number(envelope.text(answer, "conTiep"), _INT)
    if more is None:
        raise _malformed("conTiep")
    found: list[Row | BadRow] = []
    ids: dict[int, None] = {}
    for child in answer:
        if envelope.local(child.tag) != "onlineDocumentSoapList":
            continue
        row = _read(child, PULL)
        online_id = row.values.get("onlineId") if isinstance(row, Row) else None
        if isinstance(row, Row) and (online_id is None or online_id < 1):
            row = BadRow(Reason.FIELD_MISSING, "onlineId")
        if online_id is None and isinstance(row, BadRow):
            online_id = _number(row.code, _LONG)
        if online_id is not None and online_id > 0:
            ids[online_id] = None
        found.append(row)
    return Pulled(found, list(ids), has_more=more > 0)


def check(answer: Any) -> None:
    """Nothing where errCode is absent (success).

    Raises:
        NotAllowed: AUTH_DENIED: 3, unknown user or password.
        TryAgain: SOURCE_ERROR: 9, the app's own failure.
        Refused: SOURCE_ERROR: any other code.
    """
    code = envelope.text(answer, "errCode")
    if code is None:
        return
    # errMsg stays out of it: it may quote a record.
    told = f"errCode {code}" if code.isascii() and code.isalnum() and len(code) < 9 else "errCode"
    if code == "3":
        raise NotAllowed(Reason.AUTH_DENIED, told, system=envelope.SYSTEM)
    if code == "9":
        raise TryAgain(Reason.SOURCE_ERROR, told, system=envelope.SYSTEM)
    raise Refused(Reason.SOURCE_ERROR, told, system=envelope.SYSTEM)


def _elements(argument: Any, shape: str) -> list[Row | BadRow]:
    wanted = LISTS[shape]
    found: list[Row | BadRow] = []
    for child in argument:
        name = envelope.local(child.tag)
        if name == wanted:
            found.append(_read(child, shape))
        elif name not in _CREDENTIALS:
            # Passed over, a misspelt list would be a call that lost all its records.
            raise _malformed("an element in arg0 that is not in the contract")
    return found


def _statements(shape: str, elements: list[Row | BadRow]) -> list[Row | BadRow]:
    """The elements under their mapping shapes, then what they say besides."""
    if shape == PUSH:
        return elements
    split = _status if shape == STATUS else _result
    first: list[Row | BadRow] = []
    besides: list[Row | BadRow] = []
    for element in elements:
        if isinstance(element, Row):
            element, more = split(element.values)
            if more is not None:
                besides.append(more)
        first.append(element)
    return first + besides


def _status(told: dict[str, Any]) -> tuple[Row | BadRow, Row | None]:
    """A step of the counter's dossier, or of the online registration where no code is given yet.

    Both at once also tie the two. An onlineId of 0 is the contract's way to say none.
    """
    code, online_id = told.get("maSoHoSo"), told.get("onlineId") or 0
    if code is None and online_id < 1:
        return BadRow(Reason.FIELD_MISSING, "maSoHoSo"), None
    if code is None:
        return Row("updateStatusOnline", told), None
    link = Row("updateStatusLink", {"onlineId": online_id, "maSoHoSo": code})
    return Row(STATUS, told), link if online_id > 0 else None


def _result(told: dict[str, Any]) -> tuple[Row, Row | None]:
    """An end of work, and what was paid where that is more than nothing."""
    money = Row("updateResultMoney", told)
    is_paid = any((told.get(name) or 0) > 0 for name in _NUMBERS[RESULT])
    return Row(RESULT, told), money if is_paid else None


def _read(element: Any, shape: str) -> Row | BadRow:
    """One element's fields: text, None for nil or empty, int for the contract's numbers."""
    values: dict[str, Any] = {}
    for child in element:
        name = envelope.local(child.tag)
        if shape == PULL and name == _ATTACHMENTS:
            values.setdefault(name, []).append(
                {envelope.local(part.tag): part.text for part in child}
            )
            continue
        if name in values or len(child):
            return BadRow(Reason.FIELD_TYPE, name, _code(element, shape))
        told = child.text
        values[name] = None if told is None or told.isspace() else told
    if not values:
        return BadRow(Reason.FIELD_MISSING, "onlineId" if shape == PULL else "maSoHoSo")
    for name, limit in _NUMBERS[shape].items():
        told = values.get(name)
        if told is None:
            continue
        number = _number(told, limit)
        if number is None:
            return BadRow(Reason.FIELD_TYPE, name, _code(element, shape))
        values[name] = number
    return Row(shape, values)


def _number(told: str | None, limit: int) -> int | None:
    """An xs:int or xs:long; None where it is none."""
    if told is None or not told.isascii() or len(told) > 40:
        return None
    bare = told.strip()
    if not (bare[1:] if bare[:1] in ("+", "-") else bare).isdecimal():
        return None
    number = int(bare)
    return number if -limit <= number < limit else None


def _code(element: Any, shape: str) -> str | None:
    """The local code of an unreadable element where it can be shown safely."""
    name = "onlineId" if shape == PULL else "maSoHoSo"
    told = [(c.text or "").strip() for c in element if envelope.local(c.tag) == name]
    is_safe = len(told) == 1 and 0 < len(told[0]) <= 200 and told[0].isprintable()
    return told[0] if is_safe else None


def _malformed(detail: str) -> Garbled:
    return Garbled(Reason.BODY_MALFORMED, detail, system=envelope.SYSTEM)
