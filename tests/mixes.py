"""Invented mixes of pushes by several senders about few cases, so that they meet all the time."""

import json
import random
from typing import Any

from tests.trial import dossier

SENDERS = ("desk", "land", "tax")
CASES = 7
_DAYS = [f"2026-03-{day:02d}T09:00:00+07:00" for day in range(1, 9)]
_STATES = ("accepted", "in_progress", "supplement", "finished", "stopped", "?")
_NAMES = ("Nguyễn Văn Thử", "Trần Thị Mẫu")


def mix(seed: int, count: int) -> list[tuple[str, bytes]]:
    """(sender, body) of so many pushes; the same for the same seed."""
    chance = random.Random(seed)
    made: list[tuple[str, bytes]] = []
    while len(made) < count:
        if made and chance.random() < 0.12:
            made.append(chance.choice(made))  # word for word again
            continue
        records = [_record(chance) for _ in range(chance.choice((1, 1, 1, 2, 4)))]
        told: Any = records[0] if len(records) == 1 and chance.random() < 0.7 else records
        body = json.dumps(told, ensure_ascii=False).encode()
        made.append((chance.choice(SENDERS), body))
    return made


def _record(chance: random.Random) -> dict[str, Any]:
    case = chance.randrange(CASES)
    code = f"C-{case if chance.random() < 0.93 else chance.randrange(CASES)}"
    if chance.random() < 0.25:
        return {
            "code": code,
            "facet": chance.choice(("step", "result", "reception", "money")),
            "version": chance.randrange(1, 4),
            "updated_at": chance.choice(_DAYS),
            **({"status": chance.choice(_STATES)} if chance.random() < 0.7 else {}),
        }
    more: dict[str, Any] = {
        "code": code,
        "version": chance.choice((1, 2, 3, 4, ...)),
        "updated_at": chance.choice(_DAYS),
        "status": chance.choice(_STATES),
        "applicant": {"kind": "person", "name": _NAMES[chance.random() < 0.1]},
        "national_code": chance.choice((f"H50.12-260302-{case:04d}",) * 4 + (None, ...)),
        "agency": chance.choice(("H50.12", "H50.12", "H50.14")),
    }
    if chance.random() < 0.5:
        more["receipt_number"] = chance.choice((f"SBN-{case}", "0", "0"))
    if chance.random() < 0.2:
        more["links"] = [{"namespace": chance.choice(SENDERS), "code": f"C-{case}"}]
    if chance.random() < 0.3:
        days = sorted(chance.sample(_DAYS, 2))
        more["history"] = [{"status": "accepted", "at": days[0]}]
        if chance.random() < 0.5:
            more["history"].append({"status": "in_progress", "at": days[1]})
    return dossier(case, **more)
