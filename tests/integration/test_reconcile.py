"""A source's own list held against the hub: what differs is found, the safe part is healed."""

import json
import random
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest

from adapters.one_stop import simulator
from adapters.simulation import Simulation, running
from canonical.errors import HubError
from store import alarms
from sync.reconcile import Reconciled, Wish, reconcile
from sync.run import sync_connection
from tests.polled import BEGUN, Poll, row
from tests.trial import Trial

DAY = 86_400_000


class App:
    """The one-stop app's simulator on a socket, its rows by uid, and the hub's connection."""

    def __init__(self, hub: Trial, simulation: Simulation, base: str) -> None:
        self.hub = hub
        self.base = base
        self.name = "snv"
        self.simulation = simulation
        self.rows: dict[str, dict[str, Any]] = {}

    def put(self, number: int, **over: Any) -> None:
        made = row(number, **{"dossierId": number, **over})
        self.rows[str(made["referenceUid"])] = made

    def change(self, number: int, **over: Any) -> None:
        self.put(number, **{**self.rows[f"uid-{number}"], **over})

    def drop(self, *numbers: int) -> None:
        for number in numbers:
            del self.rows[f"uid-{number}"]

    async def _show(self) -> None:
        async with httpx.AsyncClient(base_url=self.base, trust_env=False) as http:
            said = await http.post("/__data", json=list(self.rows.values()))
            assert said.status_code < 300

    async def sync(self) -> None:
        await self._show()
        assert (await sync_connection(self.hub.context, self.name)).error is None

    async def compare(self, **wish: Any) -> Reconciled:
        await self._show()
        return await reconcile(self.hub.context, self.name, Wish(**wish))

    def asked(self, operation: str) -> int:
        return sum(one["operation"] == operation for one in self.simulation.log)


@pytest.fixture
async def app(hub: Trial) -> AsyncIterator[App]:
    simulation = simulator.build()
    async with running(simulation) as base:
        secrets = [f"{k}={v}" for k, v in (simulation.options | simulation.secrets).items()]
        hub.connect("snv", system="one_stop", endpoint=base, settings=[*secrets, "page_size=4"])
        yield App(hub, simulation, base)


def left(told: Reconciled) -> list[tuple[str, str]]:
    return [(one.kind, one.code) for one in told.items if not one.healed]


def alarmed(hub: Trial) -> list[tuple[str, str, str]]:
    with hub.store.read() as tx:
        return [(one.kind, one.key, one.detail) for one in alarms.list_alarms(tx)]


async def shown(hub: Trial, number: int) -> Any:
    [own] = await hub.find(f"snv:uid-{number}")
    return await hub.read(own)


async def test_where_all_agree_nothing_is_listed(app: App) -> None:
    for n in range(9):
        app.put(n, receiveDate=BEGUN + n % 3 * DAY, online=n % 2 == 0)
    await app.sync()
    before, lists = await app.hub.seq(), app.asked("dossiers")
    told = await app.compare()
    assert (told.by, told.compared, told.found, told.left) == ("census", 9, {}, 0)
    assert (app.asked("statistics"), app.asked("dossiers")) == (1, lists)
    assert await app.hub.seq() == before
    whole = await app.compare(is_full=True)
    assert (whole.by, whole.listed, whole.found) == ("pages", 9, {})


@pytest.mark.parametrize("is_full", [False, True], ids=["census", "pages"])
async def test_missing_and_stale_are_healed_by_what_differs_alone(
    app: App, *, is_full: bool
) -> None:
    for n in range(12):
        app.put(n, receiveDate=BEGUN + n * DAY)
    await app.sync()
    # Both behind the watermark: no poll will ever ask for them again.
    app.put(50, receiveDate=BEGUN + 3 * DAY, modifiedDate=BEGUN - 40 * DAY)
    app.change(7, dossierStatus="releasing", modifiedDate=BEGUN + 1)
    receipts = len(bodies(app.hub))
    told = await app.compare(is_full=is_full)
    assert (told.found, told.healed, told.left) == ({"missing": 1, "stale": 1}, 2, 0)
    assert told.listed == (13 if is_full else 3)
    assert (await shown(app.hub, 7))["status"] == "finished"
    assert (await shown(app.hub, 50))["status"] == "in_progress"
    # The rows that differed, and no others of their pages.
    made = bodies(app.hub)[receipts:]
    assert {shape.partition(":")[0] for shape, _ in made} == {"part"}
    assert sum(applied for _, applied in made) == 2
    again = await app.compare(is_full=is_full)
    assert (again.found, again.left) == ({}, 0)


def bodies(hub: Trial) -> list[tuple[str, int]]:
    with hub.store.read() as tx:
        rows = tx.exec_driver_sql("SELECT shape, applied FROM receipt ORDER BY id").all()
    return [(str(r[0]), int(r[1])) for r in rows]


