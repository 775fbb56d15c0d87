"""A worker killed around each COMMIT with which a promotion tells applied records anew.

What it leaves is what one leaves that was not killed: each record told anew once, by one act.
"""

from functools import partial

import pytest

from sync import promotion_replay
from sync.connecting import By
from sync.whatif import promoting
from sync.whatif.candidate import Candidate
from sync.whatif.shadow import preview
from tests.e2e.faults.forked import until
from tests.e2e.faults.stage import Stage
from tests.e2e.faults.test_killed_at import BOTH, address, done, on

__all__ = ["address", "on"]

ROWS = 240  # two commits: the first tells two hundred legs
UNHARMED = "retold-unharmed"
CANDIDATE = Candidate(overlay={"tables": {"status": {"set": {"processing": "accepted"}}}})
ME = By("nguoi-truc", "sở đã cho biết nghĩa")
MOMENTS = [(when, skip) for when in BOTH for skip in (0, 1)]


def named(when: str, skip: int) -> str:
    return f"retold-{when}-{skip}"


@pytest.fixture(scope="module")
def left(on: Stage) -> dict[str, int]:
    """Connection -> how many records were told anew when its worker was killed; gone on since."""
    names = {named(*moment): moment for moment in MOMENTS}
    for name in (*names, UNHARMED):
        on.ask(name, ROWS, page=80)
    until(lambda: all(done(on, name) for name in (*names, UNHARMED)), "they are asked")
    found = {}
    for name, (when, skip) in names.items():
        promote(on, name)
        on.hubs.doom(when, "INSERT INTO act", 'INSERT INTO "receipt"', of=name, skip=skip)
        promotion_replay.begin(on.context, name, ME)
        on.hubs.died()
        found[name] = retold(on, name)
        revived(on)
        until(partial(is_done, on, name), "its replay came to its end")
    promote(on, UNHARMED)
    promotion_replay.begin(on.context, UNHARMED, ME)
    until(partial(is_done, on, UNHARMED), "the replay of the other came to its end")
    return found


def promote(on: Stage, name: str) -> None:
    told = preview(on.context, name, CANDIDATE)
    assert told.changed == ROWS
    promoting.promote(on.context, name, promoting.encoded(promoting.seal(on.context, told)), ME)


def revived(on: Stage) -> None:
    for role, process in on.hubs.processes.items():
        if process.poll() is not None:
            on.hubs.start(role)
    on.hubs.wait()


def is_done(on: Stage, name: str) -> bool:
    return promotion_replay.standing(on.context, name).state == "done"


def retold(on: Stage, name: str) -> int:
    """How many records of a connection an act tells to be told anew."""
    return on.count(
        "SELECT count(*) FROM record WHERE connection_id = :id AND resolved_by IS NOT NULL", id=name
    )


def effect(on: Stage, name: str) -> list[tuple[int, int, int]]:
    return [on.told_of(name, f"{name}-{number:03d}") for number in range(ROWS)]


def states(on: Stage, name: str) -> set[str]:
    return {str(on.status(f"{name}:{name}-{number:03d}")) for number in (0, 1, ROWS - 1)}


@pytest.mark.parametrize(("when", "skip"), MOMENTS)
def test_records_told_anew_by_one_that_was_killed_are_told_once(
    on: Stage, left: dict[str, int], when: str, skip: int
) -> None:
    name = named(when, skip)
    assert left[name] == (0, 200, 240)[skip + (when == "after")]
    assert retold(on, name) == ROWS
    assert effect(on, name) == effect(on, UNHARMED)
    assert effect(on, UNHARMED) == [(2, 2, 2)] * ROWS
    assert states(on, name) == states(on, UNHARMED) == {"accepted"}


def test_the_portal_has_every_correction_once_and_all_of_it_is_proved(on: Stage) -> None:
    until(on.is_told, "it has everything")
    on.even()
    on.proved()
