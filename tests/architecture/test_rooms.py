"""Is the house still the house: which room may look where, and how large a file may grow."""

import io
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

HOUSE = Path(__file__).parents[2]
ROOMS = ("hub", "gateway", "sync", "store", "adapters", "canonical", "tests")
SOURCES = sorted(path for room in ROOMS for path in (HOUSE / room).rglob("*.py"))
MAX_LINES = 400
# Line 1 of a longer file says why: `"""... Long because ..."""`.
EXCUSE = "long because"
NAMES_THAT_TELL_NOTHING = {"utils", "util", "common", "helpers", "helper", "misc"}


def test_imports_point_the_right_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HOUSE)
    said = io.StringIO()
    with redirect_stdout(said):
        status = lint_imports(no_cache=True, verbose=False)
    assert status == EXIT_STATUS_SUCCESS, said.getvalue()


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
