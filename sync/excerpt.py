"""The one record of a body that a reason is about, as it came, for the person who has to mend it.

JSON lists and XML rows are cut out of the bytes as received. Where a reader takes its rows apart
otherwise (a CSV line with its header), the row is shown as the reader gave it. Pure.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from lxml import etree
from msgspec import Struct

from canonical.errors import HubError
from canonical.ports import Row, System
from canonical.reading import json as strict_json
from canonical.reading import soap, xml
from canonical.text import Malformed
from sync.reading import CANONICAL, NDJSON, SOAP

_DEEPEST = 4  # a list of records lies no deeper in its envelope
_DECODER = json.JSONDecoder(strict=False)
_SPACE = re.compile(r"\s*")
Spans = list[tuple[int, int]]


class Excerpt(Struct, frozen=True):
    """What is shown of a record.

    Attributes:
        text: The record, or the whole body.
        is_record: Whether it is the record alone.
        names: Wire names that the reason's field path means.
    """

    text: str
    is_record: bool
    names: Sequence[str]


def cut(
    system: System, document: Any, shape: str, raw: bytes, position: int, field: str | None
) -> Excerpt:
    """The record at a position of a body.

    Args:
        system: Whose words the body is in.
        document: The mapping document it was read by; None for canonical words.
        shape: The reader's name for the body.
        raw: As received.
        position: The record's place.
        field: The reason's field path.
    """
    if system.manifest.id == CANONICAL:
        found, row = _canonical(shape, raw, position), None
    else:
        found, row = _native(system, shape, raw, position)
    names = _names(document, row, field)
    if found is None:
        return Excerpt(raw.decode("utf-8", "backslashreplace"), is_record=False, names=names)
    return Excerpt(found, is_record=True, names=names)


def marked(excerpt: Excerpt) -> list[tuple[bool, str]]:
    """The excerpt in lines a person can read, and whether a line is where the fault is."""
    lines = _pretty(excerpt.text).splitlines()
    wanted = [re.compile(rf"[\"<:]{re.escape(name)}\b") for name in excerpt.names]
    return [(any(one.search(line) for one in wanted), line) for line in lines]


def _pretty(text: str) -> str:
    try:
        return json.dumps(json.loads(text, strict=False), ensure_ascii=False, indent=2)
    except ValueError:
        return text


def _canonical(shape: str, raw: bytes, position: int) -> str | None:
    if shape == NDJSON:
        lines = strict_json.lines(raw)
        return _text(lines[position]) if position < len(lines) else None
    if shape == SOAP:
        return _of_soap(raw, position)
    text = _text(raw)
    if text.lstrip().startswith("{"):
        return text
    found = next((spans for depth, spans in _lists(text) if depth == 0), None)
    return _span(text, found, position)


def _of_soap(raw: bytes, position: int) -> str | None:
    try:
        told = soap.dossiers(raw)
    except (HubError, Malformed):
        return None
    if position >= len(told):
        return None
    return _of_xml(raw, len(told), position) or json.dumps(told[position], ensure_ascii=False)


def _native(system: System, shape: str, raw: bytes, position: int) -> tuple[str | None, Row | None]:
    try:
        rows = system.rows(shape, raw)
    except (HubError, Malformed):
        return None, None
    if position >= len(rows):
        return None, None
    row = rows[position]
    values = row if isinstance(row, Row) else None
    text = _text(raw)
    found = _of_json(text, len(rows), position) or _of_xml(raw, len(rows), position)
    if found is None and values is not None:
        found = json.dumps(values.values, ensure_ascii=False, default=str)
    return found, values


def _of_json(text: str, count: int, position: int) -> str | None:
    """An element of the outermost list that is as long as the reader's."""
    lists = [(depth, spans) for depth, spans in _lists(text) if len(spans) == count]
    if not lists:
        return None
    outermost = min(depth for depth, _ in lists)
    fitting = [spans for depth, spans in lists if depth == outermost]
    return _span(text, fitting[0], position) if len(fitting) == 1 else None


def _of_xml(raw: bytes, count: int, position: int) -> str | None:
    """A row element: one of as many of the same name side by side as the reader gave."""
    try:
        root = xml.parse(raw)
    except (HubError, Malformed):
        return None
    level = [root]
    while level:
        fitting = [rows for parent in level for rows in _alike(parent) if len(rows) == count]
        if len(fitting) == 1:
            return str(etree.tostring(fitting[0][position], encoding="unicode", with_tail=False))
        level = [child for parent in level for child in parent if isinstance(child.tag, str)]
        if fitting:
            return None
    return None


def _alike(parent: Any) -> list[list[Any]]:
    """The children, those of one name together."""
    named: dict[str, list[Any]] = {}
    for child in parent:
        if isinstance(child.tag, str):
            named.setdefault(child.tag, []).append(child)
    return list(named.values())


def _lists(text: str) -> list[tuple[int, Spans]]:
    """Every list in the outer levels of a JSON text: its depth, and where its elements lie."""
    found: list[tuple[int, Spans]] = []
    try:
        _value(text, _after_space(text, 0), 0, found)
    except (ValueError, IndexError, RecursionError):
        return []
    return found


def _value(text: str, at: int, depth: int, found: list[tuple[int, Spans]]) -> int:
    """Pass over one value; the offset behind it."""
    if depth > _DEEPEST or text[at] not in "[{":
        return int(_DECODER.raw_decode(text, at)[1])
    is_list = text[at] == "["
    closing = "]" if is_list else "}"
    spans: Spans = []
    at = _after_space(text, at + 1)
    while text[at] != closing:
        if not is_list:
            at = _after_space(text, _DECODER.raw_decode(text, at)[1])
            at = _after_space(text, at + 1)  # the colon
        end = _value(text, at, depth + 1, found)
        spans.append((at, end))
        at = _after_space(text, end)
        if text[at] == ",":
            at = _after_space(text, at + 1)
    if is_list:
        found.append((depth, spans))
    return at + 1


def _after_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match is not None else at


def _span(text: str, spans: Spans | None, position: int) -> str | None:
    if spans is None or position >= len(spans):
        return None
    start, end = spans[position]
    return text[start:end]


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")


def _names(document: Any, row: Row | None, field: str | None) -> list[str]:
    """The names in the department's words that a field path may mean."""
    if field is None:
        return []
    leaf = re.sub(r"\[\d+\]", "", field).rpartition(".")[2]
    return [name for name in dict.fromkeys([leaf, *_sources(document, row, field)]) if name]


def _sources(document: Any, row: Row | None, field: str) -> Iterator[str]:
    """The wire names of which the mapping makes a canonical field."""
    if document is None or row is None:
        return
    path = re.sub(r"\[\d+\].*$", "", field)
    for one in document["shapes"].get(row.shape, {}).get("rows", ()):
        if one.get("target") == path:
            for told in (one.get("source", ""), one.get("each", "")):
                yield from (n for n in re.findall(r"[A-Za-z_]\w*", told) if n in row.values)
