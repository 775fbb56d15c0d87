"""A served contract beside the pinned one: operations, fields, forms and values. Pure.

What is neither called nor read does not count: descriptions, the names of types, the order of what
stands beside each other.
"""

from collections.abc import Iterator, Sequence

from adapters.declared.contracts import Contract, Field, Message, Operation
from canonical.linking import ContractChange

_MOST = 1_000
_OPEN = "*"  # a list of values that is closed no more, or was not


def changes_of(pinned: Contract, served: Contract) -> list[ContractChange]:
    """Every way in which the served one differs, operations in the pinned one's order."""
    known = {one.name: one for one in pinned.operations}
    found = {one.name: one for one in served.operations}
    changes: list[ContractChange] = []
    for name, before in known.items():
        after = found.get(name)
        if after is None:
            inner = list(_paths(before.output.fields)) if before.output is not None else []
            changes.append(ContractChange(name, "", "", "lost", inner=inner))
        else:
            changes += _operation(before, after)
    changes += [ContractChange(name, "", "", "new") for name in found if name not in known]
    return changes[:_MOST]


def _operation(before: Operation, after: Operation) -> Iterator[ContractChange]:
    spoken = _spoken(before), _spoken(after)
    if spoken[0] != spoken[1]:
        yield ContractChange(before.name, "", "", "retyped", [spoken[0]], [spoken[1]])
    for way, old, new in (
        ("sent", before.input, after.input),
        ("answered", before.output, after.output),
    ):
        yield from _fields(before.name, way, _inside(old), _inside(new), "")


def _spoken(one: Operation) -> str:
    """How an operation is called, as one text."""
    if one.method:
        return f"{one.method} {one.path}"
    names = [m.element for m in (one.input, one.output) if m is not None]
    spaces = [m.namespace for m in (one.input, one.output) if m is not None]
    return " ".join(filter(None, [one.style, one.soap_action, *names, *dict.fromkeys(spaces)]))


def _inside(message: Message | None) -> Sequence[Field]:
    return message.fields if message is not None else ()


def _fields(
    operation: str, way: str, before: Sequence[Field], after: Sequence[Field], above: str
) -> Iterator[ContractChange]:
    known, found = _named(before), _named(after)
    for name, old in known.items():
        path = f"{above}.{name}" if above else name
        new = found.get(name)
        if new is None:
            inner = list(_paths(old.fields, path))
            yield ContractChange(operation, way, path, "lost", [_form(old)], inner=inner)
            continue
        lost, more = _values(old, new)
        if _form(old) != _form(new):
            inner = list(_paths(old.fields, path))
            yield ContractChange(
                operation, way, path, "retyped", [_form(old), *lost], [_form(new), *more], inner
            )
        elif lost or more:
            yield ContractChange(operation, way, path, "value", lost, more)
        if not (old.is_cut or new.is_cut):
            yield from _fields(operation, way, old.fields, new.fields, path)
    for name, new in found.items():
        if name not in known:
            path = f"{above}.{name}" if above else name
            yield ContractChange(operation, way, path, "new", after=[_form(new)])


def _named(fields: Sequence[Field]) -> dict[str, Field]:
    """By name, attributes by `@name`; of several of one name (a choice) the first."""
    found: dict[str, Field] = {}
    for one in fields:
        found.setdefault(f"@{one.name}" if one.is_attribute else one.name, one)
    return found


def _form(field: Field) -> str:
    """Its kind, `[]` where it may be repeated, `?` where it may be missing.

    What holds fields is one kind, whatever its type is called: its fields are compared themselves.
    """
    kind = "{}" if field.fields or field.is_cut else field.type
    return f"{kind}{'[]' if field.is_many else ''}{'' if field.is_required else '?'}"


def _values(old: Field, new: Field) -> tuple[list[str], list[str]]:
    """Values that are lost, and those that are new."""
    if old.values == new.values:
        return [], []
    if not old.values:
        return [_OPEN], list(new.values)
    if not new.values:
        return list(old.values), [_OPEN]
    lost = [one for one in old.values if one not in new.values]
    return lost, [one for one in new.values if one not in old.values]


def _paths(fields: Sequence[Field], above: str = "") -> Iterator[str]:
    for one in fields:
        name = f"@{one.name}" if one.is_attribute else one.name
        path = f"{above}.{name}" if above else name
        yield path
        yield from _paths(one.fields, path)
