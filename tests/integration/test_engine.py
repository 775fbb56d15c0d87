"""What every engine promises (sync.engine), and what the one over many processes adds."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from sqlalchemy import text

from canonical.errors import StoreUnavailable
from canonical.reasons import Reason
from store import foreign
from store.engine import Store
from sync import engine
from sync.engine import Distributed
from sync.in_process import InProcess
from sync.jobs import Job

KINDS = ("run", "deliver")


class Hand:
    """Performs jobs as slowly as it is told, and notes what it did."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.broken: list[str] = []
        self.most = 0
        self.go = asyncio.Event()

    async def __call__(self, job: Job) -> None:
        self.begun.append(job.name)
        under_way = len(self.begun) - len(self.ended) - len(self.broken)
        self.most = max(self.most, under_way)
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.broken.append(job.name)
            raise
        self.ended.append(job.name)


async def until(holds: Callable[[], bool], within_s: float = 10.0) -> None:
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110 - what happens in a store sets no event
            await asyncio.sleep(0.02)


def distributed(store: Store, hand: Any, at_once: int = 3, lease_s: float = 30.0) -> Distributed:
    return Distributed(store, hand, KINDS, at_once=at_once, lease_s=lease_s, look_s=0.2)


@pytest.fixture
def postgres(postgresql_shelf: Any, tmp_path: Any) -> Store:
    store: Store = postgresql_shelf.fresh(tmp_path)
    with store.write() as tx:
        if tx.execute(text("SELECT to_regclass('engine.job')")).scalar() is not None:
            tx.execute(text("TRUNCATE engine.job"))
    return store


@pytest.fixture(params=["in process", "distributed"])
async def made(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Any, Hand]]:
    hand = Hand()
    if request.param == "in process":
        one: Any = InProcess(hand, 3)
    else:
        one = distributed(request.getfixturevalue("postgres"), hand)
    await one.start()
    yield one, hand
    await one.stop(0)


async def submitted(one: Any, *names: str) -> None:
    """Again until it is taken: the first look may come before the engine's tables."""
    if isinstance(one, Distributed):
        await until(lambda: one._manager is not None)
    for name in names:
        await one.submit(Job(*name.split(":")))


async def test_a_name_is_performed_once_at_a_time_and_again_after_its_end(
    made: tuple[Any, Hand],
) -> None:
    one, hand = made
    await submitted(one, "run:a", "run:a", "run:b", "run:a")
    await until(lambda: len(hand.begun) == 2)
    await submitted(one, "run:a")
    await asyncio.sleep(0.5)
    assert sorted(hand.begun) == ["run:a", "run:b"]
    hand.go.set()
    await until(lambda: len(hand.ended) == 2)
    await asyncio.sleep(0.2)
    await submitted(one, "run:a")
    await until(lambda: hand.ended.count("run:a") == 2)


async def test_a_kind_that_fills_every_place_keeps_no_other_waiting(
    made: tuple[Any, Hand],
) -> None:
    one, hand = made
    await submitted(one, *(f"run:{n}" for n in range(6)))
    await until(lambda: len(hand.begun) == 3)
    await submitted(one, "deliver:x", "deliver:y")
    await until(lambda: "deliver:x" in hand.begun)
    await asyncio.sleep(0.5)
    assert len(hand.begun) == 4
    hand.go.set()
    await until(lambda: len(hand.ended) == 8)
    assert hand.most == 4


async def test_a_place_given_back_is_taken_at_once(made: tuple[Any, Hand]) -> None:
    one, hand = made
    hand.go.set()
    await submitted(one, *(f"run:{n}" for n in range(40)))
    await until(lambda: len(hand.ended) == 40, 6)


async def test_the_end_waits_then_breaks_off(made: tuple[Any, Hand]) -> None:
    one, hand = made
    await submitted(one, "run:a", "run:b")
    await until(lambda: len(hand.begun) == 2)
    ending = asyncio.create_task(one.stop(0.5))
    await asyncio.sleep(0.1)
    assert hand.broken == []
    await ending
    assert sorted(hand.broken) == ["run:a", "run:b"]


async def test_what_ends_by_itself_is_not_broken_off(made: tuple[Any, Hand]) -> None:
    one, hand = made
    await submitted(one, "run:a")
    await until(lambda: len(hand.begun) == 1)
    ending = asyncio.create_task(one.stop(5))
    await asyncio.sleep(0.1)
    hand.go.set()
    await ending
    assert (hand.ended, hand.broken) == (["run:a"], [])


async def test_a_performer_that_raises_ends_neither_the_engine_nor_its_name(
    made: tuple[Any, Hand],
) -> None:
    one, _ = made
    calls = []

    async def raises(job: Job) -> None:
        calls.append(job.name)
        raise RuntimeError

    one._perform = raises
    with contextlib.suppress(RuntimeError):
        await submitted(one, "run:a")
        await until(lambda: len(calls) == 1)
    await asyncio.sleep(0.3)
    await submitted(one, "run:a")
    await until(lambda: len(calls) == 2)


