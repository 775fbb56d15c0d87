"""A mapping document (mapping.toml) compiled into one function per shape of wire row.

The document:

    version = 1
    [shapes.NAME]            # the kind of row the adapter's reader yields
    facet = "step"           # which part of a leg it states
    version_by = "time"      # number | time | observed
    part = ""                # optional sub-namespace for a second code book of the same system
    empty = "absent"         # what null or "" means: "absent" says nothing, "none" says none
    ignored = ["..."]        # wire names known and not used; any other new name is drift
    [[shapes.NAME.rows]]
    target = "applicant.name"
    source = "hoTen"         # plain dotted path (a getter) or any JMESPath expression
    first_of = ["a", "b"]    # instead of source: the first of these that says something
    transforms = ["trim"]    # canonical.mapping.transforms, in order
    table = "status"         # last: look the value up; not in the table is refused
    const = "online"         # instead of source
    default = "x"            # where the source says nothing; only where declared
    required = true          # saying nothing is FIELD_MISSING
    empty = "none"           # overrides the shape's
    sentinels = ["99991231"] # values that mean empty
    when = "onlineId"        # JMESPath; the row counts only where it is truthy
    each = "fees"            # a list: `items` are rows for each element; an object is a list of one
    items = [{ target = "amount", source = "SO_TIEN", transforms = ["dong"] }]
    [tables.status]
    "6" = "finished"
    [refused.status]         # values that are known and map to nothing: each with its reason
    "300" = "bước của quy trình riêng / a step of its own, with no national counterpart"

What is in `refused` is quarantined like any other value that is not in its table; naming it says
that this is meant (canonical.mapping.coded). It is named by the table, or by the target of a row
without one. Plain paths become getters; JMESPath runs only where an expression is needed.
"""

import re
from collections.abc import Callable
from typing import Any

from msgspec import Struct, structs

from canonical.fields import Facet
from canonical.mapping import getting
from canonical.mapping.bounded import ExpressionFault
from canonical.mapping.getting import PLAIN_PATH, Getter, is_empty
from canonical.mapping.transforms import Bad, Transform, named
from canonical.reasons import Reason
from canonical.record import VersionBy, code_of

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ABSENT: Any = object()
_SAYS_NOTHING = ("absent", "none")
_DOCUMENT_KEYS = {"version", "shapes", "tables", "refused"}
_SHAPE_KEYS = {"facet", "version_by", "part", "empty", "ignored", "rows"}
_TEXT_KEYS = {"target", "source", "table", "when", "each", "empty"}
_ROW_KEYS = _TEXT_KEYS | {
    "first_of",
    "transforms",
    "const",
    "default",
    "required",
    "sentinels",
    "items",
}
_MOST_ROWS = 500
# A list inside one record; what its expressions cost is bounded for each of its items.
_MOST_ITEMS = 10_000
Refused = dict[str, dict[str, str]]


class MappingFault(ValueError):
    """The mapping document itself is wrong; the sentence names the row."""


class Unmapped(Struct, frozen=True):
    """Why one wire row has no canonical form.

    Attributes:
        reason: Code of the closed list.
        field: The wire name at fault.
        code: The row's local code, where it could be told.
    """

    reason: Reason
    field: str | None
    code: str | None = None


class Shape(Struct, frozen=True):
    """One compiled kind of wire row.

    Attributes:
        known: Top-level wire names the mapping reads or ignores; anything else is drift.
    """

    name: str
    facet: Facet
    version_by: VersionBy
    part: str
    known: frozenset[str]
    apply: Callable[[Any], "dict[str, Any] | Unmapped"]


class Mapping(Struct, frozen=True):
    """A compiled mapping document.

    Attributes:
        refused: Table or target -> value -> why it maps to nothing.
    """

    version: int
    shapes: dict[str, Shape]
    tables: dict[str, dict[str, Any]]
    refused: Refused = {}


def compile_mapping(
    document: dict[str, Any],
    own: dict[str, Transform] | None = None,
    tables: dict[str, dict[str, Any]] | None = None,
) -> Mapping:
    """The compiled mapping.

    Args:
        document: The decoded mapping.toml.
        own: The adapter's named transforms.
        tables: The connection's additions to the code tables; they win over the document's.

    Raises:
        MappingFault: a row that cannot be compiled, with its place.
    """
    _only(document, _DOCUMENT_KEYS, "the document")
    refused = refused_of(document)
    merged = {k: dict(v) for k, v in document.get("tables", {}).items()}
    for name, more in (tables or {}).items():
        merged.setdefault(name, {}).update(more)
    shapes = {
        name: _shape(name, body, merged, own) for name, body in document.get("shapes", {}).items()
    }
    version = document.get("version", 1)
    if not isinstance(version, int):
        raise MappingFault("version: not a whole number")
    return Mapping(version, shapes, merged, refused)


