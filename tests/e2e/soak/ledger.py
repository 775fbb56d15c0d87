"""What came of a soak: everything counted on both sides, from outside the hub."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.e2e.soak.hubs import Hubs
from tests.e2e.soak.neighbours import Neighbour
from tests.e2e.soak.world import Share

_TAKEN = ("applied", "superseded")
# domain/statuses.md 2.1
NATIONAL = {
    "submitted": 1,
    "accepted": 2,
    "refused": 3,
    "in_progress": 4,
    "supplement": 5,
    "financial": 6,
    "withdrawn": 7,
    "stopped": 8,
    "finished": 9,
    "handed_over": 10,
}


@dataclass
class Ledger:
    """The balance; a soak is passed where every count but those of the first line is 0.

    Attributes:
        said: Records the departments said, doubles and bad ones included.
        held: Records the hub holds as applied or superseded.
        notes: What is wrong, for people.
    """

    said: int = 0
    held: int = 0
    changes: int = 0
    delivered: int = 0
    lost: int = 0
    double: int = 0
    wrong_state: int = 0
    quarantine_differs: int = 0
    undelivered: int = 0
    out_of_order: int = 0
    unproved: int = 0
    bad_exits: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def is_even(self) -> bool:
        """Whether nothing is wrong."""
        return not any(
            (
                self.lost,
                self.double,
                self.wrong_state,
                self.quarantine_differs,
                self.undelivered,
                self.out_of_order,
                self.unproved,
                self.bad_exits,
            )
        )

    def line(self) -> str:
        """One line of a table."""
        return (
            f"said {self.said} held {self.held} changes {self.changes} delivered {self.delivered}"
            f" | lost {self.lost} double {self.double} wrong state {self.wrong_state}"
            f" quarantine {self.quarantine_differs} undelivered {self.undelivered}"
            f" out of order {self.out_of_order} verify {self.unproved} exits {self.bad_exits}"
        )


class Portal:
    """A reader at the hub's doors."""

    def __init__(self, hubs: Hubs, client: dict[str, str]) -> None:
        self._http = httpx.Client(base_url=hubs.base, trust_env=False, timeout=60)
        form = {"grant_type": "client_credentials", **client}
        said = self._http.post("/oauth/token", data=form).raise_for_status().json()
        self._http.headers["Authorization"] = f"Bearer {said['access_token']}"

    def close(self) -> None:
        """Give back the sockets."""
        self._http.close()

    def dossiers(self) -> Iterator[dict[str, Any]]:
        """Every living dossier."""
        cursor: str | None = None
        while True:
            asked: dict[str, Any] = {"limit": 500} | ({"cursor": cursor} if cursor else {})
            page = self._http.get("/api/v1/dossiers", params=asked).raise_for_status().json()
            yield from page["items"]
            cursor = page["next"]
            if cursor is None:
                return

    def legs(self) -> dict[tuple[str, str], list[str | None]]:
        """(namespace, code) -> the status of every leg there is under that name."""
        found: dict[tuple[str, str], list[str | None]] = {}
        for item in self.dossiers():
            for leg in item["legs"]:
                found.setdefault((leg["namespace"], leg["code"]), []).append(leg["status"])
        return found

    def changes(self) -> list[dict[str, Any]]:
        """The whole feed."""
        found: list[dict[str, Any]] = []
        while True:
            asked = {"after": found[-1]["seq"] if found else 0, "limit": 1000}
            page = self._http.get("/api/v1/changes", params=asked).raise_for_status().json()
            if not page["items"]:
                return found
            found += page["items"]

    def held(self) -> dict[str, int]:
        """Connection -> records applied or superseded."""
        found: dict[str, int] = {}
        for line in self._http.get("/metrics").raise_for_status().text.splitlines():
            if line.startswith("hub_records_total{"):
                labels, _, count = line.removeprefix("hub_records_total{").rpartition("} ")
                known = dict(part.split("=") for part in labels.replace('"', "").split(","))
                if known["disposition"] in _TAKEN:
                    name = known["connection"]
                    found[name] = found.get(name, 0) + int(float(count))
        return found


