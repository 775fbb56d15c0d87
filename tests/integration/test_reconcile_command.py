"""`hub reconcile` and `hub alarms` as they are typed."""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.one_stop import simulator
from adapters.simulation import running
from tests.polled import BEGUN, row
from tests.typed import Typed, typed


@pytest.fixture
def app() -> Iterator[str]:
    """The app's simulator on a thread of its own: a command runs a loop of its own too."""
    ready, done = threading.Event(), threading.Event()
    found: list[str] = []

    async def serve() -> None:
        async with running(simulator.build()) as base:
            found.append(base)
            ready.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(20)
    yield found[0]
    done.set()
    thread.join()


@pytest.fixture
def hub_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], app: str
) -> Iterator[Typed]:
    with typed(tmp_path, monkeypatch, capsys) as made:
        secrets = [
            f"client_id={simulator.CLIENT_ID}",
            f"client_secret={simulator.CLIENT_SECRET}",
        ]
        made.hub.connect("snv", system="one_stop", endpoint=app, settings=secrets)
        made.hub.connect("desk")
        yield made


def put(app: str, *rows: dict[str, Any]) -> None:
    assert httpx.post(f"{app}/__data", json=list(rows), trust_env=False).status_code < 300


def rows(count: int) -> list[dict[str, Any]]:
    return [row(n, dossierId=n) for n in range(count)]


def test_what_differs_is_told_and_healed(hub_command: Typed, app: str) -> None:
    put(app, *rows(6))
    assert hub_command("sync", "snv").code == 0
    late = row(9, dossierId=9, modifiedDate=BEGUN - 86_400_000)
    put(app, *rows(6)[1:], late)
    only = hub_command("reconcile", "snv", "--no-heal", "--json")
    assert (only.code, only.json["found"]) == (1, {"extra": 1, "missing": 1})
    assert (only.json["healed"], only.json["left"], only.json["by"]) == (0, 2, "pages")
    alarms = hub_command("alarms", "list", "--json")
    assert (alarms.code, [(a["kind"], a["key"]) for a in alarms.json]) == (
        0,
        [("reconciliation", "snv")],
    )
    first = hub_command("reconcile", "snv")
    assert first.code == 1  # one is missed for the first time
    assert "1 nguồn không còn nêu" in first.out
    assert "uid-0" in first.out
    second = hub_command("reconcile", "snv", "--json")
    assert (second.code, second.json["found"]) == (0, {"deleted": 1})
    assert hub_command("reconcile", "snv").code == 0
    assert hub_command("alarms", "list", "--json").json == []
    [past] = hub_command("alarms", "list", "--past", "--json").json
    assert past["until"] is not None
    assert hub_command("verify").code == 0


def test_who_cannot_list_and_who_does_not_answer(hub_command: Typed, app: str) -> None:
    said = hub_command("reconcile", "desk")
    assert (said.code, said.err.startswith("CONFLICT: 'desk' calls the hub")) == (2, True)
    assert hub_command("reconcile", "nobody").code == 2
    put(app, *rows(4))
    assert hub_command("sync", "snv").code == 0
    httpx.post(f"{app}/__mood", json={"mood": "refusing"}, trust_env=False)
    told = hub_command("reconcile", "snv", "--json")
    assert (told.code, told.json["error"]["reason"]) == (1, "AUTH_DENIED")
    assert json.loads(told.out)["found"] == {}
