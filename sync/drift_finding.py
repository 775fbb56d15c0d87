"""What a sample of records shows against what is known of them: found, gathered, or over. Pure."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from canonical import drifting
from canonical.drifting import Change, Reads
from canonical.live_shape import Looks, from_json
from store.drifts import DriftRow, LiveRow

ALL = ""  # the procedure that stands for all of them
Looked = dict[tuple[str, str], Looks]  # (shape, procedure) -> what its records look like
_MOST_PROCEDURES = 50


def held(rows: Sequence[LiveRow]) -> Looked:
    """What the store holds."""
    return {(row.shape, row.procedure): from_json(row.rows, row.body) for row in rows}


def known(lasting: Sequence[DriftRow]) -> dict[tuple[str, str, str], DriftRow]:
    """Findings that last, by shape, kind and field."""
    return {(one.shape, one.kind, one.field): one for one in lasting}


def compared(
    looked: Looked, held: Looked, reads: Mapping[str, Reads]
) -> dict[tuple[str, str], list[Change]]:
    """Per shape and procedure, what changed."""
    found = {}
    for (shape, procedure), fresh in looked.items():
        if shape not in reads:
            continue
        everywhere = held.get((shape, ALL), Looks(0, {})).fields
        known = held.get((shape, procedure), Looks(0, {}))
        found[shape, procedure] = drifting.compare(known, fresh, reads[shape], everywhere)
    return found


def gathered(
    found: Mapping[tuple[str, str], Sequence[Change]],
) -> dict[tuple[str, Change], list[str]]:
    """Each change once, with the procedures that show it."""
    named: dict[tuple[str, str, str], tuple[Change, list[str]]] = {}
    for (shape, procedure), changes in found.items():
        for change in changes:
            key = (shape, change.kind, change.field)
            held = named.get(key)
            if held is None:
                named[key] = (change, [procedure])
                continue
            one, procedures = held
            after = tuple(sorted({*one.after, *change.after}))
            both = Change(one.kind, one.field, one.to, one.before, after, one.rows + change.rows)
            named[key] = (both, [*procedures, procedure])
    return {(key[0], change): procedures for key, (change, procedures) in named.items()}


def told(
    change: Change, procedures: Collection[str], before: DriftRow | None, reads: Reads | None
) -> dict[str, Any]:
    """What is kept of a finding beside its kind and field; grows while it lasts."""
    old = before.told if before is not None else {}
    named = sorted({*old.get("procedures", ()), *procedures})[:_MOST_PROCEDURES]
    after = sorted({*old.get("after", ()), *change.after})
    return {
        "to": change.to,
        "before": list(change.before),
        "after": after,
        "procedures": named,
        "places": _places(change.field, reads),
    }


def _places(field: str, reads: Reads | None) -> list[str]:
    """The mapping rows that read a field, or something inside it."""
    found: list[str] = []
    for path, places in (reads.paths if reads is not None else {}).items():
        names = path.replace("[]", "")
        if names == field or names.startswith(f"{field}.") or _names(path, field):
            found += places
    return sorted(set(found))


def _names(expression: str, field: str) -> bool:
    """Whether an expression names a top-level field."""
    if "." in field or expression.replace(".", "").replace("_", "").isalnum():
        return False
    words = "".join(c if c.isalnum() or c == "_" else " " for c in expression).split()
    return field in words


def over(
    lasting: Sequence[DriftRow],
    looked: Looked,
    reads: Mapping[str, Reads],
    held: Looked,
) -> tuple[dict[int, str], Looked]:
    """Findings that are over without anybody's word, and what is known then.

    One is `mapped` where the mapping knows now what was new, and `gone` where records are again as
    they were.
    """
    over: dict[int, str] = {}
    for one in lasting:
        how = _howover(one, looked, reads.get(one.shape))
        if how is None:
            continue
        over[one.id] = how
        if how == "mapped":
            change = {"kind": one.kind, "field": one.field, **one.told}
            held = {
                key: drifting.accepted(looks, change) if key[0] == one.shape else looks
                for key, looks in held.items()
            }
    return over, held


def _howover(one: DriftRow, looked: Looked, reads: Reads | None) -> str | None:
    name = one.told.get("to") or one.field
    if reads is not None and one.kind in ("new", "renamed"):
        head = name.partition(".")[0].partition("[")[0]
        if name in reads.paths or (head == name and head in reads.known):
            return "mapped"
    table = reads.tables.get(one.field) if reads is not None else None
    if one.kind == "value" and table is not None and table.issuperset(one.told.get("after", ())):
        return "mapped"
    if one.kind in ("lost", "renamed"):
        again = [
            one.field in fresh.fields and one.told.get("to") not in fresh.fields
            for (shape, procedure), fresh in looked.items()
            if shape == one.shape and procedure in one.told.get("procedures", ())
        ]
        return "gone" if again and all(again) else None
    return None
