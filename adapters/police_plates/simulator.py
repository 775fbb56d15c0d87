"""Stands in for the traffic police: fills a drop folder day by day, written from contract/ alone.

Data file: JSON in the department's words; rows that share a `ngay` in two forms are one day with
two files, `so_thu_tu` counts the days from 1 unless one says its own:

    {"days": [{"ngay": "2026-11-20", "dang": "csv", "bang_ma": "utf-8", "rows": [{...}]}]}

Options: `folder` (a temporary one unless said; the simulator owns it), `days` (how many days lie
there at the start: all unless said). POST /__drop {} drops the next day, {"day": "2026-11-23"} all
up to that one; GET /__drop tells folder and days; GET /__log every file dropped. Setting a mood
writes the days dropped so far anew.
"""

import atexit
import csv
import hashlib
import io
import json
import random
import shutil
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from adapters.simulation import Simulation

Row = dict[str, str]
_COLUMNS = ["SO_HO_SO", "MA_HO_SO_MOT_CUA", "MA_THU_TUC", "TEN_CHU_XE", "SO_DINH_DANH", "DIA_CHI"]
_COLUMNS += ["LOAI_XE", "BIEN_SO", "NGAY_NOP", "NGAY_HEN", "NGAY_XONG", "NGAY_TRA", "NGAY_DUNG"]
_COLUMNS += ["TINH_TRANG"]
_MOMENT, _DAY = "%d/%m/%Y %H:%M", "%d/%m/%Y"

# TCVN 5712:1993, VN3: vowel by vowel the codes of no tone (where it is no ASCII), grave, hook,
# tilde, acute, dot below; then đ and the seven capitals.
_VOWELS = {
    "aàảãáạ": "61 B5 B6 B7 B8 B9",
    "ăằẳẵắặ": "A8 BB BC BD BE C6",
    "âầẩẫấậ": "A9 C7 C8 C9 CA CB",
    "eèẻẽéẹ": "65 CC CE CF D0 D1",
    "êềểễếệ": "AA D2 D3 D4 D5 D6",
    "iìỉĩíị": "69 D7 D8 DC DD DE",
    "oòỏõóọ": "6F DF E1 E2 E3 E4",
    "ôồổỗốộ": "AB E5 E6 E7 E8 E9",
    "ơờởỡớợ": "AC EA EB EC ED EE",
    "uùủũúụ": "75 EF F1 F2 F3 F4",
    "ưừửữứự": "AD F5 F6 F7 F8 F9",
    "yỳỷỹýỵ": "79 FA FB FC FD FE",
    "đĂÂÊÔƠƯĐ": "AE A1 A2 A3 A4 A5 A6 A7",
}
_CODES = {
    letter: bytes.fromhex(code)
    for letters, codes in _VOWELS.items()
    for letter, code in zip(letters, codes.split(), strict=True)
}


def to_tcvn3(text: str) -> bytes:
    """The text in the codes of a TCVN3 font; a toned capital goes as its small letter.

    Raises:
        ValueError: a character the set cannot show.
    """
    found = bytearray()
    for letter in text:
        code = _CODES.get(letter) or _CODES.get(letter.lower())
        if code is None and not letter.isascii():
            raise ValueError(f"TCVN3 has no {letter!r}")
        found += letter.encode() if letter.isascii() else code or b""
    return bytes(found)


def drop_day(
    folder: Path,
    day: str,
    rows: Sequence[Row],
    *,
    number: int,
    form: str = "csv",
    encoding: str = "utf-8",
    mood: str = "well",
) -> Path:
    """Write one day with one file, its manifest last; the day's folder.

    Args:
        folder: The drop folder; made where it is not there.
        day: ISO, 2026-11-22.
        rows: In the contract's column names; a column not named is empty.
        number: The day's so_thu_tu.
        form: csv or xml.
        encoding: utf-8, or tcvn3 (csv alone).
        mood: What is wrong with it.
    """
    part = {"ngay": day, "dang": form, "bang_ma": encoding, "rows": list(rows)}
    return _write(folder, number, [part], mood)


def prepare(folder: Path, mood: str) -> None:
    """Write two days of the built-in set into the folder, in that mood."""
    for number, parts in _numbered(_built_in()["days"])[:2]:
        _write(folder, number, parts, mood)


def build(data: Path | None = None, options: dict[str, str] | None = None) -> Simulation:
    """The simulation; `endpoint` is the folder.

    Args:
        data: See the module; about 25 invented dossiers in three days where None.
        options: See the module.
    """
    told = options or {}
    days = json.loads(data.read_text("utf-8")) if data else _built_in()
    drop = _Drop(Path(told["folder"]) if "folder" in told else _temporary(), days)

    async def drop_next(request: Request) -> Response:
        body = await request.body()
        upto = json.loads(body).get("day") if body.strip() else None
        dropped = drop.next(simulation, upto)
        return JSONResponse({"dropped": dropped}, status_code=200 if dropped else 409)

    async def tell(_: Request) -> Response:
        return JSONResponse({"folder": str(drop.folder), "days": drop.days})

    simulation = Simulation(
        [Route("/__drop", drop_next, methods=["POST"]), Route("/__drop", tell, methods=["GET"])],
        endpoint=str(drop.folder),
        on_mood=lambda _: drop.again(simulation),
        on_data=lambda new: drop.replace(simulation, new),
    )
    drop.start(simulation, int(told["days"]) if "days" in told else None)
    return simulation