def intake(ledger: Ledger, hubs: Hubs, portal: Portal, shares: Mapping[str, Share]) -> None:
    """Hold what was said against what is held."""
    legs, held = portal.legs(), portal.held()
    quarantined = {
        (row["connection"], row["code"], row["reason"]) for row in hubs.told("quarantine", "list")
    }
    planted = {(name, *bad) for name, share in shares.items() for bad in share.bad}
    for name, share in shares.items():
        ledger.said += share.said
        ledger.held += held.get(name, 0)
        more = held.get(name, 0) - share.records
        ledger.double += max(more, 0)
        ledger.lost += max(-more, 0)
        if more:
            ledger.notes.append(f"{name}: {held.get(name, 0)} records held of {share.records}")
        for code, status in share.newest.items():
            states = legs.get((name, code), [])
            if len(states) != 1:
                ledger.notes.append(f"{name}:{code}: {len(states)} legs")
            ledger.lost += not states
            ledger.double += max(len(states) - 1, 0)
            if states and states[0] != status:
                ledger.wrong_state += 1
                ledger.notes.append(f"{name}:{code} is {states[0]}, not {status}")
    ledger.quarantine_differs = len(quarantined ^ planted)
    ledger.notes += [f"quarantine: {one}" for one in sorted(map(str, quarantined ^ planted))]


def proof(ledger: Ledger, hubs: Hubs) -> None:
    """What `hub verify` says."""
    report = hubs.told("verify")
    wrong = [check for check in report["checks"] if not check["ok"]]
    ledger.unproved = len(wrong)
    ledger.notes += [f"verify: {check['name']}: {check['detail']}" for check in wrong]


def deliveries(
    ledger: Ledger, portal: Portal, receivers: Mapping[str, Neighbour], hubs: Hubs
) -> None:
    """Hold the feed against what the receivers have taken, each by its own book."""
    feed = portal.changes()
    ledger.changes = len(feed)
    left = hubs.told("deliveries", "list")
    ledger.undelivered += len(left)
    ledger.notes += [f"delivery left: {row}" for row in left[:20]]
    _webhook(ledger, feed, receivers["public_portal"])
    _national(ledger, portal, receivers["national_portal"])


def _webhook(ledger: Ledger, feed: list[dict[str, Any]], portal: Neighbour) -> None:
    book = portal.get("__ledger")
    ledger.delivered += len(book["taken"])
    seqs = [int(one["seq"]) for one in book["taken"]]
    missing = {one["seq"] for one in feed} - set(seqs)
    ledger.undelivered += len(missing)
    ledger.double += len(seqs) - len(set(seqs))
    wrong = [*book["violations"], *book["differing"]]
    ledger.out_of_order += len(wrong)
    ledger.notes += [f"public_portal missing {n}" for n in sorted(missing)[:20]]
    ledger.notes += [f"public_portal {one}" for one in wrong[:20]]


def _national(ledger: Ledger, portal: Portal, receiver: Neighbour) -> None:
    """Of each dossier with a national code the newest state must stand at the national portal."""
    book = receiver.get("__ledger")
    ledger.delivered += sum(one["told"] for one in book["dossiers"].values())
    for item in portal.dossiers():
        code = item["national_code"]
        if code is None:
            continue
        told = book["dossiers"].get(code)
        want = str(NATIONAL[item["status"]])
        if told is None:
            ledger.undelivered += 1
            ledger.notes.append(f"national_portal was not told of {code}")
        elif told["record"]["TrangThaiHoSo"] != want:
            ledger.wrong_state += 1
            found = told["record"]["TrangThaiHoSo"]
            ledger.notes.append(f"national_portal has {code} in {found}, not {want}")
        elif len(item["legs"]) == 1 and _turns_back(told["states"]):
            ledger.out_of_order += 1
            ledger.notes.append(f"national_portal was told of {code}: {told['states']}")
    ledger.notes += [f"national_portal refused {one}" for one in book["refused"][:20]]


def _turns_back(states: list[str]) -> bool:
    """Whether an end was told and then something else: ended dossiers say nothing more."""
    return "10" in states[:-1]
