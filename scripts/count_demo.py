#!/usr/bin/env python3
"""Counts the demo's dossiers from the departments' own files, with nothing of the hub.

    python3 scripts/count_demo.py .hub/demo/simulators [--json]

Standard library only. It reads what the simulated departments hold (the two cities: the calls they
make and the registrations they were sent; one_stop: its dossier list), keeps the last word on every
dossier, and counts as the founding interview counts: received in the period; of those ended by its
last day before, on or after the promised day; returned; still open. Rows that break their contract
say nothing.
"""

import argparse
import json
import re
import sys
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

PROVINCE = "H50"
CITIES = {"dong-ha": ("DH", "H50.12"), "vinh-linh": ("VL", "H50.14")}
PERIODS = [(date(2015, 1, 1), date(2015, 12, 31)), (date(2016, 1, 1), date(2016, 6, 30))]
SERVICES = {
    *("KD01", "KD02", "TM01", "XC01", "XD01", "LD01"),
    *("TN01", "HT01", "HT02", "DD01", "DD02", "DT01"),
}
RETURNED, WITHDRAWN, WAITING = {8, 16}, {7, 18}, {3, 9, 14, 17}
STATES = {*range(10), *range(12, 20)}
BUCKETS = (
    *("early", "on_time", "late", "open_in_term", "open_overdue"),
    *("waiting", "returned", "withdrawn", "undetermined"),
)
RESOLVED = ("early", "on_time", "late", "returned", "withdrawn")
VIETNAM = timezone(timedelta(hours=7))
Row = dict[str, Any]
MOMENT = re.compile(r"\d\d/\d\d/\d{4} \d\d:\d\d:\d\d")


class Dossier:
    """The last word on one dossier: days, and what happened when."""

    def __init__(self, agency: str) -> None:
        self.agency = agency
        self.received: datetime | None = None
        self.promised: date | None = None
        self.finished: datetime | None = None
        self.handed: datetime | None = None
        # Each with its moment: returned, withdrawn, waiting or open.
        self.happened: list[tuple[datetime, str]] = []
        self.online = False

    def stood(self, on: date) -> tuple[str, date | None]:
        """(bucket, day it was closed) at the end of a day."""
        ends = [end.date() for end in (self.finished, self.handed) if end and end.date() <= on]
        if ends:
            end = ends[0]  # the end of work where there is one, else the hand-over
            if self.promised is None or end == self.promised:
                return "on_time", end
            return ("early" if end < self.promised else "late"), end
        past = [step for step in sorted(self.happened) if step[0].date() <= on]
        word, day = (past[-1][1], past[-1][0].date()) if past else ("open", None)
        if word != "open":
            return word, day
        overdue = self.promised is not None and self.promised < on
        return ("open_overdue" if overdue else "open_in_term"), None


def moment(text: object) -> datetime | None:
    """dd/MM/yyyy HH:mm:ss; None for anything else, days that do not exist included."""
    if not isinstance(text, str) or not MOMENT.fullmatch(text):
        return None
    try:
        return datetime.strptime(text, "%d/%m/%Y %H:%M:%S")  # noqa: DTZ007 - the wall clock
    except ValueError:
        return None


def bad_dates(row: Row, *names: str) -> bool:
    """Whether one of these dates is there and cannot be read."""
    return any(row.get(name) and moment(row[name]) is None for name in names)


def take_push(dossier: Dossier, row: Row) -> None:
    """The counter's word: received, and until when promised; the first promise counts."""
    if bad_dates(row, "ngayNopHoSo", "ngayHenTra") or row.get("maLoaiHoSo") not in SERVICES:
        return
    dossier.received = moment(row["ngayNopHoSo"])
    promised = moment(row.get("ngayHenTra"))
    if dossier.promised is None and promised is not None:
        dossier.promised = promised.date()


def take_status(dossier: Dossier, row: Row, registered: set[int]) -> None:
    """A step; one that names a registration the app was sent makes the dossier an online one."""
    state, at = row["trangThaiKeTiep"], moment(row.get("ngayGioLuanChuyen"))
    if state not in STATES or at is None or bad_dates(row, "ngayHenTra"):
        return
    word = "open"
    for name, states in (("returned", RETURNED), ("withdrawn", WITHDRAWN), ("waiting", WAITING)):
        word = name if state in states else word
    dossier.happened.append((at, word))
    dossier.online = dossier.online or row.get("onlineId") in registered


def take_result(dossier: Dossier, row: Row) -> None:
    """The ends, field by field: what a later row leaves out stays."""
    if bad_dates(row, "ngayHoanThanh", "ngayNhanKetQua"):
        return
    dossier.finished = moment(row.get("ngayHoanThanh")) or dossier.finished
    dossier.handed = moment(row.get("ngayNhanKetQua")) or dossier.handed


