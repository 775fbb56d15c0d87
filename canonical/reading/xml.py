"""Safe XML: no DOCTYPE, entities or network; bounded bytes, depth and nodes; bytes to lxml tree.

A truncated body is told from a malformed one, because the first may be asked for again.
"""

import re
from typing import Any

from lxml import etree

from canonical.errors import Garbled
from canonical.reasons import Reason

MAX_BYTES = 64 * 1024 * 1024
MAX_DEPTH = 64
MAX_NODES = 2_000_000


def parse(raw: bytes, *, system: str = "", max_bytes: int = MAX_BYTES) -> Any:
    """The root element.

    Raises:
        Garbled: BODY_TOO_LARGE, CTYPE_UNEXPECTED (an HTML page), XML_FORBIDDEN (a DOCTYPE,
            entities, too deep), BODY_TRUNCATED (more bytes could have made it XML) or
            BODY_MALFORMED (nothing could).
    """
    if len(raw) > max_bytes:
        raise Garbled(Reason.BODY_TOO_LARGE, system=system)
    head = raw[:512].removeprefix(_BOM).lstrip().lower()
    if not head:
        raise Garbled(Reason.BODY_MALFORMED, "empty body", system=system)
    if head.startswith((b"<!doctype html", b"<html")):
        raise Garbled(Reason.CTYPE_UNEXPECTED, "an HTML page", system=system)
    try:
        root: Any = etree.fromstring(raw, _parser())
    except etree.XMLSyntaxError as error:
        raise Garbled(_syntax(error, raw), f"line {error.lineno}", system=system) from None
    if root.getroottree().docinfo.doctype:
        raise Garbled(Reason.XML_FORBIDDEN, "DOCTYPE", system=system)
    if local(root).lower() == "html":
        raise Garbled(Reason.CTYPE_UNEXPECTED, "an HTML page", system=system)
    _bounded(root, system)
    return root


def opening(raw: bytes) -> str:
    """The full name of the outermost element of a body that `parse` takes; no more is read.

    Raises:
        Garbled: BODY_MALFORMED where it has none.
    """
    parser: Any = etree.XMLPullParser(("start",), **_SAFE)
    try:
        for place in range(0, len(raw), _STEP):
            parser.feed(raw[place : place + _STEP])
            for _, element in parser.read_events():
                return str(element.tag)
    except etree.XMLSyntaxError:
        pass
    raise Garbled(Reason.BODY_MALFORMED, "no element")


def local(element: Any) -> str:
    """An element's name without its namespace."""
    tag = element.tag
    if type(tag) is str:
        return tag.rpartition("}")[2]
    return str(etree.QName(element).localname)


def to_value(element: Any) -> Any:
    """An element as plain values: text, None for nil or empty, or dict of children.

    A child name that stands several times becomes a list in document order. Attributes but xsi:nil
    are left out: none of the departments' contracts carries data in them.
    """
    if element.get("{http://www.w3.org/2001/XMLSchema-instance}nil") in ("true", "1"):
        return None
    if len(element) == 0:
        return element.text
    found: dict[str, Any] = {}
    for child in element:
        name = local(child)
        value = to_value(child)
        if name not in found:
            found[name] = value
        elif isinstance(found[name], _Many):
            found[name].append(value)
        else:
            found[name] = _Many([found[name], value])
    return {k: list(v) if isinstance(v, _Many) else v for k, v in found.items()}


class _Many(list[Any]):
    """A repeated child, told apart from a value that is a list of its own."""


_STEP = 4096
_SAFE: dict[str, Any] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "huge_tree": False,
    "remove_comments": True,
    "remove_pis": True,
}


def _parser() -> etree.XMLParser:
    return etree.XMLParser(**_SAFE)


_BOM = b"\xef\xbb\xbf"
_VERBATIM = re.compile(rb"<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)", re.DOTALL)
_OPEN_REFERENCE = re.compile(rb"&[^;&<\s]*[&<\s]")


def _syntax(error: Any, raw: bytes) -> Reason:
    last = error.error_log.last_error
    kind = last.type_name if last is not None else ""
    if b"<!DOCTYPE" in raw[:4096] or kind in ("ERR_UNDECLARED_ENTITY", "ERR_ENTITY_LOOP"):
        return Reason.XML_FORBIDDEN
    if kind == "ERR_RESOURCE_LIMIT":
        too_deep = "depth" in last.message.lower()
        return Reason.XML_FORBIDDEN if too_deep else Reason.BODY_TOO_LARGE
    return Reason.BODY_TRUNCATED if _wants_more(raw) else Reason.BODY_MALFORMED


def _wants_more(raw: bytes) -> bool:
    """Whether the text is faultless as far as it goes: only its end is missing."""
    parser: Any = _parser()
    try:
        parser.feed(raw)
    except etree.XMLSyntaxError:
        return False
    if len(parser.feed_error_log):
        return False
    # A bare "&" makes the parser wait for a ";" that no further byte would bring in time.
    return not _OPEN_REFERENCE.search(_VERBATIM.sub(b"", raw))


# Asked of the library in one question each: a walk costs more than reading the records does.
_NODES: Any = etree.XPath("count(//*)")
_TOO_DEEP: Any = etree.XPath(f"boolean({'/*' * (MAX_DEPTH + 1)})")


def _bounded(root: Any, system: str) -> None:
    try:
        is_bounded = _NODES(root) <= MAX_NODES and not _TOO_DEEP(root)
    except etree.XPathError:  # more nodes than it would look at
        is_bounded = False
    if not is_bounded:
        raise Garbled(Reason.XML_FORBIDDEN, "too deep or too many nodes", system=system)
