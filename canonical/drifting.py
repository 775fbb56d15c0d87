"""How a department's records are no longer what they were: lost, renamed, retyped fields and such.

A field is lost when it was there so often that its absence in so many records is no accident, and
renamed when a new one stands where it stood, like it in name or form. Pure.
"""

from collections.abc import Collection, Mapping
from difflib import SequenceMatcher
from typing import Any

from msgspec import Struct, structs

from canonical.live_shape import DATE_FORMS, FieldSeen, Looks, merged

LEARNT = 5  # records that a shape is known by
_STEADY = 0.95  # there in so many of its records, or its absence says nothing
_NO_ACCIDENT = 1e-6
_LIKE = 0.6


class Reads(Struct, frozen=True):
    """What the mapping of a shape does with wire fields.

    Attributes:
        known: Top-level names that a row reads or the mapping ignores.
        paths: Plain path -> the rows that read it, as people find them (`record.rows[7] due_at`).
        tables: Plain path -> the codes its table knows, refused ones too.
    """

    known: frozenset[str]
    paths: Mapping[str, tuple[str, ...]]
    tables: Mapping[str, frozenset[str]]


class Change(Struct, frozen=True):
    """One way in which records changed.

    Attributes:
        kind: new | lost | renamed | retyped | value | date_form.
        field: The wire path.
        to: The new name of a renamed field; "" else.
        before: Kinds or forms it had.
        after: Kinds or forms it has now; new codes.
        rows: Sampled records that show it.
    """

    kind: str
    field: str
    to: str = ""
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    rows: int = 0


def compare(known: Looks, fresh: Looks, reads: Reads, everywhere: Collection[str]) -> list[Change]:
    """What is new in records of one procedure.

    Args:
        known: What its records looked like.
        fresh: A sample of what came since.
        reads: What the mapping does with fields.
        everywhere: Paths that records of any procedure are known to have.
    """
    is_learnt = known.rows >= LEARNT
    new = [path for path in fresh.fields if path not in known.fields]
    lost = [path for path in known.fields if _is_lost(known, fresh, path)] if is_learnt else []
    renamed = _renamed(known, fresh, lost, new) if is_learnt else {}
    found = [
        Change("renamed", old, to=to, rows=fresh.fields[to].present) for old, to in renamed.items()
    ]
    gone = {*renamed, *renamed.values()}
    found += [
        Change("lost", path, rows=fresh.rows)
        for path in lost
        if path not in gone and not _below(path, gone) and _is_no_accident(known, fresh, path)
    ]
    found += [
        Change("new", path, rows=fresh.fields[path].present)
        for path in new
        if path not in gone
        and path not in everywhere
        and not _below(path, gone)
        and _is_news(path, reads, is_learnt=is_learnt)
    ]
    for path, seen in fresh.fields.items():
        before = known.fields.get(path)
        if before is not None and is_learnt:
            found += _altered(path, before, seen)
        found += _values(path, before, seen, reads)
    return found


def _is_lost(known: Looks, fresh: Looks, path: str) -> bool:
    """Whether none of the sample has a field that nearly all had."""
    field = known.fields[path]
    has_been = known.rows - field.since - field.gap
    is_steady = has_been >= LEARNT and field.present / has_been >= _STEADY
    return path not in fresh.fields and is_steady


def _is_no_accident(known: Looks, fresh: Looks, path: str) -> bool:
    field = known.fields[path]
    has_been = known.rows - field.since - field.gap
    absent = (has_been - field.present + 1) / (has_been + 2)
    return bool(absent ** (field.gap + fresh.rows) < _NO_ACCIDENT)


def _renamed(known: Looks, fresh: Looks, lost: list[str], new: list[str]) -> dict[str, str]:
    """Old name -> new name, the likest pairs first, each once; the outermost ones."""
    pairs = []
    for old in lost:
        for to in new:
            if old.rpartition(".")[0] != to.rpartition(".")[0]:
                continue
            score = _likeness(old, known.fields[old], to, fresh.fields[to])
            if score >= _LIKE:
                pairs.append((score, old, to))
    found: dict[str, str] = {}
    for _score, old, to in sorted(pairs, key=lambda pair: (-pair[0], pair[1], pair[2])):
        if old not in found and to not in found.values():
            found[old] = to
    return found


def _likeness(old: str, before: FieldSeen, to: str, after: FieldSeen) -> float:
    """0 to 1: how like two fields are, by name and by what stands in them."""
    kinds = _plain_kinds(before), _plain_kinds(after)
    if kinds[0] and kinds[1] and not kinds[0] & kinds[1]:
        return 0.0
    first, second = old.rpartition(".")[2].casefold(), to.rpartition(".")[2].casefold()
    name = SequenceMatcher(None, first, second).ratio()
    if min(len(first), len(second)) >= 3 and (first in second or second in first):
        name = max(name, 0.9)
    forms = set(before.forms), set(after.forms)
    shared = len(forms[0] & forms[1]) / len(forms[1]) if forms[1] else 0.5
    values = set(before.values) & set(after.values)
    return max(name * 0.6 + shared * 0.4, 0.8 if values and shared == 1.0 else 0.0)


