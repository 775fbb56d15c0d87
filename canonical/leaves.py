"""A checked record laid out leaf by leaf, as digests and folds hold it.

How each field is laid out is told once from the kinds of canonical.fields; a record then costs one
look at each of its fields. Its texts and numbers are what came: the check let nothing else through.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
from msgspec import UNSET, Struct

from canonical import clock, codes
from canonical.explain import alternatives
from canonical.fields import FIELDS_OF, MERGED, Facet, Said
from canonical.prepared import prepare

# A value, and now, which bounds the years a date may name, to what is kept of it. Raises BadDate.
_Lay = Callable[[Any, datetime], Any]
_Field = tuple[str, _Lay | None, tuple[tuple[str, str], ...]]
_HEAD = frozenset({"code", "facet", "version", "updated_at"})
_ISO = len("2026-01-31T08:00:00+07:00")
prepare(datetime)


class BadDate(ValueError):
    """A date outside the years a record may name; `path` says where (`history[0].at`)."""

    def __init__(self, path: str = "") -> None:
        super().__init__(path)
        self.path = path

    def within(self, part: str) -> "BadDate":
        """The same, seen from outside a part."""
        between = "." if self.path and not self.path.startswith("[") else ""
        return BadDate(f"{part}{between}{self.path}")


def lay_out(told: Mapping[str, Any], facet: Facet, now: datetime) -> dict[str, Any]:
    """Leaf path -> value as JSON holds it, moments as ISO text at +07:00; without the head.

    Args:
        told: A record that fits its facet's kind.
        facet: Which.
        now: Bounds the years a date may name.

    Raises:
        BadDate: the first date outside them.
    """
    said: dict[str, Any] = {}
    name = "updated_at"
    try:
        if told.get(name) is not None:
            _moment(told[name], now)
        for name, lay, leaves in _FIELDS[facet]:
            value = told.get(name, UNSET)
            if value is UNSET:
                continue
            if leaves:
                for leaf, path in leaves:
                    if value is None or leaf in value:
                        said[path] = None if value is None else value[leaf]
            elif lay is None or value is None:
                said[name] = value
            else:
                said[name] = lay(value, now)
    except BadDate as bad:
        raise bad.within(name) from None
    return said


def _moment(told: Any, now: datetime) -> str:
    """ISO text at +07:00 of a moment as it came: text of any offset, naive at +07:00."""
    if (
        type(told) is str
        and len(told) == _ISO
        and told[10] == "T"
        and told.endswith("+07:00")
        and clock.FIRST_YEAR < int(told[:4]) < now.year + clock.YEARS_AHEAD
    ):
        return told  # most are written so already
    found = told if isinstance(told, datetime) else msgspec.convert(told, datetime)
    if not clock.is_plausible(found, now):
        raise BadDate
    return clock.to_iso(found)


def _struct(kind: type[Struct]) -> _Lay:
    """A struct is told whole, every field of it."""
    parts = _lays(kind)

    def lay_struct(told: Any, now: datetime) -> dict[str, Any]:
        found = {}
        for name, lay in parts:
            value = told.get(name)
            if lay is not None and value is not None:
                try:
                    value = lay(value, now)
                except BadDate as bad:
                    raise bad.within(name) from None
            found[name] = value
        return found

    return lay_struct


def _list(kind: type[Struct]) -> _Lay:
    lay = _struct(kind)

    def lay_list(told: Any, now: datetime) -> list[Any]:
        found: list[Any] = []
        for item in told:
            try:
                found.append(lay(item, now))
            except BadDate as bad:
                raise bad.within(f"[{len(found)}]") from None
        return found

    return lay_list


def _code(tidy: Callable[[str], str]) -> _Lay:
    return lambda told, _now: tidy(told)


_TIDY = {
    "national_code": _code(codes.national_code),
    "agency": _code(codes.agency_code),
    "received_at_agency": _code(codes.agency_code),
}


def _lays(kind: type[Struct]) -> list[tuple[str, _Lay | None]]:
    """How each field of a struct is laid out; None: as it came."""
    hints = get_type_hints(kind, include_extras=True)
    return [(field.name, _lay_of(hints[field.name])) for field in msgspec.structs.fields(kind)]


def _lay_of(hint: Any) -> _Lay | None:
    for kind in alternatives(hint):
        if kind is datetime:
            return _moment
        if get_origin(kind) is list:
            return _list(get_args(kind)[0])
        if isinstance(kind, type) and issubclass(kind, Struct):
            return _struct(kind)
    return None


def _leaves(kind: type[Said], name: str) -> tuple[tuple[str, str], ...]:
    """The leaves of an object that merges leaf by leaf, with their paths; of anything else none."""
    if name not in MERGED:
        return ()
    hint = get_type_hints(kind, include_extras=True)[name]
    [part] = [k for k in alternatives(hint) if isinstance(k, type) and issubclass(k, Struct)]
    if any(lay is not None for _, lay in _lays(part)):
        raise AssertionError(f"a leaf of {name} is no plain value")
    return tuple((field.name, f"{name}.{field.name}") for field in msgspec.structs.fields(part))


_FIELDS: dict[Facet, tuple[_Field, ...]] = {
    facet: tuple(
        (name, _TIDY.get(name, lay), _leaves(kind, name))
        for name, lay in _lays(kind)
        if name not in _HEAD
    )
    for facet, kind in FIELDS_OF.items()
}
