"""What the hub reads from bytes of a department: reader, mapping and check, without any store.

`python -m tests.contract.reading adapters/SYSTEM/samples/CASE.SHAPE.response.json` prints it, to be
compared with the contract by eye before it is kept as `CASE.SHAPE.expected.json`.
"""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adapters import registry
from canonical import clock
from canonical.errors import HubError
from canonical.mapping import Mapping, compile_mapping
from canonical.mapping.compile import Unmapped
from canonical.ports import BadRow, System
from canonical.record import Record, Rejected, code_of, to_record

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


def mapping_of(system: System) -> Mapping:
    """The compiled mapping of a folder, without any connection's additions."""
    assert system.mapping_document is not None, f"{system.manifest.id} has no mapping.toml"
    return compile_mapping(system.mapping_document, system.transforms)


def read(system: System, mapping: Mapping, shape: str, raw: bytes) -> list[Record | Rejected]:
    """Every row of one body in order, as a record or as the reason why not."""
    found: list[Record | Rejected] = []
    for place, row in enumerate(system.rows(shape, raw)):
        if isinstance(row, BadRow):
            found.append(Rejected(place, row.reason, row.field, row.code))
            continue
        compiled = mapping.shapes[row.shape]
        told = compiled.apply(row.values)
        if isinstance(told, Unmapped):
            found.append(Rejected(place, told.reason, told.field, code_of(row.values)))
            continue
        found.append(
            to_record(told, place, now=NOW, version_by=compiled.version_by, part=compiled.part)
        )
    return found


def drift(system: System, mapping: Mapping, shape: str, raw: bytes) -> set[str]:
    """Wire names on top of a row that the mapping neither reads nor ignores."""
    rows = [row for row in system.rows(shape, raw) if not isinstance(row, BadRow)]
    return {
        f"{row.shape}.{name}"
        for row in rows
        for name in row.values
        if name not in mapping.shapes[row.shape].known
    }


def as_json(found: Record | Rejected) -> dict[str, Any]:
    """One entry of an expected file."""
    if isinstance(found, Rejected):
        return {"rejected": str(found.reason), "field": found.field}
    at = found.updated_at
    return {
        "code": found.code,
        "part": found.part,
        "facet": str(found.facet),
        "updated_at": None if at is None else clock.to_iso(at),
        "version": found.version,
        "says": json.loads(json.dumps(found.says)),
    }


def told(system: System, shape: str, raw: bytes) -> Any:
    """What stands in an expected file: a list of entries, or {"raises": reason} for the whole."""
    try:
        return [as_json(found) for found in read(system, mapping_of(system), shape, raw)]
    except HubError as error:
        return {"raises": str(error.reason)}


def main(path: Path) -> None:
    system = registry.load_folder(path.resolve().parent.parent)
    shape = path.name.split(".")[1]
    text = json.dumps(told(system, shape, path.read_bytes()), ensure_ascii=False, indent=1)
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
