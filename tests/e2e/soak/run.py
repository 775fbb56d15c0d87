"""One soak from beginning to end: fill, disturb, settle, balance."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hub import wiring
from hub.commands import clients, connections, receivers
from store.clients import Credentials
from sync import wishes
from tests.e2e.fleet import pause
from tests.e2e.soak import ledger as books
from tests.e2e.soak.faults import Faults
from tests.e2e.soak.hubs import Hubs
from tests.e2e.soak.ledger import Ledger, Portal
from tests.e2e.soak.neighbours import Neighbour, Pusher
from tests.e2e.soak.windows import between_windows
from tests.e2e.soak.world import POLLED, PUSHED, world

Say = Callable[[str], None]
RECEIVERS = {
    "public_portal": ("down", "failing", "random", "answer_lost", "silent"),
    "national_portal": ("broken", "trouble", "unanswered", "expiring", "silent"),
}
_SECRETS = {
    "one_stop": ("client_id=truc-lien-thong", "client_secret=mo-phong-khong-phai-that"),
    "business_registry": ("consumer_key=trial-key", "consumer_secret=trial-secret"),
    "tax": ("username=truc-lien-thong", "password=trial-password"),
}
_ROLES = {"tax": "money", "desk": "desk", "land": "handling"}
_STILL_S = 240.0  # so long without any progress, and nothing more will come


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
        """Connections, clients and receivers, by the functions behind the commands."""
        context = wiring.open_hub(self.hubs.settings())
        for name, one in self.departments.items():
            connections.make(
                context,
                name,
                name,
                endpoint=one.base,
                role=_ROLES.get(name, ""),
                settings=list(_SECRETS[name]),
                tables=[],
            )
            wishes.reschedule(context, name, "*/10 * * * * *")
        for name in PUSHED:
            connections.make(context, name, "canonical", role=_ROLES[name], settings=[], tables=[])
            pusher = account(clients.make(context, name, ["push"], [name], []))
            self.pushers[name] = Pusher(self.hubs, name, pusher, self.seed)
        self.reader = account(clients.make(context, "portal", ["read"], [], []))
        for name, one in self.receivers.items():
            told = one.get("__settings")
            settings = [f"{k}={v}" for k, v in {**told["options"], **told["secrets"]}.items()]
            endpoint = one.base + told["endpoint"]
            receivers.make(context, name, name, endpoint=endpoint, settings=settings)
        context.store.dispose()

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
            say(faults.done[-1])
            pause(0.5)
        spoken.join()
        return faults

    def _speak(self, steps: int, every_s: float) -> None:
        context = wiring.open_hub(self.hubs.settings())
        for step in range(steps):
            for name, share in self.shares.items():
                if name in self.pushers:
                    self.pushers[name].say(share.steps[step])
                elif step in share.late_steps:
                    with between_windows(context, name):
                        self._told(self.departments[name], share.steps[step])
                else:
                    self._told(self.departments[name], share.steps[step])
            pause(every_s)
        context.store.dispose()

    def _told(self, department: Neighbour, more: list[dict[str, Any]]) -> None:
        """A department that is away just now says it when it is back."""
        while True:
            with contextlib.suppress(Exception):
                department.say(more)
                return
            del department.rows[len(department.rows) - len(more) :]
            pause(0.3)

    def settle(self, say: Say) -> None:
        """Wait until nothing more happens, however slow the machine is."""
        self.hubs.wait()
        portal = Portal(self.hubs, self.reader)
        want = {name: share.records for name, share in self.shares.items()}
        before, moved_at = None, time.monotonic()
        while time.monotonic() < moved_at + _STILL_S:
            pause(1.0)
            self.hubs.supervise()
            held, left = portal.held(), self._on_the_way()
            say(f"  held {sum(held.values())} of {sum(want.values())}, on the way {left}")
            if held == want and not left:
                break
            if (held, left) != before:
                before, moved_at = (held, left), time.monotonic()
            pause(min(left / 500, 15))  # who asks all the time takes what they work with
        portal.close()

    def _on_the_way(self) -> int:
        """How many deliveries are still to come."""
        listed = self.hubs.told("receivers", "list")
        return sum(one["backlog"] + one["waiting"] for one in listed)

    def balance(self, say: Say) -> Ledger:
        """Count everything."""
        ledger = Ledger()
        portal = Portal(self.hubs, self.reader)
        books.intake(ledger, self.hubs, portal, self.shares)
        books.deliveries(ledger, portal, self.receivers, self.hubs)
        portal.close()
        say("counted")
        exits = self.hubs.end()
        say("stopped")
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
        one.settle(say)
        return one.balance(say), faults.done


def account(made: Credentials) -> dict[str, str]:
    """What a client logs in with."""
    return {"client_id": made.client_id, "client_secret": made.client_secret}
