"""A hub between a desk that pushes, departments that are asked and a strict portal that is told.

Departments and portal answer from threads of the test itself; only the hub's processes are harmed.
"""

import contextlib
import json
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from sqlalchemy import text

from adapters.public_portal import simulator
from adapters.simulation import Simulation
from hub import wiring
from hub.commands import clients, connections, receivers
from store.connections import load_connection
from sync import intake, wishes
from sync.context import Context
from sync.taken import Outcome, Taken
from tests.e2e.faults.evil import HOUR_MS, Evil, Way, row
from tests.e2e.faults.forked import Troop, until
from tests.e2e.plain import HTTP
from tests.e2e.served import free_port
from tests.e2e.soak.run import account
from tests.trial import PUSH, dossier

_AT_ONCE = 500


@contextlib.contextmanager
def beside(app: Any) -> Iterator[str]:
    """Serve an application from a thread; its address."""
    port = free_port()
    config = uvicorn.Config(app, port=port, log_level="critical", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started, "a simulator stands")
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.force_exit = server.should_exit = True
        thread.join(10)


class Portal:
    """The public portal's simulator, and its book.

    Attributes:
        simulation: Its mood and its log.
        endpoint: Where it is told.
    """

    def __init__(self, simulation: Simulation, base: str) -> None:
        self.simulation = simulation
        self.base = base
        self.endpoint = base + simulation.endpoint

    def data(self, **told: Any) -> None:
        """POST /__data of the simulator."""
        said = HTTP.post(f"{self.base}/__data", json=told)
        said.raise_for_status()

    @property
    def ledger(self) -> dict[str, Any]:
        """GET /__ledger of the simulator."""
        found: dict[str, Any] = HTTP.get(f"{self.base}/__ledger").json()
        return found

    @property
    def seqs(self) -> list[int]:
        """The changes it took, in order."""
        return [one["seq"] for one in self.ledger["taken"]]


@contextlib.contextmanager
def portal(**options: str) -> Iterator[Portal]:
    """A portal that is well; options as its simulator has them."""
    simulation = simulator.build(None, options)
    with beside(simulation.app) as base:
        yield Portal(simulation, base)


