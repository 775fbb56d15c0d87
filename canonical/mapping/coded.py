"""The coded fields of a mapping: which values a wire row gives to look up, and where they lead.

Every such value either has a target or is named in `refused` with the reason why it has none;
anything else is uncovered, and its records would be quarantined without anybody having meant it.
Pure: the rows of a document are read as `canonical.mapping.compile` reads them, up to the look-up.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from msgspec import Struct

from canonical.fields import ApplicantKind, Channel
from canonical.mapping.bounded import compile_expression
from canonical.mapping.compile import Mapping, compile_mapping
from canonical.mapping.getting import PLAIN_PATH, Getter, first_of, getter, is_empty
from canonical.mapping.remembered import read_names
from canonical.mapping.transforms import Bad, Transform, named
from canonical.record import code_of
from canonical.states import Status

# Canonical fields that are one of a closed list, whatever table leads to them.
CLOSED: dict[str, frozenset[str]] = {
    "status": frozenset(Status),
    "history.status": frozenset(Status),
    "channel": frozenset(Channel),
    "applicant.kind": frozenset(ApplicantKind),
    "acting.kind": frozenset(ApplicantKind),
}
Values = Callable[[Any], Iterator[Any]]


class Coded(Struct, frozen=True):
    """One row of a mapping whose values are looked up, or must be of a closed list.

    Attributes:
        shape: The kind of wire row.
        target: The canonical field, `history.status` for one inside a list.
        rule: The table it is looked up in; its target where it has none. `refused` is named so.
        is_table: Whether there is a table.
        keys: What a wire row gives to be looked up; nothing where it says nothing.
        paths: Plain paths and names of the wire that its values come from.
        place: Where it stands in the document.
    """

    shape: str
    target: str
    rule: str
    is_table: bool
    keys: Callable[[Any], list[str]]
    paths: tuple[str, ...]
    place: str


class Codes:
    """The coded fields of one mapping document, and what it says of each value.

    Attributes:
        fields: Every coded field.
        parts: Shape -> sub-namespace of its codes.
    """

    def __init__(
        self,
        document: dict[str, Any],
        own: dict[str, Transform] | None = None,
        tables: dict[str, dict[str, Any]] | None = None,
    ) -> None:
        """Raises MappingFault for a document that cannot be compiled."""
        mapping = compile_mapping(document, own, tables)
        shapes = document.get("shapes", {})
        self.fields = [one for name in shapes for one in _coded(name, shapes[name], own)]
        self.parts = {name: shape.part for name, shape in mapping.shapes.items()}
        self._mapping = mapping
        self._code_rows = {name: _code_rows(body, own) for name, body in shapes.items()}

    @property
    def mapping(self) -> Mapping:
        """The compiled document."""
        return self._mapping

    def refused(self, field: Coded) -> dict[str, str]:
        """Value -> why it maps to nothing, of one field."""
        return self._mapping.refused.get(field.rule, {})

    def is_mapped(self, field: Coded, key: str) -> bool:
        """Whether a value leads to a target that a record may have."""
        target: Any = key
        if field.is_table:
            entries = self._mapping.tables[field.rule]
            if key not in entries:
                return False
            target = entries[key]
        closed = CLOSED.get(field.target)
        return closed is None or (isinstance(target, str) and target in closed)

    def is_covered(self, field: Coded, key: str) -> bool:
        """Whether a value maps to a target, or is named as mapping to nothing."""
        return self.is_mapped(field, key) or key in self.refused(field)

    def listed(self, field: Coded) -> list[str]:
        """Every value that its table names, and every one that is refused by name."""
        entries = self._mapping.tables[field.rule] if field.is_table else {}
        return sorted({*entries, *self.refused(field)})

    def code(self, shape: str, wire: Any) -> str | None:
        """The local code of a wire row, where it can be told."""
        for read in self._code_rows.get(shape, ()):
            try:
                for value in read(wire):
                    return code_of({"code": value})
            except Bad:
                continue
        return None


def _coded(shape: str, body: dict[str, Any], own: dict[str, Transform] | None) -> Iterator[Coded]:
    for number, row in enumerate(body.get("rows", [])):
        where = f"shapes.{shape}.rows[{number}]"
        when = getter(row["when"]) if "when" in row else None
        if "each" in row:
            each = getter(row["each"])
            for place, item in enumerate(row["items"]):
                target = f"{row['target']}.{item['target']}"
                if "const" in item or not _is_coded(target, item):
                    continue
                inner = getter(item["when"]) if "when" in item else None
                read = _guarded(inner, _values(item, own))
                keys = _keys(_guarded(when, _inside(each, read)))
                paths = tuple(f"{row['each']}.{path}" for path in _paths(item))
                yield _made(shape, target, item, keys, paths, f"{where}.items[{place}]")
        elif "const" not in row and _is_coded(row["target"], row):
            keys = _keys(_guarded(when, _values(row, own)))
            yield _made(shape, row["target"], row, keys, tuple(_paths(row)), where)


def _is_coded(target: str, row: dict[str, Any]) -> bool:
    """What an expression without a table writes out by itself is looked at in the records."""
    return "table" in row or target in CLOSED


def _made(
    shape: str,
    target: str,
    row: dict[str, Any],
    keys: Callable[[Any], list[str]],
    paths: tuple[str, ...],
    place: str,
) -> Coded:
    is_table = "table" in row
    rule = row["table"] if is_table else target
    return Coded(shape, target, rule, is_table, keys, paths, place)


def _paths(row: dict[str, Any]) -> Iterator[str]:
    """Where the values of a row come from, as far as one value alone decides them."""
    for source in row.get("first_of", [row.get("source", "")]):
        if PLAIN_PATH.match(source):
            yield source
            continue
        read = read_names(compile_expression(source).parsed)
        if read is not None and len(read) == 1:
            yield from read


def _values(row: dict[str, Any], own: dict[str, Transform] | None) -> Values:
    sources = row["first_of"] if "first_of" in row else [row["source"]]
    get = first_of([getter(source) for source in sources]) if "first_of" in row else None
    get = get or getter(row["source"])
    steps = [named(name, own) for name in row.get("transforms", ())]
    sentinels = frozenset(row.get("sentinels", ()))

    def values(wire: Any) -> Iterator[Any]:
        found = get(wire)
        if is_empty(found):
            return
        if sentinels and type(found) in (str, int):
            bare = found.strip() if isinstance(found, str) else found
            if bare in sentinels:
                return
        for step in steps:
            found = step(found)
        yield found

    return values


def _guarded(when: Getter | None, values: Values) -> Values:
    if when is None:
        return values

    def guarded(wire: Any) -> Iterator[Any]:
        if when(wire):
            yield from values(wire)

    return guarded


def _inside(each: Getter, values: Values) -> Values:
    def inside(wire: Any) -> Iterator[Any]:
        found = each(wire)
        if is_empty(found):
            return
        for item in found if isinstance(found, list) else [found]:
            yield from values(item)

    return inside


def _keys(values: Values) -> Callable[[Any], list[str]]:
    """As a table is looked up; a value that is refused before that is none of a table's."""

    def keys(wire: Any) -> list[str]:
        found: list[str] = []
        with contextlib.suppress(Bad):  # what was found before it counts
            found.extend(v.strip() if isinstance(v, str) else str(v) for v in values(wire))
        return found

    return keys


def _code_rows(body: dict[str, Any], own: dict[str, Transform] | None) -> Sequence[Values]:
    rows = [row for row in body.get("rows", []) if row["target"] == "code"]
    told = [row for row in rows if "source" in row or "first_of" in row]
    return [
        _guarded(getter(row["when"]) if "when" in row else None, _values(row, own))
        for row in reversed(told)
    ]


def wire_of(path: str, value: Any) -> dict[str, Any]:
    """A wire row that says one value and nothing else."""
    told: Any = value
    for name in reversed(path.split(".")):
        told = {name: told}
    found: dict[str, Any] = told
    return found
