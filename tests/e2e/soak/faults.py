"""One fault after another, drawn from a seed: to the hub's processes, its store, its neighbours."""

import random
import sqlite3
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.e2e.fleet import pause
from tests.e2e.soak.hubs import SMALL, Hubs
from tests.e2e.soak.neighbours import Neighbour

_DEPARTMENT_MOODS = ("silent", "html", "truncated", "drip", "busy")
_THREE_LEASES_S = 3 * float(SMALL["HUB_LEASE_S"])


class Faults:
    """What can go wrong, and a count of what did."""

    def __init__(
        self,
        seed: int,
        hubs: Hubs,
        departments: Mapping[str, Neighbour],
        receivers: Mapping[str, Neighbour],
        receiver_moods: Mapping[str, tuple[str, ...]],
        postgres: Any,
    ) -> None:
        self.done: list[str] = []
        self._dice = random.Random(f"{seed}:faults")
        self._hubs = hubs
        self._departments = departments
        self._receivers = receivers
        self._receiver_moods = receiver_moods
        self._postgres = postgres
        store = self._server_away if postgres is not None else self._file_locked
        self._kinds: list[Callable[[], str]] = [
            self._killed,
            self._killed,
            self._frozen,
            self._moody,
            self._moody,
            self._gone,
            self._receiver_moody,
            self._receiver_moody,
            store,
        ]

    def next(self) -> None:
        """Do one, and undo it."""
        self.done.append(self._dice.choice(self._kinds)())
        self._hubs.supervise()

    def _killed(self) -> str:
        role = self._dice.choice(self._hubs.roles)
        self._hubs.kill(role)
        pause(self._dice.uniform(0, 2))
        self._hubs.start(role)
        return f"kill -9 {role}"

    def _frozen(self) -> str:
        role = self._dice.choice(self._hubs.roles)
        self._hubs.freeze(role)
        pause(_THREE_LEASES_S + self._dice.uniform(0, 2))
        self._hubs.thaw(role)
        return f"frozen past three leases {role}"

    def _moody(self) -> str:
        name = self._dice.choice(sorted(self._departments))
        mood = self._dice.choice(_DEPARTMENT_MOODS)
        self._departments[name].mood(mood)
        pause(self._dice.uniform(2, 5))
        self._departments[name].mood("well")
        return f"{name} {mood}"

    def _gone(self) -> str:
        name = self._dice.choice(sorted(self._departments))
        self._departments[name].kill()
        pause(self._dice.uniform(1, 4))
        self._departments[name].start()
        return f"{name} gone"

    def _receiver_moody(self) -> str:
        name = self._dice.choice(sorted(self._receivers))
        mood = self._dice.choice(self._receiver_moods[name])
        self._receivers[name].mood(mood)
        pause(self._dice.uniform(2, 6))
        self._receivers[name].mood("well")
        return f"{name} {mood}"

    def _file_locked(self) -> str:
        file = Path(self._hubs.env["HUB_DATA_DIR"]) / "hub.db"
        tx = sqlite3.connect(file, isolation_level=None, timeout=30)
        try:
            tx.execute("BEGIN IMMEDIATE")
            pause(self._dice.uniform(1, 5))
            tx.execute("ROLLBACK")
        finally:
            tx.close()
        return "store locked"

    def _server_away(self) -> str:
        server = self._postgres
        stop = [server.bin_path / "pg_ctl", "-D", server.pgdata, "stop", "-m", "immediate"]
        subprocess.run(stop, check=True, capture_output=True, user=server.system_user)
        pause(self._dice.uniform(0.5, 3))
        server.start()
        return "store away"
