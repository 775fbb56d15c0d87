"""A dossier as the outside face shows it: the stored body with what is added at the reading."""

import functools
from typing import Any

import msgspec
from msgspec import Struct

from canonical import clock, codes
from canonical.catalogue import Books
from canonical.masking import STARS, mask_id, mask_name, mask_phone
from canonical.reasons import Reason, sentence
from store.reads import Shown
from sync.deadlines import computed_due

_MASKS = {"name": mask_name, "id_number": mask_id, "phone": mask_phone}


class _Accepted(Struct):
    """Of a dossier's body the moment of its acceptance; the rest is passed over unread."""

    accepted_at: str | None


_ACCEPTED = msgspec.json.Decoder(_Accepted)


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


@functools.lru_cache(1024)
def _findings(findings: str, language: str, *, is_unlisted: bool) -> bytes:
    told: list[dict[str, Any]] = msgspec.json.decode(findings)
    if is_unlisted:
        reason = Reason.UNLISTED_PROCEDURE.value
        told.append({"reason": reason, "field": "procedure.code", "about": None})
    said = [{**one, "text": sentence(Reason(one["reason"]), language)} for one in told]
    return msgspec.json.encode(said)


def findings_of(shown: Shown, books: Books, language: str) -> list[dict[str, Any]]:
    """A dossier's findings with a sentence each, what the catalogue says of it included."""
    told: list[dict[str, Any]] = msgspec.json.decode(_said(shown, books, language))
    return told


def _said(shown: Shown, books: Books, language: str) -> bytes:
    code = shown.procedure_code
    is_unlisted = code is not None and not (
        books.is_listed(code) and _was_valid(books, code, shown.body)
    )
    return _findings(shown.findings, language, is_unlisted=is_unlisted)


def _was_valid(books: Books, code: str, body: str) -> bool:
    """Whether a procedure was valid on the day a dossier was accepted; few have any bound."""
    facts = books.bounded.get(codes.procedure_key(code)) if books.bounded else None
    accepted = _ACCEPTED.decode(body).accepted_at if facts is not None else None
    return facts is None or accepted is None or facts.holds(clock.day_of(clock.from_iso(accepted)))


def render(shown: Shown, books: Books, language: str) -> bytes:
    """A dossier as it is shown: the stored body, its findings and the computed due date put in."""
    due = b"null"
    if shown.procedure_code is not None and books.duration_of(shown.procedure_code) is not None:
        due = msgspec.json.encode(computed_due(books, shown.body))
    return b"".join(
        (
            shown.body[:-1].encode(),
            b',"computed_due_at":',
            due,
            b',"findings":',
            _said(shown, books, language),
            b"}",
        )
    )
