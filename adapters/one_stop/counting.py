"""The app's own count of what it holds, per service and day of acceptance.

Contract: contract/openapi.json, /o/rest/v2/dossiers/statistics (our own design). A digest is the
sum of its dossiers' marks, so that counts of several services can be added up.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from adapters.one_stop import reader
from canonical.errors import Garbled
from canonical.ports import Tally
from canonical.reasons import Reason

_SYSTEM = "one_stop"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def tallies(raw: bytes) -> list[Tally]:
    """What the app says it holds.

    Raises:
        Garbled: as `reader.body`, or BODY_MALFORMED for what is no count.
    """
    listed = reader.body(raw).get("data")
    if not isinstance(listed, list):
        raise Garbled(Reason.BODY_MALFORMED, "data", system=_SYSTEM)
    return [_tally(one, f"data[{place}]") for place, one in enumerate(listed)]


def _tally(told: Any, place: str) -> Tally:
    try:
        day, total, digest = told["receiveDay"], told["total"], told["digest"]
        found = Tally(
            procedure=str(told["serviceCode"]),
            day=None if day is None else date.fromisoformat(day),
            count=total,
            digest=int(digest, 16),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Garbled(Reason.BODY_MALFORMED, place, system=_SYSTEM) from error
    if type(total) is not int or total < 1 or len(digest) != 16:
        raise Garbled(Reason.BODY_MALFORMED, place, system=_SYSTEM)
    return found


def mark(code: str, says: Mapping[str, Any], updated_at: datetime) -> int:
    """What one dossier adds to a digest: its uid, its modifiedDate and its state words."""
    stamp = (updated_at - _EPOCH) // _MILLISECOND
    told = f"{code}\n{stamp}\n{says.get('raw_status') or ''}"
    return int.from_bytes(hashlib.sha256(told.encode()).digest()[:8], "big")
