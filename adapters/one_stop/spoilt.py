"""JSON that strict reading refuses, read once more so that only the rows at fault are lost.

The app builds its list row by row: what spoils one row (NaN, a name twice, half a character) says
nothing about its neighbours. Nothing is mended here: a fault is marked where it stands.
"""

import json
from typing import Any

from canonical.errors import Garbled
from canonical.reasons import Reason
from canonical.text import Forbidden, Malformed, clean

MARK = "\0spoilt"  # no name of the contract; holds the name that stands twice, or True for a page
_MAX_DIGITS = 400


class _Unreadable:
    """Stands where a value cannot be held: NaN, Infinity, a number of thousands of digits."""


def decode(raw: bytes, *, system: str) -> Any:
    """The value of a JSON text, faults inside it marked; an object at the top carries MARK.

    Raises:
        Garbled: BODY_TRUNCATED where the text ends before its end, CTYPE_UNEXPECTED for an HTML
            page, BODY_MALFORMED for anything else outside JSON or a name twice at the top.
    """
    text = raw.decode("utf-8", "surrogateescape")  # a byte outside UTF-8 becomes half a character
    try:
        found = _LENIENT.decode(text)
    except json.JSONDecodeError as error:
        raise Garbled(_syntax(error), f"at {error.pos}", system=system) from None
    except RecursionError as error:
        raise Garbled(Reason.BODY_MALFORMED, "nested too deep", system=system) from error
    if not isinstance(found, dict) or MARK in found:
        raise Garbled(Reason.BODY_MALFORMED, "not one object", system=system)
    return found | {MARK: True}


def fault(item: dict[str, Any]) -> tuple[Reason, str | None] | None:
    """FIELD_TYPE or ENC_INVALID and the name at fault; None where nothing is wrong with the row."""
    for name, value in item.items():
        if name == MARK:
            return Reason.FIELD_TYPE, _shown(value)
        reason = Reason.ENC_INVALID if _is_half(name) else _reason(value)
        if reason is not None:
            return reason, _shown(name)
    return None


def _reason(value: Any) -> Reason | None:
    if isinstance(value, _Unreadable):
        return Reason.FIELD_TYPE
    if isinstance(value, str):
        return Reason.ENC_INVALID if _is_half(value) else None
    if isinstance(value, dict):
        inner = fault(value)
        return inner[0] if inner else None
    if isinstance(value, list):
        return next((found for found in map(_reason, value) if found is not None), None)
    return None


def _is_half(text: str) -> bool:
    """Whether half a character is in it."""
    try:
        clean(text)
    except Malformed:
        return True
    except Forbidden:
        return False  # a control character: the record's own check names it
    return False


def _shown(name: Any) -> str | None:
    """A name as it may stand in the quarantine."""
    return name if isinstance(name, str) and name.isprintable() and len(name) <= 200 else None


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        found[MARK] = next(name for name in names if names.count(name) > 1)
    return found


def _integer(digits: str) -> Any:
    return int(digits) if len(digits) <= _MAX_DIGITS else _Unreadable()


_LENIENT = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_constant=lambda _: _Unreadable(), parse_int=_integer
)


def _syntax(error: json.JSONDecodeError) -> Reason:
    """Whether the text is cut off, is a page for people, or is wrong in the middle."""
    if error.doc.lstrip()[:15].lower().startswith(("<!doctype", "<html")):
        return Reason.CTYPE_UNEXPECTED
    rest = error.doc[error.pos :].strip()
    is_cut = (
        not rest
        or error.msg.startswith("Unterminated string")
        or any(word.startswith(rest) for word in ("true", "false", "null", "-"))
        or (error.msg.startswith("Invalid \\") and '"' not in rest)
    )
    return Reason.BODY_TRUNCATED if error.doc.strip() and is_cut else Reason.BODY_MALFORMED
