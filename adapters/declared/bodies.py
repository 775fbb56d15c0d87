"""The bytes of one answer as something to look into: JSON, XML, or what a SOAP Body holds. Pure.

A JSON body that strict reading refuses for what stands inside one record (a name twice, NaN) is
read once more with the fault marked where it stands, so that the record alone is lost.
"""

import functools
import json as plain_json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from typing_extensions import override

from canonical.errors import Garbled
from canonical.mapping.bounded import Expression, compile_expression
from canonical.mapping.transforms import Bad
from canonical.ports import BadRow
from canonical.reading import json, soap, xml
from canonical.reasons import Reason
from canonical.text import Forbidden, Malformed, clean

MAX_BYTES = 64 * 1024 * 1024
MAX_RECORD_DEPTH = 24
# Name in a declaration -> Python's; a byte order mark is never a part of the text.
ENCODINGS: Mapping[str, str] = {
    "utf-8": "utf-8-sig",
    "utf-8-sig": "utf-8-sig",
    "utf-16": "utf-16",
    "utf-16-le": "utf-16-le",
    "windows-1258": "cp1258",
    "windows-1252": "cp1252",
    "iso-8859-1": "latin-1",
}
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}"
_MARK = "\0spoilt"  # no name that strict JSON could hold beside it


class Body(ABC):
    """One answer, to look into by the paths of a declaration."""

    @abstractmethod
    def field(self, path: str) -> Any:
        """The value at a path; None where there is none."""

    @abstractmethod
    def records(self, path: str, *, absent_is_empty: bool) -> list[dict[str, Any] | BadRow]:
        """The records at a path, in order.

        Raises:
            Garbled: BODY_MALFORMED where there is no list, and that is not declared to mean none.
        """


class JsonBody(Body):
    """An answer in JSON; paths are dotted names or JMESPath."""

    def __init__(self, value: Any, *, is_spoilt: bool = False) -> None:
        self._value = value
        self._is_spoilt = is_spoilt

    @property
    def value(self) -> Any:
        """The whole answer."""
        return self._value

    @override
    def field(self, path: str) -> Any:
        """See `Body`; what cannot be evaluated is no value."""
        try:
            found = _expression(path).search(self._value)
        except Bad:
            return None
        return None if isinstance(found, _Unreadable) else found

    @override
    def records(self, path: str, *, absent_is_empty: bool) -> list[dict[str, Any] | BadRow]:
        """See `Body`; a path of "" is the whole answer, and one object is a list of one there."""
        found = self._value if path in ("", ".") else self.field(path)
        if found is None and absent_is_empty:
            return []
        if isinstance(found, dict) and path in ("", "."):
            found = [found]
        if not isinstance(found, list):
            raise Garbled(Reason.BODY_MALFORMED, f"no list at {path or 'the top'}")
        return [self._record(item, place) for place, item in enumerate(found)]

    def _record(self, item: Any, place: int) -> dict[str, Any] | BadRow:
        if not isinstance(item, dict) or _is_deep(item, MAX_RECORD_DEPTH):
            return BadRow(Reason.FIELD_TYPE, f"[{place}]")
        fault = _fault(item) if self._is_spoilt else None
        return item if fault is None else BadRow(*fault)


class XmlBody(Body):
    """An answer in XML; paths are local names with / between them, below the root or message."""

    def __init__(self, base: Any) -> None:
        self.base = base

    @override
    def field(self, path: str) -> Any:
        """See `Body`: the text of the first such element; nil and empty are no value."""
        found = self._elements(path)
        told = found[0].text if found else None
        return told.strip() or None if told else None

    @override
    def records(self, path: str, *, absent_is_empty: bool) -> list[dict[str, Any] | BadRow]:
        """See `Body`: every element at the path; what should hold them must be there."""
        if path in ("", "."):
            return [_xml_record(self.base)]
        above, _, last = path.rpartition("/")
        parents = self._elements(above) if above else [self.base]
        if not parents and not absent_is_empty:
            raise Garbled(Reason.BODY_MALFORMED, f"no element {above}")
        return [
            _xml_record(child)
            for parent in parents
            for child in parent
            if last in ("*", xml.local(child))
        ]

    def _elements(self, path: str) -> list[Any]:
        found = [self.base]
        for name in path.split("/"):
            if name not in ("", "."):
                found = [c for one in found for c in one if name in ("*", xml.local(c))]
        return found


def open_json(raw: bytes, encoding: str = "utf-8") -> JsonBody:
    """A JSON answer.

    Raises:
        Garbled: CTYPE_UNEXPECTED (a page for people), BODY_TRUNCATED, BODY_MALFORMED, ENC_INVALID,
            BODY_TOO_LARGE.
    """
    text = text_of(raw, encoding)
    if text.lstrip()[:15].lower().startswith(("<!doctype html", "<html")):
        raise Garbled(Reason.CTYPE_UNEXPECTED, "an HTML page")
    try:
        told = text.encode("utf-8")
    except UnicodeEncodeError:
        raise Garbled(Reason.ENC_INVALID, "half a character") from None
    try:
        value = json.decode(told)
    except Malformed:
        return JsonBody(_lenient(text), is_spoilt=True)
    # An escape that may be half a character is the fault of the record it stands in.
    return JsonBody(value, is_spoilt="\\ud" in text or "\\uD" in text)


