"""Templates of calls: `{since}` and the like in texts, lists and objects. Pure, and no language.

A place that nothing is known of (`{since}` of the first run without a default, `{cursor}` of the
first page) leaves its whole entry out: the source is not asked with an empty word. A text that is
one placeholder alone keeps the value's kind, so that {"page": "{page}"} sends the number.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from adapters.declared.declaration import DeclarationFault
from canonical.clock import HCM

ABSENT: Any = object()
_PLACE = re.compile(r"\{\{|\}\}|\{([a-z_]+(?:\.[A-Za-z0-9_-]+)?)\}|[{}]")
_ALONE = re.compile(r"\{([a-z_]+(?:\.[A-Za-z0-9_-]+)?)\}\Z")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FORMS = ("iso", "epoch_s", "epoch_ms")
_UNITS = {"epoch_s": timedelta(seconds=1), "epoch_ms": timedelta(milliseconds=1)}


def fill(template: Any, values: Mapping[str, Any]) -> Any:
    """The template with its places filled; ABSENT where one of a text's places is unknown."""
    if isinstance(template, str):
        return _text(template, values)
    if isinstance(template, dict):
        filled = {name: fill(value, values) for name, value in template.items()}
        return {name: value for name, value in filled.items() if value is not ABSENT}
    if isinstance(template, list):
        return [found for item in template if (found := fill(item, values)) is not ABSENT]
    return template


def _text(template: str, values: Mapping[str, Any]) -> Any:
    alone = _ALONE.match(template)
    if alone:
        found = values.get(alone.group(1))
        return ABSENT if found is None else found
    parts: list[str] = []
    last = 0
    for place in _PLACE.finditer(template):
        parts.append(template[last : place.start()])
        last = place.end()
        if place.group(1) is None:
            parts.append(place.group()[0])
            continue
        found = values.get(place.group(1))
        if found is None:
            return ABSENT
        parts.append(",".join(map(str, found)) if isinstance(found, list) else str(found))
    return "".join([*parts, template[last:]])


def places(template: Any) -> Iterator[str]:
    """The names of every place in a template.

    Raises:
        DeclarationFault: a brace that is neither a place nor doubled.
    """
    if isinstance(template, str):
        for place in _PLACE.finditer(template):
            if place.group(1) is not None:
                yield place.group(1)
            elif len(place.group()) == 1:
                raise DeclarationFault(
                    f"template {template!r}: a lone brace; write {{{{ or }}}} for the sign itself"
                )
    elif isinstance(template, dict):
        for value in template.values():
            yield from places(value)
    elif isinstance(template, list):
        for value in template:
            yield from places(value)


def moment(at: datetime | None, form: str, zone: tzinfo = HCM) -> str | int | None:
    """A moment in a declared form: iso, epoch_s, epoch_ms, or a strftime form in that zone."""
    if at is None:
        return None
    if form in _UNITS:
        return (at - _EPOCH) // _UNITS[form]
    local = at.astimezone(zone)
    return local.isoformat(timespec="seconds") if form == "iso" else local.strftime(form)
