"""Where a JSON answer leaves the response schema of the pinned OpenAPI document. Pure.

Held against it: kinds (`type`, `nullable`), required names, closed lists (`enum`, `const`), what
stands inside objects and lists, `allOf`, and that an alternative of `oneOf` or `anyOf` fits. Not
held: lengths, ranges, patterns, formats, `not`, `if`, `discriminator`. A name that a schema with
names does not know is `unknown` and no fault. A library is not used for it: their faults quote the
value, which may be a person's, fetch what a reference names, and know no `nullable`.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from canonical.linking import Deviation

_MOST = 50
_MOST_VALUES = 200_000
_MAX_DEPTH = 40
Led = Callable[[Any], dict[str, Any]]
_KINDS: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "null": (type(None),),
    "number": (int, float),
    "integer": (int, float),
}


def deviations(value: Any, schema: Any, led: Led) -> list[Deviation]:
    """Every way in which a value leaves a schema, each kind at each path once, at most 50.

    Args:
        value: The decoded answer.
        schema: What it is to be like.
        led: What a schema leads to where it is a reference.
    """
    work = _Work(led)
    work.check(value, schema, "", "", 0)
    return [
        Deviation(path, kind, first, count)
        for (path, kind), (first, count) in list(work.found.items())[:_MOST]
    ]


class _Work:
    """What has been found so far: (path, kind) -> where first, how often."""

    def __init__(self, led: Led) -> None:
        self._led = led
        self._left = _MOST_VALUES
        self.found: dict[tuple[str, str], tuple[str, int]] = {}

    def check(self, value: Any, schema: Any, path: str, at: str, depth: int) -> None:
        """Hold a value against a schema.

        Args:
            value: What came.
            schema: A schema, or a reference to one.
            path: Names from the answer on, `[]` for what stands in a list.
            at: The same with positions.
            depth: How deep it stands.
        """
        self._left -= 1
        if depth > _MAX_DEPTH or self._left < 0:
            return
        parts = list(self._parts(schema))
        if value is None and any(_may_be_none(part) for part in parts):
            return
        if not all(_is_of_kind(value, part) for part in parts):
            self._note(path, "type", at)
            return
        for part in parts:
            if not _is_listed(value, part):
                self._note(path, "value", at)
            self._check_alternatives(value, part, path, at, depth)
        if isinstance(value, dict):
            self._check_object(value, parts, path, at, depth)
        elif isinstance(value, list):
            for items in (part["items"] for part in parts if isinstance(part.get("items"), dict)):
                for place, one in enumerate(value):
                    self.check(one, items, f"{path}[]", f"{at}[{place}]", depth + 1)

    def _parts(self, schema: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
        """A schema with all that `allOf` adds to it."""
        told = self._led(schema)
        yield told
        if depth < _MAX_DEPTH:
            for one in _list(told.get("allOf")):
                yield from self._parts(one, depth + 1)

    def _check_object(
        self, value: dict[str, Any], parts: list[dict[str, Any]], path: str, at: str, depth: int
    ) -> None:
        known: dict[str, Any] = {}
        is_open = False
        for part in parts:
            known |= _dict(part.get("properties"))
            is_open = is_open or _is_open(part)
            for name in _list(part.get("required")):
                if isinstance(name, str) and name not in value:
                    self._note(_joined(path, name), "missing", _joined(at, name))
        for name, one in value.items():
            if name in known:
                self.check(one, known[name], _joined(path, name), _joined(at, name), depth + 1)
            elif known and not is_open:
                self._note(_joined(path, name), "unknown", _joined(at, name))

    def _check_alternatives(
        self, value: Any, part: dict[str, Any], path: str, at: str, depth: int
    ) -> None:
        for key in ("oneOf", "anyOf"):
            choices = _list(part.get(key))
            if not choices:
                continue
            tried = [self._tried(value, one, path, at, depth) for one in choices]
            best = min(tried, key=len)
            if len(choices) == 1 or not best:
                for (place, kind), (first, count) in best.items():
                    self._note(place, kind, first, count)
            else:
                self._note(path, "type", at)

    def _tried(
        self, value: Any, schema: Any, path: str, at: str, depth: int
    ) -> dict[tuple[str, str], tuple[str, int]]:
        """What of a value leaves one alternative; a name it does not know is another's."""
        work = _Work(self._led)
        work._left = self._left
        work.check(value, schema, path, at, depth + 1)
        self._left = work._left
        return {key: told for key, told in work.found.items() if key[1] != "unknown"}

    def _note(self, path: str, kind: str, at: str, count: int = 1) -> None:
        first, before = self.found.get((path, kind), (at, 0))
        self.found[path, kind] = (first, before + count)


def _is_of_kind(value: Any, part: dict[str, Any]) -> bool:
    kind = part.get("type")
    kinds = kind if isinstance(kind, list) else [kind] if isinstance(kind, str) else []
    return not kinds or any(_is(value, one) for one in kinds)


def _is(value: Any, kind: Any) -> bool:
    known = _KINDS.get(kind)
    if known is None:
        return True
    if isinstance(value, bool) and kind != "boolean":
        return False
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, known)


def _may_be_none(part: dict[str, Any]) -> bool:
    return part.get("nullable") is True


def _is_listed(value: Any, part: dict[str, Any]) -> bool:
    told = part.get("enum")
    listed = told if isinstance(told, list) else [part["const"]] if "const" in part else None
    return listed is None or any(_equal(value, one) for one in listed)


def _equal(value: Any, one: Any) -> bool:
    """As JSON has it: true is not 1."""
    return isinstance(value, bool) == isinstance(one, bool) and bool(value == one)


def _is_open(part: dict[str, Any]) -> bool:
    """Whether names beyond those told are meant to come."""
    more = part.get("additionalProperties")
    choices = any(_list(part.get(key)) for key in ("oneOf", "anyOf"))
    return choices or "patternProperties" in part or more is True or isinstance(more, dict)


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _list(told: Any) -> list[Any]:
    return told if isinstance(told, list) else []


def _dict(told: Any) -> dict[str, Any]:
    return told if isinstance(told, dict) else {}
