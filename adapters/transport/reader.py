"""What the Department answers, as wire rows: the SOAP list, states, the JSON list, a filing.

Contracts: contract/service-2014-used.wsdl (SOAP 1.1 and 1.2) and contract/danhsachhoso.md. Rows are
taken from the bytes themselves: the answers are known to disagree with the published WSDL, and a
strict parse against it would lose a whole list for one new element.

GetTrangThaiHoSo answers with one string per call. So that a few hundred open codes are not a few
hundred receipts, the client packs the answers it received, each as it came, into one page:

    {"shape": "GetTrangThaiHoSo", "answers": [{"maDK": "...", "xml": "<the whole answer>"}, ...]}

An empty string there means that the service holds no such code (our reading, contract/SOURCES.md):
no row comes of it, and the client says how many there were.
"""

import json as stdlib_json
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from canonical import filing
from canonical.errors import Garbled, NotAllowed, Refused
from canonical.ports import BadRow, Row
from canonical.prepared import prepare
from canonical.reading import json, xml
from canonical.reasons import Reason
from canonical.text import Malformed

SYSTEM = "transport"
DOSSIERS = "getHoSoMotCua"
DOSSIER_STATE = "getHoSoMotCuaState"
STATES = "GetTrangThaiHoSo"
LISTED = "danhsachhoso"


class _OneAnswer(Struct, frozen=True):
    maDK: str  # noqa: N815 - the contract's spelling
    xml: str


class _Packed(Struct, frozen=True):
    shape: str
    answers: list[_OneAnswer]


prepare(_Packed)
_NS = "{http://tempuri.org/}"
_LONGEST_CODE = 25
_ENVELOPES = (
    "{http://schemas.xmlsoap.org/soap/envelope/}",
    "{http://www.w3.org/2003/05/soap-envelope}",
)
# contract/danhsachhoso.md "Errors": the key is missing, wrong or at fault; -300 and -303 are about
# the agency code, which is no credential.
_KEY_ERRORS = frozenset({"-301", "-302", "-304"})


def rows(shape: str, raw: bytes) -> list[Row | BadRow]:
    """The rows of one page, in order.

    An element of the SOAP list gives two: what the desk wrote down (DOSSIERS) and the state
    (DOSSIER_STATE). One without MaDK1 gives the first only, so that it is refused once.

    Raises:
        Garbled: BODY_TRUNCATED, BODY_MALFORMED, or SCHEMA_DRIFT where the answer is not the
            operation's; as `canonical.reading.xml.parse` says.
        NotAllowed: AUTH_DENIED, error_code -301, -302, -304 of the JSON list.
        Refused: SOURCE_ERROR for its other error codes; SOAP_FAULT.
    """
    match shape:
        case "getHoSoMotCua":
            return _dossiers(raw)
        case "GetTrangThaiHoSo":
            return _states(raw)
        case "danhsachhoso":
            return [
                Row(LISTED, item) if isinstance(item, dict) else BadRow(Reason.FIELD_TYPE)
                for item in listing(raw)[1]
            ]
        case "filed":
            return [filing.note_row(raw, SYSTEM)]
        case _:
            raise Garbled(Reason.BODY_MALFORMED, f"no shape {shape!r}", system=SYSTEM)


def answered(found: Iterable[Row | BadRow]) -> set[str]:
    """The codes whose state a list already told."""
    return {
        str(row.values["MaDK1"]).strip()
        for row in found
        if isinstance(row, Row)
        and row.shape == DOSSIER_STATE
        and str(row.values.get("TRANGTHAIXULY1") or "").strip()
    }


def state(raw: bytes) -> str | None:
    """The string one GetTrangThaiHoSo call answered; None where there is none.

    Raises:
        Garbled, Refused: as `rows`.
    """
    result = _answer(raw, STATES).find(f"{_NS}{STATES}Result")
    told = None if result is None else result.text
    return told.strip() or None if told else None


def filed_code(raw: bytes) -> str | None:
    """MaDK as TaoMoiHoSo answered it; None where it did not take the dossier.

    Raises:
        Garbled: SCHEMA_DRIFT where it is no MaDK (varchar(25), no blanks); as `rows`.
        Refused: as `rows`.
    """
    result = _answer(raw, "TaoMoiHoSo").find(f"{_NS}TaoMoiHoSoResult")
    code = (result.text or "").strip() if result is not None else ""
    if not code:
        return None
    if len(code) > _LONGEST_CODE or not code.isprintable() or len(code.split()) > 1:
        raise Garbled(Reason.SCHEMA_DRIFT, "TaoMoiHoSoResult is no MaDK", system=SYSTEM)
    return code


