"""Those around the hub: departments that are asked, departments that push, receivers."""

import json
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.fleet import pause
from tests.e2e.plain import HTTP
from tests.e2e.served import free_port
from tests.e2e.soak.hubs import Hubs
from tests.e2e.soak.words import Said

_HUB = "from hub.main import main; main()"


class Neighbour:
    """A simulator in a process of its own.

    Attributes:
        rows: What it has come to say so far.
    """

    def __init__(self, folder: Path, name: str, *settings: str) -> None:
        self.name = name
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.rows: list[Said] = []
        self._file = folder / f"{name}.json"
        self._log = folder / f"{name}.log"
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._mood = "well"

    def start(self) -> None:
        """Serve, from what it had to say when it went away."""
        command = [sys.executable, "-c", _HUB, "simulate", self.name, "--port", str(self.port)]
        if self.rows:
            self._file.write_text(json.dumps(self.rows, ensure_ascii=False), "utf-8")
            command += ["--data", str(self._file)]
        for one in self._settings:
            command += ["--set", one]
        with self._log.open("ab") as out:
            self._process = subprocess.Popen(command, stdout=out, stderr=out)
        self.mood(self._mood)

    def say(self, more: list[Said]) -> None:
        """Have more to say from now on."""
        self.rows += more
        self._post("__data", self.rows)

    def mood(self, mood: str) -> None:
        """Behave so from now on, also after a restart."""
        self._mood = mood
        self._post("__mood", {"mood": mood})

    def kill(self) -> None:
        """Go away without a word."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)

    def get(self, path: str) -> Any:
        """What it tells of itself."""
        said = HTTP.get(f"{self.base}/{path}")
        return said.raise_for_status().json()

    def _post(self, path: str, body: Any) -> None:
        until = time.monotonic() + 150
        while True:
            try:
                said = HTTP.post(f"{self.base}/{path}", json=body)
                said.raise_for_status()
            except httpx.TransportError:
                if time.monotonic() > until:
                    raise
                pause(0.1)
            else:
                return


class Pusher(threading.Thread):
    """A department that pushes what it has to say and repeats until it was told 200 or 202.

    Attributes:
        answers: How often each status was answered; "lost" where the connection broke.
        receipts: Every receipt that was acknowledged -> how many records it was for.
    """

    def __init__(self, hubs: Hubs, name: str, client: dict[str, str], seed: int) -> None:
        super().__init__(name=f"push-{name}", daemon=True)
        self.answers: Counter[int | str] = Counter()
        self.receipts: dict[str, int] = {}
        self._hubs = hubs
        self._client = client
        self._dice = random.Random(f"{seed}:{name}:push")
        self._waiting: list[Said] = []
        self._lock = threading.Lock()
        self._number = 0
        self._token = ""
        self.ended = threading.Event()

    def say(self, more: list[Said]) -> None:
        """Have more to push."""
        with self._lock:
            self._waiting += more

    def is_done(self) -> bool:
        """Whether everything it had to say was acknowledged."""
        with self._lock:
            return not self._waiting

    def run(self) -> None:
        """Push until it is asked to end."""
        with httpx.Client(trust_env=False, timeout=15) as http:
            while not self.ended.is_set():
                with self._lock:
                    batch = self._waiting[: self._dice.choice((1, 3, 20, 50))]
                if not batch:
                    pause(0.1)
                    continue
                self._until_taken(http, batch)
                with self._lock:
                    del self._waiting[: len(batch)]

    def _until_taken(self, http: httpx.Client, batch: list[Said]) -> None:
        self._number += 1
        # Every second batch is sent without a key: then its versions alone keep it from doubling.
        key = {"Idempotency-Key": f"{self.name}-{self._number}"} if self._number % 2 else {}
        while not self.ended.is_set():
            if not self._token:
                self._log_in(http)
                continue
            try:
                said = http.post(
                    f"{self._hubs.base}/api/v1/dossiers",
                    json=batch,
                    headers={"Authorization": f"Bearer {self._token}", **key},
                )
            except httpx.TransportError:
                self.answers["lost"] += 1
                pause(0.2)
                continue
            self.answers[said.status_code] += 1
            if said.status_code in (200, 202):
                self.receipts[said.json()["receipt"]] = len(batch)
                return
            if said.status_code == 401:
                self._token = ""
            else:
                pause(0.3)

    def _log_in(self, http: httpx.Client) -> None:
        form = {"grant_type": "client_credentials", **self._client}
        try:
            said = http.post(f"{self._hubs.base}/oauth/token", data=form)
        except httpx.TransportError:
            pause(0.2)
            return
        if said.status_code == 200:
            self._token = str(said.json()["access_token"])
        else:
            pause(0.3)
