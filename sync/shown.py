"""A dossier as the outside face shows it: the stored body with what is added at the reading."""

from typing import Any

import msgspec

from canonical.catalogue import Books
from canonical.masking import STARS, mask_id, mask_name, mask_phone
from canonical.reasons import Reason, sentence
from store.reads import Shown
from sync.deadlines import computed_due

_MASKS = {"name": mask_name, "id_number": mask_id, "phone": mask_phone}


def masked(told: dict[str, Any]) -> dict[str, Any]:
    """A dossier as it is shown, with the people in it masked; in place."""
    for role in ("applicant", "acting"):
        person = told.get(role)
        if person:
            told[role] = {
                name: value if name == "kind" or value is None else _mask(name, value)
                for name, value in person.items()
            }
    return told


def _mask(name: str, value: str) -> str:
    mask = _MASKS.get(name)
    return STARS if mask is None else mask(value)


def findings_of(shown: Shown, books: Books, language: str) -> list[dict[str, Any]]:
    """A dossier's findings with a sentence each, what the catalogue says of it included."""
    told: list[dict[str, Any]] = msgspec.json.decode(shown.findings)
    if shown.procedure_code is not None and not books.is_listed(shown.procedure_code):
        reason = Reason.UNLISTED_PROCEDURE.value
        told.append({"reason": reason, "field": "procedure.code", "about": None})
    return [{**one, "text": sentence(Reason(one["reason"]), language)} for one in told]


def render(shown: Shown, books: Books, language: str) -> bytes:
    """A dossier as it is shown: the stored body, its findings and the computed due date put in."""
    findings = msgspec.json.encode(findings_of(shown, books, language))
    due = None
    if shown.procedure_code is not None and books.duration_of(shown.procedure_code) is not None:
        due = computed_due(books, msgspec.json.decode(shown.body))
    computed = msgspec.json.encode(due)
    return b"".join(
        (
            shown.body[:-1].encode(),
            b',"computed_due_at":',
            computed,
            b',"findings":',
            findings,
            b"}",
        )
    )
