"""All failing departments asked side by side by one hub that is never restarted; what was seen."""

import itertools
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import text

from hub import wiring
from hub.commands import clients, connections
from sync import wishes
from tests.e2e.faults import evil
from tests.e2e.faults.evil import HOUR_MS, Evil, Way, row
from tests.e2e.fleet import pause
from tests.e2e.served import free_port
from tests.e2e.soak.hubs import Hubs
from tests.e2e.soak.ledger import Portal
from tests.e2e.soak.run import account

_PAGE = 10
_WITHIN_S = 60.0
MINUTE_MS = 60_000
# Way -> the reason its runs fail with until it heals.
FAILS = {
    "refuses": "NET_REFUSED",
    "hangs": "TIMEOUT_TOTAL",
    "drips": "TIMEOUT_TOTAL",
    "cuts": "BODY_TRUNCATED",
    "cuts_at_a_record": "PAGE_SHORT",
    "html": "CTYPE_UNEXPECTED",
    "busy": "RATE_LIMITED",
    "busy_for_ever": "RATE_LIMITED",
    "broken": "HTTP_5XX",
    "redirects": "REDIRECT_REFUSED",
    "bombs": "BODY_TOO_LARGE",
    "short": "PAGE_SHORT",
    "empty_in_the_middle": "PAGE_SHORT",
}


def ways(now_ms: int) -> dict[str, Way]:
    """Every way to fail, each with what it holds."""

    def rows(count: int, step_ms: int = 1_000) -> list[dict[str, Any]]:
        return [row(f"R-{n:04d}", now_ms - HOUR_MS + n * step_ms) for n in range(count)]

    far = 4_102_444_800_000  # 1 January 2100
    aba = [row("A-1", now_ms - HOUR_MS), row("A-1", now_ms - HOUR_MS + MINUTE_MS, "waiting")]
    return {
        "well": Way(rows(25)),
        "hangs": Way(rows(25), evil.hangs),
        "drips": Way(rows(25), evil.drips),
        "cuts": Way(rows(25), evil.cuts),
        "cuts_at_a_record": Way(rows(25), evil.cuts_at_a_record),
        "html": Way(rows(25), evil.html),
        "busy": Way(rows(25), evil.busy),
        "busy_for_ever": Way(rows(25), evil.busy_for_ever),
        "broken": Way(rows(25), evil.broken),
        "expires": Way(rows(75), evil.expires),
        "redirects": Way(rows(25), evil.redirects_to("")),
        "witness": Way(rows(5)),
        "bombs": Way(rows(25), evil.bombs),
        "one_page_for_ever": Way(rows(25), evil.one_page_for_ever),
        "empty_in_the_middle": Way(rows(55), evil.empty_in_the_middle),
        "short": Way(rows(1_000, 10), evil.short),
        "sliding": Way(rows(65), evil.sliding),
        "one_moment": Way(rows(1_000, 0)),
        "in_2099": Way([*rows(3), row("F-1", far)]),
        "clock_ahead": Way([row(f"C-{n}", now_ms + 10 * MINUTE_MS + n) for n in range(3)]),
        "late": Way([row(f"L-{n}", now_ms - MINUTE_MS + n) for n in range(3)]),
        "a_b_a": Way(aba),
        "reused": Way([row("U-1", now_ms - HOUR_MS, "done", finishDate=now_ms - HOUR_MS)]),
    }


def later(made: dict[str, Way], now_ms: int) -> None:
    """What they come to hold only after the hub has asked them."""
    made["in_2099"].rows.append(row("F-2", now_ms))
    made["clock_ahead"].rows.append(row("C-late", now_ms + 9 * MINUTE_MS))
    made["late"].rows.append(row("L-late", now_ms - 4 * MINUTE_MS))
    made["a_b_a"].rows.append(row("A-1", now_ms - MINUTE_MS))
    other = {"applicantName": "Lê Văn Khác", "applicantIdNo": "000000000002"}
    again = row("U-1", now_ms, "new", receiveDate=now_ms, **other)
    made["reused"].rows.append(again)


@dataclass
class Seen:
    """What came of it.

    Attributes:
        failed: Connection -> the reasons of its failed runs before it healed, in order.
        codes: Connection -> codes held before, and at the end.
        status: (connection, code) -> status at the end.
        quarantine: (connection, code, reason).
        calls: Connection -> monotonic seconds of its list calls before it healed.
        versions: What became of pushed versions 1, 3, 2, 5, 4 and of 5 with other content.
        proof: `hub verify --json`.
        memory_kib: The largest resident set of the hub's processes.
    """

    made: dict[str, Way]
    healed_at: float = 0.0
    failed: dict[str, list[str]] = field(default_factory=dict)
    before: dict[str, set[str]] = field(default_factory=dict)
    after: dict[str, set[str]] = field(default_factory=dict)
    status: dict[tuple[str, str], str | None] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)
    quarantine: set[tuple[str, str, str]] = field(default_factory=set)
    versions: list[tuple[str, str | None]] = field(default_factory=list)
    pushed: dict[str, Any] = field(default_factory=dict)
    proof: dict[str, Any] = field(default_factory=dict)
    memory_kib: int = 0
    exits: dict[str, int] = field(default_factory=dict)

    def gaps(self, name: str) -> list[float]:
        """Seconds between the list calls at a department before it healed."""
        moments = [at for at, _ in self.made[name].calls if at < self.healed_at]
        return [b - a for a, b in itertools.pairwise(moments)]


