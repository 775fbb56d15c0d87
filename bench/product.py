"""The hub as a department runs it: `hub serve` and `hub sync` as processes on PostgreSQL.

Connections and clients are made once with the hub's own commands, in a database that every lap
gets a copy of. Nothing is switched off: authentication, encryption, receipts, timeline, ties, feed.
"""

import contextlib
import http.client
import json
import os
import subprocess
import sys
import time
import urllib.parse
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.postgres import Postgres, free_port

KEY = "bench-" + "k" * 40
HUB = [sys.executable, "-c", "from hub.main import main; main()"]
PREPARED = "prepared"
READY_S = 120.0


class Product:
    """Hubs on databases of one server.

    Attributes:
        source: The port where the source department of this benchmark answers.
    """

    def __init__(self, postgres: Postgres, folder: Path, source: int | None = None) -> None:
        self.postgres, self.folder = postgres, folder
        self.source = source or free_port()
        self.clients: dict[str, dict[str, str]] = {}
        folder.mkdir(parents=True, exist_ok=True)
        postgres.fresh(PREPARED)
        self._introduce()

    def _introduce(self) -> None:
        address = f"http://127.0.0.1:{self.source}"
        one_stop = ("--set", "client_id=bench", "--set", "client_secret=bench")
        licences = ("--set", "from_day=2010-01-01", "--set", "timeout_s=120")
        self.command("connections add desk --system canonical --role desk")
        self.command("connections add snv --system one_stop --endpoint", address, *one_stop)
        self.command("connections add gtvt --system transport --endpoint", address, *licences)
        for name, words in (
            ("desk", "--scope push --connection desk"),
            ("portal", "--scope read --scope indicators"),
        ):
            told = self.command(f"clients add {name} {words} --json")
            self.clients[name] = json.loads(told)

    def environment(self, database: str) -> dict[str, str]:
        """The settings of a hub on a database, and nothing else of ours."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
        return own | {
            "HUB_DATA_DIR": str(self.folder / "data"),
            "HUB_SECRET_KEY": KEY,
            "HUB_DATABASE_URL": self.postgres.url(database),
            "HUB_LOG_LEVEL": "WARNING",
        }

    def command(self, words: str, *more: str, database: str = PREPARED) -> str:
        """What `hub …` prints.

        Raises:
            subprocess.CalledProcessError: it did not end well; its messages are shown.
        """
        told = subprocess.run(
            [*HUB, *words.split(), *more],
            env=self.environment(database),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return told.stdout

    def fresh(self, database: str) -> str:
        """A store without dossiers, its connections and clients as prepared."""
        self.postgres.fresh(database, PREPARED)
        return database

    def basic(self, client: str) -> str:
        """An Authorization header by name and secret."""
        known = self.clients[client]
        pair = f"{known['client_id']}:{known['client_secret']}"
        return f"Basic {b64encode(pair.encode()).decode()}"

    @contextlib.contextmanager
    def serving(self, database: str, role: str = "serve") -> Iterator["Served"]:
        """A hub that is ready; ended as an operator ends it."""
        port = free_port()
        env = self.environment(database) | {"HUB_PORT": str(port)}
        log = self.folder / f"{role}-{port}.log"
        with log.open("wb") as out:
            process = subprocess.Popen([*HUB, role], env=env, stdout=out, stderr=out)
        try:
            served = Served(self, port, process)
            if role == "serve":
                served.wait(log)
            yield served
        finally:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Served:
    """A serving hub."""

    def __init__(self, product: Product, port: int, process: "subprocess.Popen[bytes]") -> None:
        self.product, self.port, self.process = product, port, process

    def wait(self, log: Path) -> None:
        """Until it says that it is ready.

        Raises:
            RuntimeError: it ended, or takes too long; with what it wrote last.
        """
        until = time.monotonic() + READY_S
        while time.monotonic() < until and self.process.poll() is None:
            with contextlib.suppress(OSError):
                if self.ask("GET", "/readyz")[0] == 200:
                    return
            time.sleep(0.05)  # noqa: TID251 - nothing here has a clock to be handed
        raise RuntimeError(f"hub serve is not ready:\n{log.read_text('utf-8')[-3000:]}")

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Status and body of one answer."""
        wire = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            wire.request(method, path, body, headers or {})
            said = wire.getresponse()
            return said.status, said.read()
        finally:
            wire.close()

    def token(self, client: str) -> str:
        """An Authorization header by access token."""
        known = self.product.clients[client]
        form = {"grant_type": "client_credentials"} | {
            name: known[name] for name in ("client_id", "client_secret")
        }
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        status, body = self.ask("POST", "/oauth/token", urllib.parse.urlencode(form).encode(), kind)
        if status != 200:
            raise RuntimeError(f"no token: {status} {body[:300]!r}")
        said: dict[str, Any] = json.loads(body)
        return f"Bearer {said['access_token']}"
