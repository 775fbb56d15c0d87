"""A mapping document row by row: what each reads in a wire row and what it makes of it. Pure.

For previews and drift; records are mapped by the document compiled whole.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from canonical.mapping.compile import Unmapped, compile_mapping
from canonical.mapping.transforms import Transform

NOTHING: Any = object()
_READS = ("source", "first_of", "each")
_PROCEDURE = "procedure.code"


class Traced(Struct, frozen=True):
    """One row of a shape.

    Attributes:
        place: Its number among the shape's rows, from 0.
        target: The canonical field.
        source: What it reads, as written; "" for a constant.
        table: The code table it looks up; "" for none.
        take: The wire value that it reads; NOTHING where there is none.
        make: The canonical value, why there is none, or NOTHING where the row says nothing.
    """

    place: int
    target: str
    source: str
    table: str
    take: Callable[[Any], Any]
    make: Callable[[Any], Any]


def trace(
    document: Mapping[str, Any],
    own: dict[str, Transform] | None = None,
    tables: dict[str, dict[str, Any]] | None = None,
) -> dict[str, list[Traced]]:
    """Every shape's rows, each by itself.

    Raises:
        MappingFault: a row that cannot be compiled.
    """
    return {
        name: [_traced(place, row, body, document, own, tables) for place, row in _rows(body)]
        for name, body in document.get("shapes", {}).items()
    }


def procedures_of(
    document: Mapping[str, Any],
    own: dict[str, Transform] | None = None,
    tables: dict[str, dict[str, Any]] | None = None,
) -> dict[str, Callable[[Any], str | None]]:
    """Per shape, which procedure a wire row is about; None where it does not say.

    Raises:
        MappingFault: as `trace`.
    """
    found = {}
    for name, body in document.get("shapes", {}).items():
        rows = [row for _, row in _rows(body) if row.get("target") == _PROCEDURE]
        found[name] = _procedure(_alone(rows, body, document, own, tables))
    return found


def _rows(body: Mapping[str, Any]) -> Sequence[tuple[int, dict[str, Any]]]:
    return list(enumerate(body.get("rows", [])))


def _alone(
    rows: list[dict[str, Any]],
    body: Mapping[str, Any],
    document: Mapping[str, Any],
    own: dict[str, Transform] | None,
    tables: dict[str, dict[str, Any]] | None,
) -> Callable[[Any], dict[str, Any] | Unmapped]:
    """These rows compiled as a shape of their own."""
    shape = {"empty": body.get("empty", "absent"), "rows": rows}
    small = {"tables": document.get("tables", {}), "shapes": {"one": shape}}
    return compile_mapping(small, own, tables).shapes["one"].apply


def _traced(
    place: int,
    row: dict[str, Any],
    body: Mapping[str, Any],
    document: Mapping[str, Any],
    own: dict[str, Transform] | None,
    tables: dict[str, dict[str, Any]] | None,
) -> Traced:
    make = _alone([row], body, document, own, tables)
    reads = {key: row[key] for key in _READS if key in row}
    source = reads.get("source", reads.get("each", ""))
    if "first_of" in reads:
        source = " | ".join(reads["first_of"])
    if "each" in reads:
        reads = {"source": reads["each"]}
    take = None
    if reads:
        take = _alone([{"target": "seen", **reads}], body, document, own, tables)
    return Traced(
        place=place,
        target=row["target"],
        source=source,
        table=row.get("table", ""),
        take=_taking(take),
        make=_making(make, row["target"]),
    )


def _taking(apply: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
    def take(wire: Any) -> Any:
        told = apply(wire) if apply is not None else None
        if told is None or isinstance(told, Unmapped):
            return NOTHING
        return told.get("seen", NOTHING)

    return take


def _making(apply: Callable[[Any], Any], target: str) -> Callable[[Any], Any]:
    head, _, leaf = target.partition(".")

    def make(wire: Any) -> Any:
        told = apply(wire)
        if isinstance(told, Unmapped):
            return told
        found = told.get(head, NOTHING)
        return found.get(leaf, NOTHING) if leaf and isinstance(found, dict) else found

    return make


def _procedure(apply: Callable[[Any], Any]) -> Callable[[Any], str | None]:
    def procedure(wire: Any) -> str | None:
        told = apply(wire)
        if isinstance(told, Unmapped):
            return None
        part = told.get("procedure")
        code = part.get("code") if isinstance(part, dict) else None
        return code if isinstance(code, str) and 0 < len(code) <= 100 else None

    return procedure
