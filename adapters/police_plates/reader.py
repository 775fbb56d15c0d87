"""The bytes of one dropped file to wire rows (contract/DESIGN.md, "The files"). Pure.

A CSV is split as bytes and decoded cell by cell, so that one cell in the wrong encoding costs one
row. Values come out in NFC and without blanks around them, as the contract says they are compared.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Callable
from typing import Any

from adapters.police_plates import tcvn3
from canonical.errors import Garbled
from canonical.ports import BadRow, Row
from canonical.reading import xml
from canonical.reasons import Reason
from canonical.record import code_of

COLUMNS = (
    "SO_HO_SO",
    "MA_HO_SO_MOT_CUA",
    "MA_THU_TUC",
    "TEN_CHU_XE",
    "SO_DINH_DANH",
    "DIA_CHI",
    "LOAI_XE",
    "BIEN_SO",
    "NGAY_NOP",
    "NGAY_HEN",
    "NGAY_XONG",
    "NGAY_TRA",
    "NGAY_DUNG",
    "TINH_TRANG",
)
_CODE = COLUMNS[0]
_ROW = "ho_so"
_BOM = b"\xef\xbb\xbf"
_DECLARED_ENCODING = re.compile(rb"""^<\?xml[^>]*\bencoding\s*=\s*["']([^"']*)["']""")
_Decode = Callable[[bytes], str]


def rows(shape: str, raw: bytes) -> list[Row | BadRow]:
    """The rows of one file, in its order.

    Args:
        shape: csv (UTF-8), csv-tcvn3 or xml (UTF-8).
        raw: The file.

    Raises:
        Garbled: CTYPE_UNEXPECTED (an HTML page), ENC_INVALID, SCHEMA_DRIFT (the columns are not the
            contract's), BODY_TRUNCATED, BODY_MALFORMED, BODY_TOO_LARGE, XML_FORBIDDEN.
    """
    body = raw.removeprefix(_BOM)
    if body.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        raise Garbled(Reason.CTYPE_UNEXPECTED, "an HTML page")
    match shape:
        case "csv":
            return _of_csv(body, _utf8)
        case "csv-tcvn3":
            return _of_csv(body, tcvn3.decode)
        case "xml":
            return _of_xml(body)
        case _:
            raise Garbled(Reason.BODY_MALFORMED, f"no such form: {shape}")


def _utf8(cell: bytes) -> str:
    return cell.decode("utf-8")


def _of_csv(body: bytes, decode: _Decode) -> list[Row | BadRow]:
    # Latin-1 keeps every byte as one character, and the marks of CSV are ASCII in both encodings.
    lines = csv.reader(io.StringIO(body.decode("latin-1"), newline=""), strict=True)
    header: list[str] | None = None
    found: list[Row | BadRow] = []
    while True:
        try:
            cells = next(lines)
        except StopIteration:
            break
        except csv.Error as error:
            if header is None or "unexpected end" in str(error):
                raise Garbled(Reason.BODY_TRUNCATED, "ends within quotes") from None
            found.append(BadRow(Reason.BODY_MALFORMED))
            continue
        if not cells:
            continue
        if header is None:
            header = _header(cells, decode)
        else:
            found.append(_csv_row(header, cells, decode))
    if header is None:
        raise Garbled(Reason.BODY_MALFORMED, "no header line")
    return found


def _header(cells: list[str], decode: _Decode) -> list[str]:
    try:
        names = [_cell(cell, decode) for cell in cells]
    except ValueError:
        raise Garbled(Reason.ENC_INVALID, "the header line") from None
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise Garbled(Reason.SCHEMA_DRIFT, f"no column {', '.join(missing)}")
    if len(set(names)) != len(names) or "" in names:
        raise Garbled(Reason.SCHEMA_DRIFT, "a column twice or without name")
    return names


def _csv_row(header: list[str], cells: list[str], decode: _Decode) -> Row | BadRow:
    if len(cells) != len(header):
        # Only the first cell cannot have been shifted by a stray comma.
        code = _code(cells[0], decode) if header[0] == _CODE else None
        return BadRow(Reason.BODY_MALFORMED, None, code)
    values: dict[str, Any] = {}
    for name, cell in zip(header, cells, strict=True):
        try:
            values[name] = _cell(cell, decode)
        except ValueError:
            code = _code(cells[header.index(_CODE)], decode)
            return BadRow(Reason.ENC_INVALID, name, code)
    return Row(_ROW, values)


def _cell(cell: str, decode: _Decode) -> str:
    if "\0" in cell:
        raise ValueError("NUL")
    return _tidy(cell if cell.isascii() else decode(cell.encode("latin-1")))


def _code(cell: str, decode: _Decode) -> str | None:
    try:
        return code_of({"code": _cell(cell, decode)})
    except ValueError:
        return None


def _tidy(text: str) -> str:
    return (text if text.isascii() else unicodedata.normalize("NFC", text)).strip()


def _of_xml(body: bytes) -> list[Row | BadRow]:
    declared = _DECLARED_ENCODING.match(body.lstrip())
    if declared and declared[1].lower() != b"utf-8":
        raise Garbled(Reason.ENC_INVALID, "the XML declares another encoding than UTF-8")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise Garbled(Reason.ENC_INVALID, "not UTF-8") from None
    if "\0" in text:
        raise Garbled(Reason.ENC_INVALID, "NUL")
    root = xml.parse(body)
    if xml.local(root) != "DANH_SACH" or any(xml.local(child) != "HO_SO" for child in root):
        raise Garbled(Reason.SCHEMA_DRIFT, "not DANH_SACH with HO_SO in it")
    return [_xml_row(xml.to_value(child)) for child in root]


def _xml_row(told: Any) -> Row | BadRow:
    if not isinstance(told, dict):
        return BadRow(Reason.FIELD_MISSING, _CODE)
    values = {name: _tidy(v) if isinstance(v, str) else v for name, v in told.items()}
    for name in COLUMNS:
        if name not in values:
            return BadRow(Reason.FIELD_MISSING, name, code_of({"code": values.get(_CODE)}))
    return Row(_ROW, values)
