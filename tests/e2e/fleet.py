"""Several `hub serve` on one store, departments that push at once, readers that follow the feed.

Everything is meant to be killed: processes by SIGKILL, a PostgreSQL server by stopping it.
"""

import contextlib
import os
import random
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from hub import wiring
from hub.commands import clients, connections
from hub.settings import Settings
from tests.e2e.forking import Forked, fork, run
from tests.e2e.plain import HTTP
from tests.e2e.served import free_port

ROLES = {"desk": "desk", "land": "handling", "tax": "money"}
READY_S = 40.0


class Fleet:
    """Processes over one store."""

    def __init__(self, folder: Path, url: str, size: int, **more: str) -> None:
        self.folder = folder
        self.url = url
        data = folder / "data"
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("HUB_")}
        self.env |= {"HUB_DATA_DIR": str(data), "HUB_DRAIN_S": "0.5"}
        if url:
            self.env["HUB_DATABASE_URL"] = url
        self.env |= more
        self.settings = Settings(data_dir=data, database_url=url)
        self.credentials: dict[str, Any] = {}
        context = wiring.open_hub(self.settings)
        for name, role in ROLES.items():
            connections.make(context, name, "canonical", role=role, settings=[], tables=[])
            self.credentials[name] = clients.make(context, name, ["push"], [name], [])
        self.credentials["portal"] = clients.make(context, "portal", ["read"], [], [])
        context.store.dispose()
        self.ports = [free_port() for _ in range(size)]
        self.processes: dict[int, Forked] = {}

    def base(self, which: int) -> str:
        return f"http://127.0.0.1:{self.ports[which]}"

    def start(self, which: int) -> None:
        log = self.folder / f"serve-{which}.log"
        self.processes[which] = self.spawn("serve", log, HUB_PORT=str(self.ports[which]))
        self.wait(which)

    def wait(self, which: int) -> None:
        """Until it says that it is ready."""
        until = time.monotonic() + READY_S
        while time.monotonic() < until:
            with contextlib.suppress(httpx.TransportError):
                if HTTP.get(f"{self.base(which)}/readyz").status_code == 200:
                    return
            pause(0.1)
        log = (self.folder / f"serve-{which}.log").read_text("utf-8")
        raise AssertionError(f"hub serve is not ready:\n{log[-3000:]}")

    def kill(self, which: int) -> None:
        """As a power cut does."""
        self.processes[which].kill()
        self.processes[which].wait(10)

    def spawn(self, words: str, log: Path | str = os.devnull, **more: str) -> Forked:
        """`hub …` on its own."""
        return fork(words.split(), {**self.env, **more}, log)

    def command(self, words: str) -> subprocess.CompletedProcess[str]:
        """`hub …` beside the serving processes."""
        return run(words.split(), self.env, timeout_s=120)

    def token(self, name: str) -> str:
        known = self.credentials[name]
        form = {
            "grant_type": "client_credentials",
            "client_id": known.client_id,
            "client_secret": known.client_secret,
        }
        said = HTTP.post(f"{self.base(0)}/oauth/token", data=form)
        return str(said.raise_for_status().json()["access_token"])


def pause(seconds: float) -> None:
    """Let the others go on for a while."""
    threading.Event().wait(seconds)


@contextlib.contextmanager
def fleet(folder: Path, url: str, size: int, **more: str) -> Iterator[Fleet]:
    """Running processes with more in their environment, ended at the end."""
    made = Fleet(folder, url, size, **more)
    try:
        for which in range(size):
            made.start(which)
        yield made
    finally:
        for process in made.processes.values():
            process.kill()
            process.wait(10)


@dataclass
class Load:
    """Writers and followers at work over a fleet.

    Attributes:
        answers: How often each status was answered; "lost" where the connection broke.
        receipts: Every receipt that was acknowledged, and how many records it was for.
        strays: What a follower saw that was not the next in order.
    """

    fleet: Fleet
    writers: int = 8
    followers: int = 2
    answers: Counter[int | str] = field(default_factory=Counter)
    receipts: dict[str, int] = field(default_factory=dict)
    strays: list[tuple[int, Any]] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        self._wrote, self._done = threading.Event(), threading.Event()
        self._versions, self._lock = count(1), threading.Lock()
        self._tokens = {name: self.fleet.token(name) for name in self.fleet.credentials}
        writing = [threading.Thread(target=self._write, args=(n,)) for n in range(self.writers)]
        reading = [threading.Thread(target=self._follow, args=(n,)) for n in range(self.followers)]
        for thread in (*writing, *reading):
            thread.start()
        try:
            yield
        finally:
            self._wrote.set()
            for thread in writing:
                thread.join(60)
            self._done.set()
            for thread in reading:
                thread.join(60)

    def until(self, answered: int) -> None:
        """Wait until so many pushes were taken in."""
        end = time.monotonic() + READY_S
        while self.answers[200] < answered:
            assert time.monotonic() < end, self.answers
            pause(0.05)

    def _write(self, lane: int) -> None:
        rng, who = random.Random(lane), list(ROLES)[lane % len(ROLES)]
        headers = {"Authorization": f"Bearer {self._tokens[who]}"}
        with httpx.Client(trust_env=False, timeout=60) as http:
            while not self._wrote.is_set():
                batch = self._batch(rng, who)
                base = self.fleet.base(rng.randrange(len(self.fleet.ports)))
                try:
                    said = http.post(f"{base}/api/v1/dossiers", json=batch, headers=headers)
                except httpx.TransportError:
                    self.answers["lost"] += 1
                    pause(0.05)
                    continue
                with self._lock:
                    self.answers[said.status_code] += 1
                    if said.status_code in (200, 202):
                        self.receipts[said.json()["receipt"]] = len(batch)
                if said.status_code >= 500:
                    pause(0.1)

    def _batch(self, rng: random.Random, who: str) -> list[dict[str, Any]]:
        """Overlapping legs in any order; ties that join and split dossiers."""
        told = []
        for number in rng.choices(range(60), k=rng.choice((1, 2, 10, 50))):
            with self._lock:
                version = next(self._versions)
            hour, minute = divmod(version // 60 % 1440, 60)
            national = f"H50.12-260302-{rng.randrange(40):04d}"
            told.append(
                {
                    "code": f"{who}-{number}",
                    "version": version,
                    "updated_at": f"2026-03-02T{hour:02d}:{minute:02d}:{version % 60:02d}+07:00",
                    "procedure": {"code": "1.001612"},
                    "agency": "H50.12",
                    "status": rng.choice(("accepted", "in_progress", "finished")),
                    "accepted_at": "2026-03-01T08:00:00+07:00",
                    "national_code": None if rng.random() < 0.2 else national,
                }
            )
        return told

    def _follow(self, lane: int) -> None:
        """Ask now this process, now that one: each number comes next, or not yet."""
        rng, newest = random.Random(lane), 0
        headers = {"Authorization": f"Bearer {self._tokens['portal']}"}
        with httpx.Client(trust_env=False, timeout=60) as http:
            while True:
                is_last = self._done.is_set()
                base = self.fleet.base(rng.randrange(len(self.fleet.ports)))
                asked = {"after": newest, "limit": rng.choice((3, 50, 500))}
                try:
                    said = http.get(f"{base}/api/v1/changes", params=asked, headers=headers)
                except httpx.TransportError:
                    pause(0.05)
                    continue
                items = said.json()["items"] if said.status_code == 200 else None
                for item in items or ():
                    if item["seq"] != newest + 1:
                        self.strays.append((newest, item))
                    newest = item["seq"]
                if is_last and items == []:
                    self.seen.append(newest)
                    return
