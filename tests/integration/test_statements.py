"""A batch costs the same number of statements whatever its size, and makes no object per record."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Mapper
from sqlmodel import SQLModel

from store.clients import KeptAnswer
from sync.pushes import Push, take_pushes
from sync.reading import CANONICAL
from sync.taken import Outcome
from tests.polled import Poll, row
from tests.trial import Trial, dossier

SIZES = (1, 50, 500)
Batch = Callable[[int, int], list[dict[str, Any]]]


@contextmanager
def statements(hub: Trial) -> Iterator[list[str]]:
    """Every statement that reaches the store's cursor; one for many rows is still one."""
    seen: list[str] = []

    def note(_c: Any, _k: Any, statement: str, _p: Any, _x: Any, executemany: bool) -> None:
        assert not executemany, "a statement once per row, whatever it is called"
        seen.append(statement)

    event.listen(hub.store.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(hub.store.engine, "before_cursor_execute", note)


def taking_in(seen: list[str]) -> list[str]:
    """Without the door's own look at who sends a large body, before it is read."""
    looks = [place for place, one in enumerate(seen) if "FROM client WHERE revoked_at" in one]
    return seen[looks[-1] :]


def numbers(lane: int, size: int) -> range:
    return range(lane * 1_000, lane * 1_000 + size)


def fresh(lane: int, size: int) -> list[dict[str, Any]]:
    return [dossier(n, pin="123456", receipt_number=f"R-{n}") for n in numbers(lane, size)]


def later(lane: int, size: int) -> list[dict[str, Any]]:
    """A later version of each, with a history, fees and a declared extension."""
    at = "2026-03-05T09:00:00+07:00"
    return [
        {
            **record,
            "version": 2,
            "updated_at": at,
            "status": "supplement",
            "history": [{"status": "accepted", "at": "2026-03-02T09:30:00+07:00"}],
            "extensions": [{"new_due_at": "2026-03-20T17:00:00+07:00", "at": at}],
        }
        for record in fresh(lane, size)
    ]


def older(lane: int, size: int) -> list[dict[str, Any]]:
    at = "2026-03-01T09:00:00+07:00"
    return [{**r, "version": 0, "updated_at": at, "history": []} for r in fresh(lane, size)]


def refused(lane: int, size: int) -> list[dict[str, Any]]:
    return [dossier(n, status="?") for n in numbers(lane, size)]


def mixed(lane: int, size: int) -> list[dict[str, Any]]:
    """New ones, two versions of one, duplicates and refused ones, in turn."""
    made = fresh(lane, size)
    return [*made, *later(lane, size), *made, *refused(lane + 50, size)]


@pytest.mark.unproved
@pytest.mark.parametrize(
    ("before", "batch"),
    [
        ([], fresh),
        ([fresh], fresh),
        ([fresh], later),
        ([later], older),
        ([], refused),
        ([], mixed),
    ],
    ids=["created", "duplicates", "changed", "superseded", "quarantined", "mixed"],
)
async def test_a_push_costs_the_same_for_1_50_and_500_records(
    hub: Trial, before: list[Batch], batch: Batch
) -> None:
    costs = {}
    hub.token("desk")
    await hub.push(fresh(90, 2))
    for lane, size in enumerate(SIZES):
        for earlier in before:
            await hub.push(earlier(lane, size))
        with statements(hub) as seen:
            said = await hub.push(batch(lane, size))
        assert said.status == 200
        costs[size] = taking_in(seen)
    assert len(costs[1]) == len(costs[50]) == len(costs[500]), costs[1]
    # A ceiling, so that "constant" does not quietly become "many".
    assert len(costs[1]) <= 45


@pytest.mark.unproved
@pytest.mark.parametrize("batch", [fresh, later, refused], ids=["created", "changed", "refused"])
async def test_a_group_costs_the_same_for_1_20_and_200_pushes(hub: Trial, batch: Batch) -> None:
    """Of two senders, each with its key; beside one push that no one else waits with."""
    for who in ("desk", "land"):
        await hub.push(fresh(90, 1), who)
    costs = {}
    for lane, size in enumerate((1, 20, 200)):
        if batch is later:
            await hub.push(fresh(lane, 2 * size))
            await hub.push(fresh(lane, 2 * size), "land")
        group = [
            pushed(hub, who, one, f"{lane}-{n}")
            for n, one in enumerate(batch(lane, size))
            for who in ("desk", "land")
        ]
        with statements(hub) as seen:
            ends = take_pushes(hub.context, group)
        assert all(isinstance(end, Outcome) for end in ends), ends
        costs[size] = seen
    assert len(costs[1]) == len(costs[20]) == len(costs[200]), costs[1]
    assert len(costs[1]) <= 45


def pushed(hub: Trial, who: str, record: dict[str, Any], key: str) -> Push:
    """A record at the door."""
    return Push(
        client_id=hub.known[who].client_id,
        secret=None,
        asked=None,
        system=CANONICAL,
        shape=lambda _row, _tx: "json",
        raw=json.dumps(record).encode(),
        received_at=hub.clock(),
        key=key,
        render=lambda outcome: KeptAnswer("", 200, "text/plain", outcome.receipt),
    )


@pytest.mark.unproved
async def test_joining_many_pairs_costs_the_same_as_joining_one(hub: Trial) -> None:
    costs = {}
    for lane, size in enumerate(SIZES):
        await hub.push([dossier(n) for n in numbers(lane, size)])
        apart = [dossier(n, code=f"L-{n}", national_code=None) for n in numbers(lane, size)]
        await hub.push(apart, "land")
        tied = [dossier(n, code=f"L-{n}", version=2) for n in numbers(lane, size)]
        mark = await hub.seq()
        with statements(hub) as seen:
            said = await hub.push(tied, "land")
        assert said.body["counts"]["applied"] == size
        assert [i["kind"] for i in await hub.feed(mark)].count("joined") == size
        costs[size] = taking_in(seen)
    assert len(costs[1]) == len(costs[50]) == len(costs[500])


@pytest.mark.unproved
async def test_a_polled_page_costs_the_same_whatever_its_rows(hub: Trial) -> None:
    poll = Poll(hub, "snv", hub.context.systems["one_stop"], "dossiers")
    first = json.dumps({"total": 1, "data": [row(90_000)]})
    await poll.run(first.encode())  # compiles the mapping, once per process
    costs = {}
    for lane, size in enumerate(SIZES):
        page = json.dumps({"total": size, "data": [row(n) for n in numbers(lane, size)]})
        with statements(hub) as seen:
            assert (await poll.run(page.encode())).applied == size
        costs[size] = len(seen)
        # Pulled again, what did not change writes a receipt for the page and no row per record.
        before = rows(hub)
        assert (await poll.run(page.encode())).duplicate == size
        after = rows(hub)
        changed = {name for name in before if before[name] != after[name]}
        assert changed == {"receipt", "run"}
    assert costs[1] == costs[50] == costs[500]


def rows(hub: Trial) -> dict[str, int]:
    with hub.store.read() as tx:
        return {
            name: tx.exec_driver_sql(f'SELECT count(*) FROM "{name}"').scalar_one()
            for name in SQLModel.metadata.tables
        }


@pytest.mark.unproved
async def test_reading_a_page_of_dossiers_costs_the_same_whatever_its_length(hub: Trial) -> None:
    await hub.push([dossier(n) for n in range(300)])
    await hub.get("/api/v1/dossiers", limit=1)
    costs = []
    for limit in (1, 50, 300):
        with statements(hub) as seen:
            assert len((await hub.get("/api/v1/dossiers", limit=limit))["items"]) == limit
        costs.append(len(seen))
    assert len(set(costs)) == 1


async def test_no_orm_object_is_made_for_a_record(
    hub: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_a: Any, **_k: Any) -> None:
        raise AssertionError("tables are metadata for statements, not objects to be filled")

    hub.token("desk")
    made = SQLModel.__init__
    monkeypatch.setattr(SQLModel, "__init__", never)
    event.listen(Mapper, "load", never)
    try:
        said = await hub.push(mixed(1, 20))
        assert said.status == 200
        assert (await hub.read(said.body["records"][0]["dossier"]))["legs"]
    finally:
        event.remove(Mapper, "load", never)
        assert made is not never
