"""A log replayed through the gateway: nothing lost, nothing double, equal with and without chaos.

The real log is read from beside the checkout where it lies there, and nothing of it is kept; the
ordinary suite replays an invented one of the same columns.
"""

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from canonical.errors import HubError
from hub.commands.replay_log import lines_of
from hub.replay.compare import compare
from hub.replay.log import COLUMNS, read_log
from hub.replay.mapping import load_mapping
from hub.replay.pushes import build
from hub.replay.run import Report, replay

HOUSE = Path(__file__).parents[2]
REAL = HOUSE.parent / "shared" / "real" / "wabo_receipt_public.csv"

CONFIRM = "Confirmation of receipt"
CHECK = "T02 Check confirmation of receipt"
ADVICE = "T06 Determine necessity of stop advice"
STOP = "T10 Determine necessity to stop indication"
ADJUST = "T18 Adjust report Y to stop indicition"
HELD = "T20 Print report Y to stop indication"
# Days after the start: due, ended (None: never); then each step (activity, group, hours after).
USUAL = (
    (CONFIRM, "EMPTY", 1),
    (CHECK, "Group 4", 2),
    (ADVICE, "Group 1", 30),
    (STOP, "Group 1", 31),
)
INVENTED: tuple[tuple[int, int | None, tuple[tuple[str, str, int], ...]], ...] = (
    (30, 10, USUAL),
    (30, 30, USUAL),
    (30, 45, USUAL),
    (30, None, USUAL),
    (900, None, USUAL),
    (30, 1, USUAL),  # its end lies before its last steps
    (30, 20, ((CONFIRM, "EMPTY", 1),)),
    (30, 20, ((CONFIRM, "Group 1", 1),)),
    (30, None, (*USUAL, (ADJUST, "Group 15", 50), (HELD, "Group 2", 60))),
    (30, 31, (*USUAL, (CHECK, "Group 4", 70), (CHECK, "Group 4", 71))),
    (30, 5, ((STOP, "Group 3", 1), (CONFIRM, "EMPTY", 2))),  # back from work to reception
    (30, 29, tuple((ADVICE, ("Group 13", "EMPTY")[n % 2], 7 * n) for n in range(20))),
)
EVENTS = sum(len(steps) for _, _, steps in INVENTED)


def write_log(path: Path) -> Path:
    """The invented log, its times in two offsets."""
    winter, summer = (timezone(timedelta(hours=hours)) for hours in (1, 2))
    with path.open("w", encoding="utf-8", newline="") as file:
        sheet = csv.DictWriter(file, COLUMNS)
        sheet.writeheader()
        for number, (due, ended, steps) in enumerate(INVENTED):
            start = datetime(2030, 3, 1, 22, 15, 0, 20000, winter) + timedelta(days=40 * number)
            end = start + timedelta(days=ended or 0)
            for activity, group, hours in steps:
                at = (start + timedelta(hours=hours)).astimezone(summer)
                sheet.writerow(
                    {
                        "case:channel": ("Internet", "Desk", "Post", "e-mail")[number % 4],
                        "case:concept:name": f"case-{700 + number}",
                        "case:deadline": (start + timedelta(days=due)).isoformat(" "),
                        "case:enddate": end.isoformat(" ") if ended is not None else "",
                        "case:startdate": start.isoformat(" "),
                        "concept:name": activity,
                        "lifecycle:transition": "complete",
                        "org:group": group,
                        "org:resource": f"R{hours}",
                        "time:timestamp": at.isoformat(" "),
                    }
                )
    return path


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_log(tmp_path_factory.mktemp("log") / "invented.csv")


@pytest.fixture(scope="module")
def plain(log: Path) -> Report:
    return replay(log)


def test_in_order_the_hub_says_what_the_log_says(plain: Report) -> None:
    assert plain.differences == []
    assert all(plain.verify.values())
    assert plain.ok
    assert lines_of(plain)[0] == "12 dossiers, 60 events, 0 lost, 0 double, 0 different"
    assert plain.events == EVENTS
    assert plain.from_both == 10
    assert (
        plain.records["applied"] + plain.records.get("superseded", 0) == plain.records["distinct"]
    )


def test_an_end_before_the_last_step_is_a_finding_and_no_loss(plain: Report) -> None:
    assert plain.ended_early == 1
    assert plain.findings["TRANSITION_ODD"] == 2  # the early end, and the step back to reception
    assert plain.lost == 0


def test_late_dossiers_are_counted_as_the_log_counts_them(plain: Report) -> None:
    whole = plain.periods[0]
    assert whole.log == whole.hub
    told = {bucket: count for bucket, count in whole.hub.items() if count}
    assert told == {
        "early": 6,
        "on_time": 1,
        "late": 2,
        "open_overdue": 1,
        "open_in_term": 1,
        "waiting": 1,
    }
    assert {period.name for period in plain.periods} == {"all", "2030", "2031"}


@pytest.mark.parametrize("seed", [7, 20260731])
def test_in_chaos_the_hub_says_the_same(log: Path, plain: Report, seed: int) -> None:
    chaos = replay(log, seed)
    assert chaos.ok, lines_of(chaos)
    assert chaos.answers_lost > 0
    assert chaos.records["sent"] > 2 * chaos.records["distinct"]
    for case, held in plain.held.items():
        assert chaos.held[case].said() == held.said()
    assert chaos.picture == plain.picture
    assert chaos.periods == plain.periods


