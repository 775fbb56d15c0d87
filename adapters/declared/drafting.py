"""A declaration proposed from a contract: rows by their names, and what is left to decide.

Nothing is guessed silently: a field without a known name is listed, a value without a known meaning
is listed, and a date whose form the contract does not say is listed too.
"""

import functools
import re
import tomllib
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from adapters.declared.contracts import Contract, Field, Message

_WORDS = Path(__file__).with_name("words.toml")
_REQUIRED = ("code", "status", "agency", "procedure.code")
_MOMENTS = frozenset({"dateTime", "date-time"})
_DAYS = frozenset({"date"})
_MARKS = re.compile(r"[^a-z0-9]")
_WHOLE_RECORD = 2  # so many known names make an element a record


class Draft(Struct, frozen=True):
    """A proposal.

    Attributes:
        declaration: As a file would hold it; it may lack what only people know.
        unmatched: Wire fields that no row reads; they stand in `ignored` nowhere.
        undecided: What must be decided before it can be used, one sentence each, English.
    """

    declaration: dict[str, Any]
    unmatched: list[str]
    undecided: list[str]


def draft(contract: Contract, operation: str, *, is_push: bool = False) -> Draft:
    """A declaration for one operation of a contract.

    Args:
        contract: As `describe` gives it.
        operation: Its name.
        is_push: Whether the department calls us with it, so that its records stand in what it says
            rather than in what it answers.

    Raises:
        KeyError: the contract has no such operation.
    """
    told = contract.operation(operation)
    message = told.input if is_push else (told.output or told.input)
    path, record = _record(message)
    undecided: list[str] = []
    if not path:
        undecided.append("no element is known to be a record: the whole message is taken for one")
    rows, tables, unmatched = _rows(record, undecided)
    found = {row["target"] for row in rows}
    undecided += [f"no field is known to be {one}" for one in _REQUIRED if one not in found]
    if not found & {"version", "updated_at"}:
        undecided.append("no field says the version or the time of an update: version_by observed")
    version_by = "number" if "version" in found else "time" if "updated_at" in found else "observed"
    shape = {"facet": "snapshot", "version_by": version_by, "rows": rows}
    mapping = {"version": 1, "tables": tables, "shapes": {"record": shape}}
    kind = "soap" if contract.kind == "wsdl" else "rest"
    declaration: dict[str, Any] = {
        "kind": kind,
        "id": _id(operation),
        "title": contract.title or operation,
        **_way(contract, operation, path, is_push=is_push),
        "mapping": mapping,
    }
    return Draft(declaration, unmatched, undecided)


def _way(contract: Contract, operation: str, path: str, *, is_push: bool) -> dict[str, Any]:
    told = contract.operation(operation)
    pinned = {"contract": contract.main, "fingerprint": contract.fingerprint}
    if is_push and contract.kind == "wsdl":
        one: dict[str, Any] = {"name": operation, "records": path or ".", "shape": "record"}
        return {"push": {"door": {**pinned, "credentials": "basic", "operations": [one]}}}
    if is_push:
        return {"push": {"native": {"format": "json", "records": path, "shape": "record"}}}
    answer = {"records": path, "shape": "record"}
    if contract.kind == "wsdl":
        versions = [p.version for p in contract.ports if operation in p.operations]
        soap = {**pinned, "version": "1.1" if "1.1" in versions else versions[0]}
        return {"soap": soap, "pull": {"request": {"operation": operation}, "answer": answer}}
    request = {"method": told.method, "path": told.path.replace("{", "{option.")}
    names = re.findall(r"\{option\.([A-Za-z0-9_-]+)\}", request["path"])
    options = dict.fromkeys(names, "a part of the address")
    openapi = {**pinned, "operation": operation}
    return {
        "options": options,
        "openapi": openapi,
        "pull": {"request": request, "answer": answer},
    }


