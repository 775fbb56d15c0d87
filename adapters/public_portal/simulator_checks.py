"""The part of JSON Schema that contract/event.schema.json uses."""

from datetime import datetime
from typing import Any
from uuid import UUID

Json = dict[str, Any]
_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "null": type(None),
}


def fault_of(schema: Json, value: Any, where: str) -> str:
    """What a value breaks, and where; "" where nothing."""
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(_is_a(kind, value) for kind in kinds):
        return f"{where} is no {' or '.join(kinds)}"
    if "const" in schema and value != schema["const"]:
        return f"{where} is not {schema['const']}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{where} is outside its list"
    if isinstance(value, str):
        return _text_fault(schema, value, where)
    if isinstance(value, dict):
        return _object_fault(schema, value, where)
    if isinstance(value, list):
        faults = (
            fault_of(schema.get("items", {}), v, f"{where}[{n}]") for n, v in enumerate(value)
        )
        return next((fault for fault in faults if fault), "")
    is_small = isinstance(value, int) and value < schema.get("minimum", value)
    return f"{where} is too small" if is_small else ""


def _is_a(kind: str, value: Any) -> bool:
    is_flag = isinstance(value, bool)
    return isinstance(value, _TYPES[kind]) and not (is_flag and kind == "integer")


def _text_fault(schema: Json, value: str, where: str) -> str:
    if len(value) < schema.get("minLength", 0):
        return f"{where} is empty"
    try:
        if schema.get("format") == "uuid" and str(UUID(value)) != value:
            return f"{where} is no id"
        if schema.get("format") == "date-time" and datetime.fromisoformat(value).tzinfo is None:
            return f"{where} has no zone"
    except ValueError:
        return f"{where} is no {schema['format']}"
    return ""


def _object_fault(schema: Json, value: Json, where: str) -> str:
    missing = [name for name in schema.get("required", []) if name not in value]
    for name, others in schema.get("dependentRequired", {}).items():
        missing += [other for other in others if name in value and other not in value]
    if missing:
        return f"{where}.{missing[0]} is missing"
    known = schema.get("properties", {})
    strange = [name for name in value if name not in known]
    if strange and schema.get("additionalProperties") is False:
        return f"{where}.{strange[0]} is not known"
    faults = (fault_of(known[n], v, f"{where}.{n}") for n, v in value.items() if n in known)
    return next((fault for fault in faults if fault), "")
