"""What a department's records look like: fields, kinds, forms; learnt from a sample, no values.

Of a text only its form is kept (a date's form, or `a-9-9`: letters, digits, signs), of a field that
a code table reads the codes too, which are no person's. Pure.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from canonical.prepared import prepare

MOST_FIELDS = 300
_MOST_FORMS = 12
_MOST_VALUES = 60
_MOST_TEXT = 60
_DEEPEST = 6
_FORM_LENGTH = 24
_DATES = (
    ("%d/%m/%Y %H:%M:%S", re.compile(r"\d{2}/\d{2}/\d{4} \d{2}:\d{2}:\d{2}\Z")),
    ("%d/%m/%Y %H:%M", re.compile(r"\d{2}/\d{2}/\d{4} \d{2}:\d{2}\Z")),
    ("%d/%m/%Y", re.compile(r"\d{1,2}/\d{1,2}/\d{4}\Z")),
    ("%d-%m-%Y", re.compile(r"\d{2}-\d{2}-\d{4}\Z")),
    ("iso", re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?([.,]\d+)?(Z|[+-]\d\d:?\d\d)?\Z")),
    ("%Y-%m-%d", re.compile(r"\d{4}-\d{2}-\d{2}\Z")),
    ("%Y%m%d%H%M%S", re.compile(r"(19|20)\d{12}\Z")),
    ("%Y%m%d", re.compile(r"(19|20)\d{6}\Z")),
)
DATE_FORMS = frozenset(name for name, _ in _DATES) | {"epoch_ms", "epoch_s"}
_LETTERS = re.compile(r"[^\W\d_]+")
_DIGITS = re.compile(r"\d+")
_EPOCH_MS = range(600_000_000_000, 4_200_000_000_000)
_EPOCH_S = range(600_000_000, 4_200_000_000)


class FieldSeen(Struct, omit_defaults=True):
    """What was seen of one field.

    Attributes:
        since: Records that were seen before it first was.
        present: Records that had it.
        gap: Records of whole samples without it, since one had it.
        kinds: text | number | flag | list | object | none, each with how often.
        forms: Forms of its texts and moments, the commonest.
        values: Codes, where a table reads it.
    """

    since: int = 0
    present: int = 0
    gap: int = 0
    kinds: dict[str, int] = {}
    forms: dict[str, int] = {}
    values: dict[str, int] = {}


class Looks(Struct):
    """What the records of one procedure look like."""

    rows: int = 0
    fields: dict[str, FieldSeen] = {}

    def to_json(self) -> str:
        """The fields, as the store keeps them."""
        return msgspec.json.encode(self.fields, order="sorted").decode()


prepare(dict[str, FieldSeen])


def from_json(rows: int, body: str) -> Looks:
    """What the store kept."""
    return Looks(rows, msgspec.json.decode(body, type=dict[str, FieldSeen]))


def note(looks: Looks, values: Mapping[str, Any], coded: Collection[str]) -> None:
    """Add one record to what was seen.

    Args:
        looks: Grows.
        values: The record in the department's words.
        coded: Paths that a code table reads: their values are kept.
    """
    looks.rows += 1
    met: set[str] = set()
    for path, value in _walk(values, "", 0):
        field = looks.fields.get(path)
        if field is None:
            if len(looks.fields) >= MOST_FIELDS:
                continue
            field = looks.fields[path] = FieldSeen(looks.rows - 1, 0, 0, {}, {}, {})
        if path not in met:
            met.add(path)
            field.present += 1
        _look(field, value, is_coded=path in coded)


def _walk(values: Mapping[str, Any], above: str, depth: int) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        path = f"{above}.{name}" if above else str(name)
        yield path, value
        if depth >= _DEEPEST:
            continue
        if isinstance(value, dict):
            yield from _walk(value, path, depth + 1)
        elif isinstance(value, list):
            for item in value[:3]:
                if isinstance(item, dict):
                    yield from _walk(item, f"{path}[]", depth + 1)


def _look(field: FieldSeen, value: Any, *, is_coded: bool) -> None:
    kind = kind_of(value)
    field.kinds[kind] = field.kinds.get(kind, 0) + 1
    if kind in ("text", "number"):
        form = form_of(value)
        if form in field.forms or len(field.forms) < _MOST_FORMS:
            field.forms[form] = field.forms.get(form, 0) + 1
        told = str(value).strip()
        has_room = told in field.values or len(field.values) < _MOST_VALUES
        if is_coded and has_room and len(told) <= _MOST_TEXT:
            field.values[told] = field.values.get(told, 0) + 1


def kind_of(value: Any) -> str:
    """Text | number | flag | list | object | none; blank text says nothing and is none."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return "none"
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, str):
        return "text"
    if isinstance(value, list):
        return "list"
    return "object" if isinstance(value, dict) else "number"


def form_of(value: Any) -> str:
    """The form of a text or number: of a date its declaration, else its letters, digits, signs."""
    if not isinstance(value, str):
        if isinstance(value, int) and value in _EPOCH_MS:
            return "epoch_ms"
        return "epoch_s" if isinstance(value, int) and value in _EPOCH_S else "9"
    told = value.strip()
    if told[:1].isdigit():
        for name, pattern in _DATES:
            if pattern.match(told):
                return name
    return _LETTERS.sub("a", _DIGITS.sub("9", told[:200]))[:_FORM_LENGTH]


def merged(known: Looks, fresh: Looks, only: Collection[str] | None = None) -> Looks:
    """What was known with what was seen since; of the fields in `only`, where that is given.

    Fields that are not taken over stay what they were.
    """
    fields: dict[str, FieldSeen] = {}
    for path, field in known.fields.items():
        seen = fresh.fields.get(path)
        if seen is None:
            fields[path] = msgspec.structs.replace(field, gap=field.gap + fresh.rows)
            continue
        fields[path] = FieldSeen(
            field.since,
            field.present + seen.present,
            0,
            _summed(field.kinds, seen.kinds),
            _summed(field.forms, seen.forms),
            _summed(field.values, seen.values),
        )
    for path, seen in fresh.fields.items():
        if path not in fields and (only is None or path in only) and len(fields) < MOST_FIELDS:
            fields[path] = msgspec.structs.replace(seen, since=known.rows + seen.since)
    return Looks(known.rows + fresh.rows, fields)


def _summed(first: Mapping[str, int], second: Mapping[str, int]) -> dict[str, int]:
    return {key: first.get(key, 0) + second.get(key, 0) for key in (*first, *second)}
