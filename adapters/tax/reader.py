"""Bytes of one answer of the tax system to wire rows: JSON, and in it base64 of an XML notice.

Contract: contract/notices.md. The source's own `error_code` in HTTP 200 is told here. What is wrong
with the file of one notice costs that notice only:

- not base64: ENC_INVALID;
- not well-formed, forbidden XML, another root, or the notice of another dossier (MA_HSO is not
  MaHoSo): MAPPING_ERROR;
- no file, or no duty in it: FIELD_MISSING.
"""

import base64
import binascii
import json as stdlib_json
import re
from typing import Any

from canonical.errors import Garbled, NotAllowed, Refused, TryAgain
from canonical.ports import BadRow, Row
from canonical.reading import json, xml
from canonical.reasons import Reason
from canonical.text import Malformed

NOTICES = "notices"
_FILE = "FileThongBaoThue"
_MAX_FILE_BYTES = 4 * 1024 * 1024
_DONE, _DENIED, _EXPIRED = 0, -1, -2
_CODE = re.compile(r"-?[0-9]{1,9}")
_PAYMENT = ("TrangThaiThanhToan", "ThoiGianThanhToan")


def rows(shape: str, raw: bytes) -> list[Row | BadRow]:
    """The notices of one page, in order.

    Raises:
        Garbled: BODY_TRUNCATED or BODY_MALFORMED: the page is outside its contract.
        TryAgain: AUTH_EXPIRED: error_code -2.
        Refused: SOURCE_ERROR: any other error_code but 0.
    """
    if shape != NOTICES:
        raise Garbled(Reason.BODY_MALFORMED, f"no shape {shape!r}", system="tax")
    return [_row(item) for item in envelope(raw)["result"]]


def envelope(raw: bytes) -> dict[str, Any]:
    """One page of notices: `tongSo` is a number, `result` a list. Raises as `rows`."""
    page = _body(raw)
    code = _error_code(page)
    if code == _EXPIRED:
        raise TryAgain(Reason.AUTH_EXPIRED, system="tax")
    if code != _DONE:
        raise Refused(Reason.SOURCE_ERROR, f"error_code {code}", system="tax")
    if type(page.get("tongSo")) is not int or page["tongSo"] < 0:
        raise Garbled(Reason.BODY_MALFORMED, "tongSo", system="tax")
    if not isinstance(page.get("result"), list):
        raise Garbled(Reason.BODY_MALFORMED, "result", system="tax")
    return page


def session_of(raw: bytes) -> str:
    """The session that a login gave.

    Raises:
        NotAllowed: AUTH_DENIED: error_code -1.
        Refused: SOURCE_ERROR: any other error_code but 0.
        Garbled: BODY_TRUNCATED or BODY_MALFORMED.
    """
    told = _body(raw)
    code = _error_code(told)
    if code == _DENIED:
        raise NotAllowed(Reason.AUTH_DENIED, "error_code -1 at login", system="tax")
    if code != _DONE:
        raise Refused(Reason.SOURCE_ERROR, f"error_code {code} at login", system="tax")
    session = told.get("session")
    if not isinstance(session, str) or not session:
        raise Garbled(Reason.BODY_MALFORMED, "session", system="tax")
    return session


def _body(raw: bytes) -> dict[str, Any]:
    try:
        found = json.decode(raw)
    except Malformed as error:
        reason = Reason.BODY_TRUNCATED if _is_cut(raw, error) else Reason.BODY_MALFORMED
        raise Garbled(reason, str(error), system="tax") from error
    if not isinstance(found, dict):
        raise Garbled(Reason.BODY_MALFORMED, "not an object", system="tax")
    return found


def _is_cut(raw: bytes, error: Malformed) -> bool:
    """Whether an object began and its text stops before it is closed."""
    told = raw.strip()
    if not told.startswith(b"{"):
        return False
    cause = error.__cause__
    at_end = isinstance(cause, stdlib_json.JSONDecodeError) and cause.pos >= len(cause.doc.rstrip())
    return at_end or not told.endswith(b"}")


def _error_code(told: dict[str, Any]) -> int:
    """The code, which comes as a number or as text (domain/statuses.md 2.3)."""
    code = told.get("error_code")
    if isinstance(code, str) and _CODE.fullmatch(code):
        code = int(code)
    if type(code) is not int:
        raise Garbled(Reason.BODY_MALFORMED, "error_code", system="tax")
    return code


def _row(item: Any) -> Row | BadRow:
    if not isinstance(item, dict):
        return BadRow(Reason.FIELD_TYPE)
    code = _code(item)
    file = item.get(_FILE)
    if item.get("MaHoSo") is None or not str(item["MaHoSo"]).strip():
        return BadRow(Reason.FIELD_MISSING, "MaHoSo", code)
    if file is None or file == "":
        return BadRow(Reason.FIELD_MISSING, _FILE, code)
    if not isinstance(file, str):
        return BadRow(Reason.FIELD_TYPE, _FILE, code)
    try:
        content = base64.b64decode("".join(file.split()), validate=True)
    except (binascii.Error, ValueError):
        return BadRow(Reason.ENC_INVALID, _FILE, code)
    try:
        duties = _duties(xml.parse(content, system="tax", max_bytes=_MAX_FILE_BYTES), item)
    except Garbled:
        return BadRow(Reason.MAPPING_ERROR, _FILE, code)
    if not duties:
        return BadRow(Reason.FIELD_MISSING, f"{_FILE}.LIST", code)
    payment = {name: item[name] for name in _PAYMENT if name in item}
    values = {name: value for name, value in item.items() if name != _FILE}
    return Row(NOTICES, {**values, "ThongBao": [{**duty, **payment} for duty in duties]})


def _duties(root: Any, item: dict[str, Any]) -> list[dict[str, Any]]:
    """The LISTs of the file, all of them of the dossier that the row names."""
    if xml.local(root) != "DATA":
        raise Garbled(Reason.BODY_MALFORMED, "not DATA", system="tax")
    found = []
    for body in _children(root, "BODY"):
        for row_list in _children(body, "ROW_LIST"):
            if _dossier_of(row_list) != str(item["MaHoSo"]).strip():
                raise Garbled(Reason.BODY_MALFORMED, "MA_HSO", system="tax")
            found += [_duty(element) for element in _children(row_list, "LIST")]
    return found


def _dossier_of(row_list: Any) -> str:
    """MA_HSO, which is written as a child or as an attribute (contract/notices.md)."""
    told = [child.text for child in _children(row_list, "MA_HSO")] or [row_list.get("MA_HSO")]
    return (told[0] or "").strip() if len(told) == 1 else ""


def _duty(element: Any) -> dict[str, Any]:
    duty = xml.to_value(element)
    if not isinstance(duty, dict):
        raise Garbled(Reason.BODY_MALFORMED, "LIST", system="tax")
    return duty


def _children(element: Any, name: str) -> list[Any]:
    return [child for child in element if xml.local(child) == name]


def _code(item: dict[str, Any]) -> str | None:
    """The notice's number where it can be shown safely."""
    code = item.get("MaThongBaoThue")
    is_safe = isinstance(code, str) and 0 < len(code) <= 200 and code.isprintable()
    return code if is_safe else None
