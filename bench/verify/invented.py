"""Invented dossiers as departments would tell of them, in the order of time.

Each case lives some days: its desk tells of it three times, a handling department of about half of
them twice, the tax office of a quarter twice; some things come twice, late or spoilt.
"""

import heapq
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from canonical.clock import HCM

BEGUN = datetime(2024, 1, 2, 8, 0, tzinfo=HCM)
PROCEDURES = ("1.001612", "1.004221", "2.000488", "1.010023", "1.002835")
SERVICES = ("SNV.HOI.TL", "SNV.TDKT.XT", "HUYEN.HKD.DK", "HUYEN.DAT.BD")
AGENCIES = ("H50.12", "H50.14", "H50.15", "H50.16", "H50.17", "H50.18")
OFFICES = ("SNV", "HHL", "HTP")
FAMILY = ("Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Phan", "Võ", "Đặng")
GIVEN = ("An", "Bình", "Chi", "Dũng", "Giang", "Hạnh", "Khánh", "Lan", "Minh", "Thử")


class Word(NamedTuple):
    """One record on its way: when, whose, and what."""

    at: datetime
    order: int
    who: str
    told: dict[str, Any]


def words(seed: int, days_open: float = 12.0, cases_a_day: int = 320) -> Iterator[Word]:
    """Records without end, oldest first.

    Args:
        seed: Equal seeds give equal records.
        days_open: How long a case is told of.
        cases_a_day: How many begin on one day.
    """
    dice = random.Random(seed)
    ahead: list[Word] = []
    number = 0
    while True:
        begun = BEGUN + timedelta(days=number / cases_a_day)
        for at, who, told in _case(dice, number, begun, days_open):
            heapq.heappush(ahead, Word(at, len(ahead) + number * 64, who, told))
        number += 1
        while ahead and ahead[0].at < begun:
            yield heapq.heappop(ahead)


def _case(
    dice: random.Random, number: int, begun: datetime, days_open: float
) -> Iterator[tuple[datetime, str, dict[str, Any]]]:
    def after(share: float) -> datetime:
        return begun + timedelta(days=days_open * share, seconds=dice.randrange(3_600))

    national = f"H50.12-{begun:%y%m%d}-{number:07d}"
    person = {
        "kind": "person",
        "name": f"{dice.choice(FAMILY)} Văn {dice.choice(GIVEN)}",
        "id_number": f"045{number:09d}",
        "phone": f"09{number % 10**8:08d}",
        "address": f"{number % 300} đường Thử, phường {number % 9}, Đông Hà",
    }
    told = list(_desk(dice, number, begun, after, national, person))
    if dice.random() < 0.45:
        told += _land(dice, number, after, national, person)
    if dice.random() < 0.25:
        told += _tax(number, after)
    for at, who, record in told:
        yield at, who, record
        if dice.random() < 0.02:
            yield at + timedelta(hours=2), who, record  # told again


def _desk(
    dice: random.Random, number: int, begun: datetime, after: Any, national: str, person: Any
) -> Iterator[tuple[datetime, str, dict[str, Any]]]:
    if number % 2:
        yield from _polled(dice, number, begun, after, national, person)
        return
    base = {
        "code": f"DH-{number:08d}",
        "national_code": national,
        "receipt_number": f"DH/{begun:%Y}/{number:07d}",
        "procedure": {"code": PROCEDURES[number % 5], "name": "Đăng ký hộ kinh doanh"},
        "agency": AGENCIES[number % 6],
        "applicant": person,
        "channel": "online" if number % 3 else "direct",
        "accepted_at": begun.isoformat(),
        "due_at": after(0.9).isoformat(),
    }
    middle = "supplement" if number % 7 == 0 else "in_progress"
    steps = (("accepted", 0.0), (middle, 0.3), ("handed_over", 1.0))
    told = []
    for version, (status, share) in enumerate(steps, start=1):
        at = after(share)
        record = {**base, "version": version, "updated_at": at.isoformat(), "status": status}
        if status == "handed_over":
            record |= {"finished_at": after(0.8).isoformat(), "handed_over_at": at.isoformat()}
        if version > 1 and number % 5 == 0:
            record["history"] = [
                {"status": s, "at": after(x).isoformat(), "officer": "CB 1", "unit": "Một cửa"}
                for s, x in steps[:version]
            ]
        if dice.random() < 0.005:
            record["status"] = "???"
        told.append((at, "desk", record))
    if dice.random() < 0.03:  # the first word arrives last
        told = [*told[1:], (after(1.1), *told[0][1:])]
    yield from told


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1_000)


def _polled(
    dice: random.Random, number: int, begun: datetime, after: Any, national: str, person: Any
) -> Iterator[tuple[datetime, str, dict[str, Any]]]:
    for status, share in (("new", 0.0), ("processing", 0.3), ("done", 1.0)):
        at = after(share)
        row: dict[str, Any] = {
            "referenceUid": f"uid-{number:08d}",
            "dossierNo": national,
            "serviceCode": SERVICES[number % 4],
            "serviceName": "Thủ tục thử",
            "govAgencyCode": OFFICES[number % 3],
            "online": bool(number % 3),
            "viaPostal": 0,
            "serviceLevel": 4,
            "applicantIdType": "citizen",
            "applicantName": person["name"],
            "applicantIdNo": person["id_number"],
            "contactTelNo": person["phone"],
            "address": person["address"],
            "receiveDate": _ms(begun),
            "dueDate": _ms(begun + timedelta(days=11)),
            "modifiedDate": _ms(at),
            "dossierStatus": "???" if dice.random() < 0.005 else status,
        }
        if status == "done":
            row |= {"releaseDate": _ms(after(0.8)), "finishDate": _ms(at)}
        yield at, "snv", row


def _land(
    dice: random.Random, number: int, after: Any, national: str, person: Any
) -> Iterator[tuple[datetime, str, dict[str, Any]]]:
    """A handling department: takes it in, works, and sometimes learns late whose case it is."""
    code = f"L-{number:08d}"
    knows = dice.random() < 0.85
    first, last = after(0.2), after(0.7)
    named = person["name"] if dice.random() < 0.98 else "Lê Thị Khác"  # somebody else: in doubt
    reception: dict[str, Any] = {
        "code": code,
        "facet": "reception",
        "version": 1,
        "updated_at": first.isoformat(),
        "agency": "H50.09",
        "applicant": {"kind": "person", "name": named},
        "status": "in_progress",
    }
    if knows:
        reception["national_code"] = national
    yield first, "land", reception
    if not knows:
        later = after(0.5)
        told = {"version": 2, "updated_at": later.isoformat(), "national_code": national}
        yield later, "land", {**reception, **told}
    work = {"code": code, "facet": "step", "version": 1, "updated_at": last.isoformat()}
    yield last, "land", {**work, "status": "finished", "agency": "H50.09", "step": "Trả kết quả"}


def _tax(number: int, after: Any) -> Iterator[tuple[datetime, str, dict[str, Any]]]:
    link = {"namespace": "snv", "code": f"uid-{number:08d}"}
    if number % 2 == 0:
        link = {"namespace": "desk", "code": f"DH-{number:08d}"}
    for status, share in (("financial", 0.4), ("finished", 0.5)):
        at = after(share)
        record: dict[str, Any] = {
            "code": f"T-{number:08d}",
            "facet": "money",
            "updated_at": at.isoformat(),
            "status": status,
            "links": [link],
        }
        if status == "finished":
            record["fees"] = [{"amount": 1_000 * (number % 500), "paid_at": at.isoformat()}]
        yield at, "tax", record
