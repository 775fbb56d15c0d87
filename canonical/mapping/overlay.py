"""What a connection lays over its system's mapping document: rows and table entries, as data.

    [[rows]]
    do = "replace"           # add | replace | remove
    shape = "dossiers"
    target = "status"
    place = 0                # which of the base's rows with this target, 0 the first
    row = { target = "status", source = "ma", table = "status" }   # for add and replace
    [tables.status]
    set = { "6" = "finished" }
    remove = ["7"]
    [refused.status]
    set = { "300" = "why it maps to nothing" }
    remove = ["302"]

A value that is mapped from now on is no longer refused, and the other way round.

An added row comes after the base's, in the order told, so that it has the last word; with a `place`
it comes before that one of the base. Places always count the base's rows, so that no change of an
overlay moves what another of its lines means.
"""

from typing import Any

_ROW_KEYS = {"do", "shape", "target", "place", "row"}
_TABLE_KEYS = {"set", "remove"}
_DO = ("add", "replace", "remove")
_Tables = dict[str, dict[str, Any]]


class OverlayFault(ValueError):
    """An overlay that cannot be taken; the sentence names its line."""


class OverlayAdrift(OverlayFault):
    """The base no longer has what the overlay replaces or removes."""


def laid_over(document: dict[str, Any], overlay: dict[str, Any]) -> dict[str, Any]:
    """The effective document; the base itself stays as it is.

    Args:
        document: The decoded mapping.toml.
        overlay: What is laid over it; {} for nothing.

    Raises:
        OverlayFault: it is misspelt.
        OverlayAdrift: what it replaces or removes is not there.
    """
    if not overlay:
        return document
    _only(overlay, {"rows", "tables", "refused"}, "the overlay")
    shapes = {name: dict(body) for name, body in document.get("shapes", {}).items()}
    for name, lines in _by_shape(overlay.get("rows", []), shapes).items():
        shapes[name]["rows"] = _rows(shapes[name].get("rows", []), lines)
    tables, refused = _changed(document, overlay, "tables"), _changed(document, overlay, "refused")
    for name, change in overlay.get("tables", {}).items():
        _less(refused.get(name, {}), change.get("set", {}), overlay, "refused", name)
    for name, change in overlay.get("refused", {}).items():
        _less(tables.get(name, {}), change.get("set", {}), overlay, "tables", name)
    told = {**document, "shapes": shapes, "tables": tables}
    return {**told, "refused": refused} if refused else told


def _changed(document: dict[str, Any], overlay: dict[str, Any], kind: str) -> _Tables:
    """The tables of one kind with what the overlay changes in them."""
    tables = {name: dict(entries) for name, entries in document.get(kind, {}).items()}
    changes = overlay.get(kind, {})
    if not isinstance(changes, dict):
        raise OverlayFault(f"{kind}: not a table")
    for name, change in changes.items():
        _entries(tables, kind, name, change)
    return tables


def _less(
    entries: dict[str, Any], set_now: dict[str, Any], overlay: dict[str, Any], kind: str, name: str
) -> None:
    """Take out of one kind of table what the other kind has from now on."""
    own = overlay.get(kind, {}).get(name, {}).get("set", {})
    for key in set_now:
        if key in own:
            raise OverlayFault(f"{kind}.{name}: {key!r} is mapped and refused at once")
        entries.pop(key, None)


def _only(told: Any, known: set[str], where: str) -> None:
    if not isinstance(told, dict):
        raise OverlayFault(f"{where}: not a table")
    for key in told:
        if key not in known:
            raise OverlayFault(f"{where}: no such key {key!r}")


_Line = tuple[str, dict[str, Any]]  # (where it stands in the overlay, itself)


def _by_shape(lines: Any, shapes: dict[str, Any]) -> dict[str, list[_Line]]:
    if not isinstance(lines, list):
        raise OverlayFault("rows: not a list")
    found: dict[str, list[_Line]] = {}
    for number, line in enumerate(lines):
        where = f"rows[{number}]"
        _checked(line, where)
        if line["shape"] not in shapes:
            raise OverlayAdrift(f"{where}: no shape {line['shape']!r}")
        found.setdefault(line["shape"], []).append((where, line))
    return found


def _checked(line: Any, where: str) -> None:
    _only(line, _ROW_KEYS, where)
    if line.get("do") not in _DO:
        raise OverlayFault(f"{where}: do is none of {', '.join(_DO)}")
    for key in ("shape", "target"):
        if not isinstance(line.get(key), str):
            raise OverlayFault(f"{where}: {key} is missing or no text")
    place = line.get("place", 0)
    if type(place) is not int or place < 0:
        raise OverlayFault(f"{where}: place is no whole number from 0 on")
    row = line.get("row")
    if (row is None) is not (line["do"] == "remove"):
        raise OverlayFault(f"{where}: add and replace have a row, remove has none")
    if row is not None and (not isinstance(row, dict) or row.get("target") != line["target"]):
        raise OverlayFault(f"{where}: the row's target is another one")


def _rows(base: list[dict[str, Any]], lines: list[_Line]) -> list[dict[str, Any]]:
    kept: list[list[dict[str, Any]]] = [[row] for row in base]
    before: dict[int, list[dict[str, Any]]] = {}
    added: list[dict[str, Any]] = []
    touched: set[int] = set()
    for where, line in lines:
        if line["do"] == "add" and "place" not in line:
            added.append(line["row"])
            continue
        index = _index(base, line["target"], line.get("place", 0), where)
        if line["do"] == "add":
            before.setdefault(index, []).append(line["row"])
            continue
        if index in touched:
            raise OverlayFault(f"{where}: another line changes the same row")
        touched.add(index)
        kept[index] = [line["row"]] if line["do"] == "replace" else []
    placed = (row for n, rows in enumerate(kept) for row in (*before.get(n, ()), *rows))
    return [*placed, *added]


def _index(base: list[dict[str, Any]], target: str, place: int, where: str) -> int:
    """Where the base has the row that a line means."""
    found = [index for index, row in enumerate(base) if row.get("target") == target]
    if place >= len(found):
        raise OverlayAdrift(f"{where}: the mapping has no row {target!r} at place {place}")
    return found[place]


def _entries(tables: _Tables, kind: str, name: str, change: Any) -> None:
    where = f"{kind}.{name}"
    _only(change, _TABLE_KEYS, where)
    entries = tables.setdefault(name, {})
    less, more = change.get("remove", []), change.get("set", {})
    if not isinstance(less, list) or not isinstance(more, dict):
        raise OverlayFault(f"{where}: remove is a list of keys, set a table")
    for key in less:
        if not isinstance(key, str) or key not in entries:
            raise OverlayAdrift(f"{where}: the mapping has no entry {key!r}")
        del entries[key]
    entries.update(more)
