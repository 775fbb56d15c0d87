"""Every department that lists what it holds: what a run has brought is what its list tells of."""

from pathlib import Path
from typing import Any

import pytest

from canonical.ports import Begins, Counts, Settings
from sync.reconcile import Reconciled, Wish, reconcile
from sync.verify import verify
from tests.contract.department import Department
from tests.contract.synced import NAME, Synced

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def store(sqlite_shelf: Any, tmp_path: Path) -> Any:
    opened = sqlite_shelf.fresh(tmp_path)
    yield opened
    sqlite_shelf.give_back(opened)


def listing(department: Department) -> Department:
    if not department.system.manifest.lists:
        pytest.skip(f"{department.folder.name}: no list of what it holds")
    return department


async def compare(hub: Synced, **wish: bool) -> Reconciled:
    return await reconcile(hub.context, NAME, Wish(**wish))


async def test_after_a_run_its_list_and_the_hub_agree(department: Department, store: Any) -> None:
    hub = Synced(listing(department), department.open("well"), store)
    assert (await hub.run()).error is None
    before = hub.kept()
    for is_full in (False, True):
        told = await compare(hub, is_full=is_full)
        assert (told.error, told.found, told.left) == (None, {}, 0)
        assert told.compared == len({code for _, code in before.said})
    assert hub.kept().said == before.said
    assert hub.kept().refused == before.refused


async def test_an_empty_hub_is_filled_as_a_run_would(department: Department, store: Any) -> None:
    hub = Synced(listing(department), department.open("well"), store)
    told = await compare(hub)
    assert (told.error, told.left, set(told.found)) == (None, 0, {"missing"})
    first = hub.kept()
    summary = await hub.run()
    assert (summary.error, summary.applied, summary.superseded) == (None, 0, 0)
    assert hub.kept().said == first.said
    report = verify(hub.context)
    assert report.ok, [check for check in report.checks if not check.ok]


async def test_a_list_that_is_suddenly_empty_is_not_believed(
    department: Department, store: Any
) -> None:
    simulation = listing(department).open("well")
    hub = Synced(department, simulation, store)
    assert (await hub.run()).error is None
    simulation.mood = "empty"
    for _ in range(2):
        told = await compare(hub)
        assert told.error is not None
        assert (told.error["reason"], told.found) == ("PAGE_SHORT", {})


async def test_the_client_offers_what_the_manifest_says(department: Department) -> None:
    manifest = listing(department).system.manifest
    connect = department.system.connect
    assert connect is not None
    assert "reconcile_schedule" in manifest.options
    simulation = department.open("well")
    options = {**({"mode": department.mode} if department.mode else {}), **simulation.options}
    client = connect(Settings("x", "http://127.0.0.1:1", options, simulation.secrets))
    assert isinstance(client, Counts) is (manifest.lists == "census")
    assert isinstance(client, Begins) is ("from_day" in manifest.options)
    await client.close()
