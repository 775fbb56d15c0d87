"""The log as it is: rows checked and gathered into cases, times with the offsets they came with."""

import csv
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from msgspec import Struct, structs

from canonical.errors import HubError
from canonical.reasons import Reason

COLUMNS = (
    "case:channel",
    "case:concept:name",
    "case:deadline",
    "case:enddate",
    "case:startdate",
    "concept:name",
    "lifecycle:transition",
    "org:group",
    "org:resource",
    "time:timestamp",
)
_NUMBER = re.compile(r"([0-9]{3,})\Z")  # a national code's counter has three digits or more


class Event(Struct, frozen=True):
    """One row: what was done, when, by which group and resource (pseudonyms in the log)."""

    row: int
    activity: str
    at: datetime
    group: str
    resource: str


class Case(Struct, frozen=True):
    """One dossier of the log.

    Attributes:
        number: The digits of its code.
        ended_at: None where the log states no end.
        events: In event time; equal times in the order of the file.
    """

    code: str
    number: str
    channel: str
    started_at: datetime
    due_at: datetime
    ended_at: datetime | None
    events: tuple[Event, ...]


def read_log(path: Path) -> list[Case]:
    """The cases of a log, in the order in which they first appear.

    Raises:
        HubError: the file cannot be read, lacks a column, or a row says what cannot be; named by
            its row, the heading being row 1.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return gather(csv.DictReader(file, restkey="", restval=""))
    except OSError as error:
        raise HubError(Reason.NOT_FOUND, f"{path.name}: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise HubError(Reason.BODY_MALFORMED, f"{path.name} is not a CSV in UTF-8") from error


def gather(rows: Iterable[dict[str, str]]) -> list[Case]:
    """Rows gathered into cases; raises as `read_log` does."""
    heads: dict[str, Case] = {}
    events: dict[str, list[Event]] = {}
    for number, row in _checked(rows):
        head = _head(row, number)
        if heads.setdefault(head.code, head) != head:
            raise _wrong(number, "case:*", "another row of this case says otherwise")
        events.setdefault(head.code, []).append(_event(row, number))
    if not heads:
        raise HubError(Reason.BODY_MALFORMED, "the log holds no events")
    cases = []
    for code, head in heads.items():
        in_time = sorted(events[code], key=lambda event: event.at)
        cases.append(structs.replace(head, events=tuple(in_time)))
    return cases


def _checked(rows: Iterable[dict[str, str]]) -> Iterator[tuple[int, dict[str, str]]]:
    for number, row in enumerate(rows, start=2):
        missing = [name for name in COLUMNS if name not in row]
        if missing:
            raise HubError(Reason.FIELD_MISSING, f"the log lacks the columns {missing}")
        if row["lifecycle:transition"] != "complete":
            raise _wrong(number, "lifecycle:transition", "only 'complete' is known")
        yield number, row


def _head(row: dict[str, str], number: int) -> Case:
    code = row["case:concept:name"]
    digits = _NUMBER.search(code)
    if digits is None:
        raise _wrong(number, "case:concept:name", "it does not end in a number")
    return Case(
        code=code,
        number=digits.group(1),
        channel=row["case:channel"],
        started_at=_moment(row, "case:startdate", number),
        due_at=_moment(row, "case:deadline", number),
        ended_at=_moment(row, "case:enddate", number) if row["case:enddate"] else None,
        events=(),
    )


def _event(row: dict[str, str], number: int) -> Event:
    return Event(
        row=number,
        activity=row["concept:name"],
        at=_moment(row, "time:timestamp", number),
        group=row["org:group"],
        resource=row["org:resource"],
    )


def _moment(row: dict[str, str], column: str, number: int) -> datetime:
    try:
        moment = datetime.fromisoformat(row[column])
    except ValueError as error:
        raise _wrong(number, column, "not a date and time") from error
    if moment.tzinfo is None:
        raise _wrong(number, column, "no offset")
    return moment


def _wrong(number: int, column: str, what: str) -> HubError:
    return HubError(Reason.FIELD_TYPE, f"row {number}: {column}: {what}")
