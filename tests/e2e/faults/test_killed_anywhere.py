"""Killed anywhere under load: acknowledged is stored, what is repeated has no second effect.

Pushes, polls and deliveries go on while one process after another dies: at its first, second, …
call of the system that lets anything out, and every three seconds.
"""

import os
import tempfile
import threading
import uuid
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.e2e.faults.evil import Way, row
from tests.e2e.faults.forked import until
from tests.e2e.faults.stage import Stage, said, stage
from tests.e2e.faults.traced import Doom
from tests.e2e.fleet import pause

pytestmark = pytest.mark.long_form
FULL = os.environ.get("HUB_FAULTS") == "full"
CALLS = range(1, 61) if FULL else (1, 2, 3, 5, 8, 13, 21)
EVERY_S = 3.0
KILLS = 20 if FULL else 2
LEASE_S = 2.0


class Desk(threading.Thread):
    """Pushes one record after another, and repeats each until it is acknowledged.

    Attributes:
        receipts: Every receipt that was acknowledged.
        lost: How many answers were lost.
    """

    def __init__(self, on: Stage, first: int, *, has_key: bool) -> None:
        super().__init__(daemon=True)
        self.receipts: list[str] = []
        self.pushed: list[int] = []
        self.lost = 0
        self._on = on
        self._numbers = count(first)
        self._has_key = has_key
        self._is_over = threading.Event()

    def run(self) -> None:
        """Until `end`."""
        while not self._is_over.is_set():
            number = next(self._numbers)
            self.pushed.append(number)
            while not self._is_taken(number):
                pause(0.05)

    def _is_taken(self, number: int) -> bool:
        try:
            answer = self._on.push(said(number), f"k-{number}" if self._has_key else None)
        except httpx.TransportError:
            self.lost += 1
            return False
        if answer.status_code not in (200, 202):
            assert answer.status_code == 503, answer.text
            return False
        self.receipts.append(answer.json()["receipt"])
        return True

    def end(self) -> None:
        """Wait until what it has begun to say is acknowledged."""
        self._is_over.set()
        self.join(60)
        assert not self.is_alive()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def on(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """One process on SQLite; on PostgreSQL one that serves and one that works."""
    url, roles = "", ["serve"]
    if request.param == "postgresql":
        server: str = request.getfixturevalue("postgres_url")
        name = f"anywhere_{uuid.uuid4().hex[:8]}"
        with psycopg.connect(server, autocommit=True) as tx:
            tx.execute(f'CREATE DATABASE "{name}"')
        url, roles = server.replace("/postgres?", f"/{name}?"), ["serve", "worker-1"]
    with (
        tempfile.TemporaryDirectory(prefix="lienthong-anywhere-") as folder,
        stage(Path(folder), url, roles, HUB_LEASE_S=str(LEASE_S)) as made,
    ):
        made.tell("portal", made.portal.endpoint)
        yield made


@pytest.fixture(scope="module")
def way(on: Stage) -> Way:
    """A department that always has something new to say."""
    return on.ask("dept", 10, schedule="* * * * * *")


@pytest.fixture(scope="module")
def desks(on: Stage) -> Iterator[list[Desk]]:
    """Two that push all the while, one of them with an Idempotency-Key."""
    on.push(said(1))  # logged in
    made = [Desk(on, 10_000, has_key=False), Desk(on, 50_000, has_key=True)]
    for one in made:
        one.start()
    yield made
    for one in made:
        one.end()


def says_more(way: Way) -> None:
    newest, number = way.rows[-1]["modifiedDate"], len(way.rows)
    way.rows += [row(f"dept-{number + n:03d}", newest + 1_000 * (n + 1)) for n in range(3)]


@pytest.mark.usefixtures("desks")
@pytest.mark.parametrize("number", CALLS)
def test_killed_as_it_lets_something_out(on: Stage, way: Way, number: int) -> None:
    role = on.hubs.roles[number % len(on.hubs.roles)]
    says_more(way)
    doom = Doom(on.hubs.processes[role], number)  # type: ignore[arg-type]
    assert doom.came(), doom.how
    on.hubs.start(role)
    on.hubs.wait()


def test_killed_every_three_seconds(on: Stage, way: Way, desks: list[Desk]) -> None:
    before = sum(len(desk.receipts) for desk in desks)
    for turn in range(KILLS):
        says_more(way)
        pause(EVERY_S)
        role = on.hubs.roles[turn % len(on.hubs.roles)]
        on.hubs.kill(role)
        on.hubs.start(role)
    on.hubs.wait()
    assert sum(len(desk.receipts) for desk in desks) > before + 10 * KILLS


def test_what_was_acknowledged_is_stored_once_and_told_once(
    on: Stage, way: Way, desks: list[Desk]
) -> None:
    for desk in desks:
        desk.end()
    assert sum(desk.lost for desk in desks) > 0
    stored = {str(one) for (one,) in on.rows("SELECT public_id FROM receipt")}
    for desk in desks:
        assert not set(desk.receipts) - stored
        for number in desk.pushed:
            assert on.told_of("desk", said(number)["code"]) == (1, 1, 1)
    codes = [one["referenceUid"] for one in way.rows]
    until(lambda: all(on.told_of("dept", code)[0] for code in codes), "all rows are asked for")
    assert [on.told_of("dept", code) for code in codes] == [(1, 1, 1)] * len(codes)
    until(on.is_told, "the portal has everything")
    on.even()
    on.proved()
    assert on.hubs.end() == dict.fromkeys(on.hubs.roles, 0)
