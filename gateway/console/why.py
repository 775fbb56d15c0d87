"""What a person typed as a reason: there, plain, not too long."""

from canonical.errors import RequestRefused
from canonical.reasons import Reason
from canonical.text import Forbidden, Malformed, clean
from gateway.console.desk import Desk

LONGEST = 1_000


def typed(desk: Desk, text: str) -> str:
    """A reason that can be kept.

    Raises:
        RequestRefused: 422 where it is missing, too long or holds what no text holds.
    """
    try:
        told = str(clean(text.strip()))
    except (Forbidden, Malformed):
        raise RequestRefused(Reason.CHAR_FORBIDDEN, 422) from None
    if not told:
        raise RequestRefused(Reason.FIELD_MISSING, 422, detail=desk.say("typed.why_missing"))
    if len(told) > LONGEST:
        raise RequestRefused(Reason.FIELD_TOO_LONG, 422)
    return told