@contextmanager
def played(url: str) -> Iterator[Seen]:
    """Everything played through once on a store."""
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    made = ways(now_ms)
    with tempfile.TemporaryDirectory(prefix="lienthong-faults-") as folder, Evil(made) as there:
        made["redirects"].fail = evil.redirects_to(f"{there.base}/witness")
        hubs = Hubs(Path(folder), url)
        try:
            seen = _play(hubs, there, made, now_ms)
        finally:
            hubs.destroy()
        yield seen


def _play(hubs: Hubs, there: Evil, made: dict[str, Way], now_ms: int) -> Seen:
    seen = Seen(made)
    client, reader = _introduce(hubs, there, made)
    for role in hubs.roles:
        hubs.start(role)
    hubs.wait()
    _until(lambda: _has_failed(hubs, seen))
    portal = Portal(hubs, reader)
    seen.before = _codes(portal)
    seen.versions, seen.pushed = _versions(hubs, client, reader)
    later(made, now_ms)
    seen.healed_at = time.monotonic()
    there.heal()
    want = {name: {one["referenceUid"] for one in way.rows} for name, way in made.items()}
    want["in_2099"] -= {"F-1"}
    _until(lambda: all(_codes(portal).get(name) == codes for name, codes in want.items()))
    _until(lambda: ("reused", "U-1", "CODE_REUSED") in _quarantine(hubs))
    _until(lambda: portal.held().get("a_b_a") == 3)
    seen.after = _codes(portal)
    seen.held = portal.held()
    seen.status = {key: states[0] for key, states in portal.legs().items()}
    seen.quarantine = _quarantine(hubs)
    seen.memory_kib = max(_peak_kib(process.pid) for process in hubs.processes.values())
    portal.close()
    seen.exits = hubs.end()
    seen.proof = hubs.told("verify")
    return seen


def _introduce(
    hubs: Hubs, there: Evil, made: dict[str, Way]
) -> tuple[dict[str, str], dict[str, str]]:
    """Add every connection and two clients, by the functions behind the commands."""
    context = wiring.open_hub(hubs.settings())
    for name in sorted({*made, "refuses"} - {"witness"}):
        base = f"{there.base}/{name}" if name in made else f"http://127.0.0.1:{free_port()}"
        size = 250 if name in ("short", "one_moment") else _PAGE
        sets = ["client_id=x", "client_secret=y", f"page_size={size}", "timeout_s=1.5"]
        connections.make(context, name, "one_stop", endpoint=base, settings=sets, tables=[])
        wishes.reschedule(context, name, "*/2 * * * * *")
    connections.make(context, "desk", "canonical", role="desk", settings=[], tables=[])
    desk = clients.make(context, "desk", ["push"], ["desk"], [])
    portal = clients.make(context, "portal", ["read"], [], [])
    context.store.dispose()
    return account(desk), account(portal)


def _until(is_so: Callable[[], bool]) -> None:
    """Wait for it; what is not so in time is left to the test that asks for it."""
    until = time.monotonic() + _WITHIN_S
    while time.monotonic() < until and not is_so():
        pause(0.5)


def _has_failed(hubs: Hubs, seen: Seen) -> bool:
    """Whether every way has shown itself, twice."""
    store = wiring.open_store_only(hubs.settings())
    try:
        with store.read() as tx:
            found = tx.execute(
                text("SELECT connection_id, coalesce(reason, state) FROM run ORDER BY id")
            ).all()
    finally:
        store.dispose()
    seen.failed = {}
    done: dict[str, int] = {}
    for name, reason in found:
        if reason not in ("done", "running"):
            seen.failed.setdefault(name, []).append(reason)
        done[name] = done.get(name, 0) + (reason == "done")
    shown = all(len(seen.failed.get(name, [])) >= 2 for name in FAILS)
    odd = set(seen.made) - set(FAILS) - {"witness", "one_page_for_ever"}
    return shown and all(done.get(name) for name in odd)


def _codes(portal: Portal) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {"witness": {f"R-{n:04d}" for n in range(5)}}
    for namespace, code in portal.legs():
        found.setdefault(namespace, set()).add(code)
    return found


def _quarantine(hubs: Hubs) -> set[tuple[str, str, str]]:
    return {(r["connection"], r["code"], r["reason"]) for r in hubs.told("quarantine", "list")}


def _versions(
    hubs: Hubs, client: dict[str, str], reader: dict[str, str]
) -> tuple[list[tuple[str, str | None]], dict[str, Any]]:
    """Versions out of order, and one number said twice with other content."""
    with httpx.Client(base_url=hubs.base, trust_env=False, timeout=30) as http:
        tokens = []
        for who in (client, reader):
            form = {"grant_type": "client_credentials", **who}
            tokens.append(http.post("/oauth/token", data=form).json()["access_token"])
        told: list[tuple[str, str | None]] = []
        for version, status in [(1, 0), (3, 2), (2, 1), (5, 4), (4, 3), (5, 0)]:
            one = {
                "code": "V-1",
                "version": version,
                "updated_at": f"2026-03-02T0{version}:00:00+07:00",
                "agency": "H50.12",
                "procedure": {"code": "1.001612"},
                "accepted_at": "2026-03-01T08:00:00+07:00",
                "status": ("accepted", "in_progress", "supplement", "in_progress", "finished")[
                    status
                ],
            }
            headers = {"Authorization": f"Bearer {tokens[0]}"}
            said = http.post("/api/v1/dossiers", json=[one], headers=headers).json()
            fate = said["records"][0]
            told.append((fate["disposition"], fate["reason"]))
        headers = {"Authorization": f"Bearer {tokens[1]}"}
        found = http.get("/api/v1/dossiers", params={"code": "desk:V-1"}, headers=headers)
        return told, json.loads(found.text)["items"][0]


def _peak_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return 0
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
    return int(lines["VmHWM"].split()[0])
