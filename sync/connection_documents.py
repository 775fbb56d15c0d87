"""A connection as a document: what a version keeps, what is compared, exported and tested. Pure.

The document is plain JSON data with its fields in one order. No secret is in it: of each there is
a keyed digest, which tells that it changed, and when it expires.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from canonical.errors import HubError
from canonical.mapping.overlay import OverlayFault, laid_over
from canonical.ports import System
from canonical.reasons import Reason
from store.connections import ConnectionRow

FIELDS = (
    "system",
    "namespace",
    "role",
    "state",
    "endpoint",
    "schedule",
    "options",
    "secrets",
    "tables",
    "overlay",
    "declaration",
    "files",
    "tested",
)
# What decides how a source is called and what becomes of its records.
_TESTED = ("system", "endpoint", "options", "tables", "overlay", "declaration", "files")
_BARE = re.compile(r"^[A-Za-z0-9_-]+$")
_ABSENT: Any = object()


class Difference(Struct, frozen=True):
    """One field that two documents do not share.

    Attributes:
        field: Its path: `options.page_size`, `overlay.rows[0].row.source`.
        before: Its value in the first; None where it has none.
        after: Its value in the second; None where it has none.
    """

    field: str
    before: Any
    after: Any


def document_of(row: ConnectionRow, schedule: str | None) -> dict[str, Any]:
    """A connection as a version keeps it.

    Args:
        row: The connection.
        schedule: Cron text of its own; None takes its system's.
    """
    secrets = {
        name: {"digest": fact.digest} | ({"expires_at": fact.expires_at} if fact.expires_at else {})
        for name, fact in sorted(row.secret_facts.items())
    }
    return {
        "system": row.system,
        "namespace": row.namespace,
        "role": row.role,
        "state": row.state,
        "endpoint": row.endpoint,
        "schedule": schedule,
        "options": row.options,
        "secrets": secrets,
        "tables": row.tables,
        "overlay": row.overlay,
        "declaration": row.declaration,
        "files": row.files,
        "tested": row.tested or None,
    }


def test_digest(row: ConnectionRow) -> str:
    """Of what a test of a connection is a test of; another one is not what was tested."""
    told = {name: getattr(row, name) for name in _TESTED}
    body = json.dumps(told, ensure_ascii=False, sort_keys=True)
    return f"sha256:{hashlib.sha256(body.encode()).hexdigest()}"


def is_tested(row: ConnectionRow) -> bool:
    """Whether a connection was tested as it is now."""
    return row.tested != "" and row.tested == test_digest(row)


def effective(system: System, row: ConnectionRow) -> dict[str, Any] | None:
    """The mapping document with the connection's overlay; None for canonical words.

    Raises:
        OverlayFault: the overlay cannot be taken, or the document no longer has what it replaces.
    """
    if system.mapping_document is None:
        if row.overlay:
            raise OverlayFault(f"{row.system!r} has no mapping to lay anything over")
        return None
    return laid_over(system.mapping_document, row.overlay)


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[Difference]:
    """Field by field, in the order of `FIELDS` and of their names below."""
    found: list[Difference] = []
    for name in FIELDS:
        first, second = before.get(name), after.get(name)
        if name == "secrets":
            found += _secrets(first or {}, second or {})
        else:
            found += _differ(name, _plain(first), _plain(second))
    return found


def _plain(value: Any) -> Any:
    """Nothing is nothing, however it is spelt."""
    return _ABSENT if value is None or value in ({}, []) else value


def _differ(path: str, first: Any, second: Any) -> Iterator[Difference]:
    if isinstance(first, dict) or isinstance(second, dict):
        pair = [one if isinstance(one, dict) else {} for one in (first, second)]
        odd = [one for one in (first, second) if one is not _ABSENT and not isinstance(one, dict)]
        if not odd:
            for key in sorted({*pair[0], *pair[1]}):
                name = key if _BARE.match(key) else json.dumps(key, ensure_ascii=False)
                yield from _differ(
                    f"{path}.{name}", pair[0].get(key, _ABSENT), pair[1].get(key, _ABSENT)
                )
            return
    if isinstance(first, list) and isinstance(second, list):
        for place in range(max(len(first), len(second))):
            old = first[place] if place < len(first) else _ABSENT
            new = second[place] if place < len(second) else _ABSENT
            yield from _differ(f"{path}[{place}]", old, new)
        return
    if type(first) is not type(second) or first != second:
        yield Difference(path, _shown(first), _shown(second))


def _shown(value: Any) -> Any:
    return None if value is _ABSENT else value


def _secrets(first: dict[str, Any], second: dict[str, Any]) -> Iterator[Difference]:
    """Whether a secret is there, is another one, or expires at another time; never itself."""
    for name in sorted({*first, *second}):
        old, new = first.get(name), second.get(name)
        before, after = _held(old), _held(new)
        if before == after and before and (old or {})["digest"] != (new or {})["digest"]:
            after = "another value"
        if before != after:
            yield Difference(f"secrets.{name}", before, after)
        yield from _differ(
            f"secrets.{name}.expires_at",
            (old or {}).get("expires_at", _ABSENT),
            (new or {}).get("expires_at", _ABSENT),
        )


def _held(fact: dict[str, Any] | None) -> str | None:
    if fact is None:
        return None
    return "set" if fact["digest"] else "missing"


def is_json(value: Any, where: str) -> None:
    """Whether data from a TOML or JSON file is what a document can hold.

    Raises:
        HubError: FIELD_TYPE, with the place of a date, a number that is none, or another thing.
    """
    if isinstance(value, dict):
        for key, inner in value.items():
            is_json(inner, f"{where}.{key}")
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            is_json(inner, f"{where}[{place}]")
    elif isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            raise HubError(Reason.FIELD_TYPE, f"{where}: not a number")
    elif value is not None and type(value) not in (str, int, bool):
        raise HubError(Reason.FIELD_TYPE, f"{where}: text, number or true/false is wanted")
