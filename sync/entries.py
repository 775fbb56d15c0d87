"""The timeline entries that a record makes, and what makes two of them the same."""

import functools
import hashlib
from datetime import datetime
from typing import Any

from canonical import leg
from canonical.record import Record
from store.legs import Entry


def entries_of(
    record: Record, leg_id: int, own_id: int, received_at: datetime, *, is_late: bool
) -> list[Entry]:
    """The timeline entries one record makes: its own state, and each history item."""
    facet, told = record.facet.value, []
    status = record.says.get("status")
    if status is not None:
        at = leg.effective_at(record, received_at)
        told.append(_entry(facet, leg_id, own_id, {"status": status, "at": at}, is_late=is_late))
    told.extend(
        _entry(facet, leg_id, own_id, item, is_late=is_late, in_history=True)
        for item in record.says.get("history") or ()
    )
    return told


@functools.lru_cache(8192)  # a batch asks for each twice: when it is told, and when it is kept
def entry_key(facet: str, status: str, at: str, officer: str | None, unit: str | None) -> str:
    """What makes two entries of one leg the same (CONTRACT, Timeline)."""
    told = "\0".join((facet, status, at, officer or "", unit or ""))
    return hashlib.blake2b(told.encode(), digest_size=12).hexdigest()


def _entry(
    facet: str,
    leg_id: int,
    own_id: int,
    item: dict[str, Any],
    *,
    is_late: bool,
    in_history: bool = False,
) -> Entry:
    status, at = item["status"], item["at"]
    officer, unit = item.get("officer"), item.get("unit")
    return Entry(
        leg_id=leg_id,
        key=entry_key(facet, status, at, officer, unit),
        facet=facet,
        status=status,
        at=at,
        officer=officer,
        unit=unit,
        note=item.get("note"),
        record_id=own_id,
        from_record=not in_history,
        in_history=in_history,
        arrived_late=is_late,
        known_seq=0,
        retracted_by=None,
        retracted_seq=None,
        is_changed=True,
    )