def refused_of(document: dict[str, Any]) -> Refused:
    """What a document names as deliberately mapped to nothing.

    Raises:
        MappingFault: it is no table of sentences, or names a value that is mapped.
    """
    told = document.get("refused", {})
    if not isinstance(told, dict) or not all(isinstance(one, dict) for one in told.values()):
        raise MappingFault("refused: a table of tables is wanted")
    for name, values in told.items():
        for value, why in values.items():
            if not isinstance(why, str) or not why.strip():
                raise MappingFault(f"refused.{name}: {value!r} has no sentence that says why")
            if value in document.get("tables", {}).get(name, ()):
                raise MappingFault(f"refused.{name}: {value!r} is mapped in the table as well")
    return told


def _only(told: dict[str, Any], known: set[str], where: str) -> None:
    """A misspelt key (`requird`) would silently change what a row does."""
    for key in told:
        if key not in known:
            raise MappingFault(f"{where}: no such key {key!r}")
    if told.get("empty", "absent") not in _SAYS_NOTHING:
        raise MappingFault(f"{where}: empty is neither absent nor none")


def _shape(name: str, body: dict[str, Any], tables: dict[str, dict[str, Any]], own: Any) -> Shape:
    _only(body, _SHAPE_KEYS, f"shapes.{name}")
    try:
        facet = Facet(body.get("facet", "snapshot"))
        version_by = VersionBy(body.get("version_by", "time"))
    except ValueError as error:
        raise MappingFault(f"shapes.{name}: {error}") from error
    if len(body.get("rows", [])) > _MOST_ROWS:
        raise MappingFault(f"shapes.{name}: more than {_MOST_ROWS} rows")
    rows = [
        _row(row, f"shapes.{name}.rows[{i}]", body.get("empty", "absent"), tables, own)
        for i, row in enumerate(body.get("rows", []))
    ]
    named = zip(body.get("rows", []), rows, strict=True)
    code_rows = [write for row, write in named if row["target"] == "code"]
    known = frozenset(body.get("ignored", ())) | _names(body.get("rows", []))

    def apply(wire: Any) -> dict[str, Any] | Unmapped:
        told: dict[str, Any] = {"facet": facet.value}
        if not isinstance(wire, dict):
            return Unmapped(Reason.FIELD_TYPE, None)
        for row in rows:
            found = row(wire, told)
            if found is not None:
                return structs.replace(found, code=_code(wire, told, code_rows))
        return told

    return Shape(name, facet, version_by, body.get("part", ""), known, apply)


Row = Callable[[Any, dict[str, Any]], Unmapped | None]


def _code(wire: Any, told: dict[str, Any], code_rows: list[Row]) -> str | None:
    """The local code of a row that could not be mapped, where it can be told all the same."""
    for write in code_rows:
        if "code" not in told:
            write(wire, told)
    return code_of(told)


def _row(
    row: dict[str, Any], where: str, empty: str, tables: dict[str, dict[str, Any]], own: Any
) -> Row:
    _checked(row, where)
    get = _value_of(row, where, row.get("empty", empty), tables, own)
    when = _getter(row["when"], where) if "when" in row else None
    required = bool(row.get("required"))
    target = row["target"]
    source = row.get("source", row.get("each", row.get("first_of", [target])[0]))
    field = source if PLAIN_PATH.match(source) else target
    head, _, leaf = target.partition(".")

    def write(wire: Any, told: dict[str, Any]) -> Unmapped | None:
        try:
            if when is not None and not when(wire):
                return None
            value = get(wire)
        except Bad as bad:
            return Unmapped(bad.reason, field)
        except _BadItem as bad:
            return Unmapped(bad.reason, f"{field}[{bad.place}].{bad.field}")
        if value is _ABSENT:
            return Unmapped(Reason.FIELD_MISSING, field) if required else None
        if value is None and required:
            return Unmapped(Reason.FIELD_MISSING, field)
        if not leaf:
            told[head] = value
        elif isinstance(told.setdefault(head, {}), dict):
            told[head][leaf] = value
        return None

    return write


