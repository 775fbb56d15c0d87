"""Just enough of JSON Schema for the simulator: what contract/*.schema.json uses and no more."""

import re
from datetime import datetime
from typing import Any

_KNOWN = {
    *("$schema", "title", "description", "type", "properties", "required", "items"),
    *("additionalProperties", "minLength", "maxLength", "pattern", "enum", "format"),
}


def fault_of(schema: dict[str, Any], value: Any, path: str) -> str | None:
    """The path of the first thing in `value` that the schema does not allow; None if there is none.

    Raises:
        ValueError: a word of JSON Schema that is not understood here.
    """
    strange = set(schema) - _KNOWN
    if strange:
        raise ValueError(f"{path}: the schema says {sorted(strange)}")
    match schema["type"]:
        case "string":
            return None if isinstance(value, str) and _fits(schema, value) else path
        case "array":
            if not isinstance(value, list):
                return path
            found = (fault_of(schema["items"], v, f"{path}[{n}]") for n, v in enumerate(value))
            return next((fault for fault in found if fault), None)
        case _:
            return _object_fault(schema, value, path)


def _object_fault(schema: dict[str, Any], value: Any, path: str) -> str | None:
    if not isinstance(value, dict):
        return path
    properties = schema["properties"]
    for name in schema["required"]:
        if name not in value:
            return f"{path}.{name}"
    for name, held in value.items():
        fault = (
            fault_of(properties[name], held, f"{path}.{name}")
            if name in properties
            else f"{path}.{name}"
        )
        if fault:
            return fault
    return None


def _fits(schema: dict[str, Any], text: str) -> bool:
    return (
        schema.get("minLength", 0) <= len(text) <= schema.get("maxLength", len(text))
        and re.search(schema.get("pattern", ""), text) is not None
        and ("enum" not in schema or text in schema["enum"])
        and (schema.get("format") != "yyyyMMddHHmmss" or not text or _is_moment(text))
    )


def _is_moment(text: str) -> bool:
    try:
        datetime.strptime(text, "%Y%m%d%H%M%S")  # noqa: DTZ007 - is it a date at all?
    except ValueError:
        return False
    return True
