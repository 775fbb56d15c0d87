"""Deliveries between real processes: the strict portal on a socket, hubs that are killed."""

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.fleet import Fleet, fleet, pause
from tests.e2e.forking import fork
from tests.e2e.plain import HTTP
from tests.e2e.served import free_port
from tests.e2e.test_killed import postgres  # noqa: F401 - a fixture

HURRIED = {
    "HUB_TICK_S": "0.05",
    "HUB_RETRY_BASE_S": "0.02",
    "HUB_RETRY_CAP_S": "0.2",
    "HUB_LEASE_S": "2",
    "HUB_GIVE_UP_S": "600",
}


class Portal:
    """The simulator as a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        words = ["simulate", "public_portal", "--port", str(self.port)]
        self.process = fork(words, os.environ, folder / "portal.log")
        until(lambda: self.get("__mood") is not None, "the portal stands")
        self.told = self.get("__settings")

    def get(self, path: str) -> Any:
        try:
            return HTTP.get(f"{self.base}/{path}", timeout=10).json()
        except httpx.TransportError:
            return None

    def mood(self, mood: str) -> None:
        self._post("__mood", {"mood": mood})

    def data(self, **told: Any) -> None:
        self._post("__data", told)

    def _post(self, path: str, body: Any) -> None:
        HTTP.post(f"{self.base}/{path}", json=body).raise_for_status()

    @property
    def ledger(self) -> dict[str, Any]:
        found: dict[str, Any] = self.get("__ledger")
        return found

    def has_all(self, count: int) -> bool:
        return len(self.ledger["taken"]) >= count


def until(holds: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, what
        pause(0.1)


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    made = Portal(tmp_path)
    yield made
    made.process.kill()
    made.process.wait(10)


def told(hubs: Fleet, words: str) -> Any:
    said = hubs.command(f"{words} --json")
    assert said.returncode == 0, said.stderr
    return json.loads(said.stdout)


def push(hubs: Fleet, first: int, count: int, version: int, which: int = 0) -> None:
    """So many changes, acknowledged."""
    batch = [
        {
            "code": f"D-{number}",
            "version": version,
            "updated_at": f"2026-03-02T09:{version:02d}:00+07:00",
            "procedure": {"code": "1.001612"},
            "agency": "H50.12",
            "status": "in_progress",
            "accepted_at": "2026-03-02T08:00:00+07:00",
            "applicant": {"kind": "person", "name": "Nguyễn Văn Thử"},
        }
        for number in range(first, first + count)
    ]
    headers = {"Authorization": f"Bearer {hubs.token('desk')}"}
    said = HTTP.post(
        f"{hubs.base(which)}/api/v1/dossiers",
        json=batch,
        headers=headers,
        timeout=60,
    )
    assert said.json()["counts"]["applied"] == count, said.text


def add(hubs: Fleet, portal: Portal) -> None:
    endpoint = f"{portal.base}{portal.told['endpoint']}"
    key = portal.told["secrets"]["key"]
    told(
        hubs,
        f"receivers add portal --system public_portal --endpoint {endpoint} --set key={key}",
    )


def is_even(hubs: Fleet, portal: Portal, changes: int) -> None:
    """Everything was taken once and in order, nothing is left, and the proof holds."""
    book = portal.ledger
    assert sorted(one["seq"] for one in book["taken"]) == list(range(1, changes + 1))
    assert (book["violations"], book["differing"], book["refused"]) == ([], [], [])
    until(lambda: told(hubs, "deliveries list") == [], "nothing is on its way", 20)
    [row] = told(hubs, "receivers list")
    assert (row["delivered"], row["backlog"], row["waiting"], row["dead"]) == (changes, 0, 0, 0)
    said = hubs.command("verify --json")
    assert said.returncode == 0, said.stdout


@pytest.mark.parametrize(
    ("kind", "size"), [("sqlite", 1), pytest.param("postgresql", 2, marks=pytest.mark.long_form)]
)
def test_a_portal_that_fails_in_every_way_gets_everything_once_and_in_order(
    request: pytest.FixtureRequest, tmp_path: Path, portal: Portal, kind: str, size: int
) -> None:
    url = request.getfixturevalue("postgres").get_uri() if kind == "postgresql" else ""
    with fleet(tmp_path, url, size, **HURRIED) as hubs:
        add(hubs, portal)
        for version, mood in enumerate(("well", "answer_lost", "down", "random", "failing"), 1):
            portal.mood(mood)
            push(hubs, 1, 40, version)
            pause(0.5)
            if mood in ("answer_lost", "random"):
                hubs.kill(version % size)
                hubs.start(version % size)
            pause(0.7)
        portal.mood("well")
        until(lambda: portal.has_all(200), "everything is taken")
        is_even(hubs, portal, 200)
        assert portal.ledger["again"] > 0


@pytest.mark.long_form
def test_a_thousand_answers_are_lost_and_nothing_is_told_twice(
    tmp_path: Path, portal: Portal
) -> None:
    with fleet(tmp_path, "", 1, **HURRIED) as hubs:
        add(hubs, portal)
        portal.mood("answer_lost")
        for version in range(1, 6):
            push(hubs, 1, 200, version)
        until(lambda: portal.has_all(1_000), "everything is taken", 120)
        until(lambda: portal.ledger["again"] >= 1_000, "everything is answered for")
        is_even(hubs, portal, 1_000)


def test_what_is_refused_is_dead_until_a_person_says_otherwise(
    tmp_path: Path, portal: Portal
) -> None:
    with fleet(tmp_path, "", 1, **HURRIED) as hubs:
        add(hubs, portal)
        push(hubs, 1, 5, 1)
        until(lambda: portal.has_all(5), "the first ones are taken")
        one, two = (line["dossier"] for line in portal.ledger["taken"][:2])
        portal.data(refuse=[one, two])
        push(hubs, 1, 5, 2)
        push(hubs, 1, 5, 3)
        until(lambda: portal.has_all(11), "the others go on")
        until(lambda: len(told(hubs, "deliveries list --dead")) == 2, "two are dead")
        first, second = told(hubs, "deliveries list --dead")
        assert (first["reason"], first["behind"]) == ("HTTP_4XX", 1)
        assert {first["dossier"], second["dossier"]} == {one, two}
        portal.data(refuse=[])
        raw = json.loads(told(hubs, f"deliveries show {first['id']} --raw")["raw"])
        assert raw["id"] == first["event_id"]
        assert told(hubs, f"deliveries drop {second['id']} --reason x")["dropped"] == (
            f"portal/{second['seq']}"
        )
        assert told(hubs, "deliveries replay --dead --reason mended")["waiting"] == 1
        until(lambda: portal.has_all(14), "all but the dropped one")
        assert told(hubs, "deliveries list --dead") == []
        seqs = {line["seq"] for line in portal.ledger["taken"]}
        assert seqs == set(range(1, 16)) - {second["seq"]}

        portal.data(forget=True)
        replay = told(hubs, "deliveries replay --receiver portal --from-seq 1 --to-seq 10")
        until(lambda: portal.has_all(10), "told again")
        [line] = told(hubs, "deliveries replays")
        assert (line["id"], line["state"], line["taken"]) == (replay["replay"], "done", 10)
        assert hubs.command("verify").returncode == 0


def test_a_key_is_changed_without_a_gap(tmp_path: Path, portal: Portal) -> None:
    with fleet(tmp_path, "", 1, **HURRIED) as hubs:
        add(hubs, portal)
        push(hubs, 1, 3, 1)
        new = told(hubs, "receivers rotate-secret portal --overlap-h 0.5")["key"]
        push(hubs, 1, 3, 2)
        until(lambda: portal.has_all(6), "the old key still fits")
        portal.data(keys=[new])
        push(hubs, 1, 3, 3)
        until(lambda: portal.has_all(9), "and so does the new one")
        portal.data(keys=["whsec_AAAA"])
        push(hubs, 1, 3, 4)
        until(
            lambda: told(hubs, "receivers list")[0]["waits_for"] == "AUTH_DENIED",
            "it waits for a person",
        )
        portal.data(keys=[new])
        assert hubs.command("receivers resume portal").returncode == 0
        until(lambda: portal.has_all(12), "everything is taken")
        book = portal.ledger
        assert (book["violations"], book["differing"]) == ([], [])
