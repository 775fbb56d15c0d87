"""A receiver in memory: what it took, in which order, and how it fails when asked to.

It is as strict as a real one may be: it knows an event by its id, takes each once, and notes what
must never happen: another body under a known id, an event of a dossier out of order.
"""

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from msgspec import structs

from canonical.errors import HubError
from canonical.ports import Event, Manifest, Outgoing, System
from hub.commands import receivers as commands
from store import alarms, delivery_views, receivers
from store.deliveries_proof import counted, placed
from store.delivery_views import DeliveryView, Fare
from store.receivers import ReceiverRow
from sync import deliver, deliver_replaying
from sync.context import Context
from sync.jobs import Job, Stopping
from tests.trial import Trial, dossier

SYSTEM = "memory_receiver"


class Told:
    """The receiver, and everything a test asks of it.

    Attributes:
        taken: Events it took, in order, each once.
        calls: Every call, as the seqs it carried.
        fails: Called with each event; gives why it is not taken, or None.
        breaks: Called with each call's events before they are taken; may raise.
        loses: Called with each call's events after they are taken; may raise.
        silent: Kinds of changes it is told nothing of.
        renders: Called with each event before it is rendered; may raise.
    """

    def __init__(self, hub: Trial, *, batch: int = 1, context: Context | None = None) -> None:
        self.hub = hub
        self.context = context or hub.context
        self.taken: list[dict[str, Any]] = []
        self.calls: list[list[int]] = []
        self.bodies: dict[str, bytes] = {}
        self.wrong: list[str] = []
        self.again = 0
        self.closed = 0
        self.fails: Callable[[dict[str, Any]], HubError | None] = lambda _: None
        self.breaks: Callable[[list[int]], None] = lambda _: None
        self.loses: Callable[[list[int]], None] = lambda _: None
        self.renders: Callable[[Event], None] = lambda _: None
        self.silent: set[str] = set()
        self._ids: set[str] = set()
        self._last: dict[str, int] = {}
        system = System(
            manifest=Manifest(
                id=SYSTEM,
                title="Nơi nhận thử",
                owner="the tests",
                protocol="rest",
                contract="our own design",
                proven_against="simulator",
                pulls=False,
                receives="changes",
                batch=batch,
            ),
            mapping_document=None,
            transforms={},
            rows=lambda _, __: [],
            connect=None,
            door=None,
            receive=lambda _: self,
        )
        self.context.systems = {**dict(self.context.systems), SYSTEM: system}
        self.limits(retry_base_s=30.0, retry_cap_s=3_600.0)

    # ------------------------------------------------------------------ as the hub sees it

    def render(self, event: Event) -> bytes | None:
        self.renders(event)
        if event.kind in self.silent:
            return None
        told = {
            "id": event.id,
            "seq": event.seq,
            "dossier": event.dossier,
            "kind": event.kind,
            "into": event.into,
            "at": event.at,
            "status": event.body["status"],
            "body": event.body,
            "entries": list(event.entries),
        }
        return json.dumps(told, ensure_ascii=False).encode()

    async def send(self, events: Sequence[Outgoing]) -> Sequence[HubError | None]:
        seqs = [event.seq for event in events]
        self.calls.append(seqs)
        self.breaks(seqs)
        answers = [self._one(event) for event in events]
        self.loses(seqs)
        return answers

    async def close(self) -> None:
        self.closed += 1

    def _one(self, event: Outgoing) -> HubError | None:
        told = json.loads(event.body)
        assert (told["id"], told["seq"]) == (event.id, event.seq)
        failure = self.fails(told)
        if self.bodies.setdefault(event.id, event.body) != event.body:
            self.wrong.append(f"another body of {event.seq}")
        if failure is not None:
            return failure
        if event.id in self._ids:
            self.again += 1
            return None
        self._ids.add(event.id)
        if self._last.get(told["dossier"], 0) > event.seq:
            self.wrong.append(f"{event.seq} after {self._last[told['dossier']]}")
        self._last[told["dossier"]] = event.seq
        self.taken.append(told)
        return None

    # ------------------------------------------------------------------ as a test sees it

    @property
    def seqs(self) -> list[int]:
        return [one["seq"] for one in self.taken]

    def forget(self) -> None:
        """As a receiver that lost what it held."""
        self._ids.clear()
        self._last.clear()
        self.bodies.clear()
        self.taken.clear()
        self.calls.clear()

    def limits(self, **limits: Any) -> None:
        self.context.limits = structs.replace(self.context.limits, **limits)

    def add(self, name: str = "portal", **more: Any) -> dict[str, Any]:
        return commands.make(self.context, name, SYSTEM, **{"shards": 1, **more})

    def jobs(self) -> list[Job]:
        """What is due now."""
        now = self.context.now()
        return [*deliver_replaying.due(self.context, now), *deliver.due(self.context, now)]

    async def tick(self) -> int:
        """Perform what is due once; how many jobs that were."""
        jobs = self.jobs()
        for job in jobs:
            kind = deliver_replaying if job.kind == "replay" else deliver
            await kind.perform(self.context, job, Stopping())
        return len(jobs)

    async def run(self, *, ticks: int = 1_000) -> int:
        """Until nothing is due any more; how many looks that took."""
        for number in range(ticks):
            if not await self.tick():
                return number
        raise AssertionError(f"still work after {ticks} looks: {self.jobs()}")

    async def run_for(self, *, step_s: float = 60.0, **delta: float) -> None:
        """As a day goes by: a look every `step_s`, the clock moved on."""
        until = self.hub.clock.at + timedelta(**delta)
        while self.hub.clock.at < until:
            await self.run()
            self.hub.clock.forward(seconds=step_s)
        await self.run()

    def row(self, name: str = "portal") -> ReceiverRow:
        with self.hub.store.read() as tx:
            found = receivers.load_receiver(tx, name)
        assert found is not None
        return found

    def fare(self, name: str = "portal") -> Fare:
        with self.hub.store.read() as tx:
            return next(f for f in delivery_views.list_fares(tx) if f.receiver == name)

    def rows(self, only: str = "") -> list[DeliveryView]:
        with self.hub.store.read() as tx:
            return delivery_views.list_deliveries(tx, only=only, limit=100_000)


async def changes(hub: Trial, dossiers: int, versions: int = 1, *, first: int = 1) -> None:
    """So many dossiers with so many changes each, all of a version before those of the next."""
    for version in range(1, versions + 1):
        records = [
            dossier(
                number,
                version=version,
                step=f"Bước {version}",
                updated_at=f"2026-03-02T09:{version % 60:02d}:00+07:00",
            )
            for number in range(first, first + dossiers)
        ]
        said = await hub.push(records)
        assert said.status == 200, said.raw


def raises(error: Exception) -> Callable[[list[int]], None]:
    """As `Told.breaks`: every call fails so."""

    def breaks(_: list[int]) -> None:
        raise error

    return breaks


def open_alarms(hub: Trial) -> set[tuple[str, str]]:
    with hub.store.read() as tx:
        return {(a.kind, a.key) for a in alarms.list_alarms(tx)}


def proved(hub: Trial) -> list[str]:
    """What does not add up."""
    with hub.store.read() as tx:
        return counted(tx)[1] + placed(tx)[1]
