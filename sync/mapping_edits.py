"""A mapping edited row by row and code by code: the overlay that follows. Pure.

The overlay stays as small as what it says: what is put back to how the system has it leaves no
line, and a row whose target becomes another is one line that removes and one that adds.
"""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from canonical.mapping.overlay import OverlayFault, laid_over

BASE, REPLACED, REMOVED, ADDED = "base", "replaced", "removed", "added"
MAPPED, REFUSED = "mapped", "refused"
Overlay = dict[str, Any]
Tables = dict[str, dict[str, Any]]


class Line(Struct, frozen=True):
    """One row of a shape, as it is mapped by.

    Attributes:
        key: Names it for an edit: `base:<shape>:<number>` or `added:<number in the overlay>`.
        origin: base | replaced | removed | added.
        row: As it is now; as the system has it where it was removed.
        place: Where it stands among the effective rows; None where it was removed.
    """

    key: str
    shape: str
    target: str
    origin: str
    row: dict[str, Any]
    place: int | None


class Entry(Struct, frozen=True):
    """One code of a code table.

    Attributes:
        kind: mapped | refused.
        value: What it leads to, or why it leads to nothing.
        origin: base | overlay | own (the connection's addition) | removed.
    """

    table: str
    key: str
    kind: str
    value: Any
    origin: str


class Candidate(Struct, frozen=True):
    """What is being edited.

    Attributes:
        overlay: What is laid over the system's mapping.
        tables: The connection's own additions to code tables.
    """

    overlay: Overlay
    tables: Tables


def lines(document: Mapping[str, Any], overlay: Overlay) -> dict[str, list[Line]]:
    """Shape -> its rows in the order in which they are applied, removed ones where they stood.

    Raises:
        OverlayFault: the overlay cannot be laid over this document.
    """
    laid_over(dict(document), overlay)  # says what is wrong with it
    shapes = document.get("shapes", {})
    return {name: list(_numbered(_lines(name, body, overlay))) for name, body in shapes.items()}


def _lines(shape: str, body: Mapping[str, Any], overlay: Overlay) -> Iterator[Line]:
    changed: dict[tuple[str, int], dict[str, Any]] = {}
    before: dict[tuple[str, int], list[Line]] = {}
    last: list[Line] = []
    for number, line in enumerate(overlay.get("rows", [])):
        if line["shape"] != shape:
            continue
        if line["do"] != "add":
            changed[line["target"], line.get("place", 0)] = line
            continue
        made = Line(f"added:{number}", shape, line["target"], ADDED, line["row"], 0)
        if "place" in line:
            before.setdefault((line["target"], line["place"]), []).append(made)
        else:
            last.append(made)
    counted: dict[str, int] = {}
    for number, row in enumerate(body.get("rows", [])):
        target = row["target"]
        at = (target, counted.get(target, 0))
        counted[target] = at[1] + 1
        yield from before.get(at, ())
        line = changed.get(at)
        key = f"base:{shape}:{number}"
        if line is None:
            yield Line(key, shape, target, BASE, row, 0)
        elif line["do"] == "replace":
            yield Line(key, shape, target, REPLACED, line["row"], 0)
        else:
            yield Line(key, shape, target, REMOVED, row, None)
    yield from last


def _numbered(found: Iterator[Line]) -> Iterator[Line]:
    place = 0
    for one in found:
        if one.origin == REMOVED:
            yield one
        else:
            yield Line(one.key, one.shape, one.target, one.origin, one.row, place)
            place += 1


def entries(document: Mapping[str, Any], candidate: Candidate) -> dict[str, list[Entry]]:
    """Table -> its codes, those that are refused by name and those taken out among them."""
    found: dict[str, list[Entry]] = {}
    overlay, own = candidate.overlay, candidate.tables
    told = laid_over(dict(document), overlay)
    names = {*told.get("tables", {}), *told.get("refused", {}), *own}
    for name in sorted(names):
        mapped = told.get("tables", {}).get(name, {})
        refused = told.get("refused", {}).get(name, {})
        base = document.get("tables", {}).get(name, {})
        own_codes = own.get(name, {})
        rows = []
        for key, value in {**mapped, **own_codes}.items():
            origin = "own" if key in own_codes else "base"
            if origin == "base" and (key not in base or base[key] != value):
                origin = "overlay"
            rows.append(Entry(name, key, MAPPED, value, origin))
        is_base = document.get("refused", {}).get(name, {})
        for key, value in refused.items():
            if key not in own_codes:
                origin = "base" if is_base.get(key) == value else "overlay"
                rows.append(Entry(name, key, REFUSED, value, origin))
        held = {one.key for one in rows}
        rows += [Entry(name, k, MAPPED, v, "removed") for k, v in base.items() if k not in held]
        found[name] = sorted(rows, key=lambda one: (one.kind, one.key))
    return found


