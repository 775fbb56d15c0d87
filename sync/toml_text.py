"""Data as TOML text: exact, in the order it is given, one value a line, so that it can be compared.

What `tomllib` reads of it is what was written. TOML has no null: one is written as a table of the
one name `$null`, and `read` gives it back.
"""

import json
import re
import tomllib
from collections.abc import Iterator
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_NULL = "$null"


def write(document: dict[str, Any]) -> str:
    """A document as TOML.

    Raises:
        ValueError: something in it is neither text, number, true or false, list nor table.
    """
    lines = list(_table(document, ()))
    while lines and not lines[0]:
        del lines[0]
    return "".join(f"{line}\n" for line in lines)


def read(text: str) -> dict[str, Any]:
    """What was written.

    Raises:
        tomllib.TOMLDecodeError: it is no TOML, with line and column.
    """
    found: dict[str, Any] = _with_nulls(tomllib.loads(text))
    return found


def _with_nulls(told: Any) -> Any:
    if isinstance(told, dict):
        if told == {_NULL: True}:
            return None
        return {key: _with_nulls(value) for key, value in told.items()}
    return [_with_nulls(one) for one in told] if isinstance(told, list) else told


def _table(table: dict[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    """Its own values first, then the tables in it."""
    inner = {key: value for key, value in table.items() if isinstance(value, dict) and value}
    own = {key: value for key, value in table.items() if key not in inner}
    if path and (own or not inner):
        yield ""
        yield f"[{'.'.join(map(_key, path))}]"
    for key, value in own.items():
        yield from _entry(key, value)
    for key, value in inner.items():
        yield from _table(value, (*path, key))


def _entry(key: str, value: Any) -> Iterator[str]:
    if not isinstance(value, list) or not value:
        yield f"{_key(key)} = {_value(value)}"
        return
    yield f"{_key(key)} = ["
    for one in value:
        yield f"    {_value(one)},"
    yield "]"


def _value(value: Any) -> str:
    if value is None:
        return f"{{ {_key(_NULL)} = true }}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, dict):
        told = ", ".join(f"{_key(key)} = {_value(one)}" for key, one in value.items())
        return f"{{ {told} }}" if told else "{}"
    raise ValueError(f"{type(value).__name__} cannot be written")


def _float(value: float) -> str:
    told = repr(value)
    return told if any(mark in told for mark in ".en") else f"{told}.0"


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _text(value: str) -> str:
    """A basic string: JSON's escapes are TOML's, but for the one character JSON leaves as it is."""
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError("half a character cannot be written") from error
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
