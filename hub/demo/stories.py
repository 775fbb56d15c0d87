"""Cases that live in two systems: licences taken in at the desk, land that waits for a tax duty.

One tie comes late: the desk's app learns the Department's number in the night after both systems
told the hub. One is doubtful: the Department wrote down the desk's number of somebody else.
"""

import random
from datetime import date, datetime, timedelta
from typing import Any

from msgspec import Struct, field

from hub.demo.days import WorkingDays, at, in_office
from hub.demo.desk import DeskCase, last_row, open_case, rows_of
from hub.demo.people import Person

Row = dict[str, Any]
_LICENCE = {"GTVT.GPLX.CAP": "1", "GTVT.GPLX.DOI": "2"}
_PAID, _UNPAID = 1, 0
# The desk's word, and the Department's for the same.
_STATES = {"processing": "03", "interoperating": "12", "waiting": "16", "done": "10"}
LICENCES, LANDS = 24, 10


class TwoLegs(Struct, frozen=True):
    """One story to be told by name.

    Attributes:
        desk: The desk leg's code (referenceUid).
        other: "namespace:code" of the other leg.
    """

    desk: str
    other: str


class Stories(Struct):
    """Rows for three systems, and the cases that are told of.

    Attributes:
        one_stop: The desk's rows as they are at the first look.
        one_stop_later: Those it has changed when it is asked again.
        hoso: The Department of Transport's rows.
        notices: The tax office's.
    """

    one_stop: list[Row] = field(default_factory=list)
    one_stop_later: list[Row] = field(default_factory=list)
    hoso: list[Row] = field(default_factory=list)
    notices: list[Row] = field(default_factory=list)
    told: dict[str, TwoLegs] = field(default_factory=dict)


def stories(seed: int, today: date) -> Stories:
    """All of them; the same for the same seed and day."""
    dice = random.Random(f"{seed}:stories")
    days = WorkingDays(today - timedelta(days=150), today + timedelta(days=60))
    now = days.upto(today - timedelta(days=1))
    made = Stories()
    night = at(today, 0, 1)
    cases = [_licence(number, now, days, dice) for number in range(1301, 1301 + LICENCES)]
    late, doubtful = cases[0], cases[1]
    for case in cases:
        if case is late:
            _tell_late(case, night, made)
        elif case is doubtful:
            _tell_doubtful(case, cases[2], made)
        else:
            _tell_licence(case, made)
    for number in range(1401, 1401 + LANDS):
        _tell_land(number, now, days, dice, made)
    return made


def licence_row(case: DeskCase, who: Person, code: str, state: str) -> Row:
    """A dossier as the Department of Transport lists it (HoSoMotCua); names in capitals."""
    return {
        "MaDK1": code,
        "MALOAIHOSO1": _LICENCE[case.service],
        "MANGUOITIEPNHAN1": "GPLX01",
        "TENNGUOITIEPNHAN1": "Phạm Thị Tiếp",
        "HOTENNGUOINOP1": who.name.upper(),
        "SOCMND1": who.id_number,
        "NGAYSINH1": who.born,
        "GIOITINH1": "F" if who.sex == 2 else "M",
        "MATINHTHUONGTRU1": "45",
        "MOTADIACHITHUONGTRU1": who.address,
        "NGAYNOPHOSO1": case.accepted.strftime("%d/%m/%Y %H:%M:%S"),
        "NGAYHENTRA1": case.due.strftime("%d/%m/%Y"),
        "TRANGTHAIXULY1": state,
    }


def code_of(case: DeskCase) -> str:
    """The Department's registration number of a desk's dossier."""
    return f"45001-{case.accepted:%Y%m%d}-{case.accepted:%H%M%S}{case.number % 1000:03d}"


def _licence(number: int, now: int, days: WorkingDays, dice: random.Random) -> DeskCase:
    begun = now - (2 if number < 1304 else dice.randint(3, 25))
    state = "processing" if number < 1304 else dice.choice(("processing", "interoperating"))
    service = dice.choice(tuple(_LICENCE))
    case = open_case(number, "SGTVT", service, begun, state, days, dice)
    if begun + 6 <= now and dice.random() < 0.7:
        end = in_office(dice, days[begun + 6], 14, 16)
        case.states += [(end, "releasing"), (end + timedelta(minutes=20), "done")]
    return case