def spoilt(plain: Report, spoil: Callable[[list[dict[str, Any]]], Any]) -> dict[str, Any]:
    """The answers of a good replay with one timeline changed."""
    timeline = [dict(line) for line in plain.held["case-700"].timeline]
    spoil(timeline)
    held = structs.replace(plain.held["case-700"], timeline=timeline)
    return {**plain.held, "case-700": held}


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (lambda lines: lines.pop(1), "lost"),
        (lambda lines: lines.insert(2, lines[1]), "double"),
        (lambda lines: lines.insert(0, {**lines[0], "at": "2030-03-01T00:00:00+07:00"}), "double"),
        (lambda lines: lines[1].update(status="financial"), "different"),
        (lambda lines: lines[2].update(note="something else"), "different"),
        (lambda lines: lines[2].update(officer="somebody else"), "different"),
        (lambda lines: lines[1].update(retracted_by="a receipt"), "different"),
        (lambda lines: lines.reverse(), "different"),
    ],
)
def test_a_wrong_answer_would_be_seen(
    log: Path, plain: Report, spoil: Callable[[list[dict[str, Any]]], Any], what: str
) -> None:
    mapping, cases = load_mapping(), read_log(log)
    pushes = build(mapping, cases)
    taken = dict.fromkeys(range(len(pushes)), 1)
    assert compare(mapping, cases, pushes, taken, plain.held).differences == []
    found = compare(mapping, cases, pushes, taken, spoilt(plain, spoil)).differences
    assert [(one.what, one.case) for one in found] == [(what, "case-700")]


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("status", "accepted"),
        ("finished_at", None),
        ("due_at", "2030-03-31T22:15:00+07:00"),
        ("channel", "post"),
        ("step", "T02 Check confirmation of receipt"),
        ("legs", []),
    ],
)
def test_a_wrong_dossier_would_be_seen(log: Path, plain: Report, field: str, wrong: Any) -> None:
    mapping, cases = load_mapping(), read_log(log)
    pushes = build(mapping, cases)
    taken = dict.fromkeys(range(len(pushes)), 1)
    good = plain.held["case-700"]
    held = structs.replace(good, bodies=[{**good.bodies[0], field: wrong}])
    found = compare(mapping, cases, pushes, taken, {**plain.held, "case-700": held}).differences
    assert [(one.what, one.about) for one in found] == [("different", field)]


def test_a_dossier_in_two_pieces_or_none_would_be_seen(log: Path, plain: Report) -> None:
    mapping, cases = load_mapping(), read_log(log)
    pushes = build(mapping, cases)
    taken = dict.fromkeys(range(len(pushes)), 1)
    good = plain.held["case-700"]
    for bodies in ([], [*good.bodies, *good.bodies]):
        held = {**plain.held, "case-700": structs.replace(good, bodies=bodies)}
        found = compare(mapping, cases, pushes, taken, held)
        assert found.count("different") == 1


@pytest.mark.parametrize(("times", "what"), [(0, "lost"), (2, "double")])
def test_a_record_not_taken_once_would_be_seen_even_where_the_timeline_is_right(
    log: Path, plain: Report, times: int, what: str
) -> None:
    mapping, cases = load_mapping(), read_log(log)
    pushes = build(mapping, cases)
    for place in range(len(pushes)):
        taken = {**dict.fromkeys(range(len(pushes)), 1), place: times}
        found = compare(mapping, cases, pushes, taken, plain.held).differences
        assert [(one.what, one.case) for one in found] == [(what, pushes[place].case)]


def test_an_unknown_activity_stops_it_before_anything_starts(log: Path, tmp_path: Path) -> None:
    strange = tmp_path / "strange.csv"
    strange.write_text(log.read_text("utf-8").replace(HELD, "T21 Dance"), "utf-8")
    with pytest.raises(HubError, match="T21 Dance"):
        replay(strange)


def test_the_command_prints_one_document_and_exits_with_what_it_found(
    log: Path, tmp_path: Path
) -> None:
    done = run_command(str(log), "--chaos", "3", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    counts = ("dossiers", "events", "lost", "double", "different", "from_both")
    assert [told[name] for name in counts] == [12, EVENTS, 0, 0, 0, 10]
    assert told["ok"] is True
    strange = tmp_path / "strange.csv"
    strange.write_text(log.read_text("utf-8").replace(HELD, "T21 Dance"), "utf-8")
    refused = run_command(str(strange))
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "'T21 Dance' is not in [states] of hub/replay/mapping.toml" in refused.stderr


def run_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from hub.main import main; main()", "replay-log", *arguments],
        cwd=HOUSE,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_real_log_in_chaos_is_neither_lost_nor_double_nor_different() -> None:
    if not REAL.is_file():
        reason = f"the real log is not beside this checkout ({REAL.parent.name}/{REAL.name})"
        print(f"SKIPPED: {reason}")  # noqa: T201 - a skip is said aloud
        pytest.skip(reason)
    report = replay(REAL, 7)
    lines = lines_of(report)
    assert lines[0] == "732 dossiers, 4,354 events, 0 lost, 0 double, 0 different"
    assert report.ok, lines
    assert report.from_both == 672  # every dossier that has more than one event
    assert report.findings == {"TRANSITION_ODD": report.ended_early}
    assert report.periods[0].hub["late"] == 148
