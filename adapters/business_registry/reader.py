"""Bytes of one page of the dossier feed to wire rows. Contract: contract/feed.md, our own design.

What may be an object, an object or an array, or a plain value is checked here, once, so that the
mapping behind it never takes a text for a missing object.
"""

import json as stdlib_json
from typing import Any

from canonical.errors import Garbled
from canonical.ports import BadRow, Row
from canonical.reading import json
from canonical.reasons import Reason
from canonical.text import Malformed

DOSSIERS = "dossiers"
_ONE = ("ThuTuc", "DoanhNghiep", "TrangThai")
_ONE_OR_MANY = ("NguoiNop", "LichSu", "LePhi")


def rows(shape: str, raw: bytes) -> list[Row | BadRow]:
    """The rows of one page, in order.

    Raises:
        Garbled: BODY_TRUNCATED or BODY_MALFORMED: the page is outside its contract.
    """
    if shape != DOSSIERS:
        raise Garbled(Reason.BODY_MALFORMED, f"no shape {shape!r}", system="business_registry")
    return [_row(item) for item in envelope(raw)["HoSo"]]


def envelope(raw: bytes) -> dict[str, Any]:
    """The page itself: `TongSo` and `Trang` are numbers, `HoSo` is a list.

    Raises:
        Garbled: BODY_TRUNCATED or BODY_MALFORMED.
    """
    page = body(raw)
    for name in ("TongSo", "Trang"):
        if type(page.get(name)) is not int or page[name] < 0:
            raise Garbled(Reason.BODY_MALFORMED, name, system="business_registry")
    if not isinstance(page.get("HoSo"), list):
        raise Garbled(Reason.BODY_MALFORMED, "HoSo", system="business_registry")
    return page


def body(raw: bytes) -> dict[str, Any]:
    """One JSON object, strictly read.

    Raises:
        Garbled: BODY_TRUNCATED where the text ends before its end, else BODY_MALFORMED.
    """
    try:
        found = json.decode(raw)
    except Malformed as error:
        reason = Reason.BODY_TRUNCATED if _is_cut(raw, error) else Reason.BODY_MALFORMED
        raise Garbled(reason, str(error), system="business_registry") from error
    if not isinstance(found, dict):
        raise Garbled(Reason.BODY_MALFORMED, "not an object", system="business_registry")
    return found


def _is_cut(raw: bytes, error: Malformed) -> bool:
    """Whether an object began and its text stops before it is closed."""
    told = raw.strip()
    if not told.startswith(b"{"):
        return False
    cause = error.__cause__
    at_end = isinstance(cause, stdlib_json.JSONDecodeError) and cause.pos >= len(cause.doc.rstrip())
    return at_end or not told.endswith(b"}")


def _row(item: Any) -> Row | BadRow:
    if not isinstance(item, dict):
        return BadRow(Reason.FIELD_TYPE)
    for name in _ONE:
        if not isinstance(item.get(name), dict | None):
            return BadRow(Reason.FIELD_TYPE, name, _code(item))
    for name in _ONE_OR_MANY:
        told = item.get(name)
        parts = told if isinstance(told, list) else [told]
        if not all(isinstance(part, dict) or (part is None and told is None) for part in parts):
            return BadRow(Reason.FIELD_TYPE, name, _code(item))
    return Row(DOSSIERS, item)


def _code(item: dict[str, Any]) -> str | None:
    """The dossier's code where it can be shown safely."""
    code = item.get("MaHoSo")
    is_safe = isinstance(code, str) and 0 < len(code) <= 200 and code.isprintable()
    return code if is_safe else None
