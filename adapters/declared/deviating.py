"""Where an answer leaves the pinned contract: what is unknown, missing, or no declared value.

Pages are read as they are (a name more does not stop a run), so the contract is held against an
answer only when a link is tried. Pure.
"""

from collections.abc import Callable, Sequence
from typing import Any

from adapters.declared import bodies, json_deviating
from adapters.declared.contracts import Contract, Field, Operation
from adapters.declared.declaration import Declaration
from adapters.declared.openapi import Document
from adapters.declared.reader import PULL, message_of
from canonical.linking import Deviation
from canonical.reading import xml

_MOST = 50
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"


def deviations_of(
    told: Declaration, contract: Contract
) -> Callable[[str, bytes], Sequence[Deviation]] | None:
    """What compares a pulled page; None where nothing is pulled by SOAP."""
    if told.pull is None or not told.pull.request.operation:
        return None
    output = contract.operation(told.pull.request.operation).output
    if output is None:
        return None

    def compare(shape: str, raw: bytes) -> Sequence[Deviation]:
        if shape != PULL:
            return ()
        found: dict[Deviation, None] = {}
        _compare(message_of(raw).base, output.fields, "", found)
        return list(found)[:_MOST]

    return compare


def json_deviations_of(
    told: Declaration, operation: Operation, document: Document
) -> Callable[[str, bytes], Sequence[Deviation]] | None:
    """What compares a pulled JSON page with the operation's response schema; None without one."""
    schema = document.answer(operation)
    if told.pull is None or schema is None or told.pull.answer.format != "json":
        return None
    encoding = told.pull.answer.encoding

    def compare(shape: str, raw: bytes) -> Sequence[Deviation]:
        if shape != PULL:
            return ()
        value = bodies.open_json(raw, encoding).value
        return json_deviating.deviations(value, schema, document.led)

    return compare


def _compare(
    element: Any, fields: Sequence[Field], above: str, found: dict[Deviation, None]
) -> None:
    known = {field.name: field for field in fields if not field.is_attribute}
    met: set[str] = set()
    for child in element:
        if not isinstance(child.tag, str) or len(found) >= _MOST:
            continue
        name = xml.local(child)
        path = f"{above}/{name}" if above else name
        field = known.get(name)
        if field is None:
            found[Deviation(path, "unknown")] = None
            continue
        met.add(name)
        if field.is_cut or child.get(_NIL) in ("true", "1"):
            continue
        if field.fields:
            _compare(child, field.fields, path, found)
        elif field.values and (child.text or "").strip() not in field.values:
            found[Deviation(path, "value")] = None
    for name, field in known.items():
        if field.is_required and name not in met:
            found[Deviation(f"{above}/{name}" if above else name, "missing")] = None