def packed(answers: Sequence[tuple[str, bytes]]) -> bytes:
    """One page out of the answers to several GetTrangThaiHoSo calls: equal answers, equal bytes.

    Raises:
        Garbled: BODY_MALFORMED: an answer that is not UTF-8, as the service's are.
    """
    try:
        told = [_OneAnswer(code, raw.decode("utf-8")) for code, raw in answers]
    except UnicodeDecodeError as error:
        raise Garbled(Reason.BODY_MALFORMED, "not UTF-8", system=SYSTEM) from error
    return msgspec.json.encode(_Packed(STATES, told))


def listing(raw: bytes) -> tuple[int, list[Any]]:
    """The declared total and the items of one answer of the JSON list.

    Raises:
        Garbled, NotAllowed, Refused: as `rows`.
    """
    told = _object(raw)
    code = str(told.get("error_code") or "0")
    if code in _KEY_ERRORS:
        raise NotAllowed(Reason.AUTH_DENIED, f"error_code {code}", system=SYSTEM)
    if code != "0":
        shown = code if code.lstrip("-").isdecimal() and len(code) < 10 else "of another form"
        raise Refused(Reason.SOURCE_ERROR, f"error_code {shown}", system=SYSTEM)
    total, data = told.get("total"), told.get("data")
    if type(total) is not int or total < 0:
        raise Garbled(Reason.SCHEMA_DRIFT, "total", system=SYSTEM)
    if data is None and total == 0:
        return 0, []
    if not isinstance(data, list):
        raise Garbled(Reason.SCHEMA_DRIFT, "data", system=SYSTEM)
    return total, data


def _dossiers(raw: bytes) -> list[Row | BadRow]:
    found: list[Row | BadRow] = []
    # An ASMX service leaves a null result out altogether: no dossiers.
    for element in _answer(raw, DOSSIERS).iterfind(f"{_NS}{DOSSIERS}Result/*"):
        if xml.local(element) != "HoSoMotCua":
            found.append(BadRow(Reason.FIELD_UNKNOWN, xml.local(element)[:200]))
            continue
        values = xml.to_value(element)
        if not isinstance(values, dict):
            found.append(BadRow(Reason.FIELD_MISSING, "MaDK1"))
            continue
        found.append(Row(DOSSIERS, values))
        if str(values.get("MaDK1") or "").strip():
            names = ("MaDK1", "TRANGTHAIXULY1")
            found.append(Row(DOSSIER_STATE, {n: values[n] for n in names if n in values}))
    return found


def _states(raw: bytes) -> list[Row | BadRow]:
    try:
        page = msgspec.convert(_object(raw), _Packed)
        answers = [(answer.maDK, answer.xml.encode("utf-8")) for answer in page.answers]
    except (msgspec.ValidationError, UnicodeEncodeError):  # a lone surrogate; it quotes the text
        raise Garbled(Reason.BODY_MALFORMED, "not a page of answers", system=SYSTEM) from None
    found: list[Row | BadRow] = []
    for code, answer in answers:
        result = state(answer)
        if result is not None:
            found.append(Row(STATES, {"maDK": code, f"{STATES}Result": result}))
    return found


def _answer(raw: bytes, operation: str) -> Any:
    """The operation's response element out of an envelope of either version."""
    root = xml.parse(raw, system=SYSTEM)
    envelope = next((ns for ns in _ENVELOPES if root.tag == f"{ns}Envelope"), None)
    body = None if envelope is None else root.find(f"{envelope}Body")
    if body is None:
        raise Garbled(Reason.BODY_MALFORMED, "not a SOAP envelope", system=SYSTEM)
    if body.find(f"{envelope}Fault") is not None:
        raise Refused(Reason.SOAP_FAULT, system=SYSTEM)
    response = body.find(f"{_NS}{operation}Response")
    if response is None:
        raise Garbled(Reason.SCHEMA_DRIFT, f"no {operation}Response", system=SYSTEM)
    return response


def _object(raw: bytes) -> dict[str, Any]:
    try:
        found = json.decode(raw)
    except Malformed as error:
        reason = Reason.BODY_TRUNCATED if _is_cut(raw, error) else Reason.BODY_MALFORMED
        raise Garbled(reason, str(error), system=SYSTEM) from error
    if not isinstance(found, dict):
        raise Garbled(Reason.BODY_MALFORMED, "not an object", system=SYSTEM)
    return found


def _is_cut(raw: bytes, error: Malformed) -> bool:
    """Whether an object began and its text stops before it is closed."""
    told = raw.strip()
    if not told.startswith(b"{"):
        return False
    cause = error.__cause__
    at_end = isinstance(cause, stdlib_json.JSONDecodeError) and cause.pos >= len(cause.doc.rstrip())
    return at_end or not told.endswith(b"}")
