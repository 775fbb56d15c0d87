"""The demo's own rules: data from a seed and a day, figures side by side, a folder of its own."""

import json
from copy import deepcopy
from datetime import date, datetime, time, timedelta
from itertools import pairwise

import pytest
from msgspec import structs

from canonical import clock
from canonical.errors import HubError
from hub.demo import printing_work, proof, table
from hub.demo.cases import STOPPED, SUPPLEMENT, cases_of
from hub.demo.figures import IN_TERM, LATE, LINES, ON_TIME, RETURNED
from hub.demo.generate import SEED, write_all
from hub.demo.place import fresh
from hub.demo.publishing import last_month
from hub.demo.telling import Told
from store.delivery_views import Fare


def figures() -> dict[str, dict[str, object]]:
    """As the hub answers where all is well."""
    names = ("early", "on_time", "late", "open_in_term", "open_overdue", "returned")
    return {
        table.key_of(line.agency, line.start, line.end): {
            "total": line.total,
            "buckets": {name: line.made.get(name, 0) for name in names},
            "resolved": line.total - line.made.get(IN_TERM, 0),
            "resolved_online": line.online,
        }
        for line in LINES
    }


def test_what_is_made_adds_up_and_contains_what_was_printed():
    for line in LINES:
        assert sum(line.made.values()) == line.total
        assert line.printed.items() <= line.made.items()
        assert set(line.made) - set(line.printed) == set(line.assumed)


@pytest.mark.parametrize("day", ["2026-11-24", "2026-11-22", "2027-01-01", "2028-02-29"])
def test_any_day_gives_files_and_the_same_day_the_same_ones(tmp_path, day):
    on = date.fromisoformat(day)
    first = write_all(tmp_path / "a", on)
    again = write_all(tmp_path / "b", on)
    for name, file in first.files.items():
        assert file.read_bytes() == again.files[name].read_bytes()
    assert set(first.stories.told) == {"licence", "late", "doubtful", "land", "land_paid"}


def test_nothing_of_this_year_happens_in_the_future(tmp_path):
    on = date(2026, 11, 24)
    made = write_all(tmp_path, on)
    limit = datetime(2026, 11, 24, tzinfo=clock.HCM).timestamp() * 1000
    rows = json.loads(made.files["one_stop"].read_text("utf-8"))
    assert max(row["modifiedDate"] for row in rows) < limit


@pytest.mark.parametrize("day", ["2026-11-24", "2026-11-01", "2027-01-01", "2028-03-01"])
def test_the_second_day_has_dossiers_that_moved_and_one_of_last_month_in_an_unknown_state(
    tmp_path, day
):
    on = date.fromisoformat(day)
    made = write_all(tmp_path, on)
    first = json.loads(made.files["one_stop"].read_text("utf-8"))
    later = json.loads(made.later.read_text("utf-8"))[len(first) :]
    night = datetime.combine(on, time.min, clock.HCM).timestamp() * 1000
    assert all(row["modifiedDate"] >= night for row in later)
    assert len(set(made.moved)) > 10
    assert set(made.moved) < {row["referenceUid"] for row in later}
    [unknown] = [row for row in first if row["referenceUid"] == made.unknown]
    accepted = datetime.fromtimestamp(unknown["receiveDate"] / 1000, clock.HCM).date()
    start, end = last_month(on)
    assert start <= accepted <= end
    assert (end + timedelta(days=1), start.day) == (on.replace(day=1), 1)


FARE = Fare(
    receiver="cong-tinh",
    state="enabled",
    breaker="closed",
    failures=0,
    retry_at=None,
    waits_for=None,
    backlog=0,
    waiting=0,
    parked=0,
    dead=0,
    oldest_at=None,
    delivered=30,
    skipped=0,
    dropped=0,
    last_at=None,
)


@pytest.mark.parametrize("name", ["out_of_order", "twice", "missing"])
def test_what_a_receivers_own_book_says_is_wrong_is_wrong(name):
    good = {"out_of_order": 0, "twice": 0, "missing": 0}
    assert Told(FARE, **good).is_right
    assert not Told(FARE, **{**good, name: 1}).is_right


@pytest.mark.parametrize("name", ["backlog", "waiting", "parked", "dead", "dropped"])
def test_what_is_left_for_a_receiver_is_wrong(name):
    assert not Told(structs.replace(FARE, **{name: 1}), 0, 0, 0).is_right


