"""The declared error rules over an answer: which of the hub's errors it is, if any. Pure.

A source's own text may quote a person, so it is compared with and never repeated.
"""

import re
from collections.abc import Sequence
from typing import Any

from adapters.declared.bodies import Body
from adapters.declared.declaration import ErrorRule
from canonical.errors import Busy, HubError, NotAllowed, Refused, TryAgain
from canonical.reasons import Reason

NO_RECORDS = "NO_RECORDS"
_SAFE = re.compile(r"[A-Za-z0-9_.:-]{1,40}\Z")


def check(body: Body, rules: Sequence[ErrorRule]) -> bool:
    """Whether the answer says that there is nothing to give; False for an ordinary answer.

    Raises:
        NotAllowed: AUTH_DENIED.
        TryAgain: AUTH_EXPIRED (the session), SOURCE_ERROR (the source's own failure).
        Busy: RATE_LIMITED.
        Refused: SOURCE_ERROR.
    """
    for rule in rules:
        value = body.field(rule.field)
        if _fits(rule, value, body):
            if rule.reason == NO_RECORDS:
                return True
            raise _error(rule, value)
    return False


def spelt(value: Any) -> str:
    """A value as it is compared: "0" and 0, "true" and true are one."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip()


def _fits(rule: ErrorRule, value: Any, body: Body) -> bool:
    told = spelt(value)
    if rule.values:
        fits = told in {spelt(one) for one in rule.values}
    elif rule.good_values:
        fits = told not in {spelt(one) for one in rule.good_values}
    else:
        fits = told not in ("", "false")
    if fits and rule.text_has:
        return rule.text_has.casefold() in spelt(body.field(rule.text)).casefold()
    return fits


def _error(rule: ErrorRule, value: Any) -> HubError:
    told = spelt(value)
    detail = f"{rule.field} {told}" if _SAFE.match(told) else rule.field
    match rule.reason:
        case "AUTH_DENIED":
            return NotAllowed(Reason.AUTH_DENIED, detail)
        case "AUTH_EXPIRED":
            return TryAgain(Reason.AUTH_EXPIRED, detail)
        case "RATE_LIMITED":
            return Busy(Reason.RATE_LIMITED, detail)
        case "SOURCE_BUSY":
            return TryAgain(Reason.SOURCE_ERROR, detail)
        case _:
            return Refused(Reason.SOURCE_ERROR, detail)
