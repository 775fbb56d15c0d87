"""Several sources in memory and nodes that look what is due: schedules without waiting for them."""

from collections.abc import Callable
from typing import Any

from msgspec import structs

from canonical.ports import Client
from store import alarms, connections, plans
from store.plans import PlanRow
from sync import runs
from sync.context import Context
from sync.jobs import Job, Stopping
from tests.feed import NAME, Feed
from tests.trial import Trial


class Node:
    """One process of a hub: what it finds due, it performs."""

    def __init__(self, hub: Trial, context: Context | None = None) -> None:
        self.context = context or hub.context
        self.stopping = Stopping()

    def due(self) -> list[str]:
        """Which connections it finds due now, what waits longest first."""
        return [job.key for job in runs.due(self.context, self.context.now())]

    async def perform(self, name: str = NAME) -> None:
        await runs.perform(self.context, Job("run", name), self.stopping)

    async def tick(self) -> list[str]:
        """One look: all that is due is performed, one after another; what that was."""
        found = self.due()
        for name in found:
            await self.perform(name)
        return found


def another_node(hub: Trial) -> Node:
    """A node beside the first: the same store, nothing else in common."""
    held = hub.context
    return Node(hub, Context(held.store, held.vault, held.systems, held.limits, held.now))


def limited(hub: Trial, **limits: Any) -> None:
    """Set limits of the hub for the rest of the test."""
    hub.context.limits = structs.replace(hub.context.limits, **limits)


def plan_of(hub: Trial, name: str = NAME) -> PlanRow:
    with hub.store.read() as tx:
        found = plans.load_planned(tx, name)
    assert found is not None
    return found.plan


def causes(feed: Feed) -> list[str]:
    """Why each run was begun, oldest first."""
    return [row.cause for row in feed.runs()]


def alarmed(hub: Trial) -> list[tuple[str, str, int]]:
    """(kind, key, count) of every alarm that lasts."""
    with hub.store.read() as tx:
        return [(row.kind, row.key, row.count) for row in alarms.list_alarms(tx)]


async def settled(hub: Trial, **manifest: Any) -> Feed:
    """A source that was asked once already and waits for its schedule; the time is 09:01."""
    feed = Feed(hub, **manifest)
    hub.clock.set("2026-03-02T09:01:00")
    assert await Node(hub).tick() == [NAME]
    assert causes(feed) == ["catch_up"]
    return feed


def beside(hub: Trial, name: str, connect: Callable[[Any], Client]) -> None:
    """One more connection, to a source of its own, beside that of the feed."""
    systems = dict(hub.context.systems)
    manifest = structs.replace(systems[NAME].manifest, id=name)
    systems[name] = structs.replace(systems[NAME], manifest=manifest, connect=connect)
    hub.context.systems = systems
    hub.connect(name, system=name, endpoint="http://beside.test")


def held_by_another(hub: Trial, name: str = NAME, ttl_s: float = 60.0) -> None:
    """Somebody else's run of a connection begins and says nothing more."""
    taken = hub.store.in_write(
        lambda tx: connections.take_lease(tx, f"run:{name}", "another", hub.clock(), ttl_s)
    )
    assert taken is not None
