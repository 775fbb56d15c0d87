"""Strict JSON: a name twice, NaN, lone surrogates, deep nesting and bad UTF-8 are refused, never mended.

msgspec lets a duplicate name pass (last wins) and takes NUL; the standard decoder with a pairs hook
sees every object (TRAPS, FastAPI and JSON).
"""

import json
from typing import Any, NoReturn

from canonical.text import Malformed


def decode(raw: bytes) -> Any:
    """The value of one JSON text.

    Raises:
        Malformed: not UTF-8, not JSON, a name twice in one object, NaN or Infinity, too deep.
    """
    try:
        return _DECODER.decode(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Malformed("not UTF-8") from error
    except RecursionError as error:
        raise Malformed("nested too deep") from error
    except Malformed:
        raise
    except ValueError as error:
        raise Malformed("not JSON") from error


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


_DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_no_constant)
