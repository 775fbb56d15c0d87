"""How long procedures may take, as the demo's catalogue says, by each app's own service codes."""

import csv
import tomllib
from functools import cache
from pathlib import Path

from adapters import registry

CATALOGUE = Path(__file__).with_name("catalogue.csv")


@cache
def working_days_of(system: str) -> dict[str, int]:
    """Service code in the system's words -> working days of its national procedure."""
    with CATALOGUE.open(encoding="utf-8", newline="") as file:
        listed = {
            row["code"]: int(row["duration"])
            for row in csv.DictReader(file)
            if row["kind"] == "procedure"
        }
    mapping = tomllib.loads((registry.folder_of(system) / "mapping.toml").read_text("utf-8"))
    return {local: listed[national] for local, national in mapping["tables"]["procedure"].items()}
