"""Strict JSON: a name twice, NaN, bottomless nesting and bad UTF-8 are refused, never mended.

msgspec lets a duplicate name pass (last wins) and takes NUL; the standard decoder with a pairs hook
sees every object. Lone surrogates, control characters and depth are `canonical.text.clean`'s, which
every record passes.
"""

import json
from typing import Any, NoReturn

from canonical.text import Malformed


def decode(raw: bytes) -> Any:
    """The value of one JSON text; a number no record can hold (1e400, 5,000 digits) is infinite.

    Raises:
        Malformed: not UTF-8, not JSON, a name twice in one object, NaN or Infinity, too deep.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed("not UTF-8") from error
    try:
        return _decode(text)
    except json.JSONDecodeError as error:
        raise Malformed("not JSON") from error
    except RecursionError as error:
        raise Malformed("nested too deep") from error


def _decode(text: str) -> Any:
    try:
        return _DECODER.decode(text)
    except (Malformed, json.JSONDecodeError):
        raise
    except ValueError:
        return _WIDE_DECODER.decode(text)


def lines(raw: bytes) -> list[bytes]:
    """The non-empty lines of an NDJSON body."""
    return [line for line in raw.split(b"\n") if line.strip()]


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("a name twice in one object")
    return found


def _no_constant(_: str) -> NoReturn:
    raise Malformed("NaN or Infinity")


def _wide(digits: str) -> int | float:
    return int(digits) if len(digits) < 400 else float(digits)


_DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_no_constant)
# int() refuses more than 4,300 digits. Such a number is one record's fault (FIELD_TYPE), not the
# whole body's; a decoder that looks at every number is slower, so it comes second.
_WIDE_DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_constant=_no_constant, parse_int=_wide
)
