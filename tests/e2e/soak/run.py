"""One soak from beginning to end: fill, disturb, settle, balance."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.e2e.fleet import pause
from tests.e2e.soak import ledger as books
from tests.e2e.soak.faults import Faults
from tests.e2e.soak.hubs import Hubs
from tests.e2e.soak.ledger import Ledger, Portal
from tests.e2e.soak.neighbours import Neighbour, Pusher
from tests.e2e.soak.world import POLLED, PUSHED, Share, world

Say = Callable[[str], None]
RECEIVERS = {
    "public_portal": ("down", "random", "answer_lost"),
    "national_portal": ("broken", "trouble", "unanswered", "expiring", "silent"),
}
_SECRETS = {
    "one_stop": ("client_id=truc-lien-thong", "client_secret=mo-phong-khong-phai-that"),
    "business_registry": ("consumer_key=trial-key", "consumer_secret=trial-secret"),
    "tax": ("username=truc-lien-thong", "password=trial-password"),
}
_ROLES = {"tax": "money", "desk": "desk", "land": "handling"}
_SETTLE_S = 240.0


class Soak:
    """Everything of one soak that runs."""

    def __init__(self, folder: Path, seed: int, records: int, postgres: Any) -> None:
        self.seed = seed
        self.shares = world(seed, records, datetime.now(UTC) - timedelta(hours=6))
        self.hubs = Hubs(folder, postgres.get_uri() if postgres is not None else "")
        self.departments = {name: Neighbour(folder, name) for name in POLLED}
        self.receivers = {name: Neighbour(folder, name) for name in RECEIVERS}
        self.pushers: dict[str, Pusher] = {}
        self._postgres = postgres

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Everyone started and introduced; ended at the end, whatever happened."""
        try:
            for one in (*self.departments.values(), *self.receivers.values()):
                one.start()
            for one in self.departments.values():
                one.say([])
            self._introduce()
            for role in self.hubs.roles:
                self.hubs.start(role)
            self.hubs.wait()
            for pusher in self.pushers.values():
                pusher.start()
            yield
        finally:
            for pusher in self.pushers.values():
                pusher.ended.set()
            self.hubs.destroy()
            for one in (*self.departments.values(), *self.receivers.values()):
                one.kill()

    def _introduce(self) -> None:
        for name, one in self.departments.items():
            secrets = [part for told in _SECRETS[name] for part in ("--set", told)]
            role = ["--role", _ROLES[name]] if name in _ROLES else []
            self._done("connections", "add", name, "--system", name, "--endpoint", one.base)(
                *secrets, *role
            )
            self._done("connections", "schedule", name, "*/4 * * * * *")()
        for name in PUSHED:
            self._done("connections", "add", name, "--system", "canonical")("--role", _ROLES[name])
            client = self.hubs.told("clients", "add", name, "--scope", "push", "--connection", name)
            self.pushers[name] = Pusher(self.hubs, name, client, self.seed)
        self.reader = self.hubs.told("clients", "add", "portal", "--scope", "read")
        for name, one in self.receivers.items():
            told = one.get("__settings")
            options = [f"{k}={v}" for k, v in {**told["options"], **told["secrets"]}.items()]
            sets = [part for option in options for part in ("--set", option)]
            endpoint = one.base + told["endpoint"]
            self._done("receivers", "add", name, "--system", name, "--endpoint", endpoint)(*sets)

    def _done(self, *words: str) -> Callable[..., None]:
        def run(*more: str) -> None:
            said = self.hubs.command(*words, *more)
            if said.returncode:
                raise AssertionError(f"hub {' '.join(words)}: {said.stderr[-2000:]}")

        return run

    def disturb(self, seconds: float, say: Say) -> Faults:
        """Let the departments speak step by step while one fault follows another."""
        faults = Faults(
            self.seed, self.hubs, self.departments, self.receivers, RECEIVERS, self._postgres
        )
        steps = len(next(iter(self.shares.values())).steps)
        spoken = threading.Thread(target=self._speak, args=(steps, seconds / steps * 0.8))
        began = time.monotonic()
        spoken.start()
        while time.monotonic() - began < seconds:
            faults.next()
            say(f"[{time.monotonic() - began:5.0f} s] {faults.done[-1]}")
            pause(0.5)
        spoken.join()
        return faults

    def _speak(self, steps: int, every_s: float) -> None:
        for step in range(steps):
            for name, share in self.shares.items():
                if name in self.pushers:
                    self.pushers[name].say(share.steps[step])
                else:
                    self._told(self.departments[name], share.steps[step])
            pause(every_s)

    def _told(self, department: Neighbour, more: list[dict[str, Any]]) -> None:
        """A department that is away just now says it when it is back."""
        while True:
            with contextlib.suppress(Exception):
                department.say(more)
                return
            del department.rows[len(department.rows) - len(more) :]
            pause(0.3)

    def settle(self) -> None:
        """Wait until nothing more happens, or too long."""
        self.hubs.wait()
        portal = Portal(self.hubs, self.reader)
        want = {name: share.records for name, share in self.shares.items()}
        until = time.monotonic() + _SETTLE_S
        while time.monotonic() < until:
            pause(1.0)
            if not all(pusher.is_done() for pusher in self.pushers.values()):
                continue
            if portal.held() == want and not self._on_the_way():
                break
        portal.close()

    def _on_the_way(self) -> bool:
        """Whether deliveries or intakes are still to come."""
        receivers = self.hubs.told("receivers", "list")
        return any(one["backlog"] or one["waiting"] for one in receivers)

    def balance(self) -> Ledger:
        """Count everything."""
        ledger = Ledger()
        portal = Portal(self.hubs, self.reader)
        books.intake(ledger, self.hubs, portal, self.shares)
        books.deliveries(ledger, portal, self.receivers, self.hubs)
        portal.close()
        exits = self.hubs.end()
        ledger.bad_exits = sum(code != 0 for code in exits.values())
        ledger.notes += [f"{role} ended with {code}" for role, code in exits.items() if code]
        books.proof(ledger, self.hubs)
        return ledger


def soak(
    folder: Path, seed: int, records: int, seconds: float, postgres: Any, say: Say
) -> tuple[Ledger, list[str]]:
    """Run one; its ledger, and the faults there were."""
    one = Soak(folder, seed, records, postgres)
    with one.running():
        faults = one.disturb(seconds, say)
        say(f"{len(faults.done)} faults; settling")
        one.settle()
        return one.balance(), faults.done


def share_of(shares: dict[str, Share]) -> str:
    """One line on what is planted."""
    bad = sum(len(share.bad) for share in shares.values())
    return f"{sum(share.said for share in shares.values())} records, {bad} of them bad"
