"""Each department in each mood through the whole of a run: simulator on a socket, sync, store.

What a mood must come to stands in tests/contract/moods.py; here it is asserted on the summary, the
run's row, the checkpoint, the records and dossiers kept, and the simulator's own request log.
"""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from adapters.simulation import MOODS, Simulation
from canonical.record import Record, Rejected
from store.engine import Store
from sync.run import Summary
from tests.contract.department import Department, Run
from tests.contract.moods import EXPECTED, Rows
from tests.contract.synced import PAGE_SIZE, Calls, Kept, Synced, calls_of
from tests.contract.test_moods import skip_where_not_applicable

pytestmark = pytest.mark.asyncio(loop_scope="module")
Connect = Callable[[Simulation], Synced]


@pytest.fixture
def connect(department: Department, sqlite_shelf: Any, tmp_path: Path) -> Any:
    """A connection to the department over an empty store of its own, as often as asked for."""
    opened: list[Store] = []

    def make(simulation: Simulation) -> Synced:
        folder = tmp_path / str(len(opened))
        folder.mkdir()
        opened.append(in_a_hurry(sqlite_shelf.fresh(folder)))
        return Synced(department, simulation, opened[-1])

    yield make
    for store in opened:
        sqlite_shelf.give_back(store)


def in_a_hurry(store: Store) -> Store:
    """A store that lives as long as its test need not survive a power cut."""

    @event.listens_for(store.engine, "connect")
    def _on_connect(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA synchronous=OFF")

    return store


async def straight(department: Department, mood: str = "well") -> tuple[Run, Calls]:
    """The department's client alone, without sync: what it brings, and the calls it makes."""
    simulation = department.open(mood)
    has_pages = "page_size" in department.system.manifest.options
    options = {} if "page_size" in simulation.options or not has_pages else {"page_size": PAGE_SIZE}
    run = await department.run(simulation, options=options)
    return run, calls_of(simulation)


@pytest.mark.parametrize("mood", MOODS)
async def test_a_mood_comes_to_its_one_end(
    department: Department, connect: Connect, mood: str
) -> None:
    skip_where_not_applicable(department, mood)
    expected = EXPECTED[mood]
    hub = connect(department.open(mood))

    summary = await hub.run(deadline_s=expected.deadline_s)

    assert_run_row(hub, summary)
    assert hub.is_free()
    if expected.reason is not None:
        assert summary.error is not None
        assert summary.error["reason"] == expected.reason.value
        assert (summary.pages, summary.records) == (0, 0)
        assert (hub.point(), hub.kept().rows, hub.kept().receipts) == ({}, [], 0)
        if department.system.manifest.protocol != "file":
            # A busy machine may come to no call at all before a deadline this short.
            assert hub.calls or expected.deadline_s < 1
            assert set(hub.calls.values()) <= {1}, "a call was repeated"
        return
    assert summary.error is None
    alone, calls = await straight(department, mood)
    assert hub.calls == calls, "sync asked otherwise than once for each page"
    assert_kept(hub, summary, alone)
    assert_checkpoint(hub, alone)
    if mood != "well":
        assert_against_well(hub.kept(), await well_kept(department, connect), expected.rows)


_WELL: dict[tuple[str, str], Kept] = {}


async def well_kept(department: Department, connect: Connect) -> Kept:
    """What the store holds of the department after one run in its mood "well"; run once."""
    key = (department.folder.name, department.mode)
    if key not in _WELL:
        hub = connect(department.open())
        assert (await hub.run()).error is None
        _WELL[key] = hub.kept()
    return _WELL[key]


def assert_run_row(hub: Synced, summary: Summary) -> None:
    row = hub.last_run()
    assert row.state == ("failed" if summary.error else "done")
    assert row.reason == (summary.error["reason"] if summary.error else None)
    assert (row.pages, row.records) == (summary.pages, summary.records)
    assert row.ended_at is not None
    assert row.drift == "[]"


def assert_kept(hub: Synced, summary: Summary, alone: Run) -> None:
    """Every record of every page has its one disposition, and one row unless it is a duplicate."""
    kept = hub.kept()
    assert summary.pages == len(alone.pages) == kept.receipts
    assert summary.records == len(alone.found)
    dispositions = Counter(row.disposition for row in kept.rows)
    assert dispositions == +Counter(
        applied=summary.applied,
        superseded=summary.superseded,
        quarantined=summary.quarantined,
    )
    counted = summary.applied + summary.superseded + summary.duplicate + summary.quarantined
    assert (counted, summary.pending) == (summary.records, 0)
    refused = Counter((r.reason.value, r.field) for r in alone.found if isinstance(r, Rejected))
    # The same bad row twice is held once, where anything tells the row apart.
    told = {(r.reason.value, r.field, r.code) for r in alone.found if isinstance(r, Rejected)}
    once = Counter((reason, field) for reason, field, _ in told)
    assert once <= kept.refused <= refused, "the quarantine holds what the reader refused"


def assert_checkpoint(hub: Synced, alone: Run) -> None:
    manifest = hub.department.system.manifest
    point = hub.point()
    if manifest.durable_cursor:
        assert point == ({"cursor": alone.pages[-1].cursor} if alone.pages else {})
        return
    assert point.get("cursor") is None
    moments = [r.updated_at for r in alone.found if isinstance(r, Record) and r.updated_at]
    assert hub.watermark() == max(moments, default=None)


def assert_against_well(kept: Kept, good: Kept, rows: Rows | None) -> None:
    match rows:
        case Rows.SAME:
            assert kept.said == good.said
            assert kept.cases == good.cases, "the same dossiers, and none of them twice"
        case Rows.NONE:
            assert (kept.said, kept.rows) == ({}, [])
        case Rows.MIXED:
            new = kept.refused - good.refused
            assert {reason for reason, _ in new} == {"DATE_INVALID"}
            assert kept.said
            assert set(kept.said) <= set(good.said)
        case Rows.SENTINELS:
            new = kept.refused - good.refused
            assert {reason for reason, _ in new} <= {"DATE_INVALID"}
            assert kept.said
        case None:
            raise AssertionError("a mood without an end")


async def test_a_second_run_with_nothing_new_writes_no_record(
    department: Department, connect: Connect
) -> None:
    hub = connect(department.open())
    await date_back(hub)
    first = await hub.run()
    before, point = hub.kept(), hub.point()
    hub.simulation.log.clear()
    again = await hub.run()
    after = hub.kept()
    assert again.error is None
    assert (again.applied, again.superseded) == (0, 0)
    # What cannot be read is refused each time it comes; it has no version to know it again by.
    assert [r.disposition for r in after.rows[len(before.rows) :]] == ["quarantined"] * (
        again.quarantined
    )
    assert again.duplicate == again.records - again.quarantined
    assert after.receipts == before.receipts + again.pages
    assert (after.said, after.cases) == (before.said, before.cases)
    assert hub.point() == point
    assert hub.calls or department.system.manifest.protocol == "file"
    assert first.records >= again.records


async def test_a_failing_department_leaves_everything_as_it_was(
    department: Department, connect: Connect
) -> None:
    if department.system.manifest.protocol == "file":
        pytest.skip("a drop is read once; its failure midway is tried below")
    hub = connect(department.open())
    await date_back(hub)
    await hub.run()
    before, point = hub.kept(), hub.point()
    hub.simulation.mood = "html"
    summary = await hub.run()
    assert summary.error is not None
    assert summary.error["reason"] == "CTYPE_UNEXPECTED"
    after = hub.kept()
    assert (after.said, after.receipts, hub.point()) == (before.said, before.receipts, point)
    hub.simulation.mood = "well"
    assert (await hub.run()).error is None


async def date_back(hub: Synced) -> None:
    """To the days of the built-in data: a source asked month by month need not tell ten years."""
    run, _ = await straight(hub.department)
    moments = [r.updated_at for r in run.found if isinstance(r, Record) and r.updated_at]
    hub.department._stage.simulation = hub.simulation
    if moments:
        at = max(moments) + timedelta(days=2)
        hub.context.now = lambda: at


async def test_a_run_cut_short_goes_on_and_loses_nothing(
    department: Department, connect: Connect
) -> None:
    whole = connect(department.open())
    await whole.run()
    hub = connect(department.open())
    seen = await _one_page_then_html(hub)
    if seen is None:
        pytest.skip(f"{department.folder.name} {department.mode}: it answers in one page")
    assert seen.error is not None
    assert seen.error["reason"] == "CTYPE_UNEXPECTED"
    assert seen.pages == 1
    hub.simulation.mood = "well"
    rest = await hub.run()
    assert rest.error is None, rest.error
    kept, good = hub.kept(), whole.kept()
    assert (kept.said, kept.cases) == (good.said, good.cases)
    assert hub.watermark() == whole.watermark()


async def _one_page_then_html(hub: Synced) -> Summary | None:
    """A run whose department breaks down after its first page; None where there is but one."""
    simulation = hub.simulation

    def break_down(summary: Summary) -> None:
        simulation.mood = "html"

    summary = await hub.run(progress=break_down)
    return None if summary.error is None else summary


async def test_what_is_durable_and_not_acknowledged_comes_again_as_duplicates(
    department: Department, connect: Connect
) -> None:
    whole = connect(department.open())
    await whole.run()
    run, _ = await straight(department)
    if not run.pages[0].token:
        pytest.skip(f"{department.folder.name} {department.mode}: the source asks for nothing")
    hub = connect(department.open())
    hub.acknowledges = False
    first = await hub.run()
    assert first.error is not None
    assert (first.error["reason"], first.pages) == ("NET_RESET", 1)
    assert hub.kept().receipts == 1
    hub.acknowledges = True
    again = await hub.run()
    assert again.error is None
    assert again.duplicate == first.applied
    kept, good = hub.kept(), whole.kept()
    assert (kept.said, kept.cases) == (good.said, good.cases)
    assert (await hub.run()).records == 0, "acknowledged, and told once more"