def _department_row(case: DeskCase) -> Row:
    return licence_row(case, case.who, code_of(case), _STATES[case.states[-1][1]])


def _tell_licence(case: DeskCase, made: Stories) -> None:
    """Both legs of a licence, one of them with the other's number."""
    hoso = _department_row(case)
    if case.number % 2:
        case.more = _linked(case)
    else:
        hoso["MASOHOSOMOTCUA1"] = case.dossier_no
    made.one_stop += rows_of(case)
    made.hoso.append(hoso)
    made.told.setdefault("licence", TwoLegs(case.uid, f"transport:{code_of(case)}"))


def _linked(case: DeskCase) -> Row:
    return {"serverNo": "SGTVT-GPLX", "originDossierNo": code_of(case)}


def _tell_late(case: DeskCase, night: datetime, made: Stories) -> None:
    """Two legs that do not know each other until the desk's app says so in the night."""
    made.one_stop += rows_of(case)
    made.hoso.append(_department_row(case))
    case.more = _linked(case)
    case.states.append((night, case.states[-1][1]))
    made.one_stop_later.append(last_row(case))
    made.told["late"] = TwoLegs(case.uid, f"transport:{code_of(case)}")


def _tell_doubtful(case: DeskCase, other: DeskCase, made: Stories) -> None:
    """Somebody's licence at the Department, with the desk's number of another person's dossier."""
    made.one_stop += rows_of(case)
    code = f"45001-{case.accepted:%Y%m%d}-{case.accepted:%H%M%S}999"
    stranger = Person(
        name="Hồ Thị Nhầm Số",
        id_number=f"{599_999:012d}",
        phone=other.who.phone,
        address=other.who.address,
        born=other.who.born,
        sex=2,
    )
    row = licence_row(case, stranger, code, "03")
    made.hoso.append(row | {"MASOHOSOMOTCUA1": case.dossier_no})
    made.told["doubtful"] = TwoLegs(case.uid, f"transport:{code}")


def _tell_land(
    number: int, now: int, days: WorkingDays, dice: random.Random, made: Stories
) -> None:
    begun = now - dice.randint(5, 12)
    case = open_case(number, "STNMT", "STNMT.DAT.TC", begun, "processing", days, dice)
    noticed = in_office(dice, days[begun + 2])
    made.notices.append(_notice(case, noticed, _UNPAID, None))
    is_paid = number % 3 == 0
    if is_paid:
        paid = in_office(dice, days[begun + 4])
        made.notices.append(_notice(case, paid, _PAID, paid))
    made.told.setdefault(
        "land_paid" if is_paid else "land", TwoLegs(case.uid, f"tax:TB-{case.number}")
    )
    made.one_stop += rows_of(case)


def _notice(case: DeskCase, at: datetime, state: int, paid: datetime | None) -> Row:
    """A tax notice in the tax system's words; the desk's dossier is named by its leg's code."""
    return {
        "MaThongBaoThue": f"TB-{case.number}",
        "HeThong": "MOTCUA",
        "MaHoSo": case.uid,
        "SoBienNhan": case.dossier_no,
        "NgayCapNhat": at.strftime("%d-%m-%Y %H:%M:%S"),
        "TrangThaiThanhToan": state,
        "ThoiGianThanhToan": paid.strftime("%Y%m%d%H%M%S") if paid else "",
        "ThongBao": [
            {
                "MA_SO_THUE": "9900000016",
                "SO_QUYET_DINH": f"QĐ-{case.number}",
                "NGAY_QUYET_DINH": at.strftime("%d-%m-%Y"),
                "TEN_TIEUMUC": "Tiền thuê đất",
                "SO_TIEN": str(1_250_000 + case.number * 1_000),
            }
        ],
    }
