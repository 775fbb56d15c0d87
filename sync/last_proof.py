"""How it stands with the last proof: `hub verify` is to be run every night."""

from datetime import datetime, timedelta

from msgspec import Struct

from canonical import clock
from store.verifications import VerificationRow

STALE = timedelta(hours=36)


class Proved(Struct, frozen=True):
    """How it stands with the last proof.

    Attributes:
        row: None where there was none.
        state: never | failed | old | good.
    """

    row: VerificationRow | None
    state: str


def stands(row: VerificationRow | None, now: datetime) -> Proved:
    """How it stands with the last proof; one that failed stays so until the next."""
    if row is None:
        return Proved(None, "never")
    if row.findings:
        return Proved(row, "failed")
    is_old = now - clock.from_iso(row.ended_at) > STALE
    return Proved(row, "old" if is_old else "good")
