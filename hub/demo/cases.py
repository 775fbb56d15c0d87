"""The lives of the two cities' dossiers: enough of each verdict, in an order that says nothing.

The day decides: an ending at 23:30 on the due day is on time, one at 00:10 of the day after is
late, whatever day it is in London.
"""

import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from msgspec import Struct

from hub.demo.days import WorkingDays, at, in_office
from hub.demo.durations import working_days_of
from hub.demo.figures import EARLY, IN_TERM, LATE, LINES, ON_TIME, RETURNED, Line
from hub.demo.people import Person, person

# The fields the interview names: seven for Đông Hà, six for Vĩnh Linh.
_SERVICES = {
    "DH": ("KD01", "KD02", "TM01", "XC01", "XD01", "LD01", "TN01", "HT01", "HT02"),
    "VL": ("XD01", "LD01", "HT01", "HT02", "KD01", "KD02", "DD01", "DD02", "DT01"),
}
_PLACE = {"DH": "Phường 5, Đông Hà", "VL": "Thị trấn Hồ Xá, Vĩnh Linh"}
ACCEPTED, SUPPLEMENT, SIGNING, STOPPED, WORKING, REJECTED = 1, 3, 4, 8, 15, 16


class Case(Struct):
    """One dossier of a city's counter.

    Attributes:
        due: As printed on the appointment slip.
        steps: (moment, trangThaiKeTiep) in order of time, the return included.
        finished: End of work; None where only the hand-over was entered.
        online_id: The registration it began as; None where somebody came to the counter.
    """

    code: str
    service: str
    who: Person
    accepted: datetime
    due: datetime
    verdict: str
    steps: list[tuple[datetime, int]]
    finished: datetime | None = None
    handed: datetime | None = None
    online_id: int | None = None


class _Plan(Struct, frozen=True):
    """Numbers of working days: accepted, due, ended."""

    accepted: int
    due: int
    end: int


def cases_of(connection: str, seed: int) -> list[Case]:
    """All dossiers of one city, by acceptance; the same for the same seed."""
    lines = [line for line in LINES if line.connection == connection]
    days = WorkingDays(date(2014, 12, 1), date(2016, 12, 31))
    found: list[Case] = []
    for line in lines:
        dice = random.Random(f"{seed}:{connection}:{line.start}")
        made = sorted(_period(line, days, dice), key=lambda case: case.accepted)
        for number, case in enumerate(made, 1):
            case.code = f"{line.app_code}-{line.start.year}-{number:06d}"
        for place in dice.sample(range(len(made)), line.online):
            made[place].online_id = 0
        found += made
    first_id = 10_001 if connection == "dong-ha" else 20_001
    online = [case for case in found if case.online_id is not None]
    for number, case in enumerate(online):
        case.online_id = first_id + number
    silent = random.Random(f"{seed}:{connection}:silent")
    for case in found:
        # Not every clerk enters that work began; an online one is tied by that step.
        if case.online_id is None and silent.random() < 0.35:
            case.steps = case.steps[1:] if case.steps[0][1] == WORKING else case.steps
    return found


def _period(line: Line, days: WorkingDays, dice: random.Random) -> Iterator[Case]:
    durations = working_days_of("city_one_stop")
    verdicts = [verdict for verdict, count in line.made.items() for _ in range(count)]
    dice.shuffle(verdicts)
    bounds = days.after(line.start), days.upto(line.end)
    begin = (0 if line.app_code == "DH" else 400_000) + (line.start.year - 2015) * 100_000
    for number, verdict in enumerate(verdicts, begin + 1):
        service = dice.choice(_SERVICES[line.app_code])
        plan = _plan(verdict, durations[service], bounds, dice)
        who = person(dice, number, _PLACE[line.app_code])
        yield _case(service, who, verdict, plan, days, dice)


def _plan(verdict: str, needed: int, bounds: tuple[int, int], dice: random.Random) -> _Plan:
    """Acceptance and end so that the verdict holds at the end of the period."""
    first, last = bounds
    if verdict == IN_TERM:
        accepted = dice.randint(last - needed + 1, last)
        return _Plan(accepted, accepted + needed, dice.randint(last + 1, accepted + needed))
    taken = {
        EARLY: lambda: dice.randint(1, needed - 1),
        ON_TIME: lambda: needed,
        LATE: lambda: needed + dice.randint(1, 6),
        RETURNED: lambda: dice.randint(1, needed),
    }[verdict]()
    accepted = dice.randint(first, last - max(taken, needed))
    return _Plan(accepted, accepted + needed, accepted + taken)


def _case(
    service: str,
    who: Person,
    verdict: str,
    plan: _Plan,
    days: WorkingDays,
    dice: random.Random,
) -> Case:
    accepted = in_office(dice, days[plan.accepted], 7, 16)
    due, end = at(days[plan.due], 17), _end(verdict, plan, days, dice)
    case = Case("", service, who, accepted, due, verdict, _steps(accepted, end, plan, days, dice))
    if verdict == RETURNED:
        case.steps.append((end, REJECTED if dice.random() < 0.1 else STOPPED))
        return case
    if verdict == IN_TERM:
        # A pause that lasts beyond the period would make it wait instead of run.
        case.steps = [step for step in case.steps if step[1] != SUPPLEMENT]
    case.finished = end
    habit = dice.random()
    if habit < 0.04:
        case.finished, case.handed = None, end  # only the hand-over was entered
    elif habit < 0.94:
        wait = dice.choice((0, 0, 0, 1, 1, 2, 3))
        later = in_office(dice, days[plan.end + wait], 8, 16)
        case.handed = later if later > end else end + timedelta(minutes=5)
    return case


def _end(verdict: str, plan: _Plan, days: WorkingDays, dice: random.Random) -> datetime:
    if verdict == ON_TIME and dice.random() < 0.03:
        return at(days[plan.due], 23, 30)
    if verdict == LATE and dice.random() < 0.25:
        return at(days[plan.due] + timedelta(days=1), 0, 10)
    return in_office(dice, days[plan.end])


def _steps(
    accepted: datetime, end: datetime, plan: _Plan, days: WorkingDays, dice: random.Random
) -> list[tuple[datetime, int]]:
    """Steps strictly between acceptance and end, no two at one moment."""
    steps = [(accepted + timedelta(minutes=dice.randint(15, 180)), WORKING)]
    if plan.end - plan.accepted >= 4 and dice.random() < 0.06:
        asked, came = days[plan.accepted + 1], days[plan.accepted + 2]
        steps += [(in_office(dice, asked), SUPPLEMENT), (in_office(dice, came), WORKING)]
    if dice.random() < 0.2:
        steps.append((end - timedelta(minutes=dice.randint(11, 29)), SIGNING))
    return sorted(step for step in steps if accepted < step[0] < end)
