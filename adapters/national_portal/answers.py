"""What an answer of the national portal means: by its error_code, and in one place by its words.

No list of codes is published; contract/mapi.md has those we reckon with and where each is from.
"""

import unicodedata
from enum import Enum
from typing import Any

from canonical.errors import Garbled
from canonical.reading import json
from canonical.reasons import Reason
from canonical.text import Malformed

_DONE = frozenset({"0"})
_TROUBLE = frozenset({"-1"})
_EXPIRED = frozenset({"-2"})
_DENIED = frozenset({"-4"})
_EXISTS = frozenset({"3"})
_ABSENT = frozenset({"-3"})


class Meaning(Enum):
    """What the portal says."""

    DONE = "it has it"
    EXISTS = "it had that dossier already: an update is wanted"
    ABSENT = "it has no such dossier: a creation is wanted"
    EXPIRED = "the session is not known any more"
    DENIED = "account or grant refused"
    TROUBLE = "its own trouble, not this dossier's"
    REFUSED = "it does not take this"


def meaning_of(told: dict[str, Any]) -> Meaning:
    """What an answer means.

    Raises:
        Garbled: BODY_MALFORMED: no error_code that is a number or digits.
    """
    code = code_of(told)
    if code in _DONE:
        return Meaning.DONE
    if code in _EXISTS or says_it_exists(told):
        return Meaning.EXISTS
    for codes, meaning in (
        (_ABSENT, Meaning.ABSENT),
        (_EXPIRED, Meaning.EXPIRED),
        (_DENIED, Meaning.DENIED),
        (_TROUBLE, Meaning.TROUBLE),
    ):
        if code in codes:
            return meaning
    return Meaning.REFUSED


def says_it_exists(told: dict[str, Any]) -> bool:
    """Whether the message says that the dossier exists already: the one place that reads words.

    The known practice tells it by nothing else (domain/statuses.md 2.3, Errors: message contains
    "đã tồn tại" -> resend as an update). A wrong guess does no harm: the second call is judged by
    its code alone.
    """
    message = told.get("message")
    return (
        isinstance(message, str) and "đã tồn tại" in unicodedata.normalize("NFC", message).lower()
    )


def code_of(told: dict[str, Any]) -> str:
    """The error_code as text: it comes as a number or as text (domain/statuses.md 2.3).

    Raises:
        Garbled: BODY_MALFORMED.
    """
    code = told.get("error_code")
    if type(code) is int:
        return str(code)
    if isinstance(code, str) and code.strip().removeprefix("-").isdecimal() and len(code) < 12:
        return str(int(code))
    raise Garbled(Reason.BODY_MALFORMED, "error_code", system="national_portal")


def body_of(raw: bytes) -> dict[str, Any]:
    """The object an answer is.

    Raises:
        Garbled: BODY_MALFORMED.
    """
    try:
        found = json.decode(raw)
    except Malformed as error:
        raise Garbled(Reason.BODY_MALFORMED, str(error), system="national_portal") from error
    if not isinstance(found, dict):
        raise Garbled(Reason.BODY_MALFORMED, "not an object", system="national_portal")
    return found
