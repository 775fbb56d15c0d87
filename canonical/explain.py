"""Why a record does not fit: the first reason and field path, found after the fast check failed.

msgspec stops at the first fault and names list items `[...]`; a department needs `history[3].at`.
So the record is taken apart once more, field by field, only when it failed.
"""

from enum import StrEnum
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct, UnsetType

from canonical.reasons import Reason
from canonical.states import Status


def first_fault(raw: Any, shape: type[Struct], path: str = "") -> tuple[Reason, str | None]:
    """Reason and path of the first fault, unknown names last; (FIELD_TYPE, path) if none is."""
    return _in_struct(raw, shape, path) or (Reason.FIELD_TYPE, path or None)


def _in_struct(raw: Any, shape: type[Struct], path: str) -> tuple[Reason, str | None] | None:
    if not isinstance(raw, dict):
        return Reason.FIELD_TYPE, path or None
    hints = get_type_hints(shape, include_extras=True)
    for name, required in _fields(shape):
        where = f"{path}.{name}" if path else name
        if name not in raw:
            if required:
                return Reason.FIELD_MISSING, where
            continue
        if raw[name] is None and required:
            return Reason.FIELD_MISSING, where
        found = _in_value(raw[name], hints[name], where)
        if found is not None:
            return found
    for name in raw:
        if name not in hints:
            return Reason.FIELD_UNKNOWN, f"{path}.{name}" if path else str(name)
    return None


def _fields(shape: type[Struct]) -> list[tuple[str, bool]]:
    return [(f.name, f.required) for f in msgspec.structs.fields(shape)]


def _in_value(raw: Any, hint: Any, where: str) -> tuple[Reason, str | None] | None:
    try:
        msgspec.convert(raw, hint)
    except msgspec.ValidationError as error:
        return _deeper(raw, hint, where) or (_reason(raw, hint, str(error)), where)
    return None


def _deeper(raw: Any, hint: Any, where: str) -> tuple[Reason, str | None] | None:
    for kind in alternatives(hint):
        if get_origin(kind) is list and isinstance(raw, list):
            (inner,) = get_args(kind)
            for place, item in enumerate(raw):
                found = _in_value(item, inner, f"{where}[{place}]")
                if found is not None:
                    return found
        if isinstance(kind, type) and issubclass(kind, Struct) and isinstance(raw, dict):
            return _in_struct(raw, kind, where)
    return None


def alternatives(hint: Any) -> list[Any]:
    """The plain types a type hint allows."""
    if get_origin(hint) is Annotated:
        return alternatives(get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType):
        return [kind for part in get_args(hint) for kind in alternatives(part)]
    return [hint]


def _reason(raw: Any, hint: Any, said: str) -> Reason:
    """The reason for one plain value; `said` is msgspec's sentence, which never holds the value."""
    kinds = [k for k in alternatives(hint) if isinstance(k, type) and k is not UnsetType]
    if isinstance(raw, str):
        if Status in kinds:
            return Reason.STATUS_UNKNOWN
        if any(k.__name__ == "datetime" for k in kinds):
            return Reason.DATE_INVALID
        if "length <=" in said and not any(issubclass(k, StrEnum) for k in kinds):
            return Reason.FIELD_TOO_LONG
    return Reason.FIELD_TYPE
