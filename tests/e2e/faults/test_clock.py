"""Many hubs and one schedule, hubs that were down, clocks that are wrong: every due time is
answered once, and what comes late is not lost.
"""

import tempfile
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.e2e.faults.evil import Way, row
from tests.e2e.faults.forked import until
from tests.e2e.faults.stage import Stage, said, stage
from tests.e2e.fleet import pause
from tests.e2e.served import free_port

pytestmark = pytest.mark.long_form
HOUR_S = 3_600.0
FAR_S = 26 * HOUR_S
LEASE_S = 3.0
SOON_S = 20.0  # some retries at their cap, on a busy machine


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def on(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """A hub whose clock can be set."""
    url = ""
    if request.param == "postgresql":
        server: str = request.getfixturevalue("postgres_url")
        name = f"clock_{uuid.uuid4().hex[:8]}"
        with psycopg.connect(server, autocommit=True) as tx:
            tx.execute(f'CREATE DATABASE "{name}"')
        url = server.replace("/postgres?", f"/{name}?")
    with (
        tempfile.TemporaryDirectory(prefix="lienthong-clock-") as folder,
        stage(Path(folder), url, ["serve"], 0.0, 1e9, HUB_LEASE_S=str(LEASE_S)) as made,
    ):
        made.tell("portal", made.portal.endpoint)
        yield made


def runs(on: Stage, name: str) -> list[tuple[Any, ...]]:
    """(cause, state, the due time it answers) of a connection's runs, in order."""
    return on.rows(
        "SELECT cause, state, nominal_at FROM run WHERE connection_id = :id ORDER BY id", id=name
    )


def done(on: Stage, name: str) -> int:
    return sum(1 for _, state, _ in runs(on, name) if state == "done")


def test_two_hubs_with_one_schedule_answer_each_due_time_once(on: Stage) -> None:
    """Their clocks differ by more than a lease, and each takes the other's leases for over."""
    on.hubs.start("serve-2", ahead_s=LEASE_S + 2, HUB_PORT=str(free_port()))
    on.ask("shared", 30, schedule="* * * * * *")
    until(lambda: done(on, "shared") >= 8, "it is asked again and again")
    on.hubs.processes["serve-2"].terminate()
    assert on.hubs.processes.pop("serve-2").wait(40) == 0
    nominal = [at for cause, _, at in runs(on, "shared") if cause in ("schedule", "catch_up")]
    named = [at for at in nominal if at is not None]
    assert len(named) >= 6
    assert len(set(named)) == len(named), "a due time was answered twice"
    assert [on.told_of("shared", f"shared-{n:03d}") for n in range(30)] == [(1, 1, 1)] * 30


def test_a_hub_that_was_down_across_three_due_times_makes_one_run_of_them(on: Stage) -> None:
    way = on.ask("hourly", 10, schedule="0 * * * *")
    until(lambda: done(on, "hourly") == 1, "it is asked as it is new")
    assert on.hubs.end()["serve"] == 0
    way.rows.append(row("hourly-late", way.rows[-1]["modifiedDate"] + 1_000))
    down_s = 3 * HOUR_S + 60
    on.hubs.start("serve", ahead_s=down_s)
    on.hubs.wait()
    try:
        until(lambda: done(on, "hourly") == 2, "it is asked once more")
        pause(2)
        [_, (cause, state, nominal)] = runs(on, "hourly")
        assert (cause, state) == ("catch_up", "done")
        now = datetime.now(UTC).timestamp() + down_s
        assert 0 <= now - moment(nominal) < HOUR_S, "the newest of them"
        assert on.told_of("hourly", "hourly-late") == (1, 1, 1)
    finally:
        on.hubs.set_clock("serve", 0.0)


def moment(told: Any) -> float:
    at = told if isinstance(told, datetime) else datetime.fromisoformat(str(told))
    return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()


@pytest.mark.parametrize("ahead_s", [FAR_S, -FAR_S])
def test_a_clock_that_jumps_and_comes_back_silences_nobody(on: Stage, ahead_s: float) -> None:
    name = "ahead" if ahead_s > 0 else "behind"
    first = 10_000 if ahead_s > 0 else 20_000
    way = on.ask(name, 10, schedule="*/2 * * * * *")
    held_up = on.push([said(first)]).json()["records"][0]["dossier"]
    until(lambda: done(on, name) >= 2, "it is asked")
    until(on.is_told, "the portal has everything")
    on.portal.data(broken=[held_up])
    try:
        on.hubs.set_clock("serve", ahead_s)
        on.forget_tokens()
        on.take([said(first, 2)])
        until(lambda: parked(on) == 1, "that one waits")
        works(on, way, first + 1)
    finally:
        on.hubs.set_clock("serve", 0.0)
    on.forget_tokens()
    works(on, way, first + 2)
    on.portal.data(broken=[])
    until(on.is_told, "what failed while the clock was wrong is told as well", SOON_S)
    on.even()


def parked(on: Stage) -> int:
    return on.count("SELECT count(*) FROM delivery WHERE attempts > 1")


def works(on: Stage, way: Way, number: int) -> None:
    """Doors, schedule and deliveries go on, at whatever time it is."""
    asked, told = len(way.calls), len(on.portal.seqs)
    on.take([said(number)])
    until(lambda: len(way.calls) > asked + 1, "the department is asked", SOON_S)
    until(lambda: len(on.portal.seqs) > told, "the portal is told", SOON_S)


def test_all_of_it_adds_up(on: Stage) -> None:
    until(on.is_told, "it has everything")
    on.even()
    on.proved()
    assert on.hubs.end() == {"serve": 0}