def _plain_kinds(field: FieldSeen) -> set[str]:
    return set(field.kinds) - {"none"}


def _below(path: str, heads: Collection[str]) -> bool:
    return any(path.startswith((f"{head}.", f"{head}[")) for head in heads)


def _is_news(path: str, reads: Reads, *, is_learnt: bool) -> bool:
    """A name that the mapping does not know is news at once; one inside what it knows, later."""
    head = path.partition(".")[0].partition("[")[0]
    if head not in reads.known:
        return path == head
    return is_learnt and head != path and path not in reads.paths


def _altered(path: str, before: FieldSeen, seen: FieldSeen) -> list[Change]:
    found = []
    was, now = _plain_kinds(before), _plain_kinds(seen)
    said = sum(n for kind, n in before.kinds.items() if kind != "none")
    if said < LEARNT:
        return []
    if now - was:
        rows = sum(seen.kinds[kind] for kind in now - was)
        found.append(
            Change("retyped", path, before=_sorted(was), after=_sorted(now - was), rows=rows)
        )
    dates = set(before.forms) & DATE_FORMS
    is_date = dates and sum(before.forms[form] for form in dates) >= _STEADY * sum(
        before.forms.values()
    )
    fresh = (set(seen.forms) & DATE_FORMS) - dates
    if is_date and fresh and not now - was:
        rows = sum(seen.forms[form] for form in fresh)
        found.append(
            Change("date_form", path, before=_sorted(dates), after=_sorted(fresh), rows=rows)
        )
    return found


def _values(path: str, before: FieldSeen | None, seen: FieldSeen, reads: Reads) -> list[Change]:
    """Codes that neither the table of a field nor a person knows."""
    table = reads.tables.get(path)
    if table is None:
        return []
    known = before.values if before is not None else {}
    fresh = {value for value in seen.values if value not in table and value not in known}
    rows = sum(seen.values[value] for value in fresh)
    return [Change("value", path, after=_sorted(fresh), rows=rows)] if fresh else []


def _sorted(told: Collection[str]) -> tuple[str, ...]:
    return tuple(sorted(told))


def taught(known: Looks, fresh: Looks, changes: Collection[Change]) -> Looks:
    """What is known after a sample: counts grow, what changed is not taken over unseen."""
    held_back = {c.field for c in changes if c.kind == "new"} | {c.to for c in changes if c.to}
    kept = {
        path: _without(field, path, changes)
        for path, field in fresh.fields.items()
        if path not in held_back and not _below(path, held_back)
    }
    told = Looks(fresh.rows, kept)
    return merged(known, told)


def _without(field: FieldSeen, path: str, changes: Collection[Change]) -> FieldSeen:
    """A field as seen, less the kinds, forms and codes that are news."""
    for change in changes:
        if change.field != path:
            continue
        if change.kind == "retyped":
            kinds = {k: n for k, n in field.kinds.items() if k not in change.after}
            field = structs.replace(field, kinds=kinds, forms={}, values={})
        elif change.kind == "date_form":
            forms = {f: n for f, n in field.forms.items() if f not in change.after}
            field = structs.replace(field, forms=forms)
        elif change.kind == "value":
            values = {v: n for v, n in field.values.items() if v not in change.after}
            field = structs.replace(field, values=values)
    return field


def accepted(known: Looks, change: Mapping[str, Any]) -> Looks:
    """What is known once a person took a change as it is: {"kind", "field", "to", "after"}."""
    fields = dict(known.fields)
    kind, path = change["kind"], change["field"]
    field = fields.get(path)
    if kind in ("lost", "renamed"):
        fields = {p: f for p, f in fields.items() if p != path and not _below(p, [path])}
    if kind in ("new", "renamed"):
        name = change.get("to") or path
        fields.setdefault(name, FieldSeen(since=known.rows))
    if field is not None and kind == "retyped":
        # Its forms are another kind's, and are learnt anew.
        fields[path] = structs.replace(field, kinds=_more(field.kinds, change), forms={})
    if field is not None and kind == "date_form":
        fields[path] = structs.replace(field, forms=_more(field.forms, change))
    if field is not None and kind == "value":
        fields[path] = structs.replace(field, values=_more(field.values, change))
    return Looks(known.rows, fields)


def _more(told: Mapping[str, int], change: Mapping[str, Any]) -> dict[str, int]:
    return {**told, **{name: told.get(name, 0) + 1 for name in change.get("after", ())}}
