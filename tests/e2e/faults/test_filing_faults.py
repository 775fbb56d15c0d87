"""Processes killed while they file: the Department's own ledger shows every dossier once."""

import asyncio
import contextlib
import random
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from starlette.types import Receive, Scope, Send

from adapters.transport import simulator
from hub import wiring
from hub.commands import connections
from store import filings
from store.filings import FilingRow
from tests.e2e.fleet import Fleet, pause
from tests.e2e.plain import HTTP
from tests.filed import CONNECTION, LICENCE, Papers, stage
from tests.filed import Counter as Desk
from tests.trial import PUSH

WITHIN_S = 60.0
SMALL = {
    "HUB_LEASE_S": "2",
    "HUB_TICK_S": "0.2",
    "HUB_RETRY_BASE_S": "0.3",
    "HUB_RETRY_CAP_S": "1",
    "HUB_SETTLE_S": "3",
}


class Slow:
    """The Department, which takes its time over every filing before it is in its books."""

    def __init__(self, department: Any, seconds: float) -> None:
        self.department = department
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        action = dict(scope.get("headers", ())).get(b"soapaction", b"")
        if b"TaoMoiHoSo" in action:
            await asyncio.sleep(self.seconds)
        await self.department.app(scope, receive, send)


class Office:
    """A desk, the Department and a fleet of hubs between them."""

    def __init__(self, hubs: Fleet, department: Any, papers: Papers, workers: int) -> None:
        self.hubs = hubs
        self.department = department
        self.desk = Desk(None, "", papers, department)  # type: ignore[arg-type]
        self.workers = range(1, 1 + workers)
        self.store = wiring.open_store_only(hubs.settings)

    @property
    def ledger(self) -> Counter[str]:
        """SoHoSo1 -> how often it was taken."""
        entries = self.department.filings.ledger
        return Counter(entry["SoHoSo1"] for entry in entries if entry["MaDK"])

    def take(self, number: int) -> None:
        headers = {"Authorization": f"Bearer {self.hubs.token('desk')}"}
        said = HTTP.post(
            self.hubs.base(0) + PUSH,
            json=self.desk.licence(number),
            headers=headers,
        )
        assert said.json()["counts"]["applied"] == 1, said.text

    def filings(self) -> list[FilingRow]:
        with self.store.read() as tx:
            return filings.list_filings(tx)

    def start(self) -> None:
        self.hubs.start(0)
        for which in self.workers:
            self.work(which)

    def work(self, which: int) -> None:
        log = self.hubs.folder / f"worker-{which}.log"
        self.hubs.processes[which] = self.hubs.spawn("worker", log)

    def kill(self, which: int) -> None:
        self.hubs.kill(which)

    def back(self, which: int) -> None:
        if which == 0:
            self.hubs.start(0)
        else:
            self.work(which)


def until(is_so: Callable[[], bool], what: str) -> None:
    """Wait until something is so."""
    for _ in range(int(WITHIN_S / 0.1)):
        if is_so():
            return
        pause(0.1)
    raise AssertionError(f"not within {WITHIN_S:g} s: {what}")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long_form)])
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Office]:
    """One process on SQLite; on PostgreSQL one that serves and two that work."""
    url, workers = "", 0
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_url")
        name, workers = f"filing_{uuid.uuid4().hex[:8]}", 2
        with psycopg.connect(server, autocommit=True) as tx:
            tx.execute(f'CREATE DATABASE "{name}"')
        url = server.replace("/postgres?", f"/{name}?")
        assert url != server
    department, papers, here = simulator.build(), Papers(), stage()
    department.take({})  # type: ignore[attr-defined]
    here.department, here.papers = Slow(department, 0.3), papers.app
    papers.base = f"{here.base}/giay-to"
    hubs = Fleet(tmp_path, url, 1)
    hubs.env |= SMALL
    context = wiring.open_hub(hubs.settings)
    connections.make(
        context,
        CONNECTION,
        "transport",
        endpoint=here.base,
        settings=[f"files_procedures={LICENCE}", "timeout_s=5"],
        tables=[],
    )
    context.store.dispose()
    made = Office(hubs, department, papers, workers)
    try:
        made.start()
        yield made
    finally:
        made.store.dispose()
        for process in hubs.processes.values():
            with contextlib.suppress(OSError):
                process.kill()
            process.wait(10)


def proved(office: Office) -> None:
    said = office.hubs.command("verify --json")
    assert said.returncode == 0, said.stdout


def test_killed_between_the_taking_and_the_answer(office: Office) -> None:
    office.department.mood = "hang_after_taking"
    office.take(1)
    until(lambda: office.ledger.total() == 1, "the Department took it")
    for which in [0, *office.workers]:
        office.kill(which)
    office.department.mood = "well"
    for which in [0, *office.workers]:
        office.back(which)
    until(lambda: [f.state for f in office.filings()] == ["filed"], "it is filed")
    [filing] = office.filings()
    assert office.ledger == {filing.number: 1}
    [entry] = office.department.filings.ledger
    assert (filing.filed_code, filing.attempts) == (entry["MaDK"], 1)
    until(lambda: len(entry["papers"]) == 2, "its papers follow")
    proved(office)


@pytest.mark.long_form
def test_killed_again_and_again_while_it_files(office: Office) -> None:
    dice = random.Random(7)
    many = 8
    for number in range(1, many + 1):
        office.take(number)
    victims = list(office.workers) or [0]
    for turn in range(4):
        pause(0.2 + dice.random())
        which = victims[turn % len(victims)]
        office.kill(which)
        office.back(which)
    until(lambda: {f.state for f in office.filings()} == {"filed"}, "all are filed")
    found = office.filings()
    assert len(found) == many
    assert office.ledger == {filing.number: 1 for filing in found}
    codes = {entry["SoHoSo1"]: entry["MaDK"] for entry in office.department.filings.ledger}
    assert {f.number: f.filed_code for f in found} == codes
    proved(office)