def _record(message: Message) -> tuple[str, list[Field]]:
    """Where a record lies and its fields: the element most like a dossier, else the message."""
    best: tuple[int, int, str, list[Field]] = (0, 0, "", message.fields)
    for path, field in _walk(message.fields):
        known = sum(_target(inner.name) is not None for inner in field.fields)
        if known >= _WHOLE_RECORD or (known and field.is_many):
            best = max(best, (known, int(field.is_many), path, field.fields), key=lambda b: b[:2])
    return best[2], best[3]


def _walk(fields: list[Field], above: str = "") -> Iterator[tuple[str, Field]]:
    for field in fields:
        path = f"{above}/{field.name}" if above else field.name
        yield path, field
        yield from _walk(field.fields, path)


def _leaves(fields: list[Field], above: str = "") -> Iterator[tuple[str, Field]]:
    """The fields of a record; what is repeated inside it stands for itself."""
    for field in fields:
        path = f"{above}.{field.name}" if above else field.name
        yield path, field
        if not field.is_many:
            yield from _leaves(field.fields, path)


def _rows(
    record: list[Field], undecided: list[str]
) -> tuple[list[dict[str, Any]], dict[str, dict[str, str]], list[str]]:
    rows: list[dict[str, Any]] = []
    tables: dict[str, dict[str, str]] = {}
    unmatched: list[str] = []
    taken: dict[str, str] = {}
    for path, field in _leaves(record):
        target = _target(field.name)
        if field.fields and not field.is_many:
            continue  # its own fields come by themselves
        if target is None or field.is_many or field.is_attribute:
            unmatched.append(path)
            continue
        if target in taken:
            undecided.append(f"{path} may be {target} as well as {taken[target]}")
            unmatched.append(path)
            continue
        taken[target] = path
        rows.append(_row(target, path, field, tables, undecided))
    return rows, tables, unmatched


def _row(
    target: str,
    path: str,
    field: Field,
    tables: dict[str, dict[str, str]],
    undecided: list[str],
) -> dict[str, Any]:
    row: dict[str, Any] = {"target": target, "source": path}
    if target in _REQUIRED:
        row["required"] = True
    if target.endswith("_at"):
        if field.type in _MOMENTS:
            row["transforms"] = ["iso"]
        elif field.type in _DAYS:
            row["transforms"] = ["date:%Y-%m-%d"]
        else:
            undecided.append(f"{path}: the contract does not say the form of this date")
    elif target == "applicant.phone":
        row["transforms"] = ["phone"]
    elif target == "version":
        row["transforms"] = ["int"]
    elif target == "status":
        row["table"] = "status"
        tables["status"] = _states(path, field, undecided)
    elif target in ("agency", "received_at_agency"):
        row["table"] = "agency"
        tables["agency"] = {}
        undecided.append(f"{path}: which agency has which of its codes (table agency)")
    return row


def _states(path: str, field: Field, undecided: list[str]) -> dict[str, str]:
    known = {_folded(word): state for state, words in _words()["states"].items() for word in words}
    found = {}
    for value in field.values:
        if _folded(value) in known:
            found[value] = known[_folded(value)]
        else:
            undecided.append(f"{path}: which state is {value!r}")
    if not field.values:
        undecided.append(f"{path}: the contract lists no values; write the table status")
    return found


def _target(name: str) -> str | None:
    return _targets().get(_folded(name))


@functools.cache
def _targets() -> dict[str, str]:
    return {_folded(name): target for target, names in _words()["names"].items() for name in names}


@functools.cache
def _words() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(_WORDS.read_text("utf-8"))


def _folded(name: str) -> str:
    plain = unicodedata.normalize("NFD", name.replace("Đ", "D").replace("đ", "d"))
    return _MARKS.sub("", plain.casefold())


def _id(operation: str) -> str:
    told = re.sub(r"[^a-z0-9]+", "-", operation.lower()).strip("-")[:40]
    return told if re.match(r"[a-z]", told) else f"he-thong-{told}".strip("-")