async def test_only_compared_nothing_is_changed(app: App) -> None:
    for n in range(6):
        app.put(n)
    await app.sync()
    app.drop(1)
    app.put(9, modifiedDate=BEGUN - 40 * DAY)
    before, receipts = await app.hub.seq(), len(bodies(app.hub))
    for _ in range(3):
        told = await app.compare(heals=False)
        assert (left(told), told.healed) == ([("extra", "uid-1"), ("missing", "uid-9")], 0)
    assert (await app.hub.seq(), len(bodies(app.hub))) == (before, receipts)
    assert [one[:2] for one in alarmed(app.hub)] == [("reconciliation", "snv")]


@pytest.mark.parametrize("is_full", [False, True], ids=["census", "pages"])
async def test_missed_twice_in_a_row_it_is_gone_and_comes_back(app: App, *, is_full: bool) -> None:
    for n in range(8):
        app.put(n, receiveDate=BEGUN + n % 2 * DAY)
    await app.sync()
    kept = app.rows["uid-3"]
    app.drop(3)
    first = await app.compare(is_full=is_full)
    assert (left(first), alarmed(app.hub)) == ([("extra", "uid-3")], [])
    assert (await shown(app.hub, 3))["legs"][0]["gone_at"] is None
    app.hub.clock.forward(days=7)
    second = await app.compare(is_full=is_full)
    assert (second.found, second.healed, second.left) == ({"deleted": 1}, 1, 0)
    assert (await shown(app.hub, 3))["legs"][0]["gone_at"] is not None
    assert (await app.hub.feed())[-1]["kind"] == "gone"
    assert (await app.compare(is_full=is_full)).found == {}
    app.put(3, **kept)
    app.hub.clock.forward(days=7)
    back = await app.compare(is_full=is_full)
    assert (back.found, back.left) == ({"missing": 1}, 0)
    assert (await shown(app.hub, 3))["legs"][0]["gone_at"] is None
    assert (await app.hub.feed())[-1]["kind"] == "restored"


async def test_missed_once_and_there_again_begins_anew(app: App) -> None:
    for n in range(6):
        app.put(n)
    await app.sync()
    kept = app.rows["uid-3"]
    for _ in range(3):
        app.drop(3)
        assert left(await app.compare()) == [("extra", "uid-3")]
        app.put(3, **kept)
        assert (await app.compare()).found == {}


async def test_other_content_under_the_same_version_is_shown_and_left(app: App) -> None:
    for n in range(6):
        app.put(n)
    await app.sync()
    app.change(2, dossierStatus="releasing")  # its modifiedDate stays
    before = await app.hub.seq()
    for _ in range(2):
        told = await app.compare()
        assert (left(told), told.healed) == ([("diverged", "uid-2")], 0)
    assert await app.hub.seq() == before
    assert alarmed(app.hub) == [("reconciliation", "snv", "1 diverged")]
    # Mended at the source: the alarm is over.
    app.change(2, modifiedDate=BEGUN + 1)
    told = await app.compare()
    assert (told.found, told.left, alarmed(app.hub)) == ({"stale": 1}, 0, [])


async def test_a_source_set_back_is_behind_the_hub(app: App) -> None:
    """Restored from a backup it lists an older word: the hub's stands, people are told."""
    for n in range(4):
        app.put(n)
    await app.sync()
    app.change(2, dossierStatus="releasing", modifiedDate=BEGUN + DAY)
    await app.sync()
    app.change(2, dossierStatus="processing", modifiedDate=BEGUN)
    told = await app.compare()
    assert left(told) == [("diverged", "uid-2")]
    assert (await shown(app.hub, 2))["status"] == "finished"


async def test_a_row_in_the_quarantine_is_there_and_kept_once(app: App) -> None:
    for n in range(6):
        app.put(n)
    await app.sync()
    app.change(1, dossierStatus="la", modifiedDate=BEGUN - 40 * DAY)
    app.put(9, serviceCode="KHONG.CO", modifiedDate=BEGUN - 40 * DAY)
    for _ in range(3):
        told = await app.compare()
        assert (told.found, told.quarantined) == ({}, 2)
    with app.hub.store.read() as tx:
        rows = tx.exec_driver_sql("SELECT code, seen FROM record WHERE disposition = 'quarantined'")
        assert sorted(rows) == [("uid-1", 1), ("uid-9", 1)]


async def test_a_list_that_lost_more_than_half_is_not_believed(app: App) -> None:
    for n in range(7):
        app.put(n)
    await app.sync()
    app.drop(0, 1, 2, 3)
    for _ in range(3):
        told = await app.compare()
        assert told.error is not None
        assert (told.error["reason"], told.found) == ("PAGE_SHORT", {})
    [alarm] = alarmed(app.hub)
    assert "lacks 4 of 7" in alarm[2]
    app.simulation.mood = "empty"
    assert (await app.compare()).error == {
        "reason": "PAGE_SHORT",
        "detail": "its list lacks 7 of 7 dossiers that are held: taken for incomplete",
    }
    app.simulation.mood = "well"
    # A person knows that it is so.
    await app.compare(trusts=True)
    told = await app.compare(trusts=True)
    assert (told.found, alarmed(app.hub)) == ({"deleted": 4}, [])