def with_row(
    document: Mapping[str, Any], overlay: Overlay, key: str, row: dict[str, Any]
) -> Overlay:
    """The overlay with a row as it is to be. Raises OverlayFault where there is no such row."""
    told = _copied(overlay)
    if key.startswith("new:"):
        told["rows"].append(_added(key.removeprefix("new:"), row))
        return _tidied(told)
    kind, _, rest = key.partition(":")
    if kind == "added":
        line = _own_line(told, rest)
        line["target"], line["row"] = row["target"], row
        return _tidied(told)
    shape, target, nth, base = _base_row(document, rest)
    _drop(told, shape, target, nth)
    if row["target"] != target:
        told["rows"].append({"do": "remove", "shape": shape, "target": target, "place": nth})
        told["rows"].append(_added(shape, row))
    elif row != base:
        line = {"do": "replace", "shape": shape, "target": target, "place": nth, "row": row}
        told["rows"].append(line)
    return _tidied(told)


def without_row(document: Mapping[str, Any], overlay: Overlay, key: str) -> Overlay:
    """The overlay without a row: one of the system's is removed, an added one forgotten."""
    told = _copied(overlay)
    kind, _, rest = key.partition(":")
    if kind == "added":
        told["rows"].remove(_own_line(told, rest))
        return _tidied(told)
    shape, target, nth, _ = _base_row(document, rest)
    _drop(told, shape, target, nth)
    told["rows"].append({"do": "remove", "shape": shape, "target": target, "place": nth})
    return _tidied(told)


def as_base(document: Mapping[str, Any], overlay: Overlay, key: str) -> Overlay:
    """The overlay with one of the system's rows as the system has it."""
    told = _copied(overlay)
    kind, _, rest = key.partition(":")
    if kind == "base":
        shape, target, nth, _ = _base_row(document, rest)
        _drop(told, shape, target, nth)
    return _tidied(told)


def with_code(
    document: Mapping[str, Any], held: Candidate, table: str, key: str, kind: str, value: Any
) -> Candidate:
    """What is edited with a code mapped, or refused by name with its reason."""
    told, tables = _forgotten(held, table, key)
    other = "refused" if kind == MAPPED else "tables"
    name = "tables" if kind == MAPPED else "refused"
    if document.get(name, {}).get(table, {}).get(key) == value:
        return Candidate(_tidied(told), tables)
    told[name].setdefault(table, {}).setdefault("set", {})[key] = value
    told[other].get(table, {}).get("set", {}).pop(key, None)
    return Candidate(_tidied(told), tables)


def without_code(
    document: Mapping[str, Any], held: Candidate, table: str, key: str, *, undo: bool = False
) -> Candidate:
    """What is edited without a code; with `undo`, with it as the system has it."""
    told, tables = _forgotten(held, table, key)
    if not undo:
        for name in ("tables", "refused"):
            if key in document.get(name, {}).get(table, {}):
                told[name].setdefault(table, {}).setdefault("remove", []).append(key)
    return Candidate(_tidied(told), tables)


def _forgotten(held: Candidate, table: str, key: str) -> tuple[Overlay, Tables]:
    """A copy in which nothing is said of a code."""
    told = _copied(held.overlay)
    for name in ("tables", "refused"):
        change = told[name].get(table, {})
        change.get("set", {}).pop(key, None)
        if key in change.get("remove", []):
            change["remove"].remove(key)
    tables = {name: dict(codes) for name, codes in held.tables.items()}
    tables.get(table, {}).pop(key, None)
    return told, {name: codes for name, codes in tables.items() if codes}


def _copied(overlay: Overlay) -> Overlay:
    told = copy.deepcopy(overlay)
    return {"rows": [], "tables": {}, "refused": {}} | told


def _tidied(told: Overlay) -> Overlay:
    """Without what says nothing."""
    for name in ("tables", "refused"):
        kept = {
            table: {verb: value for verb, value in change.items() if value}
            for table, change in told[name].items()
        }
        told[name] = {table: change for table, change in kept.items() if change}
    return {name: value for name, value in told.items() if value}


def _added(shape: str, row: dict[str, Any]) -> dict[str, Any]:
    return {"do": "add", "shape": shape, "target": row["target"], "row": row}


def _own_line(told: Overlay, number: str) -> dict[str, Any]:
    rows = told["rows"]
    if not number.isdecimal() or int(number) >= len(rows):
        raise OverlayFault(f"the overlay has no line {number}")
    found: dict[str, Any] = rows[int(number)]
    return found


def _base_row(document: Mapping[str, Any], rest: str) -> tuple[str, str, int, dict[str, Any]]:
    """(shape, target, which row of that target, the row)."""
    shape, _, number = rest.rpartition(":")
    rows = document.get("shapes", {}).get(shape, {}).get("rows", [])
    if not number.isdecimal() or int(number) >= len(rows):
        raise OverlayFault(f"the mapping has no row {rest!r}")
    row = rows[int(number)]
    nth = sum(one["target"] == row["target"] for one in rows[: int(number)])
    return shape, row["target"], nth, row


def _drop(told: Overlay, shape: str, target: str, nth: int) -> None:
    told["rows"] = [
        line
        for line in told["rows"]
        if line["do"] == "add"
        or (line["shape"], line["target"], line.get("place", 0)) != (shape, target, nth)
    ]
