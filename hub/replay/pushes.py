"""The log's rows as canonical pushes, one per event, by the system that saw it.

A system's first event of a dossier also states the reception (with the national code that ties the
two legs), and whoever saw the last event states the end as facet `result`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from canonical.states import Status
from hub.replay.log import Case, Event
from hub.replay.mapping import Line, Mapping, Tells


class Entry(Struct, frozen=True):
    """One line that the hub's timeline is to hold.

    Attributes:
        namespace: Whose leg.
        at: The log's own moment; compared as an instant.
        officer, unit, note: None where the system does not tell them.
    """

    namespace: str
    facet: str
    at: datetime
    status: Status
    officer: str | None = None
    unit: str | None = None
    note: str | None = None


class Push(Struct, frozen=True):
    """One record to be sent.

    Attributes:
        case: The log's code of its dossier.
        record: Canonical JSON.
        entry: What it adds to the timeline; None for a reception, which adds nothing.
    """

    connection: str
    case: str
    record: dict[str, Any]
    entry: Entry | None

    @property
    def is_event(self) -> bool:
        """Whether it stands for a row of the log."""
        return bool(self.record["facet"] == "step")


def national_code(mapping: Mapping, case: Case) -> str:
    """`H50.90-111006-10024`: agency, day of the start as the log writes it, case number."""
    return f"{mapping.agency}-{case.started_at:%y%m%d}-{case.number}"


def build(mapping: Mapping, cases: Sequence[Case]) -> list[Push]:
    """Every push of the log, in event time.

    Raises:
        HubError: a value that the mapping does not list, named by row.
    """
    pushes = [push for case in cases for push in _of_case(mapping, case)]
    return sorted(pushes, key=lambda push: datetime.fromisoformat(push.record["updated_at"]))


def _of_case(mapping: Mapping, case: Case) -> list[Push]:
    pushes: list[Push] = []
    sheets: dict[str, list[Entry]] = {}
    line = mapping.connection[0]
    for event in case.events:
        line = mapping.line_of(event.group, event.row)
        sheet = sheets.setdefault(line.id, [])
        if not sheet:
            pushes.append(_reception(mapping, line, case, event))
        entry = _entry(mapping, line, event)
        sheet.append(entry)
        words = {"raw_status": event.activity, "step": event.activity}
        pushes.append(_told(line, case, entry, sheet, words))
    if case.ended_at is not None:
        end = Entry(line.id, "result", case.ended_at, Status.FINISHED)
        pushes.append(_told(line, case, end, [end], {"finished_at": case.ended_at.isoformat()}))
    return pushes


def _said(line: Line, case: Case, facet: str, at: datetime) -> dict[str, Any]:
    return {
        "code": line.code.format(case=case.code, number=case.number),
        "facet": facet,
        "updated_at": at.isoformat(),
    }


def _reception(mapping: Mapping, line: Line, case: Case, first: Event) -> Push:
    record = _said(line, case, "reception", first.at) | {
        "national_code": national_code(mapping, case),
        "procedure": msgspec.to_builtins(mapping.procedure),
        "agency": mapping.agency,
        "channel": mapping.channel_of(case.channel, first.row).value,
        "accepted_at": case.started_at.isoformat(),
        "due_at": case.due_at.isoformat(),
    }
    return Push(line.id, case.code, record, None)


def _entry(mapping: Mapping, line: Line, event: Event) -> Entry:
    status = mapping.state_of(event.activity, event.row)
    if line.tells is Tells.STATUS:
        return Entry(line.id, "step", event.at, status)
    return Entry(line.id, "step", event.at, status, event.resource, event.group, event.activity)


def _told(line: Line, case: Case, entry: Entry, sheet: list[Entry], more: dict[str, Any]) -> Push:
    """A push of one entry: as the state now, or as the sheet that it is the last line of.

    Never both: the same step with and without its officer would be two lines of the timeline.
    """
    record = _said(line, case, entry.facet, entry.at) | more
    if line.tells is Tells.STATUS:
        record["status"] = entry.status.value
    else:
        record["history"] = [_item(told) for told in sheet]
    return Push(line.id, case.code, record, entry)


def _item(entry: Entry) -> dict[str, Any]:
    return {
        "status": entry.status.value,
        "at": entry.at.isoformat(),
        "officer": entry.officer,
        "unit": entry.unit,
        "note": entry.note,
    }


def count_equal_times(pushes: Sequence[Push]) -> int:
    """Events that share their moment with an earlier one of the same leg and facet."""
    seen = {(p.connection, p.case, p.entry.facet, p.entry.at) for p in pushes if p.entry}
    return sum(push.entry is not None for push in pushes) - len(seen)
