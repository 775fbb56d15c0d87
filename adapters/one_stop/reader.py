"""Bytes of one page of the dossier list to wire rows. Contract: contract/openapi.json (our own).

A row that is spoilt for itself (a name twice, NaN, bytes outside UTF-8, a lone surrogate) is set
apart here, so that one such row cannot take its page with it.
"""

import re
from typing import Any

from adapters.one_stop import spoilt
from canonical.errors import Garbled
from canonical.ports import BadRow, Row
from canonical.reading import json
from canonical.reasons import Reason
from canonical.text import Malformed

DOSSIERS = "dossiers"
_SYSTEM = "one_stop"
_MAX_DEPTH = 16  # the contract's rows are two deep; the model refuses a batch beyond 64
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")  # an escape that may be half a character


def rows(shape: str, raw: bytes) -> list[Row | BadRow]:
    """The rows of one page, in order.

    Raises:
        Garbled: BODY_TRUNCATED, BODY_MALFORMED or CTYPE_UNEXPECTED: the page is outside its
            contract.
    """
    if shape != DOSSIERS:
        raise Garbled(Reason.BODY_MALFORMED, f"no shape {shape!r}", system=_SYSTEM)
    found = page(raw)
    items = [_row(item, place) for place, item in enumerate(found["data"])]
    if spoilt.MARK in found or _HALF.search(raw):
        return [_unspoilt(item) for item in items]
    return items


def page(raw: bytes) -> dict[str, Any]:
    """The page itself: `total` is a number from 0, `data` a list.

    Raises:
        Garbled: as `rows`.
    """
    found = body(raw)
    if type(found.get("total")) is not int or found["total"] < 0:
        raise Garbled(Reason.BODY_MALFORMED, "total", system=_SYSTEM)
    if not isinstance(found.get("data"), list):
        raise Garbled(Reason.BODY_MALFORMED, "data", system=_SYSTEM)
    return found


def body(raw: bytes) -> dict[str, Any]:
    """The JSON object of an answer; what is spoilt inside it is marked (`spoilt`), not mended.

    Raises:
        Garbled: as `rows`.
    """
    try:
        found = json.decode(raw)
    except Malformed:
        found = spoilt.decode(raw, system=_SYSTEM)
    if not isinstance(found, dict):
        raise Garbled(Reason.BODY_MALFORMED, "not an object", system=_SYSTEM)
    return found


def _row(item: Any, place: int) -> Row | BadRow:
    if not isinstance(item, dict):
        return BadRow(Reason.FIELD_TYPE, f"data[{place}]")
    if _is_deep(item, _MAX_DEPTH):
        return BadRow(Reason.FIELD_TYPE, f"data[{place}]", _code(item))
    return Row(DOSSIERS, item)


def _unspoilt(row: Row | BadRow) -> Row | BadRow:
    if isinstance(row, BadRow):
        return row
    found = spoilt.fault(row.values)
    return row if found is None else BadRow(*found, _code(row.values))


def _is_deep(value: dict[str, Any] | list[Any], room: int) -> bool:
    inside = value.values() if isinstance(value, dict) else value
    return any(
        room == 0 or _is_deep(item, room - 1) for item in inside if isinstance(item, dict | list)
    )


def _code(item: dict[str, Any]) -> str | None:
    """The dossier's code where it can be shown safely."""
    code = item.get("referenceUid")
    is_safe = isinstance(code, str) and 0 < len(code) <= 200 and code.isprintable()
    return code if is_safe else None
