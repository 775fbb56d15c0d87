"""Who waits for whom in the store, and what they see when their turn comes."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.engine import Connection as Tx
from sqlalchemy.exc import TimeoutError as PoolTimeout

from canonical.errors import StoreUnavailable
from store import legs
from store.engine import open_store
from store.legs import LegRow
from store.tables import Leg, table
from sync.locked import Locked
from tests.trial import PUSH, Trial, dossier

WRITERS = 4


def beside(work: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    """Something that goes on at the same time, and what it came to."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    return thread, found


async def test_a_generation_opened_while_a_push_waited_is_the_one_it_finds(hub: Trial) -> None:
    await hub.take(dossier(1))
    key = ("desk", "A-00001")
    with hub.store.write() as tx:
        legs.lock_legs(tx, [key])
        tx.execute(
            table(Leg)
            .insert()
            .values(
                namespace="desk",
                code="A-00001",
                generation=2,
                connection_id="desk",
                fold="",
                same_time=False,
            )
        )
        thread, found = beside(lambda: hub.store.in_write(lambda tx: legs.lock_legs(tx, [key])))
        thread.join(0.5)
        assert found == []  # it waits
    thread.join(20)
    assert found[0][key].generation == 2
    with hub.store.write() as tx:
        tx.execute(text("DELETE FROM leg WHERE generation = 2"))


def begin(tx: Tx, *codes: str) -> dict[str, LegRow]:
    """The legs of a desk as a push would lock them, those written that are not there."""
    locked = Locked(tx, {("desk", code): "desk" for code in codes})
    locked.write()
    return {row.code: row for row in locked.before.values()}


async def test_of_two_that_begin_a_leg_at_once_the_second_finds_it(hub: Trial) -> None:
    hub.introduce("desk")
    with hub.store.write() as tx:
        first = begin(tx, "A-00001")
        thread, found = beside(lambda: hub.store.in_write(lambda tx: begin(tx, "A-00001")))
        thread.join(0.3)
        assert found == []  # it waits
    thread.join(20)
    assert found == [first]
    with hub.store.write() as tx:
        tx.execute(text("DELETE FROM leg"))


async def test_what_was_begun_while_a_push_waited_for_another_leg_is_locked_as_well(
    hub: Trial,
) -> None:
    await hub.take(dossier(1))

    def wait(tx: Tx) -> tuple[dict[str, LegRow], int]:
        found = begin(tx, "A-00001", "A-00002")
        return found, 0 if hub.store.is_sqlite else free_legs(hub)

    with hub.store.write() as tx:
        first = begin(tx, "A-00001", "A-00002")
        tx.execute(text("UPDATE leg SET same_time = true WHERE code = 'A-00001'"))
        thread, found = beside(lambda: hub.store.in_write(wait))
        thread.join(0.3)
        assert found == []
    thread.join(20)
    [(second, free)] = found
    assert second["A-00001"].same_time  # as it was left, not as it was when the waiting began
    assert second["A-00002"] == first["A-00002"]
    assert free == 0
    with hub.store.write() as tx:
        tx.execute(text("DELETE FROM leg WHERE code = 'A-00002'"))
        tx.execute(text("UPDATE leg SET same_time = false"))


def free_legs(hub: Trial) -> int:
    """How many legs somebody else could lock now."""
    with hub.store.engine.connect() as other:
        asked = "SELECT 1 FROM leg FOR NO KEY UPDATE SKIP LOCKED"
        return len(other.execute(text(asked)).all())


async def test_the_feed_does_not_depend_on_the_ids_that_legs_were_given(hub: Trial) -> None:
    """Two transactions at once take ids in one order and commit in another (proved at the end)."""
    for who in ("desk", "land", "tax"):
        hub.introduce(who)
    names = (("tax", "T-1"), ("land", "L-1"), ("desk", "A-00001"))
    with hub.store.write() as tx:
        for number, (who, code) in enumerate(names, start=1):
            tx.execute(
                table(Leg)
                .insert()
                .values(
                    id=1_000 + number,
                    namespace=who,
                    code=code,
                    generation=1,
                    connection_id=who,
                    fold="",
                    same_time=False,
                )
            )
    await hub.take(dossier(1, links=[{"namespace": "tax", "code": "T-1"}]))
    await hub.take(dossier(1, code="L-1"), "land")
    money = {"code": "T-1", "facet": "money", "updated_at": "2026-03-03T09:00:00+07:00"}
    await hub.take({**money, "status": "financial"}, "tax")
    apart = {"version": 2, "updated_at": "2026-03-04T09:00:00+07:00", "links": []}
    await hub.take(dossier(1, national_code=None, **apart))
    assert len({*await hub.find("desk:A-00001"), *await hub.find("land:L-1")}) == 2
    await hub.take(dossier(1, **{**apart, "version": 3}))


def test_writers_of_two_processes_take_turns(sqlite_shelf: Any, tmp_path: Path) -> None:
    """A command beside a busy server is not starved: its turn comes within the second."""
    server = sqlite_shelf.fresh(tmp_path)
    command = open_store(str(server.engine.url))
    done = threading.Event()

    def serve() -> None:
        while not done.is_set():
            with server.write() as tx:
                tx.execute(text("UPDATE feed SET catalogue = 0"))
                done.wait(0.02)

    threads = [threading.Thread(target=serve) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    waited, turns = threading.Event(), 0
    try:
        clock = threading.Timer(8, waited.set)
        clock.start()
        while turns < 12 and not waited.is_set():
            with command.write() as tx:
                tx.execute(text("UPDATE feed SET catalogue = 0"))
            turns += 1
        clock.cancel()
    finally:
        done.set()
        for thread in threads:
            thread.join(20)
        command.dispose()
        server.dispose()
    assert turns == 12


def test_a_file_that_is_no_store_is_said_to_be_unavailable(tmp_path: Path) -> None:
    file = tmp_path / "hub.db"
    file.write_bytes(b"nothing of the kind " * 100)
    store = open_store(f"sqlite:///{file}")
    with pytest.raises(StoreUnavailable), store.read() as tx:
        tx.execute(text("SELECT 1"))
    store.dispose()


async def test_with_no_connection_left_to_give_a_push_is_503(hub: Trial) -> None:
    """A crowd waits; past the limit it is told to come again, not that the hub is broken."""
    headers = {"Authorization": f"Bearer {hub.token('desk')}", "Content-Type": "application/json"}
    pool = hub.store.engine.pool
    held, patience = [], pool._timeout  # type: ignore[attr-defined]
    pool._timeout = 0.01  # type: ignore[attr-defined]
    try:
        while True:
            try:
                held.append(hub.store.engine.connect())
            except PoolTimeout:
                break
        said = await hub.call("POST", PUSH, json=dossier(1), headers=headers)
    finally:
        pool._timeout = patience  # type: ignore[attr-defined]
        for one in held:
            one.close()
    assert (said.status, said.fate) == (503, "STORE_UNAVAILABLE")
    assert (await hub.push(dossier(1))).fate == "applied"
