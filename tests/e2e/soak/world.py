"""What the departments of a soak have to say, from one seed, and what the hub must hold at the end.

Each dossier lives through one to six versions. 5 % of the records are bad (codes of their own,
so that the quarantine can be told exactly), 5 % are said twice and 5 % out of their order.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.e2e.soak.words import BAD, LIFE, Said, Version, status_of, told

DEPARTMENTS = ("one_stop", "business_registry", "tax", "desk", "land")
POLLED = DEPARTMENTS[:3]
PUSHED = DEPARTMENTS[3:]
_SHARE = 0.05
_STEPS = 60
# Sources are asked with an overlap of 300 s: what is late must be late by less.
_LATE_S = 200
_GAP = timedelta(seconds=11)


@dataclass
class Share:
    """One department's part of the world.

    Attributes:
        steps: What it comes to say, step by step.
        newest: Code -> canonical status of its newest version.
        records: How many different good records it says.
        bad: (code, reason) of everything it says that must be set apart.
        said: Records in all, doubles and bad ones included.
        late_steps: Steps in which it says something that is older than what it has said.
    """

    steps: list[list[Said]]
    newest: dict[str, str] = field(default_factory=dict)
    records: int = 0
    bad: set[tuple[str, str]] = field(default_factory=set)
    said: int = 0
    late_steps: set[int] = field(default_factory=set)


def world(seed: int, records: int, ends_at: datetime) -> dict[str, Share]:
    """Department -> its share; about `records` in all, the newest some hours before `ends_at`."""
    each = records // len(DEPARTMENTS)
    return {name: _share(name, seed, each, ends_at) for name in DEPARTMENTS}


def _share(name: str, seed: int, records: int, ends_at: datetime) -> Share:
    dice = random.Random(f"{seed}:{name}")
    versions = _lives(dice, records, ends_at - _GAP * records)
    share = Share([[] for _ in range(_STEPS)])
    for place, one in enumerate(versions):
        step = place * _STEPS // len(versions)
        share.records += 1
        share.newest[one.code] = status_of(name, one)
        said = told(name, one)
        if dice.random() < _SHARE:
            step = _late(share, name, versions, place, step)
        share.steps[step].append(said)
        if dice.random() < _SHARE:
            share.steps[min(step + dice.randint(0, 1), _STEPS - 1)].append(said)
        if dice.random() < _SHARE:
            share.steps[step].append(_bad(share, name, one, place, dice))
    for step in share.steps:
        if name in PUSHED:
            _out_of_order(step, dice)
        share.said += len(step)
    return share


def _lives(dice: random.Random, records: int, begins_at: datetime) -> list[Version]:
    """Versions of all dossiers in order of time, one a moment."""
    open_ones: dict[str, int] = {}
    number, found = 0, []
    for place in range(records):
        if open_ones and dice.random() < 0.75:
            code = dice.choice(list(open_ones))
            open_ones[code] += 1
        else:
            number += 1
            code = f"S-{number:05d}"
            open_ones[code] = 0
        stage = open_ones[code]
        if stage == len(LIFE) - 1 or (stage > 2 and dice.random() < 0.2):
            del open_ones[code]
        if len(open_ones) > 400:
            del open_ones[next(iter(open_ones))]
        at = (begins_at + _GAP * place).replace(microsecond=0)
        found.append(Version(code, int(code[2:]), stage, at))
    return found


def _late(share: Share, name: str, versions: Sequence[Version], place: int, step: int) -> int:
    """The step in which a late record is said: the next, where a source would still be asked."""
    if name in PUSHED:
        return min(step + 1, _STEPS - 1)
    last = versions[min((step + 1) * len(versions) // _STEPS, len(versions)) - 1]
    is_near = last.at - versions[place].at < timedelta(seconds=_LATE_S)
    if not is_near or step + 1 == _STEPS:
        return step
    share.late_steps.add(step + 1)
    return step + 1


def _bad(share: Share, name: str, like: Version, place: int, dice: random.Random) -> Said:
    """A record that must be set apart, under a code of its own."""
    spoil, reason = dice.choice(BAD[name])
    one = Version(f"BAD-{place:05d}", 90_000 + place, 0, like.at)
    share.bad.add((one.code, reason))
    return spoil(told(name, one))


def _out_of_order(step: list[Said], dice: random.Random) -> None:
    """Swap one in twenty with the one behind it."""
    for place in range(len(step) - 1):
        if dice.random() < _SHARE:
            step[place], step[place + 1] = step[place + 1], step[place]