@pytest.mark.parametrize("mood", ["truncated", "refusing", "html"])
async def test_a_list_that_breaks_off_counts_nobody_as_missing(app: App, mood: str) -> None:
    for n in range(6):
        app.put(n)
    await app.sync()
    app.drop(2)
    await app.compare(is_full=True)
    app.simulation.mood = mood
    for _ in range(2):
        told = await app.compare(is_full=True)
        assert told.error is not None
        assert told.found == {}
    app.simulation.mood = "well"
    assert (await shown(app.hub, 2))["legs"][0]["gone_at"] is None
    # What was missed before that stays missed.
    assert (await app.compare(is_full=True)).found == {"deleted": 1}


async def test_a_list_shorter_than_declared_counts_nobody_as_missing(hub: Trial) -> None:
    system = hub.context.systems["one_stop"]
    paged = msgspec.structs.replace(system.manifest, lists="pages")
    poll = Poll(hub, "snv", msgspec.structs.replace(system, manifest=paged), "dossiers")
    rows = [row(n) for n in range(6)]
    await poll.run(json.dumps({"total": 6, "data": rows}).encode())
    poll.source.bodies = [json.dumps({"total": 6, "data": rows[:4]}).encode()]
    poll.source.total = 6
    for _ in range(2):
        told = await reconcile(hub.context, "snv")
        assert told.error is not None
        assert (told.error["reason"], told.found) == ("PAGE_SHORT", {})
    # Declared as it is, two are missed.
    poll.source.total = 4
    told = await reconcile(hub.context, "snv")
    assert left(told) == [("extra", "uid-4"), ("extra", "uid-5")]
    # A row of which nobody can say whose it is may be one of them.
    poll.source.bodies = [json.dumps({"total": 5, "data": [*rows[:4], "?"]}).encode()]
    poll.source.total = 5
    told = await reconcile(hub.context, "snv")
    assert left(told) == [("extra", "uid-4"), ("extra", "uid-5")]


@pytest.mark.unproved
@pytest.mark.parametrize(
    ("system", "said"),
    [
        ("canonical", "calls the hub"),
        ("city_one_stop", "gives only what waits"),
        ("police_plates", "hands over files"),
    ],
)
async def test_who_has_no_list_says_so(hub: Trial, system: str, said: str) -> None:
    hub.connect("other", system=system)
    with pytest.raises(HubError, match=said) as failure:
        await reconcile(hub.context, "other")
    assert failure.value.reason == "CONFLICT"


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("is_full", [False, True], ids=["census", "pages"])
async def test_whatever_happened_at_the_source_the_hub_is_its_equal_afterwards(
    app: App, seed: int, *, is_full: bool
) -> None:
    """Late rows, changes and deletions behind the watermark: twice reconciled, all agree."""
    draw = random.Random(f"{seed}-{is_full}")
    for n in range(30):
        app.put(n, receiveDate=BEGUN - draw.randrange(6) * DAY, modifiedDate=BEGUN - n)
    await app.sync()
    states = ["processing", "waiting", "paying", "releasing", "done"]
    for _ in range(3):
        there = [int(uid.removeprefix("uid-")) for uid in app.rows]
        for n in draw.sample(there, draw.randrange(1, len(there) // 4)):
            app.drop(n)
        for n in draw.sample(sorted(app.rows), draw.randrange(1, 9)):
            held = app.rows[n]
            app.change(
                int(n.removeprefix("uid-")),
                dossierStatus=draw.choice(states),
                modifiedDate=held["modifiedDate"] + draw.randrange(1, DAY),
                receiveDate=BEGUN - draw.randrange(6) * DAY,
            )
        for _ in range(draw.randrange(1, 6)):
            late = BEGUN - draw.randrange(1, 90) * DAY
            app.put(draw.randrange(100, 10_000), modifiedDate=late, receiveDate=late)
        if draw.random() < 0.5:
            await app.sync()
        app.hub.clock.forward(days=3)
        await app.compare(is_full=is_full)
    app.hub.clock.forward(days=3)
    told = await app.compare(is_full=is_full)
    assert (told.left, told.error) == (0, None)
    assert (await app.compare(is_full=True)).found == {}
    there = await living(app.hub)
    assert there == {uid: STATE[held["dossierStatus"]] for uid, held in app.rows.items()}


STATE = {
    "processing": "in_progress",
    "waiting": "supplement",
    "paying": "financial",
    "releasing": "finished",
    "done": "handed_over",
}


async def living(hub: Trial) -> dict[str, str]:
    """Local code -> state of every dossier that is not gone."""
    found = {}
    cursor: dict[str, str] = {}
    while True:
        page = await hub.get("/api/v1/dossiers", limit=200, **cursor)
        for item in page["items"]:
            [leg] = item["legs"]
            if leg["gone_at"] is None:
                found[leg["code"]] = item["status"]
        if page["next"] is None:
            return found
        cursor = {"cursor": page["next"]}