class _Drop:
    """The folder, the days there are, and how many of them lie there."""

    def __init__(self, folder: Path, told: dict[str, Any]) -> None:
        self.folder = folder
        self._days = _numbered(told["days"])
        self._count = 0

    @property
    def days(self) -> list[str]:
        """The days that lie there."""
        return [str(parts[0]["ngay"]) for _, parts in self._days[: self._count]]

    def start(self, simulation: Simulation, count: int | None) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._count = len(self._days) if count is None else min(count, len(self._days))
        for day in self._days[: self._count]:
            self._drop(simulation, day)

    def next(self, simulation: Simulation, upto: str | None) -> list[str]:
        """Drop the next day, or all up to one; their names."""
        dropped: list[str] = []
        while self._count < len(self._days):
            number, parts = self._days[self._count]
            day = str(parts[0]["ngay"])
            if (dropped and upto is None) or (upto is not None and day > upto):
                break
            self._drop(simulation, (number, parts))
            self._count += 1
            dropped.append(day)
        return dropped

    def again(self, simulation: Simulation) -> None:
        """Write what lies there once more, as the mood now has it."""
        count = self._count
        self._clear()
        self.start(simulation, count)

    def replace(self, simulation: Simulation, told: dict[str, Any]) -> None:
        self._clear()
        self._days = _numbered(told["days"])
        self.start(simulation, None)

    def _clear(self) -> None:
        for _, parts in self._days[: self._count]:
            shutil.rmtree(self.folder / parts[0]["ngay"].replace("-", ""), ignore_errors=True)

    def _drop(self, simulation: Simulation, day: tuple[int, list[dict[str, Any]]]) -> None:
        number, parts = day
        place = _write(self.folder, number, parts, simulation.mood)
        at = datetime.now(UTC).isoformat()
        simulation.log.extend(
            {"method": "DROP", "path": f"{place.name}/{path.name}", "operation": "drop", "at": at}
            for path in sorted(place.iterdir())
        )


def _temporary() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="police-plates-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _numbered(days: Sequence[dict[str, Any]]) -> list[tuple[int, list[dict[str, Any]]]]:
    """The days with their numbers, parts of one day together, oldest first."""
    grouped: dict[str, list[dict[str, Any]]] = {}
    for part in sorted(days, key=lambda part: str(part["ngay"])):
        grouped.setdefault(part["ngay"], []).append(part)
    found: list[tuple[int, list[dict[str, Any]]]] = []
    number = 0
    for parts in grouped.values():
        number = int(parts[0].get("so_thu_tu", number + 1))
        found.append((number, parts))
    return found


def _write(folder: Path, number: int, parts: list[dict[str, Any]], mood: str) -> Path:
    day = str(parts[0]["ngay"])
    place = folder / day.replace("-", "")
    place.mkdir(parents=True, exist_ok=True)
    files: list[dict[str, Any]] = []
    for part in parts:
        form, encoding = part.get("dang", "csv"), part.get("bang_ma", "utf-8")
        rows = _in_mood(part["rows"], mood)
        raw = _page() if mood == "html" else _file(rows, form, encoding)
        files.append(
            {
                "ten": f"hoso.{form}",
                "dang": form,
                "bang_ma": encoding,
                "so_ban_ghi": len(rows),
                "sha256": hashlib.sha256(raw).hexdigest(),
            }
        )
        cut = int(len(raw) * 0.6) if mood == "truncated" else len(raw)
        (place / f"hoso.{form}").write_bytes(raw[:cut])
    manifest = {"ngay": day, "so_thu_tu": number, "tep": files}
    unfinished = place / "manifest.json.tmp"
    unfinished.write_text(json.dumps(manifest, ensure_ascii=False, indent=1), "utf-8")
    unfinished.rename(place / "manifest.json")
    return place


def _file(rows: Sequence[Row], form: str, encoding: str) -> bytes:
    names = [
        *_COLUMNS,
        *dict.fromkeys(name for row in rows for name in row if name not in _COLUMNS),
    ]
    if form == "xml":
        if encoding != "utf-8":
            raise ValueError("the contract knows XML in utf-8 alone")
        body = "".join(
            "<HO_SO>"
            + "".join(f"<{n}>{escape(row.get(n, ''))}</{n}>" for n in names)
            + "</HO_SO>\n"
            for row in rows
        )
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<DANH_SACH>\n{body}</DANH_SACH>\n'.encode()
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(names)
    writer.writerows([row.get(name, "") for name in names] for row in rows)
    return to_tcvn3(text.getvalue()) if encoding == "tcvn3" else text.getvalue().encode()


