"""What commands print: one JSON document with --json, else text for people; messages on stderr."""

import json
import sys
from collections.abc import Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

DONE, FOUND_WRONG, CANNOT = 0, 1, 2


def say(text: str) -> None:
    """A message for people, on stderr."""
    sys.stderr.write(f"{text}\n")


def show(told: Any, *, as_json: bool, title: str = "") -> None:
    """Print a result: JSON, or a table for a list of objects, or lines of name and value."""
    plain = msgspec.to_builtins(told)
    if as_json:
        sys.stdout.write(json.dumps(plain, ensure_ascii=False) + "\n")
        return
    console = Console()
    if isinstance(plain, list):
        console.print(_table(plain, title) if plain else f"{title or 'Danh sách'}: trống")
        return
    for name, value in plain.items():
        console.print(f"{name}: {_cell(value)}", highlight=False)


def _table(rows: Sequence[dict[str, Any]], title: str) -> Table:
    table = Table(title=title or None)
    for name in rows[0]:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    return table


def _cell(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else str(value)