def test_a_proof_that_fails_names_what_failed():
    checks = [
        {"name": "feed gapless", "ok": True, "checked": 5, "detail": ""},
        {"name": "recomputed leg", "ok": False, "checked": 2, "detail": "leg 1: status"},
    ]
    told = printing_work.proof({"ok": False, "checks": checks})
    assert "2 phép kiểm, 1 sai" in told[0]
    assert "không mất" not in told[0]
    assert told[1:] == ["  recomputed leg: leg 1: status"]


def test_the_printed_commands_leave_another_store_alone(monkeypatch, tmp_path):
    """Whoever has a store in the environment must not verify that one by copying a line."""
    monkeypatch.setenv("HUB_DATABASE_URL", "postgresql://elsewhere/hub")
    assert "HUB_DATABASE_URL" not in proof.environment(tmp_path)
    assert printing_work.entering(tmp_path)[0].startswith("unset HUB_DATABASE_URL")
    monkeypatch.delenv("HUB_DATABASE_URL")
    assert printing_work.entering(tmp_path)[0].startswith("export HUB_DATA_DIR=")


@pytest.fixture(scope="module")
def cases():
    return [case for city in ("dong-ha", "vinh-linh") for case in cases_of(city, SEED)]


def test_the_day_decides_also_at_half_past_eleven_and_ten_past_midnight(cases):
    ends = {(case.verdict, f"{case.finished or case.handed:%H:%M}") for case in cases
            if case.finished or case.handed}  # fmt: skip
    assert (ON_TIME, "23:30") in ends
    assert (LATE, "00:10") in ends
    assert (LATE, "23:30") not in ends
    assert (ON_TIME, "00:10") not in ends


def test_a_life_goes_forward(cases):
    for case in cases:
        moments = [case.accepted, *(moment for moment, _ in case.steps)]
        moments += [end for end in (case.finished, case.handed) if end is not None]
        assert all(one < other or other == case.handed for one, other in pairwise(moments)), case


def test_the_returned_have_no_result_and_the_ones_in_term_do_not_wait(cases):
    for case in cases:
        if case.verdict == RETURNED:
            assert case.finished is None
            assert case.handed is None
        else:
            assert STOPPED not in [state for _, state in case.steps]
        if case.verdict == IN_TERM:
            assert SUPPLEMENT not in [state for _, state in case.steps]


def test_equal_figures_are_called_equal_and_unprinted_ones_assumed():
    told = table.blocks(figures(), figures())
    assert not table.is_wrong(told)
    verdicts = {cell.verdict for block in told for cell in block.cells}
    assert verdicts == {table.EQUAL, table.ASSUMED}


@pytest.mark.parametrize("bucket", ["early", "returned", "open_overdue"])
def test_a_figure_of_the_hub_that_differs_is_called_so(bucket):
    wrong = deepcopy(figures())
    key = table.key_of("H50.12", date(2015, 1, 1), date(2015, 12, 31))
    wrong[key]["buckets"][bucket] += 1
    assert table.is_wrong(table.blocks(wrong, figures()))
    assert table.is_wrong(table.blocks(figures(), wrong))


def test_a_share_that_is_not_above_the_printed_one_is_wrong():
    low = deepcopy(figures())
    key = table.key_of("H50.12", date(2016, 1, 1), date(2016, 6, 30))
    low[key]["buckets"]["on_time"] = 1_400
    assert table.is_wrong(table.blocks(low, low))


def test_without_the_script_its_column_is_empty_and_nothing_is_wrong():
    told = table.blocks(figures(), None)
    assert not table.is_wrong(told)
    assert {cell.counted for block in told for cell in block.cells} == {None}


def test_the_folder_is_made_anew_and_held_by_one_demo_at_a_time(tmp_path):
    with fresh(tmp_path) as folder:
        (folder / "left.txt").write_text("x", "utf-8")
        with pytest.raises(HubError, match="another demo"), fresh(tmp_path):
            pass
    with fresh(tmp_path) as folder:
        assert not (folder / "left.txt").exists()


def test_a_folder_that_no_demo_wrote_is_left_alone(tmp_path):
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "mine.txt").write_text("x", "utf-8")
    with pytest.raises(HubError, match="no demo wrote"), fresh(tmp_path):
        pass
    assert (tmp_path / "demo" / "mine.txt").exists()