def read_city(folder: Path, name: str) -> tuple[list[Dossier], int]:
    """The dossiers of one city, and how many rows its files hold."""
    unit, agency = CITIES[name]
    told = json.loads((folder / f"{name}.json").read_text("utf-8"))
    registered = {row["onlineId"] for row in told["online"] if row["maDonViTiepNhan"] == unit}
    found: dict[str, Dossier] = {}
    rows = len(told["online"])
    for call in told["calls"]:
        rows += len(call["rows"])
        for row in call["rows"]:
            if not row.get("maSoHoSo"):
                continue  # a registration nobody accepted
            dossier = found.setdefault(row["maSoHoSo"], Dossier(agency))
            if call["op"] == "pushDocument":
                take_push(dossier, row)
            elif call["op"] == "updateStatus":
                take_status(dossier, row, registered)
            else:
                take_result(dossier, row)
    return list(found.values()), rows


def local(milliseconds: object) -> datetime | None:
    """Epoch milliseconds as the clock on the wall shows them; None for none."""
    if not isinstance(milliseconds, int) or milliseconds <= 0:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, VIETNAM).replace(tzinfo=None)


def read_desk(folder: Path) -> tuple[list[Dossier], int]:
    """The closed dossiers of the provincial app; the newest row of each is its last word."""
    rows = json.loads((folder / "one_stop.json").read_text("utf-8"))
    newest = {}
    for row in sorted(rows, key=lambda row: row["modifiedDate"]):
        newest[row["referenceUid"]] = row
    found = []
    for row in newest.values():
        received = local(row["receiveDate"])
        if received is None or received.date() > PERIODS[-1][1]:
            continue
        dossier = Dossier("desk")
        dossier.received, dossier.online = received, row["online"]
        due = local(row["dueDate"])
        dossier.promised = due.date() if due else None
        state = row["dossierStatus"]
        if state in ("releasing", "done"):
            dossier.finished, dossier.handed = local(row["releaseDate"]), local(row["finishDate"])
        elif state in ("unresolved", "cancelled"):
            word = "returned" if state == "unresolved" else "withdrawn"
            dossier.happened.append((local(row["modifiedDate"]) or received, word))
        found.append(dossier)
    return found, len(rows)


def count(dossiers: list[Dossier], agency: str, start: date, end: date) -> dict[str, Any]:
    """Profile seed: the buckets of a period, and what was resolved in it."""
    buckets = dict.fromkeys(BUCKETS, 0)
    resolved = online = 0
    for dossier in dossiers:
        if agency not in (PROVINCE, dossier.agency) or dossier.received is None:
            continue
        received = dossier.received.date()
        if received > end:
            continue
        bucket, closed = dossier.stood(end)
        if start <= received:
            buckets[bucket] += 1
        if bucket in RESOLVED and closed is not None and start <= closed <= end:
            resolved += 1
            online += dossier.online
    return {
        "agency": agency,
        "from": start.isoformat(),
        "to": end.isoformat(),
        "total": sum(buckets.values()),
        "buckets": buckets,
        "resolved": resolved,
        "resolved_online": online,
    }


def rows_in(folder: Path, name: str) -> int:
    """How many rows a department's file holds, whatever its form."""
    told = json.loads((folder / f"{name}.json").read_text("utf-8"))
    if isinstance(told, list):
        return len(told)
    if "days" in told:
        return sum(len(day["rows"]) for day in told["days"])
    return len(told["hoso" if "hoso" in told else "HoSo"])


def main() -> None:
    """Print the counts: JSON, or a line per unit and period."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where the simulators' files are")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    asked = parser.parse_args()
    dossiers: list[Dossier] = []
    rows: dict[str, int] = {}
    for name in CITIES:
        found, rows[name] = read_city(asked.folder, name)
        dossiers += found
    found, rows["one_stop"] = read_desk(asked.folder)
    dossiers += found
    for name in ("transport", "business_registry", "tax", "police_plates"):
        rows[name] = rows_in(asked.folder, name)
    agencies = [agency for _, agency in CITIES.values()] + [PROVINCE]
    counts = [count(dossiers, agency, *period) for agency in agencies for period in PERIODS]
    if asked.json:
        json.dump({"counts": counts, "rows": rows}, sys.stdout)
        return
    for told in counts:
        named = ", ".join(f"{name} {number}" for name, number in told["buckets"].items() if number)
        print(f"{told['agency']} {told['from']}..{told['to']}: {told['total']} = {named}")
    print(f"rows: {rows}")


if __name__ == "__main__":
    main()
