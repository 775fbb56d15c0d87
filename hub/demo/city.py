"""The data file of one city's simulator: calls in the order the app makes them, disorder included.

A block of some hundred dossiers is a handful of calls. Into them go: the same row twice, a whole
call sent again, results before their dossier, steps long after their result, corrected names,
addresses, years and days of ending, a later due date that nobody declared an extension for, and
calls whose rows are refused, each put right by a row that follows.
"""

import random
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any

from msgspec import Struct, field

from hub.demo.cases import WORKING, Case, cases_of
from hub.demo.city_rows import Row, ended, pushed, registered, registration, spoilt, stepped
from hub.demo.figures import LATE, LINES
from hub.demo.people import person

BLOCK = 480
_REFUSED_ONLINE = 8
_RIGHT_NAMES = ("Thị Ngọc Ánh", "Văn Thành", "Thị Kim Oanh", "Đình Quý")
Call = dict[str, Any]


class _Block(Struct):
    """The rows of some dossiers, by the call that carries them.

    Attributes:
        early: Results that come before their dossier.
        wrong: Rows that must be refused; `pushes` and `steps` have the right ones.
        late: Operation -> what is told only after the next block's dossiers.
    """

    early: list[Row] = field(default_factory=list)
    wrong: list[Row] = field(default_factory=list)
    pushes: list[Row] = field(default_factory=list)
    wrong_steps: list[Row] = field(default_factory=list)
    steps: list[Row] = field(default_factory=list)
    results: list[Row] = field(default_factory=list)
    late: dict[str, list[Row]] = field(
        default_factory=lambda: {"pushDocument": [], "updateStatus": [], "updateResult": []}
    )


def file_of(connection: str, seed: int) -> dict[str, Any]:
    """The city's data file; the same for the same seed."""
    unit = next(line.app_code for line in LINES if line.connection == connection)
    dice = random.Random(f"{seed}:{connection}:app")
    cases = cases_of(connection, seed)
    calls: list[Call] = []
    waiting: list[Call] = []
    for number, chunk in enumerate(_chunks(cases)):
        block = _Block()
        for case in chunk:
            _tell(case, unit, block, dice)
        calls += _calls(block, waiting, is_resent=number % 5 == 1)
        waiting = [{"op": op, "rows": rows} for op, rows in block.late.items()]
    calls += waiting
    online = [registered(case, unit, dice) for case in cases if case.online_id is not None]
    refused, refusals = _refused(unit, online[-1]["onlineId"] + 1, dice)
    calls.append({"op": "updateStatus", "rows": refusals})
    return {"online": online + refused, "calls": [call for call in calls if call["rows"]]}


def _chunks(cases: Sequence[Case]) -> Iterator[list[Case]]:
    rest = iter(cases)
    while chunk := list(islice(rest, BLOCK)):
        yield chunk


def _calls(block: _Block, waiting: Sequence[Call], *, is_resent: bool) -> list[Call]:
    main = {"op": "pushDocument", "rows": block.pushes}
    return [
        {"op": "updateResult", "rows": block.early},
        {"op": "pushDocument", "rows": block.wrong},
        main,
        *([main] if is_resent else []),
        *waiting,
        {"op": "updateStatus", "rows": block.wrong_steps},
        {"op": "updateStatus", "rows": block.steps},
        {"op": "updateResult", "rows": block.results},
    ]


def _tell(case: Case, unit: str, block: _Block, dice: random.Random) -> None:
    """Put what is told of one dossier into the block's calls."""
    _tell_reception(pushed(case, unit), case, block, dice)
    _tell_steps(stepped(case, dice), case, block, dice)
    _tell_end(ended(case, dice), case, block, dice)


def _tell_reception(row: Row, case: Case, block: _Block, dice: random.Random) -> None:
    habit = dice.random()
    if habit < 0.002:
        block.wrong.append(spoilt(row, dice))
    elif habit < 0.03 and case.accepted.month == 1:
        # In January the old year is typed; the last word counts.
        block.pushes.append(row | {"ngayNopHoSo": _a_year_before(row["ngayNopHoSo"])})
    elif habit < 0.03:
        block.late["pushDocument"].append(_mended(row, dice))
    block.pushes.append(row)
    if habit > 0.98:
        block.pushes.append(row)


def _tell_steps(rows: list[Row], case: Case, block: _Block, dice: random.Random) -> None:
    habit = dice.random()
    if not rows:
        return
    if habit < 0.002:
        block.wrong_steps.append(rows[0] | {"trangThaiKeTiep": 11})
    if case.verdict == LATE and habit < 0.4 and len(rows) > 1:
        # A new date at a later step, and nobody declared an extension: the first promise counts.
        moved = case.due + timedelta(days=20)
        rows[-1] = rows[-1] | {"ngayHenTra": moved.strftime("%d/%m/%Y %H:%M:%S")}
    if habit > 0.96 and case.online_id is None and rows[0]["trangThaiKeTiep"] == WORKING:
        block.late["updateStatus"] += rows[:1]
        rows = rows[1:]
    block.steps += rows
    if habit > 0.95:
        block.steps += rows[-1:]


def _tell_end(row: Row | None, case: Case, block: _Block, dice: random.Random) -> None:
    if row is None:
        return
    habit = dice.random()
    if habit < 0.03:
        block.early.append(row)
        return
    if habit < 0.04 and case.finished is not None:
        typed = (case.finished + timedelta(days=40)).strftime("%d/%m/%Y %H:%M:%S")
        block.results.append(row | {"ngayHoanThanh": typed})
        block.late["updateResult"].append(row)
        return
    block.results.append(row)
    if habit > 0.98:
        block.results.append(row)


def _a_year_before(told: str) -> str:
    return f"{told[:6]}{int(told[6:10]) - 1}{told[10:]}"


def _mended(row: Row, dice: random.Random) -> Row:
    if dice.random() < 0.5:
        return row | {
            "moTaDiaChiThuongTru": f"Số {dice.randint(1, 99)}, {row['moTaDiaChiThuongTru']}"
        }
    family = row["hoTenNguoiNop"].split()[0]
    return row | {"hoTenNguoiNop": f"{family} {dice.choice(_RIGHT_NAMES)}"}


def _refused(unit: str, first: int, dice: random.Random) -> tuple[list[Row], list[Row]]:
    """Registrations that nobody accepted, and the steps that say so: 16 without maSoHoSo."""
    rows, steps = [], []
    for number in range(first, first + _REFUSED_ONLINE):
        who = person(dice, 900_000 + number % 10_000, "Đông Hà")
        day = f"{1 + number % 28:02d}/03/2016"
        rows.append(registration(number, "HT01", unit, who, day))
        steps.append(
            {
                "onlineId": number,
                "trangThaiHienTai": 0,
                "trangThaiKeTiep": 16,
                "ngayGioLuanChuyen": f"{1 + number % 28:02d}/04/2016 09:{number % 60:02d}:00",
                "noiDungYeuCauXuLy": "Thiếu thành phần hồ sơ",
            }
        )
    return rows, steps
