"""Dossiers of the provincial one-stop app in its words, one row for every state they went through.

19 departments and 7 districts. Those of the first half of 2016 are closed; those of this year are
counted from today, so that "in progress" and "overdue" mean something. Only departments have
dossiers of this year: there are no districts any more.
"""

import json
import random
import uuid
from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone
from functools import cache
from typing import Any

from msgspec import Struct, field

from adapters import registry
from hub.demo.days import WorkingDays, at, in_office
from hub.demo.durations import working_days_of
from hub.demo.people import Person, person

Row = dict[str, Any]
_HCM = timezone(timedelta(hours=7))
_LABELS = {
    "new": "Mới tiếp nhận",
    "processing": "Đang xử lý",
    "interoperating": "Chờ liên thông",
    "waiting": "Yêu cầu bổ sung giấy tờ",
    "paying": "Chờ nghĩa vụ tài chính",
    "unresolved": "Trả lại",
    "cancelled": "Đã rút",
    "releasing": "Đã xử lý xong",
    "done": "Đã trả kết quả",
}
_UNITS = ("Bộ phận TN&TKQ", "Phòng chuyên môn", "Lãnh đạo")
_OFFICERS = ("Lê Thị Quầy", "Trần Văn Phòng", "Phan Thị Duyệt")


class DeskCase(Struct):
    """One dossier of the app.

    Attributes:
        states: (moment, state word) in order of time; the last one is the present state.
        more: Fields over the usual ones.
    """

    number: int
    agency: str
    service: str
    who: Person
    accepted: datetime
    due: datetime
    states: list[tuple[datetime, str]]
    is_online: bool = False
    more: Row = field(default_factory=dict)

    @property
    def uid(self) -> str:
        """The app's stable id (referenceUid): the leg's code."""
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"demo:{self.number}"))

    @property
    def dossier_no(self) -> str:
        """The national code, in the old form as the app writes it."""
        identifier = codes()["agencies"][self.agency]["identifier"]
        return f"{identifier}-{self.accepted:%y%m%d}-{self.number:04d}"

    @property
    def pin(self) -> str:
        """The PIN on the appointment slip."""
        return f"{31_415_927 * self.number % 100_000_000:08d}"


@cache
def codes() -> Any:
    """The app's own code lists, as its contract has them."""
    path = registry.folder_of("one_stop") / "contract" / "codes.json"
    return json.loads(path.read_text("utf-8"))


@cache
def services_of(agency: str) -> tuple[str, ...]:
    """Service codes an agency offers."""
    own = {"SGTVT": "GTVT."}.get(agency, f"{agency}.")
    prefix = own if is_department(agency) else "HUYEN."
    return tuple(code for code in codes()["services"] if code.startswith(prefix))


def is_department(agency: str) -> bool:
    """Whether it is one of the 19 departments; else one of the 7 districts."""
    return not codes()["agencies"][agency]["name"].startswith("UBND ")


def rows_of(case: DeskCase, *, from_state: int = 0) -> list[Row]:
    """The dossier as the app showed it after each of its states, from that one on."""
    return [_row(case, upto) for upto in range(from_state + 1, len(case.states) + 1)]


def last_row(case: DeskCase) -> Row:
    """The dossier as the app shows it now."""
    return _row(case, len(case.states))


def closed_2016(seed: int) -> list[DeskCase]:
    """Dossiers of the first half of 2016, all closed in it."""
    dice = random.Random(f"{seed}:desk:2016")
    days = WorkingDays(date(2015, 12, 1), date(2016, 8, 31))
    first, last = days.after(date(2016, 1, 1)), days.upto(date(2016, 6, 30))
    cases = []
    for number, agency in enumerate(sorted(codes()["agencies"]) * 4, 1):
        service = dice.choice(services_of(agency))
        needed = working_days_of("one_stop")[service]
        begun = dice.randint(first, last - needed - 6)
        taken = dice.choice((needed - 2, needed - 1, needed, needed, needed, needed + 3))
        ending = dice.choice(("done",) * 12 + ("unresolved", "cancelled"))
        case = open_case(number, agency, service, begun, "processing", days, dice)
        cases.append(_closed(case, begun + taken, ending, days, dice))
    return cases


