"""Each department in each mood, over a real socket: one reason code, or the rows it must bring.

Expected results stand in tests/contract/moods.py and nowhere else.
"""

from collections import Counter

import pytest

from adapters.simulation import MOODS, Simulation
from canonical.errors import HubError
from canonical.reasons import Reason
from canonical.record import Record
from tests.contract.department import Department, Run
from tests.contract.moods import EXPECTED, Rows

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_table_knows_every_mood() -> None:
    assert set(EXPECTED) == set(MOODS)


@pytest.mark.parametrize("mood", MOODS)
async def test_a_mood_comes_to_its_one_end(department: Department, mood: str) -> None:
    skip_where_not_applicable(department, mood)
    expected = EXPECTED[mood]
    well = await department.run(department.open())
    codes = open_codes(department, well)
    if codes:
        well = await department.run(department.open(), open_codes=codes)

    simulation = department.open(mood)
    run = await department.run(simulation, deadline_s=expected.deadline_s, open_codes=codes)

    if expected.reason is not None:
        assert_one_reason(run, expected.reason, department)
        assert_nothing_repeated(simulation, department)
    else:
        assert run.error is None, f"{mood}: {run.error}"
        assert expected.rows is not None
        assert_rows(run, well, expected.rows)
    if mood == "well":
        assert_in_good_order(run, department)


async def test_a_run_goes_on_where_its_cursor_says(department: Department) -> None:
    manifest = department.system.manifest
    if not (manifest.ordered or manifest.durable_cursor):
        pytest.skip(f"{manifest.id}: its pages come in no order, a run begins anew")
    options = {"page_size": "7"} if "page_size" in manifest.options else {}
    whole = await department.run(department.open(), options=options)
    assert whole.error is None
    assert len(whole.pages) > 1, "the built-in data fills one page only"
    for place, page in enumerate(whole.pages[:-1]):
        assert page.cursor, "a page before the last has a cursor"
        rest = await department.run(department.open(), options=options, cursor=page.cursor)
        assert rest.error is None
        assert [p.raw for p in rest.pages] == [p.raw for p in whole.pages[place + 1 :]]


async def test_a_cursor_of_somebody_else_is_refused(department: Department) -> None:
    manifest = department.system.manifest
    if not (manifest.ordered or manifest.durable_cursor):
        pytest.skip(f"{manifest.id}: its pages come in no order, a run begins anew")
    run = await department.run(department.open(), cursor="no-such-place")
    assert run.error is not None
    assert run.error.reason is Reason.CURSOR_LOST
    assert run.pages == []


async def test_a_failure_midway_loses_nothing_of_what_came_before(
    department: Department,
) -> None:
    manifest = department.system.manifest
    options = {"page_size": "7"} if "page_size" in manifest.options else {}
    whole = await department.run(department.open(), options=options)
    if len(whole.pages) < 2:
        pytest.skip(f"{department.folder.name} {department.mode}: it answers in one page")
    simulation = department.open()

    def break_down() -> None:
        simulation.mood = "html"

    run = await department.run(simulation, options=options, after_page=break_down)
    assert run.error is not None
    assert run.error.reason is Reason.CTYPE_UNEXPECTED
    assert len(run.pages) == 1
    simulation.mood = "well"
    can_resume = manifest.ordered or manifest.durable_cursor
    rest = await department.run(
        simulation, options=options, cursor=run.pages[0].cursor if can_resume else None
    )
    assert rest.error is None
    assert run.statements | rest.statements == whole.statements


async def test_a_page_comes_again_until_it_is_acknowledged(department: Department) -> None:
    simulation = department.open()
    first = await department.run(simulation, acknowledges=False, max_pages=1)
    assert first.error is None
    if not first.pages[0].token:
        pytest.skip(f"{department.folder.name} {department.mode}: the source asks for nothing")
    calls = len(simulation.log)
    again = await department.run(simulation, acknowledges=False, max_pages=1)
    assert again.pages[0].raw == first.pages[0].raw
    assert len(simulation.log) == 2 * calls, "something was acknowledged that was not durable"
    taken = await department.run(simulation)
    assert first.statements <= taken.statements
    assert (await department.run(simulation)).found == [], "acknowledged, and told once more"


async def test_a_wrong_secret_is_denied(department: Department) -> None:
    skip_where_not_applicable(department, "refusing")
    simulation = department.open()
    assert simulation.secrets, "it refuses credentials and has none"
    assert set(simulation.secrets) <= set(department.system.manifest.secrets)
    run = await department.run(
        simulation, secrets=dict.fromkeys(simulation.secrets, "not-the-secret")
    )
    assert_one_reason(run, Reason.AUTH_DENIED, department)


def skip_where_not_applicable(department: Department, mood: str) -> None:
    told = department.system.manifest.moods_not_applicable
    reason = told.get(f"{mood}@{department.mode}") or told.get(mood)
    if reason:
        pytest.skip(f"{department.folder.name} {department.mode} {mood}: {reason}")


def open_codes(department: Department, well: Run) -> tuple[str, ...]:
    if not department.system.manifest.asks_open_codes:
        return ()
    codes = dict.fromkeys(record.code for record in well.found if isinstance(record, Record))
    return tuple(codes)[:5]


def assert_one_reason(run: Run, reason: Reason, department: Department) -> None:
    assert isinstance(run.error, HubError), f"no failure, but {len(run.found)} rows"
    assert run.error.reason is reason, run.error
    assert run.pages == [], "a page was taken from a department in that mood"
    assert run.error.system, "the failure does not say whose it is"
    told = " ".join(
        str(value) for value in (*run.error.args, run.error.detail, run.error.correlation_id)
    )
    assert "?" not in told, "an address with a query in the text of a failure"


def assert_nothing_repeated(simulation: Simulation, department: Department) -> None:
    """Only sync repeats: the request log of a failing department holds each call once."""
    if department.system.manifest.protocol == "file":
        return
    calls = Counter((e["method"], e["path"], e["operation"]) for e in simulation.log)
    assert calls, "the department was never called"
    assert max(calls.values()) == 1, f"a client repeated a call: {calls}"


def assert_rows(run: Run, well: Run, rows: Rows) -> None:
    refused = run.refused - well.refused
    match rows:
        case Rows.SAME:
            assert run.statements == well.statements
            assert run.refused == well.refused
            assert run.statements, "nothing at all was read"
        case Rows.NONE:
            assert run.found == []
        case Rows.MIXED:
            assert {reason for _, reason, _ in refused} == {Reason.DATE_INVALID}
            assert run.statements < well.statements, "a row with another date was changed, not kept"
            assert run.statements
        case Rows.SENTINELS:
            assert {reason for _, reason, _ in refused} <= {Reason.DATE_INVALID}
            assert run.statements
            assert run.statements != well.statements, "the mood changed nothing"


def assert_in_good_order(run: Run, department: Department) -> None:
    assert Reason.DATE_INVALID not in {reason for _, reason, _ in run.refused}
    assert len(run.refused) < len(run.found) / 3, "most of what it sends must be read"
    assert run.drift == set(), "the mapping neither reads nor ignores what its contract names"
    totals = {page.total for page in run.pages}
    if None not in totals and len(totals) == 1:
        assert sum(page.count for page in run.pages) in totals
    if not department.system.manifest.durable_cursor:
        assert run.pages[-1].cursor is None, "the last page has a cursor"