def _checked(row: dict[str, Any], where: str) -> None:
    _only(row, _ROW_KEYS, where)
    if "target" not in row:
        raise MappingFault(f"{where}: no target")
    for key in _TEXT_KEYS & row.keys():
        if not isinstance(row[key], str):
            raise MappingFault(f"{where}: {key} is not text")
    if len({"source", "first_of", "const", "each"} & row.keys()) != 1:
        raise MappingFault(f"{where}: not exactly one of source, first_of, const and each")
    several = row.get("first_of", [""])
    if not isinstance(several, list) or not several or not all(map(_is_text, several)):
        raise MappingFault(f"{where}: first_of is not a list of sources")
    if ("each" in row) != ("items" in row):
        raise MappingFault(f"{where}: each and items go together")


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


class _BadItem(Exception):
    def __init__(self, reason: Reason, place: int, field: str | None) -> None:
        super().__init__(reason)
        self.reason, self.place, self.field = reason, place, field


def _value_of(
    row: dict[str, Any], where: str, empty: str, tables: dict[str, dict[str, Any]], own: Any
) -> Getter:
    if "each" in row:
        return _each(row, where, empty, tables, own)
    if "const" in row:
        return lambda _wire: row["const"]
    get = _first_of(row["first_of"], where) if "first_of" in row else _getter(row["source"], where)
    steps = _steps(row, where, tables, own)
    sentinels = frozenset(row.get("sentinels", ()))
    fallback = row.get("default", None if empty == "none" else _ABSENT)

    def value(wire: Any) -> Any:
        found = get(wire)
        if found is None or (isinstance(found, str) and not found.strip()):  # as is_empty
            return fallback
        if sentinels and type(found) in (str, int):  # false is not the number 0
            bare = found.strip() if isinstance(found, str) else found
            if bare in sentinels:
                return fallback
        for step in steps:
            found = step(found)
        return found

    return value


def _steps(
    row: dict[str, Any], where: str, tables: dict[str, dict[str, Any]], own: Any
) -> list[Transform]:
    try:
        steps = [named(name, own) for name in row.get("transforms", ())]
    except KeyError as error:
        raise MappingFault(f"{where}: no transform {error}") from error
    if "table" in row:
        name = row["table"]
        if name not in tables:
            raise MappingFault(f"{where}: no table {name!r}")
        is_status = row["target"].rpartition(".")[2] == "status"
        steps.append(
            _lookup(tables[name], Reason.STATUS_UNKNOWN if is_status else Reason.REF_UNKNOWN)
        )
    return steps


def _lookup(table: dict[str, Any], missing: Reason) -> Transform:
    def look(value: Any) -> Any:
        key = value.strip() if isinstance(value, str) else str(value)
        try:
            return table[key]
        except KeyError:
            raise Bad(missing) from None

    return look


def _each(
    row: dict[str, Any], where: str, empty: str, tables: dict[str, dict[str, Any]], own: Any
) -> Getter:
    get = _getter(row["each"], where)
    rows = [_row(r, f"{where}.items[{i}]", empty, tables, own) for i, r in enumerate(row["items"])]
    fallback = None if empty == "none" else _ABSENT

    def items(wire: Any) -> Any:
        found = get(wire)
        if is_empty(found):
            return fallback
        told_all = []
        if isinstance(found, list) and len(found) > _MOST_ITEMS:
            raise Bad(Reason.FIELD_TOO_LONG)
        for place, item in enumerate(found if isinstance(found, list) else [found]):
            told: dict[str, Any] = {}
            for write in rows:
                bad = write(item, told)
                if bad is not None:
                    raise _BadItem(bad.reason, place, bad.field)
            told_all.append(told)
        return told_all

    return items


def _getter(source: str, where: str) -> Getter:
    try:
        return getting.getter(source)
    except ExpressionFault as error:
        raise MappingFault(f"{where}: {error}") from error


def _first_of(sources: list[str], where: str) -> Getter:
    return getting.first_of([_getter(source, where) for source in sources])


def _names(rows: list[dict[str, Any]]) -> set[str]:
    """Top-level wire names that rows read: the first of a path, every one of an expression."""
    found: set[str] = set()
    for row in rows:
        for told in (row.get("source"), row.get("when"), row.get("each"), *row.get("first_of", ())):
            if isinstance(told, str):
                plain = PLAIN_PATH.match(told)
                found |= {told.split(".")[0]} if plain else set(_NAME.findall(told))
    return found
