"""The simulators' data files, from one seed and one day: what each department says, no more."""

import json
from datetime import date
from pathlib import Path
from typing import Any

from msgspec import Struct

from hub.demo import city, departments, desk, night
from hub.demo.stories import Stories, stories

SEED = 2540  # the number of the province's letter of 4 July 2016
Row = dict[str, Any]


class Generated(Struct, frozen=True):
    """What was written.

    Attributes:
        today: The day of the demo, +07:00.
        files: Connection -> its simulator's data file.
        later: What the one-stop app holds when it is asked a second time.
        lookup: Code and PIN on an appointment slip.
        moved: Legs of the one-stop app that have moved on by then.
        unknown: The leg whose state no table has yet: `night.UNKNOWN`.
    """

    today: date
    files: dict[str, Path]
    later: Path
    stories: Stories
    lookup: tuple[str, str]
    moved: list[str]
    unknown: str


def write_all(folder: Path, today: date, seed: int = SEED) -> Generated:
    """Write every simulator's file into a folder; the same for the same day and seed."""
    folder.mkdir(parents=True, exist_ok=True)
    told = stories(seed, today)
    now = desk.this_year(seed, today)
    one_stop = [row for case in desk.closed_2016(seed) for row in desk.rows_of(case, from_state=1)]
    one_stop += [row for case in now for row in desk.rows_of(case)]
    one_stop += told.one_stop
    unknown = night.unknown_state(seed, today)
    one_stop += [*one_stop[:20], *_bad(one_stop[-1], unknown)]
    notices = [*told.notices, *_bad_notices(told.notices[0])]
    made: dict[str, Any] = {
        "dong-ha": city.file_of("dong-ha", seed),
        "vinh-linh": city.file_of("vinh-linh", seed),
        "one_stop": one_stop,
        "transport": {"hoso": told.hoso + departments.licences(seed, today)},
        "business_registry": departments.registrations(seed, today),
        "tax": notices,
        "police_plates": departments.plates(seed, today),
    }
    slip = next(case for case in now if case.states[-1][1] == "processing")
    moved = night.moved_on([case for case in now if case is not slip], today)
    made["one_stop-later"] = [*one_stop, *told.one_stop_later, *moved]
    files = {name: _written(folder / f"{name}.json", content) for name, content in made.items()}
    later = files.pop("one_stop-later")
    return Generated(
        today=today,
        files=files,
        later=later,
        stories=told,
        lookup=(slip.dossier_no, slip.pin),
        moved=[row["referenceUid"] for row in moved],
        unknown=unknown["referenceUid"],
    )


def _written(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content, ensure_ascii=False), "utf-8")
    return path


def _bad(row: Row, unknown: Row) -> list[Row]:
    """Rows of the one-stop app that must be set apart."""
    return [
        row | {"dossierId": 1, "referenceUid": "sai-1", "dossierStatus": "300"},
        unknown,
        row | {"dossierId": 3, "referenceUid": "sai-3", "receiveDate": "31/02/2026 08:00"},
        row | {"dossierId": 4, "referenceUid": "sai-4", "serviceCode": "KHONG.CO"},
    ]


def _bad_notices(row: Row) -> list[Row]:
    """Notices of the tax office that must be set apart."""
    return [
        row | {"MaThongBaoThue": "TB-SAI-1", "TrangThaiThanhToan": 2},
        row | {"MaThongBaoThue": "TB-SAI-2", "HeThong": "KHONG-RO"},
    ]
