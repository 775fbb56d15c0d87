"""What the hub says held against the log, case by case; pure.

The log's side is worked out here from the log alone: which lines each timeline must hold, the last
state, the dates, and in which bucket each dossier belongs, its days counted at +07:00 as the
province counts them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from msgspec import Struct, field

from canonical import clock
from canonical.reasons import Reason
from canonical.states import Status
from hub.replay.asking import Held
from hub.replay.log import Case
from hub.replay.mapping import Mapping as LogMapping
from hub.replay.pushes import Entry, Push, national_code

Line = tuple[str, str, datetime, str, str | None, str | None]


class Difference(Struct, frozen=True):
    """One thing that is not as the log says; `what` is lost, double or different."""

    what: str
    case: str
    about: str


class Compared(Struct):
    """The outcome over all cases.

    Attributes:
        differences: Empty where the hub says what the log says.
        from_both: Dossiers put together from more than one system.
        findings: Reason code -> dossiers with such a finding.
        ended_early: Dossiers whose end the log puts before their last event.
    """

    differences: list[Difference] = field(default_factory=list)
    from_both: int = 0
    findings: Counter[str] = field(default_factory=Counter)
    ended_early: int = 0

    def count(self, what: str) -> int:
        """How many differences of one kind."""
        return sum(one.what == what for one in self.differences)


def compare(
    mapping: LogMapping,
    cases: Sequence[Case],
    pushes: Sequence[Push],
    taken: Mapping[int, int],
    held: Mapping[str, Held],
) -> Compared:
    """Hold every case against the hub's answers.

    Args:
        mapping: By which the log was told.
        cases: The log.
        pushes: What was told of it.
        taken: Place of a push -> how often the hub took it as new.
        held: Case -> what the hub says of it.
    """
    outcome = Compared()
    entries: dict[str, list[Entry]] = {case.code: [] for case in cases}
    fates: dict[str, list[tuple[Entry | None, int]]] = {case.code: [] for case in cases}
    for place, push in enumerate(pushes):
        fates[push.case].append((push.entry, taken.get(place, 0)))
        if push.entry is not None:
            entries[push.case].append(push.entry)
    for case in cases:
        found = held[case.code]
        lines = _compare_lines(outcome, case, entries[case.code], found.timeline)
        _compare_taken(outcome, case, fates[case.code], lines)
        _compare_dossier(outcome, mapping, case, entries[case.code], found.bodies)
    return outcome


def _line(entry: Entry) -> Line:
    return (
        entry.namespace,
        entry.facet,
        entry.at.astimezone(UTC),
        entry.status.value,
        entry.unit,
        entry.officer,
    )


def _shown_line(item: dict[str, Any]) -> Line:
    at = datetime.fromisoformat(item["at"]).astimezone(UTC)
    return (item["namespace"], item["facet"], at, item["status"], item["unit"], item["officer"])


def _compare_lines(
    outcome: Compared, case: Case, entries: Sequence[Entry], timeline: Sequence[dict[str, Any]]
) -> set[Line]:
    """Note what the timeline lacks or has too much; the lines that were noted."""
    # The same leg, facet, state, time, officer and unit stand in a timeline once (CONTRACT).
    wanted = {_line(entry): entry for entry in entries}
    shown = Counter(_shown_line(item) for item in timeline)
    missing = [line for line in wanted if line not in shown]
    extra = [line for line in shown if line not in wanted]
    for line in missing:
        told_otherwise = next((other for other in extra if other[:3] == line[:3]), None)
        if told_otherwise is not None:
            extra.remove(told_otherwise)
        _note(outcome, "different" if told_otherwise else "lost", case, _words(line))
    for line in extra:
        _note(outcome, "double", case, f"not in the log: {_words(line)}")
    for line, times in shown.items():
        if times > 1:
            _note(outcome, "double", case, f"{times} times: {_words(line)}")
    for item in timeline:
        entry = wanted.get(_shown_line(item))
        if entry is not None and (item["note"] != entry.note or item["retracted_by"]):
            _note(outcome, "different", case, f"note: {_words(_line(entry))}")
    moments = [datetime.fromisoformat(item["at"]) for item in timeline]
    if moments != sorted(moments):
        _note(outcome, "different", case, "the timeline is not in event time")
    return {*missing, *(line for line, times in shown.items() if times > 1)}


def _compare_taken(
    outcome: Compared,
    case: Case,
    fates: Sequence[tuple[Entry | None, int]],
    noted: set[Line],
) -> None:
    """Note records that were taken never or more than once, where the timeline did not show it.

    A sheet holds the lines before it too, so that the timeline alone would not miss a lost one.
    """
    for entry, times in fates:
        if times == 1 or (entry is not None and _line(entry) in noted):
            continue
        about = "reception" if entry is None else _words(_line(entry))
        _note(outcome, "double" if times else "lost", case, f"record taken {times} times: {about}")


def _compare_dossier(
    outcome: Compared,
    mapping: LogMapping,
    case: Case,
    entries: Sequence[Entry],
    bodies: Sequence[dict[str, Any]],
) -> None:
    if len(bodies) != 1:
        _note(outcome, "different", case, f"{len(bodies)} dossiers instead of one")
    if not bodies:
        return
    body = bodies[0]
    findings = {found["reason"] for found in body["findings"]}
    outcome.findings.update(findings)
    outcome.from_both += len(body["legs"]) > 1
    for name, wanted in _wanted(mapping, case, entries).items():
        said = body[name]
        if isinstance(wanted, datetime) and said is not None:
            said = datetime.fromisoformat(said)
        if said != wanted:
            _note(outcome, "different", case, name)
    systems = {entry.namespace for entry in entries}
    if {leg["namespace"] for leg in body["legs"]} != systems or len(body["legs"]) != len(systems):
        _note(outcome, "different", case, "legs")
    if case.ended_at is not None and case.ended_at < case.events[-1].at:
        outcome.ended_early += 1
        if not findings & {Reason.TRANSITION_ODD, Reason.ORDER_ODD}:
            _note(outcome, "different", case, "its end before its last event is not noted")


def _wanted(mapping: LogMapping, case: Case, entries: Sequence[Entry]) -> dict[str, Any]:
    """What the dossier must say."""
    return {
        "national_code": national_code(mapping, case),
        "agency": mapping.agency,
        "channel": mapping.channel_of(case.channel, case.events[0].row).value,
        "accepted_at": case.started_at,
        "due_at": case.due_at,
        "finished_at": case.ended_at,
        "status": last_state(entries).value,
        "step": case.events[-1].activity,
    }


def last_state(entries: Sequence[Entry]) -> Status:
    """The state that the log ends in; of one moment's states the furthest."""
    furthest = list(Status).index
    return max(entries, key=lambda entry: (entry.at, furthest(entry.status))).status


def bucket_of(case: Case, state: Status, as_of: date) -> str:
    """Where a case belongs among the indicators, by the log alone.

    An end before or after the day of the deadline is early or late; without one the case is open.
    """
    due_on = clock.day_of(case.due_at)
    if case.ended_at is not None:
        ended_on = clock.day_of(case.ended_at)
        return "on_time" if ended_on == due_on else "early" if ended_on < due_on else "late"
    if state in (Status.SUPPLEMENT, Status.FINANCIAL):
        return "waiting"
    return "open_overdue" if due_on < as_of else "open_in_term"


def latest_day(cases: Sequence[Case]) -> date:
    """The last day on which anything happened in the log."""
    moments = [event.at for case in cases for event in case.events]
    moments += [case.ended_at for case in cases if case.ended_at is not None]
    return clock.day_of(max([*moments, *(case.started_at for case in cases)]))


def _words(line: Line) -> str:
    return f"{line[0]} {line[1]} {line[2].isoformat()} {line[3]}"


def _note(outcome: Compared, what: str, case: Case, about: str) -> None:
    outcome.differences.append(Difference(what, case.code, about))
