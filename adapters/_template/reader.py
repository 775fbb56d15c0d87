"""Bytes of one page to wire rows: pure. Contract: contract/design.md."""

from typing import Any

from canonical.errors import Garbled, NotAllowed, Refused
from canonical.ports import BadRow, Row
from canonical.reading import json
from canonical.reasons import Reason
from canonical.text import Malformed

DOSSIERS = "dossiers"
_SYSTEM = "template"


def rows(shape: str, raw: bytes) -> list[Row | BadRow]:
    """The rows of one page, in order.

    Raises:
        Garbled: BODY_TRUNCATED or BODY_MALFORMED: the page is outside its contract.
        NotAllowed, Refused: the source's own `maLoi` says so.
    """
    if shape != DOSSIERS:
        raise Garbled(Reason.BODY_MALFORMED, f"no shape {shape!r}", system=_SYSTEM)
    return [
        Row(DOSSIERS, item) if isinstance(item, dict) else BadRow(Reason.FIELD_TYPE)
        for item in page(raw)["hoSo"]
    ]


def page(raw: bytes) -> dict[str, Any]:
    """The page itself, its `tong` a number and its `hoSo` a list. Raises as `rows`."""
    try:
        found = json.decode(raw)
    except Malformed as error:
        # An object that is not closed was cut off on the way: that may be asked for again.
        told = raw.strip()
        is_cut = told.startswith(b"{") and not told.endswith(b"}")
        reason = Reason.BODY_TRUNCATED if is_cut else Reason.BODY_MALFORMED
        raise Garbled(reason, str(error), system=_SYSTEM) from error
    if not isinstance(found, dict):
        raise Garbled(Reason.BODY_MALFORMED, "not an object", system=_SYSTEM)
    match found.get("maLoi"):
        case 0:
            pass
        case 1:
            raise NotAllowed(Reason.AUTH_DENIED, "maLoi 1", system=_SYSTEM)
        case int(code):
            raise Refused(Reason.SOURCE_ERROR, f"maLoi {code}", system=_SYSTEM)
        case _:
            raise Garbled(Reason.BODY_MALFORMED, "maLoi", system=_SYSTEM)
    if type(found.get("tong")) is not int or not isinstance(found.get("hoSo"), list):
        raise Garbled(Reason.BODY_MALFORMED, "tong or hoSo", system=_SYSTEM)
    return found
