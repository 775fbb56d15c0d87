"""What each mood of a department must come to: one reason code, or success with these rows.

The one table of the contract suite. A mood that cannot apply to a system is named in its manifest
with the reason (`fault`, or `fault@json` for one of its modes).
"""

from enum import Enum
from typing import NamedTuple

from canonical.reasons import Reason


class Rows(Enum):
    """How the rows read compare with those of the mood "well"."""

    SAME = "the same statements, whatever their order and number"
    NONE = "none at all"
    MIXED = "some refused as DATE_INVALID, the others the same"
    SENTINELS = "what is refused is DATE_INVALID, the others may lack dates"


class Expected(NamedTuple):
    """Of one mood.

    Attributes:
        reason: Why the run fails; None where it succeeds.
        rows: What it brings where it succeeds.
        deadline_s: Total deadline of a call; short where the mood is to run into it.
    """

    reason: Reason | None
    rows: Rows | None = None
    deadline_s: float = 60.0


EXPECTED: dict[str, Expected] = {
    "well": Expected(None, Rows.SAME),
    "slow": Expected(Reason.TIMEOUT_TOTAL, deadline_s=0.4),
    "silent": Expected(Reason.TIMEOUT_TOTAL, deadline_s=0.4),
    "drip": Expected(Reason.TIMEOUT_TOTAL, deadline_s=0.4),
    "busy": Expected(Reason.RATE_LIMITED),
    "refusing": Expected(Reason.AUTH_DENIED),
    "html": Expected(Reason.CTYPE_UNEXPECTED),
    "fault": Expected(Reason.SOAP_FAULT),
    "fault12": Expected(Reason.SOAP_FAULT),
    "truncated": Expected(Reason.BODY_TRUNCATED),
    "empty": Expected(None, Rows.NONE),
    "duplicate": Expected(None, Rows.SAME),
    "reordered": Expected(None, Rows.SAME),
    "mixed_dates": Expected(None, Rows.MIXED),
    "sentinel_dates": Expected(None, Rows.SENTINELS),
}
