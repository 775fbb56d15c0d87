"""Hub processes that can be made to die at a decided moment of a transaction, and may live in a
time of their own.

What runs in them is `hub …` as it is: SQLAlchemy's own events meet its commits, time-machine moves
its clock.
"""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from typing_extensions import override

from tests.e2e.fleet import pause
from tests.e2e.forking import Forked, fork, run
from tests.e2e.soak.hubs import Hubs

WITHIN_S = 60.0


def until(is_so: Callable[[], Any], what: str, within_s: float = WITHIN_S) -> None:
    """Wait until something is so."""
    end = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < end, f"not within {within_s:g} s: {what}"
        pause(0.05)


class Troop(Hubs):
    """Hubs of which any may be told to die at a decided moment, or that it is another time.

    Args:
        folder: Where logs and the embedded store lie.
        url: Of a PostgreSQL database; the embedded store where empty.
        roles: The processes, "serve" first.
        more: HUB_… settings beside those of the soak.
    """

    def __init__(self, folder: Path, url: str, roles: Sequence[str], **more: str) -> None:
        super().__init__(folder, url)
        self.roles = list(roles)
        self.env |= more
        self._doom = folder / "doom"
        self._struck = folder / "doom.struck"
        self._number = 0

    @override
    def start(self, role: str, *, ahead_s: float | None = None, **more: str) -> None:
        """Start a process; with `ahead_s` its wall clock can be set (`set_clock`)."""
        env = {**self.env, "HUB_PORT": str(self.port), "DOOM": str(self._doom), **more}
        if ahead_s is not None:
            self.set_clock(role, ahead_s)
            env["CLOCK"] = str(self._clock(role))
        self.processes[role] = self.fork([role.partition("-")[0]], env, role)  # type: ignore[assignment]

    def fork(self, words: Sequence[str], env: dict[str, str], name: str) -> Forked:
        """`hub …` in a process of its own, its log beside the others."""
        return fork(words, env, self.folder / f"{name}.log", first=befall)

    @override
    def command(self, *words: str, timeout_s: float = 300.0) -> subprocess.CompletedProcess[str]:
        """`hub …` beside the running processes; it may be doomed as they are."""
        env = {**self.env, "DOOM": str(self._doom)}
        return run(words, env, timeout_s=timeout_s, first=befall)

    # ------------------------------------------------------------------ what will befall one

    def doom(
        self,
        when: str,
        *said: str,
        unsaid: str = "",
        of: str = "",
        skip: int = 0,
        number: int = signal.SIGKILL,
    ) -> None:
        """Let the first process that comes to a moment be struck there, once.

        Args:
            when: "before" or "after" the COMMIT of a transaction, or "at" a statement of one.
            said: What its statements must contain, each.
            unsaid: What none of them may contain.
            of: Whom one of them must be about: a value bound to it.
            skip: How many such moments of a process pass unharmed.
            number: Which signal it is struck with.
        """
        self._number += 1
        self._struck.unlink(missing_ok=True)
        told = {
            "id": self._number,
            "when": when,
            "said": said,
            "unsaid": unsaid,
            "of": of,
            "skip": skip,
            "number": int(number),
        }
        made = self._doom.with_suffix(".made")
        made.write_text(json.dumps(told), "utf-8")
        made.rename(self._doom)

    def struck(self) -> int:
        """Wait until one was struck; its process id."""
        until(lambda: self._struck.exists() and self._struck.read_text(), "one is struck")
        return int(self._struck.read_text("utf-8"))

    def died(self) -> str:
        """Wait until a role has died of its doom; which."""
        pid = self.struck()
        role = next(r for r, process in self.processes.items() if process.pid == pid)
        assert self.processes[role].wait(10) == -signal.SIGKILL
        return role

    def revive(self) -> None:
        """Wait until one has died of its doom, and start it again."""
        role = self.died()
        self.start(role)
        if role == "serve":
            self.wait()

    # ------------------------------------------------------------------ what time it is

    def _clock(self, role: str) -> Path:
        return self.folder / f"{role}.clock"

    def set_clock(self, role: str, ahead_s: float) -> None:
        """Let a process think that it is so many seconds later than it is."""
        made = self._clock(role).with_suffix(".made")
        made.write_text(str(ahead_s), "utf-8")
        made.rename(self._clock(role))
        pause(3 * _CLOCK_LOOK_S)


