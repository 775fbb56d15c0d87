"""Safe XML: no DOCTYPE, no entities, no network, bounded bytes, depth and nodes; bytes to lxml tree.

A truncated body is told from a malformed one, because the first may be asked for again.
"""

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
        Garbled: BODY_TOO_LARGE, XML_FORBIDDEN (a DOCTYPE, entities, too deep), BODY_TRUNCATED or
            BODY_MALFORMED.
    """
    if len(raw) > max_bytes:
        raise Garbled(Reason.BODY_TOO_LARGE, system=system)
    head = raw.lstrip()[:512].lower()
    if not head:
        raise Garbled(Reason.BODY_MALFORMED, "empty body", system=system)
    if head.startswith((b"<!doctype html", b"<html")):
        raise Garbled(Reason.CTYPE_UNEXPECTED, "an HTML page", system=system)
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(raw, parser)
    except etree.XMLSyntaxError as error:
        raise Garbled(_syntax(error, raw), f"line {error.lineno}", system=system) from None
    if root.getroottree().docinfo.doctype:
        raise Garbled(Reason.XML_FORBIDDEN, "DOCTYPE", system=system)
    _bounded(root, system)
    return root


def local(element: Any) -> str:
    """An element's name without its namespace."""
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


_CUT = frozenset(
    {"ERR_DOCUMENT_END", "ERR_TAG_NOT_FINISHED", "ERR_GT_REQUIRED", "ERR_LTSLASH_REQUIRED"}
)


def _syntax(error: etree.XMLSyntaxError, raw: bytes) -> Reason:
    last = error.error_log.last_error
    if last is None:
        return Reason.BODY_MALFORMED
    if "ENTITY" in last.type_name:
        return Reason.XML_FORBIDDEN
    at_end = (error.lineno or 0) >= raw.count(b"\n") + 1
    if at_end and last.type_name in _CUT and not raw.rstrip().endswith(b">"):
        return Reason.BODY_TRUNCATED
    if at_end and last.type_name in ("ERR_TAG_NOT_FINISHED", "ERR_DOCUMENT_END"):
        return Reason.BODY_TRUNCATED
    return Reason.BODY_MALFORMED


def _bounded(root: Any, system: str) -> None:
    depth = nodes = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        if event == "start":
            depth += 1
            nodes += 1
            if depth > MAX_DEPTH or nodes > MAX_NODES:
                raise Garbled(Reason.XML_FORBIDDEN, "too deep or too many nodes", system=system)
        else:
            depth -= 1
