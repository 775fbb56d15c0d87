"""Processes stopped where they stand for longer than three leases, and woken again: the others go
on, and whoever comes back writes and sends nothing that is not its own any more.
"""

import signal
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.e2e.faults.forked import until
from tests.e2e.faults.stage import Stage, said, stage
from tests.e2e.fleet import pause

pytestmark = pytest.mark.long_form
LEASE_S = 2.0
IDLE_S = 10.0  # the server ends what says nothing in a transaction for so long
# Lease + 5 s, or what another thread of it held when it was stopped; a busy machine.
TAKEN_OVER_S = max(LEASE_S, IDLE_S) + 5 + 3
ROWS = 30


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def on(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """One process on SQLite; on PostgreSQL two, of which each serves and works."""
    url, roles = "", ["serve"]
    if request.param == "postgresql":
        server: str = request.getfixturevalue("postgres_url")
        name = f"paused_{uuid.uuid4().hex[:8]}"
        with psycopg.connect(server, autocommit=True) as tx:
            tx.execute(f'CREATE DATABASE "{name}"')
        url, roles = server.replace("/postgres?", f"/{name}?"), ["serve", "worker-1"]
    with (
        tempfile.TemporaryDirectory(prefix="lienthong-paused-") as folder,
        stage(Path(folder), url, roles, HUB_LEASE_S=str(LEASE_S)) as made,
    ):
        made.tell("portal", made.portal.endpoint)
        yield made


def stopped(on: Stage) -> str:
    """Wait until one was stopped where it was decided; its role."""
    pid = on.hubs.struck()
    return next(role for role, one in on.hubs.processes.items() if one.pid == pid)


def test_a_run_paused_past_three_leases_is_taken_over_and_writes_nothing_when_it_wakes(
    on: Stage,
) -> None:
    on.hubs.doom("after", "UPDATE run SET pages", of="paused", number=signal.SIGSTOP)
    on.ask("paused", ROWS)
    role, begun = stopped(on), time.monotonic()
    try:
        if len(on.hubs.roles) == 1:  # nobody else works: a person asks
            until(lambda: on.hubs.command("sync", "paused").returncode == 0, "the lease is over")
        until(lambda: runs(on) == ["failed", "done"], "it is taken over and comes to its end")
        assert time.monotonic() - begun < TAKEN_OVER_S
        pause(max(0.0, 3 * LEASE_S + 0.5 - (time.monotonic() - begun)))
    finally:
        on.hubs.thaw(role)
    pause(2)  # it asks for its second page and finds that it is not its own
    assert runs(on) == ["failed", "done"]
    receipts = on.count("SELECT count(*) FROM receipt WHERE connection_id = 'paused'")
    assert receipts == ROWS // 10, "a page was taken in twice"
    assert [on.told_of("paused", f"paused-{n:03d}") for n in range(ROWS)] == [(1, 1, 1)] * ROWS


def runs(on: Stage) -> list[str]:
    found = on.rows("SELECT state FROM run WHERE connection_id = 'paused' ORDER BY id")
    return [str(state) for (state,) in found]


def test_a_delivery_paused_between_kept_and_sent_is_not_sent_by_who_lost_it(on: Stage) -> None:
    until(on.is_told, "it has everything")
    before = on.portal.ledger["again"]
    on.hubs.doom("after", "UPDATE delivery SET body", number=signal.SIGSTOP)
    on.take_in([said(100)])
    role = stopped(on)
    try:
        if len(on.hubs.roles) > 1:
            until(on.is_told, "the other tells it")
        pause(3 * LEASE_S)
    finally:
        on.hubs.thaw(role)
    until(on.is_told, "it has everything")
    pause(1)
    on.even()
    assert on.portal.ledger["again"] == before


def test_one_paused_before_its_commit_holds_up_nobody_for_long(on: Stage) -> None:
    """Its locks are let go by the server; on SQLite the file is its own until it is woken."""
    answers: list[httpx.Response] = []
    record = said(500)
    on.push(said(501))
    on.hubs.doom("before", 'INSERT INTO "receipt"', unsaid="UPDATE run", number=signal.SIGSTOP)
    thread = threading.Thread(target=lambda: answers.append(on.push(record)))
    thread.start()
    on.hubs.struck()
    others = threading.Thread(target=lambda: on.take_in([said(502)]))  # as another process does
    others.start()
    others.join(IDLE_S + 5 if len(on.hubs.roles) > 1 else 3 * LEASE_S)
    was_done = not others.is_alive()
    on.hubs.thaw("serve")
    for one in (thread, others):
        one.join(60)
    assert was_done or len(on.hubs.roles) == 1
    [answer] = answers
    assert answer.status_code in (200, 202, 503)
    assert on.push(record).status_code == 200
    assert on.told_of("desk", record["code"]) == (1, 1, 1)


def test_all_of_it_adds_up(on: Stage) -> None:
    until(on.is_told, "it has everything")
    on.even()
    on.proved()
    assert on.hubs.end() == dict.fromkeys(on.hubs.roles, 0)
