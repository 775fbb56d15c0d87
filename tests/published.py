"""The Government's portal on a socket, told by a trial's hub; and everything a test asks of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from adapters.government_portal import simulator
from adapters.simulation import Simulation, running
from hub.commands import receivers as receiver_commands
from store import alarms, publications, receivers
from sync import publish
from sync.jobs import Stopping
from tests.trial import Trial

MARCH = "H50.12 2026-03-01 2026-03-31"


class Portal:
    """The portal, and the hub that tells it."""

    def __init__(self, hub: Trial, simulation: Simulation, base: str) -> None:
        self.hub = hub
        self.simulation = simulation
        self.base = base

    def introduce(self, **options: str) -> None:
        """Add it as a receiver; `since` the year's beginning, month by month."""
        told = {"agencies": "H50.12", "periods": "month", "since": "2026-03-01", **options}
        receiver_commands.make(
            self.hub.context,
            "gov",
            "government_portal",
            endpoint=self.base,
            settings=[
                *(f"{name}={value}" for name, value in told.items()),
                f"key={self.simulation.secrets['key']}",
            ],
        )

    async def work(self) -> int:
        """What is due now, done; how many jobs that were."""
        context = self.hub.context
        jobs = publish.due(context, context.now())
        for job in jobs:
            await publish.perform(context, job, Stopping())
        return len(jobs)

    async def held(self, name: str = MARCH) -> list[dict[str, Any]]:
        """The documents the portal has of a period."""
        found: list[dict[str, Any]] = self.ledger["periods"].get(name, [])
        return found

    @property
    def ledger(self) -> dict[str, Any]:
        portal = self.simulation_portal
        return {"periods": portal._held, "again": portal._again, "refused": portal._refused}

    @property
    def simulation_portal(self) -> Any:
        routes: Any = self.simulation._inner.routes
        return routes[0].endpoint.__self__

    def rows(self) -> list[publications.PublicationRow]:
        with self.hub.store.read() as tx:
            return publications.list_all(tx, "gov")

    def receiver(self) -> receivers.ReceiverRow:
        with self.hub.store.read() as tx:
            found = receivers.load_receiver(tx, "gov")
        assert found is not None
        return found

    def alarms(self) -> list[tuple[str, str]]:
        with self.hub.store.read() as tx:
            return [(one.kind, one.key) for one in alarms.list_alarms(tx)]

    def lose(self, answers: int) -> None:
        self.simulation_portal.set_data({"lose_answers": answers})


@asynccontextmanager
async def served(hub: Trial) -> AsyncIterator[Portal]:
    simulation = simulator.build()
    async with running(simulation) as base:
        yield Portal(hub, simulation, base)
        await hub.context.systems.wire.close()  # type: ignore[attr-defined]
