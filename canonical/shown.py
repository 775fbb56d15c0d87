"""A dossier's fields as the outside face lays them out (CONTRACT, Canonical dossier record)."""

from collections.abc import Mapping
from typing import Any

_LISTS = frozenset({"extensions", "supplements", "fees", "attachments", "results", "links"})
_OBJECTS = {
    "procedure": ("code", "name", "domain"),
    "applicant": ("kind", "name", "id_number", "phone", "email", "address"),
    "acting": ("kind", "name", "id_number", "phone", "email", "address"),
}
_PATHS = {
    name: tuple((leaf, f"{name}.{leaf}") for leaf in leaves) for name, leaves in _OBJECTS.items()
}
_HEADS = {path: name for name, leaves in _PATHS.items() for _, path in leaves}
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
    get = values.get
    shown: dict[str, Any] = {name: get(name) for name in _PLAIN}
    for name in _LISTS:
        if not shown[name]:
            shown[name] = []
    for name, paths in _PATHS.items():
        leaves = {leaf: get(path) for leaf, path in paths}
        shown[name] = leaves if any(v is not None for v in leaves.values()) else None
    shown["received_at_agency"] = received
    shown["judged_due_at"] = due
    return shown


def merged_spoke(spoke: Mapping[str, str]) -> dict[str, str]:
    """Leaves of one object by one leg are told as the object."""
    if len(set(spoke.values())) == 1:
        [name] = set(spoke.values())
        return dict.fromkeys(sorted({_HEADS.get(path, path) for path in spoke}), name)
    speakers: dict[str, set[str]] = {}
    for path, name in spoke.items():
        head, mark, _ = path.partition(".")
        if mark:
            speakers.setdefault(head, set()).add(name)
    told: dict[str, str] = {}
    for path, name in spoke.items():
        head, mark, _ = path.partition(".")
        told[head if mark and len(speakers[head]) == 1 else path] = name
    return dict(sorted(told.items()))