def this_year(seed: int, today: date) -> list[DeskCase]:
    """Dossiers of the departments, accepted in the last weeks before today."""
    dice = random.Random(f"{seed}:desk:now")
    days = WorkingDays(today - timedelta(days=150), today + timedelta(days=60))
    now = days.upto(today - timedelta(days=1))
    departments = [agency for agency in sorted(codes()["agencies"]) if is_department(agency)]
    cases = []
    for number, agency in enumerate(departments * 6, 1001):
        service = dice.choice(services_of(agency))
        needed = working_days_of("one_stop")[service]
        begun = now - dice.randint(1, 30)
        taken = dice.choice((needed - 1, needed - 1, needed, needed, needed + 2, 99))
        if begun + taken <= now:
            ending = dice.choice(("done",) * 9 + ("unresolved",))
            case = open_case(number, agency, service, begun, "processing", days, dice)
            cases.append(_closed(case, begun + taken, ending, days, dice))
            continue
        state = dice.choice(("processing", "processing", "processing", "waiting", "interoperating"))
        cases.append(open_case(number, agency, service, begun, state, days, dice))
    return cases


def open_case(
    number: int,
    agency: str,
    service: str,
    begun: int,
    state: str,
    days: WorkingDays,
    dice: random.Random,
) -> DeskCase:
    """A dossier that is still open in this state.

    Args:
        number: Its number in the app.
        agency: In the app's words, as service and state.
        service: What is asked for.
        begun: The number of the working day it was accepted on.
        state: Where it stands.
        days: The calendar.
        dice: Draws the rest.
    """
    accepted = in_office(dice, days[begun], 7, 14)
    return DeskCase(
        number=number,
        agency=agency,
        service=service,
        who=person(dice, 500_000 + number, "tỉnh Quảng Trị", digits=12),
        accepted=accepted,
        due=at(days[begun + working_days_of("one_stop")[service]], 17),
        states=[(accepted, "new"), (accepted + timedelta(minutes=dice.randint(20, 100)), state)],
        is_online=dice.random() < 0.3,
    )


def _closed(
    case: DeskCase, ended: int, ending: str, days: WorkingDays, dice: random.Random
) -> DeskCase:
    """The case with its ending, on the working day with that number."""
    end = in_office(dice, days[ended], 14, 16)
    if ending == "done":
        case.states.append((end, "releasing"))
        end += timedelta(minutes=dice.randint(10, 50))
    case.states.append((end, ending))
    return case


def _ms(moment: datetime) -> int:
    return int(moment.replace(tzinfo=_HCM).timestamp() * 1000)


def _row(case: DeskCase, upto: int) -> Row:
    told = case.states[:upto]
    moments = {state: _ms(moment) for moment, state in told}
    modified, state = told[-1]
    service = codes()["services"][case.service]
    closed = next(
        (moments[s] for s in ("releasing", "unresolved", "cancelled") if s in moments), None
    )
    return {
        "dossierId": 880_000 + case.number,
        "referenceUid": case.uid,
        "dossierNo": case.dossier_no,
        "password": case.pin,
        "serviceCode": case.service,
        "serviceName": service["name"],
        "domainName": service["domain"],
        "govAgencyCode": case.agency,
        "govAgencyName": codes()["agencies"][case.agency]["name"],
        "serviceLevel": 3 if case.is_online else 2,
        "online": case.is_online,
        "viaPostal": 0,
        "applicantName": case.who.name,
        "applicantIdType": "citizen",
        "applicantIdNo": case.who.id_number,
        "contactTelNo": case.who.phone,
        "address": case.who.address,
        "submitDate": _ms(case.accepted - timedelta(hours=14)) if case.is_online else None,
        "receiveDate": _ms(case.accepted),
        "dueDate": _ms(case.due),
        "extendDate": None,
        "extendActionDate": None,
        "releaseDate": closed,
        "finishDate": moments.get("done"),
        "cancellingDate": moments.get("cancelled"),
        "modifiedDate": _ms(modified),
        "dossierStatus": state,
        "dossierStatusText": _LABELS[state],
        "dossierSubStatus": "",
        "dossierSubStatusText": "",
        "originDossierNo": "",
        "serverNo": "",
        "dossierActions": _actions(told),
    } | case.more


def _actions(told: Sequence[tuple[datetime, str]]) -> list[Row]:
    return [
        {
            "actionCode": f"{100 + place}",
            "statusCode": state,
            "createDate": _ms(moment),
            "actionUser": _OFFICERS[place % 3],
            "unit": _UNITS[place % 3],
        }
        for place, (moment, state) in enumerate(told)
    ]