def _page() -> bytes:
    return "<!DOCTYPE html><html><body><h1>Phiên làm việc đã hết</h1></body></html>".encode()


def _in_mood(rows: Sequence[Row], mood: str) -> list[Row]:
    """The rows as the mood has them; a mood of the wire leaves them as they are."""
    found = [dict(row) for row in rows]
    match mood:
        case "empty":
            return []
        case "duplicate":
            return [row for row in found for _ in range(2)]
        case "reordered":
            random.Random(7).shuffle(found)
        case "mixed_dates":
            for row in found[::3]:
                moment = datetime.strptime(row["NGAY_NOP"], _MOMENT)  # noqa: DTZ007 - text to text
                row["NGAY_NOP"] = moment.strftime("%Y-%m-%d %H:%M:%S")
        case "sentinel_dates":
            for place, row in enumerate(found):
                row["NGAY_XONG"] = row.get("NGAY_XONG") or "31/12/9999 00:00"
                row["NGAY_TRA"] = row.get("NGAY_TRA") or "00/00/0000 00:00"
                if place % 4 == 0:  # the contract declares none that looks so
                    row["NGAY_HEN"] = "01/01/0001"
        case _:
            pass
    return found


_FAMILY = ("Nguyễn Văn", "Trần Thị", "Lê Đức", "Phạm Thị", "Hoàng Hữu", "Đỗ Minh", "Hồ Thị", "Võ")
_GIVEN = ("Thử", "Mẫu", "Giả", "Định", "Kiểm", "Bịa", "Đặt", "Ví Dụ")
_PLACES = ("Phường 1, Đông Hà", "Thôn Tân Mỹ, Hải Lăng", 'Đường "Cũ", Hồ Xá, Vĩnh Linh', "Cam Lộ")


def _built_in() -> dict[str, Any]:
    """25 invented dossiers in three days: CSV, XML, and CSV in TCVN3."""
    dice = random.Random(5308)
    all_rows = [_dossier(place, dice) for place in range(25)]
    first, second = all_rows[:12], all_rows[12:]
    moved = [_moved(row, place) for place, row in enumerate(first[:8])]
    again = [_moved(row, place + 1) for place, row in enumerate(second[:6])]
    return {
        "days": [
            {"ngay": "2026-11-20", "dang": "csv", "bang_ma": "utf-8", "rows": first},
            {"ngay": "2026-11-23", "dang": "xml", "bang_ma": "utf-8", "rows": second + moved},
            {"ngay": "2026-11-24", "dang": "csv", "bang_ma": "tcvn3", "rows": again},
        ]
    }


def _dossier(place: int, dice: random.Random) -> Row:
    received = datetime(2026, 11, 17 + place // 12, 7, 30) + timedelta(minutes=dice.randrange(480))  # noqa: DTZ001 - the department's clock on the wall
    name = f"{dice.choice(_FAMILY)} {dice.choice(_GIVEN)}"
    desk = f"H50.12-{received:%y%m%d}-{400 + place:04d}" if place % 3 else ""
    return dict.fromkeys(_COLUMNS, "") | {
        "SO_HO_SO": f"74-DKX-2026-{1200 + place:05d}",
        "MA_HO_SO_MOT_CUA": desk,
        "MA_THU_TUC": f"DKX{place % 3 + 1:02d}",
        "TEN_CHU_XE": name,
        "SO_DINH_DANH": f"0000{dice.randrange(10**8):08d}",
        "DIA_CHI": _PLACES[place % len(_PLACES)],
        "LOAI_XE": "Mô tô" if place % 2 else "Ô tô con",
        "NGAY_NOP": received.strftime(_MOMENT),
        "NGAY_HEN": (received + timedelta(days=7)).strftime(_DAY),
        "TINH_TRANG": "Đang giải quyết" if place % 2 else "Mới tiếp nhận",
    }


def _moved(row: Row, place: int) -> Row:
    """The dossier some days on."""
    begun = datetime.strptime(row["NGAY_NOP"], _MOMENT)  # noqa: DTZ007 - the department's clock on the wall
    done = (begun + timedelta(days=2)).strftime(_MOMENT)
    plate = {"BIEN_SO": f"74ZZ-{200 + place:03d}.{10 + place}"}
    return (
        row
        | (
            plate | {"TINH_TRANG": "Đã có kết quả", "NGAY_XONG": done},
            plate | {"TINH_TRANG": "Đã trả kết quả", "NGAY_XONG": done, "NGAY_TRA": done},
            {"TINH_TRANG": "Chờ bổ sung giấy tờ"},
            {"TINH_TRANG": "Trả lại hồ sơ", "NGAY_DUNG": done},
        )[place % 4]
    )
