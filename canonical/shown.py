"""A dossier's fields as the outside face lays them out (CONTRACT, Canonical dossier record)."""

from collections.abc import Mapping
from typing import Any

_LISTS = ("extensions", "supplements", "fees", "attachments", "results", "links")
_OBJECTS = {
    "procedure": ("code", "name", "domain"),
    "applicant": ("kind", "name", "id_number", "phone", "email", "address"),
    "acting": ("kind", "name", "id_number", "phone", "email", "address"),
}
_PLAIN = (
    "national_code",
    "receipt_number",
    "procedure",
    "agency",
    "received_at_agency",
    "applicant",
    "acting",
    "channel",
    "service_level",
    "online_scope",
    "submitted_at",
    "accepted_at",
    "due_at",
    "extensions",
    "finished_at",
    "handed_over_at",
    "refused_at",
    "withdrawn_at",
    "stopped_at",
    "status",
    "raw_status",
    "step",
    "supplements",
    "fees",
    "attachments",
    "results",
    "rating",
    "links",
)


def shown_fields(
    values: Mapping[str, Any], received: str | None, due: str | None
) -> dict[str, Any]:
    """Canonical fields in the order of CONTRACT, lists and objects whole, without PIN."""
    shown: dict[str, Any] = {}
    for name in _PLAIN:
        if name in _OBJECTS:
            leaves = {leaf: values.get(f"{name}.{leaf}") for leaf in _OBJECTS[name]}
            shown[name] = leaves if any(v is not None for v in leaves.values()) else None
        elif name in _LISTS:
            shown[name] = values.get(name) or []
        else:
            shown[name] = values.get(name)
    shown["received_at_agency"] = received
    shown["judged_due_at"] = due
    return shown


def merged_spoke(spoke: Mapping[str, str]) -> dict[str, str]:
    """Leaves of one object by one leg are told as the object."""
    told: dict[str, str] = {}
    for path, name in spoke.items():
        head, mark, _ = path.partition(".")
        if mark and all(n == name for p, n in spoke.items() if p.startswith(f"{head}.")):
            told[head] = name
        else:
            told[path] = name
    return dict(sorted(told.items()))
