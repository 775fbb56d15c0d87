"""A dropped table (CSV) to rows: split as declared, decoded cell by cell where that is possible.

One cell in the wrong encoding then costs one row, not the file. Pure.
"""

import csv
import io
from typing import Any

from adapters.declared.bodies import ENCODINGS, text_of
from adapters.declared.declaration import Drop
from canonical.errors import Garbled
from canonical.ports import BadRow, Row
from canonical.reasons import Reason

_WIDE = frozenset({"utf-16", "utf-16-le"})  # their separators are no single bytes
_BOM = b"\xef\xbb\xbf"


def rows(drop: Drop, raw: bytes) -> list[Row | BadRow]:
    """The rows of one table, in its order.

    Raises:
        Garbled: ENC_INVALID, CTYPE_UNEXPECTED, SCHEMA_DRIFT (the header is not what is declared),
            BODY_TRUNCATED (it ends within quotes), BODY_MALFORMED (no header).
    """
    if raw.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        raise Garbled(Reason.CTYPE_UNEXPECTED, "an HTML page")
    wide = drop.encoding in _WIDE
    text = text_of(raw, drop.encoding) if wide else raw.removeprefix(_BOM).decode("latin-1")
    decode = str if wide else _decoder(ENCODINGS[drop.encoding].removesuffix("-sig"))
    # Without a quote sign nothing is quoted.
    quoting: Any = csv.QUOTE_MINIMAL if drop.quote else csv.QUOTE_NONE
    lines = csv.reader(
        io.StringIO(text, newline=""),
        strict=True,
        delimiter=drop.delimiter,
        quotechar=drop.quote or None,
        quoting=quoting,
    )
    names: list[str] | None = list(drop.columns) or None
    found: list[Row | BadRow] = []
    while True:
        try:
            cells = next(lines)
        except StopIteration:
            break
        except csv.Error as error:
            if names is None or "unexpected end" in str(error):
                raise Garbled(Reason.BODY_TRUNCATED, "ends within quotes") from None
            found.append(BadRow(Reason.BODY_MALFORMED))
            continue
        if not cells:
            continue
        if names is None:
            names = _header(cells, decode)
        else:
            found.append(_row(drop.shape, names, cells, decode))
    if names is None:
        raise Garbled(Reason.BODY_MALFORMED, "no header line")
    return found


def _decoder(encoding: str) -> Any:
    def decode(cell: str) -> str:
        return cell if cell.isascii() else cell.encode("latin-1").decode(encoding)

    return decode


def _header(cells: list[str], decode: Any) -> list[str]:
    try:
        names = [str(decode(cell)).strip() for cell in cells]
    except ValueError:
        raise Garbled(Reason.ENC_INVALID, "the header line") from None
    if len(set(names)) != len(names) or "" in names:
        raise Garbled(Reason.SCHEMA_DRIFT, "a column twice or without name")
    return names


def _row(shape: str, names: list[str], cells: list[str], decode: Any) -> Row | BadRow:
    if len(cells) != len(names):
        return BadRow(Reason.BODY_MALFORMED, f"{len(cells)} cells, {len(names)} columns")
    values: dict[str, Any] = {}
    for name, cell in zip(names, cells, strict=True):
        try:
            told = decode(cell)
        except ValueError:
            return BadRow(Reason.ENC_INVALID, name)
        if "\0" in told:
            return BadRow(Reason.CHAR_FORBIDDEN, name)
        values[name] = told.strip()
    return Row(shape, values)
