"""Is the house still the house: which room may look where, and how large a file may grow."""

import subprocess
import sys
from pathlib import Path

HOUSE = Path(__file__).parents[2]
ROOMS = ("hub", "gateway", "sync", "store", "adapters", "canonical", "tests")
SOURCES = sorted(path for room in ROOMS for path in (HOUSE / room).rglob("*.py"))
MAX_LINES = 400
# Line 1 of a longer file says why: `"""... Long because ..."""`.
EXCUSE = "long because"
NAMES_THAT_TELL_NOTHING = {"utils", "util", "common", "helpers", "helper", "misc"}


def test_imports_point_the_right_way() -> None:
    # A process of its own: import-linter turns off every logger that exists where it runs.
    ran = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=HOUSE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_long_file_says_in_its_first_line_why() -> None:
    silent = []
    for path in SOURCES:
        lines = path.read_text("utf-8").splitlines()
        if len(lines) > MAX_LINES and EXCUSE not in lines[0].lower():
            silent.append(f"{path.relative_to(HOUSE)}: {len(lines)} lines")
    assert silent == []


def test_a_room_has_a_noun_for_its_name() -> None:
    strange = [
        str(path.relative_to(HOUSE))
        for path in SOURCES
        if NAMES_THAT_TELL_NOTHING
        & {part.removesuffix(".py").lower() for part in path.relative_to(HOUSE).parts}
    ]
    assert strange == []


def test_there_is_something_to_look_at() -> None:
    assert len(SOURCES) > 50


def test_no_two_test_files_have_one_name() -> None:
    # pytest knows a file outside of a package by its name alone, and refuses the second one.
    names = [path.name for path in (HOUSE / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))