# ---------------------------------------------------------------------- in the process itself


def befall() -> None:
    """Let happen in this process what its environment names."""
    if "DOOM" in os.environ:
        _Doomed(Path(os.environ["DOOM"])).listen()
    if "CLOCK" in os.environ:
        _travel(Path(os.environ["CLOCK"]))


class _Doomed:
    """Meets its own transactions and ends where it was decided."""

    def __init__(self, doom: Path) -> None:
        self._doom = doom
        self._passed: dict[int, int] = {}

    def listen(self) -> None:
        from sqlalchemy import Engine, event
        from sqlalchemy.pool import Pool

        event.listen(Engine, "before_cursor_execute", self._says)
        event.listen(Engine, "commit", self._commits)
        event.listen(Engine, "rollback", self._rolls_back)
        event.listen(Pool, "checkin", self._gives_back)

    def _says(self, tx: Any, _cursor: Any, statement: str, bound: Any, *_: Any) -> None:
        said = tx.info.setdefault("said", [])
        said.append((statement, bound))
        self._meet("at", said)

    def _commits(self, tx: Any) -> None:
        said = tx.info.pop("said", [])
        self._meet("before", said)
        tx.info["committed"] = said

    def _rolls_back(self, tx: Any) -> None:
        tx.info.pop("said", None)

    def _gives_back(self, _: Any, record: Any) -> None:
        self._meet("after", record.info.pop("committed", []))

    def _meet(self, when: str, said: list[tuple[str, Any]]) -> None:
        try:
            told = json.loads(self._doom.read_text("utf-8"))
        except FileNotFoundError:
            return
        if when != told["when"] or not self._is_meant(told, said):
            return
        passed = self._passed[told["id"]] = self._passed.get(told["id"], 0) + 1
        if passed <= told["skip"]:
            return
        struck = self._doom.with_suffix(".struck")
        try:
            self._doom.rename(struck.with_suffix(f".{os.getpid()}"))
        except FileNotFoundError:
            return  # another was faster
        struck.write_text(str(os.getpid()), "utf-8")
        os.kill(os.getpid(), told["number"])
        threading.Event().wait(0.5)  # a signal is not always answered at once

    @staticmethod
    def _is_meant(told: Any, said: list[tuple[str, Any]]) -> bool:
        # At a statement, that one and not an earlier one is meant.
        words = [one for one, _ in (said[-1:] if told["when"] == "at" else said)]
        if told["unsaid"] and any(told["unsaid"] in one for one, _ in said):
            return False
        if not words or not all(any(what in one for one in words) for what in told["said"]):
            return False
        about = (repr(told["of"]), f'"{told["of"]}"')  # bound alone, or in rows that travel as JSON
        return not told["of"] or any(one in repr(bound) for _, bound in said for one in about)


_CLOCK_LOOK_S = 0.05


def _travel(clock: Path) -> None:
    """Follow the clock's file; the whole process is in that time."""
    import time_machine

    def ahead_s() -> float:
        return float(clock.read_text("utf-8"))

    now = ahead_s()
    traveller = time_machine.travel(datetime.now(UTC) + timedelta(seconds=now), tick=True).start()

    def follow() -> None:
        nonlocal now
        while True:
            threading.Event().wait(_CLOCK_LOOK_S)
            told = ahead_s()
            if told != now:
                traveller.shift(told - now)
                now = told

    threading.Thread(target=follow, daemon=True).start()
