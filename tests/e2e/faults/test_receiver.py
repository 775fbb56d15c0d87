"""A receiver that fails in every way, told by real processes: everything arrives, in order per
dossier, once in effect. `make faults` plays the same with the numbers a bad day has.
"""

import itertools
import os
import statistics
import tempfile
import time
import uuid
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import psycopg
import pytest

from tests.e2e.faults.forked import until
from tests.e2e.faults.stage import Stage, portal, said, stage
from tests.e2e.fleet import pause
from tests.e2e.served import free_port

pytestmark = pytest.mark.long_form  # deliveries have short forms in tests/e2e/test_deliveries.py
FULL = os.environ.get("HUB_FAULTS") == "full"
EVENTS = 10_000 if FULL else 1_200
LOST = 1_000 if FULL else 100
RANDOM = 4_000 if FULL else 240
ALL = 100_000 if FULL else 0
WORKERS = 8 if FULL else 2
SHARDS, BATCH = 8, 50
CAP_S = 0.4
SMALL = {
    "HUB_TICK_S": "0.1",
    "HUB_RETRY_BASE_S": "0.02",
    "HUB_RETRY_CAP_S": str(CAP_S),
    "HUB_DELIVER_BATCH": str(BATCH),
    "HUB_GIVE_UP_S": "600",
    "HUB_TIMEOUT_S": "10",
}
# A tick, a busy machine.
SLACK_S = 2.0
HANGS_S = 6.0  # how long a call is waited for
LONG_S = 1_800.0 if FULL else 120.0


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long_form)]
)
def on(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """One process on SQLite; on PostgreSQL one that serves and several that work."""
    url, roles = "", ["serve"]
    if request.param == "postgresql":
        server: str = request.getfixturevalue("postgres_url")
        name = f"receiver_{uuid.uuid4().hex[:8]}"
        with psycopg.connect(server, autocommit=True) as tx:
            tx.execute(f'CREATE DATABASE "{name}"')
        url = server.replace("/postgres?", f"/{name}?")
        roles += [f"worker-{number}" for number in range(WORKERS)]
    with (
        tempfile.TemporaryDirectory(prefix="lienthong-receiver-") as folder,
        stage(Path(folder), url, roles, **SMALL) as made,
    ):
        made.tell("portal", made.portal.endpoint, shards=SHARDS)
        yield made


def calls(on: Stage) -> list[float]:
    """When the portal was called, in seconds."""
    return [datetime.fromisoformat(one["at"]).timestamp() for one in on.portal.simulation.log]


def fares(on: Stage, receiver: str = "portal") -> tuple[str, int, int]:
    """(its breaker, rows on their way to it, dead ones)."""
    [found] = on.rows(
        "SELECT breaker, (SELECT count(*) FROM delivery WHERE receiver_id = r.id), (SELECT"
        " count(*) FROM delivery WHERE receiver_id = r.id AND state = 'dead') FROM receiver r"
        " WHERE id = :id",
        id=receiver,
    )
    return str(found[0]), int(found[1]), int(found[2])


def test_a_receiver_that_is_down_costs_a_cursor_and_a_probe_and_then_has_everything_in_order(
    on: Stage,
) -> None:
    on.portal.simulation.mood = "down"
    on.make(EVENTS // 4, 4)
    until(lambda: fares(on)[0] != "closed" and len(calls(on)) > 24, "it is found to be down")
    begun = len(calls(on))
    pause(5 * CAP_S)
    breaker, rows, dead = fares(on)
    assert (breaker != "closed", dead) == (True, 0)
    assert rows <= SHARDS * BATCH, "what waits stays in the feed"
    assert on.portal.seqs == []
    probes = calls(on)[begun:]
    assert len(probes) < 200, "it was probed, not hammered"
    gaps = [b - a for a, b in itertools.pairwise(probes)]
    assert max(gaps) < CAP_S + SLACK_S
    assert len({round(gap, 2) for gap in gaps}) > 2, "all alike"
    on.portal.simulation.mood = "well"
    until(on.is_told, "it has everything", LONG_S)
    on.even()
    assert on.portal.ledger["again"] == 0
    assert fares(on) == ("closed", 0, 0)


def test_one_dossier_it_cannot_take_holds_back_that_dossier_alone(on: Stage) -> None:
    on.make(20, 1, first=50_001)
    until(on.is_told, "it has them")
    bad = on.portal.ledger["taken"][-1]["dossier"]
    on.portal.data(broken=[bad])
    for version in (2, 3):
        on.take([said(number, version) for number in range(50_001, 50_021)])
    until(lambda: len(on.portal.seqs) == on.newest - 2, "the others are told")
    [tries] = on.rows("SELECT max(attempts), count(*) FROM delivery WHERE receiver_id = 'portal'")
    assert tries[1] == 2
    until(lambda: fares(on)[0] == "closed", "it is not left alone for one dossier's sake")
    on.portal.data(broken=[])
    until(on.is_told, "and that one too")
    on.even()
    assert on.portal.ledger["again"] == 0


def test_every_answer_is_lost_and_nothing_is_told_twice(on: Stage) -> None:
    before = on.portal.ledger["again"]
    on.portal.simulation.mood = "answer_lost"
    on.make(LOST // 4, 4, first=60_001)
    until(on.is_told, "it has everything", LONG_S)
    on.portal.simulation.mood = "well"
    on.even()
    assert on.portal.ledger["again"] - before == LOST


def test_a_third_of_the_calls_fail_while_many_shards_work_at_once(on: Stage) -> None:
    before = on.portal.ledger["again"]
    on.portal.simulation.mood = "random"
    on.make(RANDOM // 4, 4, first=70_001)
    until(on.is_told, "it has everything", LONG_S)
    on.portal.simulation.mood = "well"
    on.even()
    assert on.portal.ledger["again"] > before
    assert fares(on)[2] == 0


def test_a_dead_and_a_hanging_receiver_delay_themselves_alone(on: Stage) -> None:
    alone = latencies(on, 80_001)
    with portal() as hanging:
        hanging.simulation.mood = "silent"
        on.tell("hanging", hanging.endpoint, shards=SHARDS, sets=[f"timeout_s={HANGS_S}"])
        on.tell("dead", f"http://127.0.0.1:{free_port()}/webhooks/dossiers", shards=SHARDS)
        pause(0.3)  # both have their whole backlog to fail on
        beside = latencies(on, 80_101)
        assert statistics.median(beside) < 2 * statistics.median(alone) + 0.5, (alone, beside)
        assert max(beside) < max(alone) + HANGS_S / 2, (alone, beside)
        until(lambda: "closed" not in (fares(on, "hanging")[0], fares(on, "dead")[0]), "left alone")
        for name in ("hanging", "dead"):
            assert fares(on, name)[2] == 0
    on.even()


def latencies(on: Stage, first: int) -> list[float]:
    """Seconds from the acknowledgement of each of some changes until the portal has it."""
    found = []
    for number in range(first, first + 12):
        on.take([said(number)])
        begun, newest = time.monotonic(), on.newest
        until(lambda newest=newest: newest in on.portal.seqs[-30:], "it is told")
        found.append(time.monotonic() - begun)
    return found


def test_the_one_after_all_of_these_arrives_like_the_first(on: Stage) -> None:
    """The 100,001st, in full: past every limit anybody may have thought of."""
    if ALL:
        left = ALL - on.newest
        on.make(left // 4, 4, first=200_001)
        on.take([said(number) for number in range(400_001, 400_001 + left % 4)])
        until(on.is_told, "it has everything", LONG_S)
    on.take([said(500_000)])
    until(on.is_told, "and the one after", 30)
    on.even()


def test_all_of_it_adds_up(on: Stage) -> None:
    on.proved()
    assert on.hubs.end() == dict.fromkeys(on.hubs.roles, 0)
