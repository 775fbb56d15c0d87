"""A catalogue as CSV: one file, one line per thing, `kind` says which.

kind=agency: code, name, parent, level, valid_from, valid_to · kind=succession: old, new, on ·
kind=procedure: code, name, domain, duration, duration_unit, precedence (JSON), valid_from,
valid_to ·
kind=day: day, text ("off", "worked" or hours). Columns a line does not need stay empty.
"""

import csv
import io
import json
from collections.abc import Callable
from datetime import date
from typing import Any

from msgspec import Struct

from canonical.agencies import Agency, Level, Succession
from canonical.calendar import read_override
from canonical.catalogue import CatalogueData, ProcedureFacts
from canonical.codes import agency_code


class CsvFault(ValueError):
    """A line that cannot be taken; the sentence names it."""


def merged_into(data: CatalogueData, text: str) -> CatalogueData:
    """The catalogue with a CSV's lines put in; a line replaces what has the same key.

    Raises:
        CsvFault: a line that cannot be read, with its number.
    """
    held = _Held(
        {(a.code, a.valid_from): a for a in data.agencies},
        {(s.old, s.new): s for s in data.successions},
        {p.code: p for p in data.procedures},
        dict(data.days),
    )
    for number, line in enumerate(csv.DictReader(io.StringIO(text)), start=2):
        row = {k: (v or "").strip() for k, v in line.items() if k is not None}
        try:
            _take(held, row)
        except KeyError as error:
            raise CsvFault(f"line {number}: no column {error}") from error
        except ValueError as error:
            raise CsvFault(f"line {number}: {error}") from error
    return CatalogueData(
        tuple(_ordered(held.agencies)),
        tuple(_ordered(held.successions)),
        tuple(_ordered(held.procedures)),
        held.days,
    )


class _Held(Struct):
    """A catalogue by its keys, while lines are put in."""

    agencies: dict[tuple[str, date | None], Agency]
    successions: dict[tuple[str, str], Succession]
    procedures: dict[str, ProcedureFacts]
    days: dict[date, str]


def _take(held: _Held, row: dict[str, str]) -> None:
    match row.get("kind"):
        case "agency":
            made = _agency(row)
            # A row without validity stands for the one a connection registered.
            held.agencies[(made.code, made.valid_from)] = made
            if made.valid_from is not None:
                held.agencies.pop((made.code, None), None)
        case "succession":
            edge = Succession(
                agency_code(row["old"]), agency_code(row["new"]), _needed_day(row["on"])
            )
            held.successions[(edge.old, edge.new)] = edge
        case "procedure":
            held.procedures[row["code"]] = _procedure(row)
        case "day":
            read_override(row["text"])
            held.days[_needed_day(row["day"])] = row["text"]
        case other:
            raise ValueError(f"no such kind {other!r}")


def _ordered(found: dict[Any, Any]) -> list[Any]:
    key: Callable[[Any], str] = str
    return [found[k] for k in sorted(found, key=key)]


def _agency(row: dict[str, str]) -> Agency:
    return Agency(
        code=agency_code(row["code"]),
        name=row["name"],
        parent=row.get("parent") or None,
        valid_from=_day(row.get("valid_from")),
        valid_to=_day(row.get("valid_to")),
        level=Level(row["level"]) if row.get("level") else None,
    )


def _procedure(row: dict[str, str]) -> ProcedureFacts:
    return ProcedureFacts(
        code=row["code"],
        name=row["name"],
        domain=row.get("domain", ""),
        duration=row.get("duration") or None,
        duration_unit=row.get("duration_unit") or "working_day",
        precedence=json.loads(row["precedence"]) if row.get("precedence") else {},
        valid_from=_day(row.get("valid_from")),
        valid_to=_day(row.get("valid_to")),
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _needed_day(text: str) -> date:
    return date.fromisoformat(text)