def open_xml(raw: bytes, encoding: str = "utf-8", *, is_soap: bool = False) -> XmlBody:
    """An XML answer; of a SOAP answer the one message in its Body.

    Raises:
        Garbled: as canonical.reading.xml.parse; ENC_INVALID where it is not in its encoding.
    """
    if encoding not in ("utf-8", "utf-8-sig"):
        raw = _as_utf8(text_of(raw, encoding))
    root = xml.parse(raw)
    return XmlBody(soap.body_child(root) if is_soap else root)


def text_of(raw: bytes, encoding: str) -> str:
    """Bytes in a declared encoding as text.

    Raises:
        Garbled: ENC_INVALID, BODY_TOO_LARGE.
    """
    if len(raw) > MAX_BYTES:
        raise Garbled(Reason.BODY_TOO_LARGE)
    try:
        return raw.decode(ENCODINGS[encoding])
    except UnicodeDecodeError:
        raise Garbled(Reason.ENC_INVALID, f"not {encoding}") from None


@functools.lru_cache(maxsize=1_024)
def _expression(path: str) -> Expression:
    return compile_expression(path)


def _as_utf8(text: str) -> bytes:
    """XML text without the declaration that names its old encoding."""
    body = text.lstrip()
    if body.startswith("<?xml"):
        body = body.partition("?>")[2]
    return body.encode("utf-8")


def _xml_record(element: Any) -> dict[str, Any] | BadRow:
    """An element's children as values; its own attributes under their name behind an @."""
    value = xml.to_value(element)
    if value is None or (isinstance(value, str) and not value.strip()):
        value = {}
    if not isinstance(value, dict):
        return BadRow(Reason.FIELD_TYPE, xml.local(element))
    own = {
        f"@{name.rpartition('}')[2]}": told
        for name, told in element.attrib.items()
        if not name.startswith(_NIL)
    }
    return {**value, **own}


class _Unreadable:
    """Stands where a value cannot be held: NaN, Infinity, a number of thousands of digits."""


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        found[_MARK] = next(name for name in names if names.count(name) > 1)
    return found


def _integer(digits: str) -> Any:
    return int(digits) if len(digits) < 400 else _Unreadable()


_LENIENT = plain_json.JSONDecoder(
    object_pairs_hook=_pairs, parse_constant=lambda _: _Unreadable(), parse_int=_integer
)


def _lenient(text: str) -> Any:
    try:
        found = _LENIENT.decode(text)
    except plain_json.JSONDecodeError as error:
        reason = Reason.BODY_TRUNCATED if _is_cut(error) else Reason.BODY_MALFORMED
        raise Garbled(reason, f"at {error.pos}") from None
    except RecursionError:
        raise Garbled(Reason.BODY_MALFORMED, "nested too deep") from None
    if isinstance(found, dict) and _MARK in found:
        raise Garbled(Reason.BODY_MALFORMED, "a name twice in one object")
    return found


def _is_cut(error: plain_json.JSONDecodeError) -> bool:
    """Whether the text is faultless as far as it goes: only its end is missing."""
    rest = error.doc[error.pos :].strip()
    return bool(error.doc.strip()) and (
        not rest
        or error.msg.startswith("Unterminated string")
        or any(word.startswith(rest) for word in ("true", "false", "null", "-"))
        or (error.msg.startswith("Invalid \\") and '"' not in rest)
    )


def _fault(item: Any) -> tuple[Reason, str | None] | None:
    """What is wrong with a record of a body that strict reading refused, and where."""
    if isinstance(item, _Unreadable):
        return Reason.FIELD_TYPE, None
    if isinstance(item, str):
        try:
            clean(item)
        except Malformed:
            return Reason.ENC_INVALID, None
        except Forbidden:
            return None  # the record's own check names it
        return None
    if isinstance(item, list):
        return next((found for one in item if (found := _fault(one)) is not None), None)
    if isinstance(item, dict):
        if _MARK in item:
            return Reason.FIELD_TYPE, _shown(item[_MARK])
        for name, value in item.items():
            found = _fault(name) or _fault(value)
            if found is not None:
                return found[0], _shown(name)
    return None


def _shown(name: Any) -> str | None:
    return name if isinstance(name, str) and name.isprintable() and len(name) <= 200 else None


def _is_deep(value: Any, room: int) -> bool:
    inside = value.values() if isinstance(value, dict) else value
    return any(
        room == 0 or _is_deep(one, room - 1) for one in inside if isinstance(one, dict | list)
    )
