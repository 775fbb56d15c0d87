"""`hub filings …`, as a person at a terminal meets it."""

import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from hub.commands import filings
from sync.context import Context
from tests.filed import Counter, counter
from tests.trial import Trial

pytestmark = pytest.mark.unproved
MADK = "45012-20260302-101530123"


@pytest.fixture
async def at(hub: Trial, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Counter]:
    @contextlib.contextmanager
    def opened() -> Iterator[Context]:
        yield hub.context

    monkeypatch.setattr(filings, "opened", opened)
    async with counter(hub) as made:
        made.connect(files_lookup="none")
        yield made


def run(*words: str) -> Any:
    said = CliRunner().invoke(filings.app, [*words, "--json"])
    assert said.exit_code == 0, said.output
    return json.loads(said.stdout)


async def test_a_person_lists_looks_and_decides(at: Counter) -> None:
    at.department.mood = "lost_after_taking"
    await at.take(1)
    await at.work()
    at.department.mood = "well"
    await at.quiet()
    await at.take(2)
    await at.work()
    listed = run("list")
    assert [one["state"] for one in listed] == ["filed", "person"]
    [waiting] = run("list", "--waiting")
    assert waiting["text"] == "chờ người quyết định"
    assert run("list", "--state", "filed") == [listed[0]]
    number = str(waiting["id"])
    shown = run("show", number)
    assert (shown["reason"], shown["papers"]) == ("SOURCE_ERROR", "0/2")
    assert "Nguy" not in json.dumps(shown, ensure_ascii=False)
    assert "Nguyễn Văn Thử" in run("show", number, "--raw")["raw"]
    told = run("decide", number, "--filed", MADK, "--reason", "đã gọi", "--actor", "Trần Thị B")
    assert (told["state"], told["filed_code"]) == ("filed", MADK)
    assert run("list", "--waiting") == []


@pytest.mark.parametrize(
    "words",
    [
        ["show", "99"],
        ["list", "--state", "lost"],
        ["decide", "99", "--send-again", "--reason", "x", "--actor", "y"],
        ["decide", "1", "--reason", "x", "--actor", "y"],
        ["decide", "1", "--send-again", "--refused", "--reason", "x", "--actor", "y"],
    ],
)
async def test_a_command_that_cannot_be_meant_changes_nothing(
    at: Counter, words: list[str]
) -> None:
    assert CliRunner().invoke(filings.app, words).exit_code != 0
    assert at.rows() == []
