"""Values of a record as they may be shown before anybody asked for a person's data. Pure.

By the canonical field a value becomes: who somebody is, is masked; what the case is, is shown. A
wire field that no row reads may hold anything and is stars.
"""

from collections.abc import Callable
from typing import Any

from canonical.masking import STARS, mask_id, mask_name, mask_phone

_BY_LEAF: dict[str, Callable[[str], str]] = {
    "id_number": mask_id,
    "phone": mask_phone,
    "officer": mask_name,
}
_HIDDEN = frozenset({"email", "address", "note", "reason", "comment", "url", "pin", "officer"})
_PEOPLE = ("applicant", "acting")
_FILES = ("attachments", "results")


def is_personal(target: str) -> bool:
    """Whether a canonical field tells who somebody is."""
    head, _, leaf = target.partition(".")
    return (head in _PEOPLE and leaf != "kind") or head in ("pin", *_FILES)


def masked(target: str, value: Any) -> Any:
    """A value as it may be shown.

    Args:
        target: The canonical field it is of, or becomes: `applicant.name`, `history`.
        value: Wire or canonical; lists and objects too.
    """
    head, _, leaf = target.partition(".")
    if isinstance(value, dict):
        return {name: masked(f"{head}.{name}", inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [masked(target, inner) for inner in value]
    if value is None or isinstance(value, bool) or value == "":
        return value
    if head in _PEOPLE and leaf == "name":
        return mask_name(str(value))
    if leaf in _BY_LEAF:
        return _BY_LEAF[leaf](str(value))
    if leaf in _HIDDEN or is_personal(target):
        return STARS
    return value


def masked_whole(value: Any, shown: Callable[[str], bool], path: str = "") -> Any:
    """A wire record with every text and number hidden but those at paths that are `shown`."""
    if isinstance(value, dict):
        return {
            name: masked_whole(inner, shown, f"{path}.{name}" if path else name)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [masked_whole(inner, shown, path) for inner in value]
    if value is None or isinstance(value, bool) or value == "" or shown(path):
        return value
    return STARS
