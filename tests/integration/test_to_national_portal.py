"""The hub's own changes on their way to the national portal: what it knows at the end."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters.national_portal import simulator
from adapters.simulation import Simulation, running
from hub.commands import receivers as commands
from store import delivery_views
from sync import deliver
from sync.jobs import Stopping
from tests.trial import Trial, dossier


class Portal:
    """The national portal on a socket, told by a trial's hub."""

    def __init__(self, hub: Trial, simulation: Simulation, base: str) -> None:
        self.hub = hub
        self.simulation = simulation
        commands.make(
            hub.context,
            "portal",
            "national_portal",
            endpoint=base + simulation.endpoint,
            settings=[
                f"{name}={value}"
                for name, value in (simulation.options | simulation.secrets).items()
            ],
            shards=2,
        )

    @property
    def portal(self) -> Any:
        routes: Any = self.simulation._inner.routes
        return routes[0].endpoint.__self__

    @property
    def held(self) -> dict[str, Any]:
        """What the portal has: MaHoSo -> its dossier."""
        found: dict[str, Any] = self.portal._dossiers
        return found

    async def run(self, hours: float = 0) -> None:
        """Tell what is due; over some hours, ten minutes at a time."""
        for _ in range(int(hours * 6) + 1):
            context = self.hub.context
            for job in deliver.due(context, context.now()):
                await deliver.perform(context, job, Stopping())
            self.hub.clock.forward(minutes=10 if hours else 0)


@pytest.fixture
async def portal(hub: Trial) -> AsyncIterator[Portal]:
    simulation = simulator.build()
    async with running(simulation) as base:
        yield Portal(hub, simulation, base)
        await hub.context.systems.wire.close()  # type: ignore[attr-defined]


def told_so(number: int, version: int, status: str, day: int, **over: Any) -> dict[str, Any]:
    at = f"2026-03-{day:02d}T09:00:00+07:00"
    return dossier(number, version=version, status=status, updated_at=at, **over)


async def test_the_portal_knows_each_state_in_order_and_each_step(
    hub: Trial, portal: Portal
) -> None:
    steps = ["accepted", "in_progress", "supplement", "in_progress", "finished", "handed_over"]
    for version, status in enumerate(steps, start=1):
        await hub.push([told_so(number, version, status, version + 1) for number in range(3)])
        await portal.run()
    assert sorted(portal.held) == [f"H50.12-260302-{n:04d}" for n in range(3)]
    for held in portal.held.values():
        assert held["states"] == ["2", "4", "5", "4", "9", "10"]
        rows = sorted(held["progress"].values(), key=lambda row: row["ThoiDiemXuLy"])
        assert [row["TrangThai"] for row in rows] == ["2", "4", "5", "4", "9", "10"]
        assert held["created"] == 1
    assert portal.portal._refused == []


async def test_answers_lost_and_sessions_gone_change_nothing_of_it(
    hub: Trial, portal: Portal
) -> None:
    for version, status in enumerate(("accepted", "in_progress", "finished"), start=1):
        await hub.push([told_so(number, version, status, version + 1) for number in range(4)])
        portal.portal.take({"lose_answers": 3, "forget_sessions": True})
        await portal.run(hours=3)
    assert len(portal.held) == 4
    for held in portal.held.values():
        assert held["states"] == ["2", "4", "9"]
        assert len(held["progress"]) == 3
        assert held["created"] == 1


async def test_a_dossier_it_cannot_take_waits_for_a_person_and_the_others_go_on(
    hub: Trial, portal: Portal
) -> None:
    await hub.take(told_so(1, 1, "accepted", 2, applicant={"kind": "person", "name": None}))
    await hub.take(told_so(2, 1, "accepted", 2))
    await portal.run()
    assert list(portal.held) == ["H50.12-260302-0002"]
    with hub.store.read() as tx:
        rows = delivery_views.list_deliveries(tx, receiver_id="portal")
    assert [(row.state, row.reason, row.detail) for row in rows] == [
        ("dead", "FIELD_MISSING", "ChuHoSo")
    ]


async def test_what_is_no_dossier_of_the_portals_is_not_told_and_does_not_hang(
    hub: Trial, portal: Portal
) -> None:
    await hub.take(told_so(1, 1, "accepted", 2, national_code=None))
    await portal.run()
    assert (portal.held, portal.simulation.log) == ({}, [])
    with hub.store.read() as tx:
        fare = delivery_views.list_fares(tx)[0]
    assert (fare.skipped, fare.backlog) == (1, 0)
    await hub.take(told_so(1, 2, "in_progress", 3))
    await portal.run()
    assert portal.held["H50.12-260302-0001"]["states"] == ["4"]


async def test_two_parts_that_turn_out_to_be_one_are_one_at_the_portal(
    hub: Trial, portal: Portal
) -> None:
    code = "H50.12-260302-0099"
    await hub.take(told_so(1, 1, "accepted", 2, national_code=None), "desk")
    await hub.take(told_so(2, 1, "in_progress", 3, national_code=code), "office")
    await hub.take(told_so(1, 2, "accepted", 2, national_code=code), "desk")
    await portal.run(hours=1)
    assert list(portal.held) == [code]
    assert portal.held[code]["states"][-1] == "4"
    assert portal.portal._refused == []