async def test_two_processes_share_the_jobs_and_none_is_performed_by_both(postgres: Store) -> None:
    hands = [Hand(), Hand()]
    ones = [distributed(postgres, hand, at_once=2) for hand in hands]
    for one in ones:
        await one.start()
    try:
        for one in ones:
            await submitted(one, *(f"run:{n}" for n in range(4)))
        await until(lambda: sum(len(hand.begun) for hand in hands) == 4)
        assert [len(hand.begun) for hand in hands] == [2, 2]
        for hand in hands:
            hand.go.set()
        await until(lambda: sum(len(hand.ended) for hand in hands) == 4)
        begun = sorted([*hands[0].begun, *hands[1].begun])
        assert begun == [f"run:{n}" for n in range(4)]
    finally:
        for one in ones:
            await one.stop(0)


async def test_a_job_whose_process_beats_no_more_is_performed_by_another(postgres: Store) -> None:
    await engine.install(postgres)
    with postgres.write() as tx:  # as a process leaves it that was killed two seconds ago
        tx.execute(
            text(
                "INSERT INTO engine.job (priority, queue_manager_id, heartbeat, status, entrypoint,"
                " dedupe_key, payload) VALUES (0, gen_random_uuid(), now() - interval '2 seconds',"
                " 'picked', 'run', 'run:a', convert_to('a', 'UTF8'))"
            )
        )
    hand = Hand()
    one = distributed(postgres, hand, lease_s=3)
    await one.start()
    try:
        await submitted(one, "run:a")
        await asyncio.sleep(0.3)
        assert hand.begun == []
        await until(lambda: hand.begun == ["run:a"], 2.5)
    finally:
        await one.stop(0)


async def test_nothing_is_left_behind_that_grows(postgres: Store) -> None:
    hand = Hand()
    hand.go.set()
    one = distributed(postgres, hand)
    await one.start()
    try:
        await submitted(one, "run:a", "deliver:b")
        await until(lambda: len(hand.ended) == 2)
        await asyncio.sleep(0.3)
        await one._queries.clear_queue_log(list(KINDS))
        with postgres.read() as tx:
            for table in ("job", "job_log", "job_statistics"):
                held = tx.execute(text(f"SELECT count(*) FROM engine.{table}")).scalar()
                assert held == 0, table
    finally:
        await one.stop(0)


async def test_first_starts_side_by_side_make_the_tables_once(postgres: Store) -> None:
    with postgres.write() as tx:
        tx.execute(text("DROP SCHEMA IF EXISTS engine CASCADE"))
    await asyncio.gather(*(engine.install(postgres) for _ in range(4)))
    with postgres.read() as tx:
        found = tx.execute(
            text("SELECT table_name FROM information_schema.tables WHERE table_schema = 'engine'")
        )
        names = sorted(row[0] for row in found)
    assert names == ["job", "job_log", "job_schedule", "job_statistics"]


async def test_the_environment_names_none_of_the_tables(
    postgres: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PREFIX", "QUEUE_TABLE", "SCHEMA", "CHANNEL", "FUNCTION", "DURABILITY"):
        monkeypatch.setenv(f"PGQUEUER_{name}", "volatile")
        monkeypatch.setenv(name, "volatile")
    hand = Hand()
    hand.go.set()
    one = distributed(postgres, hand)
    await one.start()
    await submitted(one, "run:a")
    await until(lambda: len(hand.ended) == 1)
    await one.stop(1)


def test_a_table_altered_under_a_running_worker_is_read_on(postgres: Store) -> None:
    run = foreign.runner(postgres)
    with foreign.on_one_connection(postgres) as elsewhere:
        _altered_under(run, elsewhere)


def _altered_under(run: foreign.Run, elsewhere: foreign.Run) -> None:
    run("CREATE TABLE of_the_library (a int)", ())
    try:
        run("INSERT INTO of_the_library VALUES (1)", ())
        for _ in range(7):  # psycopg prepares a statement it saw five times
            assert run("SELECT * FROM of_the_library WHERE a = $1", (1,)) == [{"a": 1}]
        elsewhere("ALTER TABLE of_the_library ADD COLUMN b int", ())
        assert run("SELECT * FROM of_the_library WHERE a = $1", (1,)) == [{"a": 1, "b": None}]
    finally:
        run("DROP TABLE of_the_library", ())


async def test_an_outage_is_sat_out_and_told_to_whoever_submits(postgres: Store) -> None:
    run, is_away = foreign.runner(postgres), False

    def shaky(query: str, args: tuple[Any, ...]) -> foreign.Rows:
        if is_away:
            raise StoreUnavailable(Reason.STORE_UNAVAILABLE)
        return run(query, args)

    hand = Hand()
    one = distributed(postgres, hand)
    one._line._run = shaky
    one._submitting.driver._run = shaky  # type: ignore[attr-defined]
    await one.start()
    await submitted(one, "run:a")
    await until(lambda: hand.begun == ["run:a"])
    manager, is_away = one._manager, True
    await asyncio.sleep(0.6)
    with pytest.raises(StoreUnavailable):
        await submitted(one, "run:b")
    is_away = False
    await submitted(one, "run:b")
    await until(lambda: len(hand.begun) == 2)
    assert one._manager is manager
    assert hand.broken == []
    await one.stop(0)