class Stage:
    """Everything of one store."""

    def __init__(self, hubs: Troop, there: Evil, told: Portal) -> None:
        self.hubs = hubs
        self.there = there
        self.portal = told
        self.context: Context = wiring.open_hub(hubs.settings())
        connections.make(self.context, "desk", "canonical", role="desk", settings=[], tables=[])
        self._desk = account(clients.make(self.context, "desk", ["push"], ["desk"], []))
        self._reader = account(clients.make(self.context, "portal", ["read"], [], []))
        self._tokens: dict[str, str] = {}

    # ------------------------------------------------------------------ who is around

    def ask(self, name: str, rows: int, *, schedule: str = "0 0 1 1 *", page: int = 10) -> Way:
        """A department that holds so many rows, asked at once and then by its schedule."""
        now_ms = int(datetime.now(UTC).timestamp() * 1000)
        held = [row(f"{name}-{n:03d}", now_ms - HOUR_MS + n * 1_000) for n in range(rows)]
        way = self.there.ways[name] = Way(held)
        sets = ["client_id=x", "client_secret=y", f"page_size={page}", "timeout_s=20"]
        endpoint = f"{self.there.base}/{name}"
        connections.make(
            self.context, name, "one_stop", endpoint=endpoint, settings=sets, tables=[]
        )
        wishes.reschedule(self.context, name, schedule)
        return way

    def tell(self, name: str, endpoint: str, *, shards: int = 2, sets: Sequence[str] = ()) -> None:
        """A receiver that is told everything from the beginning."""
        settings = [f"key={simulator.KEY}", *sets]
        receivers.make(
            self.context,
            name,
            "public_portal",
            endpoint=endpoint,
            settings=settings,
            shards=shards,
            not_before="2020-01-01T00:00:00+07:00",
        )

    # ------------------------------------------------------------------ at the doors

    def _token(self, who: str) -> str:
        if who not in self._tokens:
            form = {"grant_type": "client_credentials"}
            form |= self._desk if who == "desk" else self._reader
            said = HTTP.post(f"{self.hubs.base}/oauth/token", data=form)
            self._tokens[who] = str(said.raise_for_status().json()["access_token"])
        return self._tokens[who]

    def forget_tokens(self) -> None:
        """Log in again at the next call."""
        self._tokens.clear()

    def push(self, records: Any, key: str | None = None) -> httpx.Response:
        """Say something as the desk. Raises httpx.TransportError where the answer is lost."""
        headers = {"Authorization": f"Bearer {self._token('desk')}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        address = f"{self.hubs.base}{PUSH}"
        return HTTP.post(address, json=records, headers=headers, timeout=60)

    def take(self, records: list[dict[str, Any]]) -> None:
        """Push what must be applied."""
        said = self.push(records)
        assert said.json()["counts"]["applied"] == len(records), said.text

    def make(self, dossiers: int, versions: int, *, first: int = 1) -> None:
        """So many changes, made where the doors would make them: a push for each is not the point.

        All dossiers in one version before any in the next.
        """
        for version in range(1, versions + 1):
            for begin in range(first, first + dossiers, _AT_ONCE):
                numbers = range(begin, min(begin + _AT_ONCE, first + dossiers))
                outcome = self.take_in([said(number, version) for number in numbers])
                assert outcome.counts["applied"] == len(numbers), outcome.counts

    def take_in(self, records: list[dict[str, Any]]) -> Outcome:
        """What the door does with the desk's records, done here."""
        with self.context.store.read() as tx:
            desk = load_connection(tx, "desk")
        assert desk is not None
        raw, now = json.dumps(records).encode(), self.context.now()
        taken = Taken(desk, "records", raw, now, keeps_duplicates=False)
        found, version = intake.prepare(self.context, taken)
        return intake.take_in(self.context, taken, found, version)

    def status(self, code: str) -> str | None:
        """The state of the dossier a code leads to; None where it leads to none."""
        headers = {"Authorization": f"Bearer {self._token('portal')}"}
        address = f"{self.hubs.base}{PUSH}"
        found = HTTP.get(address, params={"code": code}, headers=headers)
        items = found.raise_for_status().json()["items"]
        return str(items[0]["status"]) if items else None

    # ------------------------------------------------------------------ what is in the store

    def rows(self, sql: str, **bound: Any) -> list[tuple[Any, ...]]:
        """What a question to the store finds."""
        with self.context.store.read() as tx:
            return [tuple(found) for found in tx.execute(text(sql), bound)]

    def count(self, sql: str, **bound: Any) -> int:
        """The one number a question to the store finds."""
        return int(self.rows(sql, **bound)[0][0])

    def told_of(self, namespace: str, code: str) -> tuple[int, int, int]:
        """(records, timeline entries, changes) of one local code."""
        [found] = self.rows(
            "SELECT (SELECT count(*) FROM record r JOIN leg l ON l.id = r.leg_id WHERE"
            " l.namespace = :ns AND l.code = :code AND r.disposition <> 'duplicate'),"
            " (SELECT count(*) FROM timeline t JOIN leg l ON l.id = t.leg_id WHERE"
            " l.namespace = :ns AND l.code = :code), (SELECT count(*) FROM change c JOIN leg l"
            " ON l.id = c.dossier_id WHERE l.namespace = :ns AND l.code = :code)",
            ns=namespace,
            code=code,
        )
        return int(found[0]), int(found[1]), int(found[2])

    @property
    def newest(self) -> int:
        """The newest change."""
        return self.count("SELECT seq FROM feed WHERE id = 1")

    def is_told(self) -> bool:
        """Whether nothing is on its way to the portal any more, and it has every change."""
        behind = self.count(
            "SELECT (SELECT count(*) FROM delivery WHERE receiver_id = 'portal') + (SELECT count(*)"
            " FROM receiver_shard s, feed f WHERE s.receiver_id = 'portal' AND s.seq < f.seq)"
        )
        return not behind and len(self.portal.seqs) == self.newest

    def even(self) -> None:
        """The portal has every change once and in order, each under the body it first had."""
        book = self.portal.ledger
        seqs = sorted(one["seq"] for one in book["taken"])
        assert seqs == list(range(1, self.newest + 1)), (len(seqs), self.newest)
        wrong = book["violations"], book["differing"], book["refused"]
        assert wrong == ([], [], []), wrong

    def proved(self) -> None:
        """The hub's own proof finds nothing."""
        proof = self.hubs.told("verify")
        wrong = [check for check in proof["checks"] if not check["ok"]]
        assert not wrong, wrong


@contextlib.contextmanager
def stage(
    folder: Path,
    url: str,
    roles: Sequence[str],
    ahead_s: float | None = None,
    tolerance_s: float = 300.0,
    **more: str,
) -> Iterator[Stage]:
    """A stage whose processes run.

    Args:
        folder: Where everything of it lies.
        url: Of a PostgreSQL database; the embedded store where empty.
        roles: Its processes.
        ahead_s: So much later than it is they think it is; None where their clocks stay as is.
        tolerance_s: How far from the portal's clock theirs may be.
        more: HUB_… settings.
    """
    with Evil({}) as there, portal(tolerance_s=str(tolerance_s)) as told:
        hubs = Troop(folder, url, roles, **more)
        made = Stage(hubs, there, told)
        try:
            for role in hubs.roles:
                hubs.start(role, ahead_s=ahead_s)
            hubs.wait()
            yield made
        finally:
            hubs.destroy()
            made.context.store.dispose()


def said(number: int, version: int = 1, **over: Any) -> dict[str, Any]:
    """A record of the desk: a dossier of its own in one of its versions."""
    at = f"2026-03-02T09:{version % 60:02d}:00+07:00"
    over = {"national_code": ..., "step": f"Bước {version}", **over}
    return dossier(number, version=version, updated_at=at, **over)
