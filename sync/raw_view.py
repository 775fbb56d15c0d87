"""The record behind a step, as it came, for somebody at the console: masked until they ask.

A body may hold anybody's data under any name. So everything is masked but what the mapping turns
into a field that says nothing of a person (a state, a day, an agency, a code); of a body that is
not JSON or XML nothing is shown.
"""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from lxml import etree
from msgspec import Struct
from sqlalchemy.engine import Connection as Tx

from canonical.errors import HubError
from canonical.masking import STARS
from canonical.reading import xml
from store import connections, intake
from sync import excerpt, shapes
from sync.context import Context
from sync.excerpt import Excerpt

# Fields that tell of the case and nothing of the people in it.
_OPEN = frozenset(
    {
        *("code", "version", "updated_at", "facet", "national_code", "receipt_number", "agency"),
        *("received_at_agency", "channel", "service_level", "online_scope", "submitted_at"),
        *("accepted_at", "due_at", "finished_at", "handed_over_at", "refused_at", "withdrawn_at"),
        *("stopped_at", "status", "raw_status", "step", "kind", "domain", "at", "unit"),
        *("new_due_at", "old_due_at", "asked_at", "paid_at", "issued_at", "amount", "score"),
        *("scale", "namespace", "part"),
    }
)
_OPEN_GROUPS = ("procedure.", "links", "history", "extensions", "supplements", "fees", "rating")
_PERSONAL_LEAVES = frozenset({"name", "note", "officer", "reason", "comment", "url", "id"})
_WORD = re.compile(r"[A-Za-z_][\w\-]*")
_LONGEST = 64 * 1024


class RawRecord(Struct, frozen=True):
    """One record as it came.

    Attributes:
        lines: Whether each is where the fault is, and its text.
        is_whole: Whether it is the record; else it could not be cut out of its body, and nothing
            is shown.
        is_masked: Whether values are hidden.
        size_bytes: Of the whole body it came in.
    """

    lines: Sequence[tuple[bool, str]]
    is_whole: bool
    is_masked: bool
    size_bytes: int


def raw_of(
    context: Context, tx: Tx, record_id: int, field: str | None, *, is_shown: bool
) -> RawRecord:
    """A record as it came.

    Args:
        context: The hub's parts.
        tx: An open transaction.
        record_id: Which.
        field: Path of the field at fault, marked in it.
        is_shown: Whether who looks has asked for personal data.

    Raises:
        HubError: its bytes do not open.
    """
    receipt = intake.load_receipt(tx, intake.receipt_id_of(record_id))
    body = intake.load_raw(tx, context.vault, receipt.digest)
    row = connections.load_connection(tx, receipt.connection_id)
    if row is None or not context.knows(row):
        return RawRecord((), is_whole=False, is_masked=not is_shown, size_bytes=len(body))
    kept = connections.load_mapping(tx, row.id, receipt.mapping_version)
    position = record_id - intake.record_id(receipt.id, 0)
    name = shapes.told(receipt.shape).name
    system = context.system_of(row, receipt.mapping_version, tx)
    cut = excerpt.cut(system, kept["document"], name, body, position, field)
    alone = cut.is_record or receipt.applied + receipt.superseded + receipt.quarantined <= 1
    if not alone or len(cut.text) > _LONGEST:
        return RawRecord((), is_whole=False, is_masked=not is_shown, size_bytes=len(body))
    text = laid_out(cut.text) if is_shown else masked(cut.text, open_names(kept["document"]))
    lines = excerpt.marked(Excerpt(text, is_record=True, names=cut.names))
    return RawRecord(lines, is_whole=True, is_masked=not is_shown, size_bytes=len(body))


def open_names(document: Any) -> frozenset[str]:
    """Names in a system's words that a mapping turns into what tells nothing of a person."""
    if not document:
        return _OPEN
    found: dict[str, bool] = {}
    for row in _rows(document):
        target, source = str(row.get("target", "")), str(row.get("source", ""))
        for name in _WORD.findall(source):
            # One name that means a person anywhere is a person's everywhere.
            found[name] = found.get(name, True) and _is_open(target)
    return frozenset(name for name, is_open in found.items() if is_open)


def _rows(document: Any) -> Iterable[dict[str, Any]]:
    if isinstance(document, dict):
        if "target" in document and "source" in document:
            yield document
        for value in document.values():
            yield from _rows(value)
    elif isinstance(document, list):
        for value in document:
            yield from _rows(value)


def _is_open(target: str) -> bool:
    leaf = target.rpartition(".")[2]
    if target.startswith("procedure."):
        return True
    if target.startswith(_OPEN_GROUPS):
        return leaf not in _PERSONAL_LEAVES
    return target in _OPEN


def laid_out(text: str) -> str:
    """JSON and XML over several lines; anything else as it is."""
    tree = _tree(text)
    if tree is None:
        return text
    etree.indent(tree)
    return str(etree.tostring(tree, encoding="unicode"))


def masked(text: str, open_to_all: frozenset[str]) -> str:
    """The same with every value hidden that no name of these stands before."""
    try:
        told = json.loads(text, strict=False)
    except ValueError:
        tree = _tree(text)
        return STARS if tree is None else _masked_xml(tree, open_to_all)
    return json.dumps(_masked_json(told, open_to_all, is_open=False), ensure_ascii=False)


def _masked_json(told: Any, open_to_all: frozenset[str], *, is_open: bool) -> Any:
    if isinstance(told, dict):
        return {
            name: _masked_json(value, open_to_all, is_open=name in open_to_all)
            for name, value in told.items()
        }
    if isinstance(told, list):
        return [_masked_json(one, open_to_all, is_open=is_open) for one in told]
    return told if is_open or told is None or isinstance(told, bool) else STARS


def _masked_xml(tree: Any, open_to_all: frozenset[str]) -> str:
    for element in tree.iter():
        if not isinstance(element.tag, str):
            element.text = None
            continue
        if element.text and element.text.strip() and xml.local(element) not in open_to_all:
            element.text = STARS
        if element.tail and element.tail.strip():
            element.tail = STARS
        for name, value in element.attrib.items():
            if value and etree.QName(name).localname not in (open_to_all | {"nil"}):
                element.set(name, STARS)
    etree.indent(tree)
    return str(etree.tostring(tree, encoding="unicode"))


def _tree(text: str) -> Any:
    if not text.lstrip().startswith("<"):
        return None
    try:
        return xml.parse(text.encode("utf-8", "surrogatepass"))
    except (HubError, ValueError):
        return None
