"""A body as the department would push it, made of its contract and its mapping. Pure, invented.

It says something for every field that a mapping row reads: a key of the row's table, a date in the
row's form, else a value of the contract's kind. Whether the mapping takes it is then a test of the
declaration that needs nobody at the other end.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from lxml import etree

from adapters.declared.contracts import Contract, Field
from adapters.declared.declaration import Declaration
from adapters.declared.reader import DOOR, PUSH
from canonical.linking import Sample
from canonical.reading import soap

_AT = datetime(2026, 3, 2, 9, 15)  # noqa: DTZ001 - written in the department's own form
_PLAIN = {
    "boolean": "true",
    "date": _AT.strftime("%Y-%m-%d"),
    "dateTime": _AT.isoformat(),
    "time": "09:15:00",
    "float": "1.0",
    "double": "1.0",
    "decimal": "1",
}
_WHOLE = ("int", "long", "short", "byte", "integer", "Integer", "unsigned")
_BY_TARGET = {
    "applicant.phone": "0912000111",
    "pin": "48213907",
    "applicant.id_number": "045090001234",
    "applicant.name": "Nguyễn Văn Mẫu",
    "code": "MAU-2026-0001",
}
_BY_TRANSFORM = {
    "iso": _AT.isoformat(),
    "epoch_s": "1772417700",
    "epoch_ms": "1772417700000",
    "int": "1",
    "dong": "1",
}
_DEEPEST = 12
_NAME = re.compile(r"[A-Za-z_]\w*")


def sample_of(told: Declaration, contract: Contract | None) -> Sample | None:
    """A sample of what is pushed; None where nothing is, or in a form that none is made of."""
    push = told.push
    if push is not None and push.door is not None and contract is not None:
        operation = push.door.operations[0]
        message = contract.operation(operation.name).input
        rows = _rows(told, operation.shape, with_words=True)
        # Without a record path the message itself is the record.
        below = "" if operation.records in (".", "") else operation.records.replace("/", ".")
        return Sample(
            _message(message.element, message.namespace, message.fields, rows, below),
            "text/xml; charset=utf-8",
            f"{DOOR}.{operation.name}",
        )
    if push is not None and push.native is not None and push.native.format in ("json", "jsonl"):
        record: dict[str, Any] = {}
        for path, row in _rows(told, push.native.shape).items():
            _put(record, path.split("."), _value(None, row))
        body: Any = record
        for name in reversed([n for n in push.native.records.split(".") if n]):
            body = {name: [record] if body is record else body}
        return Sample(json.dumps(body, ensure_ascii=False).encode(), "application/json", PUSH)
    return None


def _rows(told: Declaration, shape: str, *, with_words: bool = False) -> dict[str, dict[str, Any]]:
    """Plain path below the record -> the row that reads it, with its table's keys beside.

    With words, also each name that an expression holds; whether it is a field the contract says.
    """
    tables = told.mapping.get("tables", {})
    found: dict[str, dict[str, Any]] = {}
    words: dict[str, dict[str, Any]] = {}
    for row in told.mapping.get("shapes", {}).get(shape, {}).get("rows", []):
        path = row.get("source") or row.get("each") or (row.get("first_of") or [""])[0]
        reads = {**row, "keys": list(tables.get(row.get("table", ""), {}))}
        if "each" in row:
            reads["transforms"] = [t for one in row["items"] for t in one.get("transforms", ())]
        if path.replace(".", "").replace("_", "").isalnum():
            found.setdefault(path, reads)
        else:
            words.update(dict.fromkeys(_NAME.findall(path), reads))
    return {**words, **found} if with_words else found


def _put(record: dict[str, Any], names: Sequence[str], value: Any) -> None:
    for name in names[:-1]:
        inner = record.setdefault(name, {})
        record = inner if isinstance(inner, dict) else {}
    record.setdefault(names[-1], value)


def _message(
    element: str,
    namespace: str,
    fields: Sequence[Field],
    rows: Mapping[str, dict[str, Any]],
    below: str,
) -> bytes:
    top = etree.Element(f"{{{soap.SOAP_11}}}Envelope", nsmap={"soap": soap.SOAP_11})
    body = etree.SubElement(top, f"{{{soap.SOAP_11}}}Body")
    message = etree.SubElement(body, f"{{{namespace}}}{element}" if namespace else element)
    _fill(message, fields, rows, f"{below}." if below else "", "", 0)
    return etree.tostring(top, xml_declaration=True, encoding="UTF-8")


def _fill(
    parent: Any,
    fields: Sequence[Field],
    rows: Mapping[str, dict[str, Any]],
    record: str,
    above: str,
    depth: int,
) -> None:
    for field in fields:
        path = f"{above}{field.name}"
        own = path.removeprefix(record) if path.startswith(record) else ""
        is_read = any(told == own or told.startswith(f"{own}.") for told in rows if own)
        holds = record.startswith(f"{path}.") and bool(record)
        if not (field.is_required or is_read or holds) or depth > _DEEPEST:
            continue
        value = _value(field, rows.get(own, {}))
        if field.is_attribute:
            parent.set(field.name, value)
            continue
        tag = f"{{{field.namespace}}}{field.name}" if field.namespace else field.name
        child = etree.SubElement(parent, tag)
        if field.fields:
            _fill(child, field.fields, rows, record, f"{path}.", depth + 1)
        else:
            child.text = value


def _value(field: Field | None, row: Mapping[str, Any]) -> str:
    """One value: what its row takes, else what the contract says it is."""
    keys = row.get("keys") or []
    values = field.values if field is not None else []
    if keys:
        return str(next((one for one in values if one in keys), keys[0]))
    for name in row.get("transforms", ()):
        kind, _mark, form = name.partition(":")
        if kind == "date":
            return _AT.strftime(form)
        if kind in _BY_TRANSFORM:
            return _BY_TRANSFORM[kind]
    target = row.get("target", "")
    told = field.type if field is not None else "string"
    if not values and target in _BY_TARGET:
        return _BY_TARGET[target]
    if not values and (told.startswith(_WHOLE) or told.endswith("Integer")):
        return "1"
    return values[0] if values else _PLAIN.get(told, "mau")
