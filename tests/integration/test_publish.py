"""Figures told to a receiver: first, unchanged, restated, lost, refused; against the simulator."""

import json
from collections.abc import AsyncIterator

import pytest

from canonical.errors import HubError
from hub.commands import publications as commands
from hub.commands import receivers as receiver_commands
from store import receivers
from sync import leases, publish
from sync.context import Limits
from sync.jobs import Job, Stopping
from tests.published import MARCH, Portal, served
from tests.trial import Trial, dossier


@pytest.fixture
async def portal(hub: Trial) -> AsyncIterator[Portal]:
    async with served(hub) as one:
        yield one


async def take_march(hub: Trial) -> None:
    """Two dossiers of March: one finished early, one open."""
    await hub.take(dossier(1, status="finished", finished_at="2026-03-05T09:00:00+07:00"))
    await hub.take(dossier(2))


async def test_a_period_is_published_once_it_is_over_and_settled(
    hub: Trial, portal: Portal
) -> None:
    await take_march(hub)
    portal.introduce()
    for now, published in (
        ("2026-03-31T23:59:00", 0),
        ("2026-04-01T00:00:00", 0),
        ("2026-04-03T23:59:59", 0),  # three whole days have not passed
        ("2026-04-04T00:00:00", 1),
    ):
        hub.clock.set(now)
        await portal.work()
        assert len(await portal.held()) == published, now
    document = (await portal.held())[0]
    assert document["figures"]["total"] == 2
    assert document["figures"]["buckets"]["early"] == 1
    assert document["figures"]["buckets"]["open_overdue"] == 1
    assert document["known_seq"] == await hub.seq()
    assert (document["revision"], document["restates"]) == (1, None)
    assert portal.rows()[0].state == "delivered"


async def test_nothing_is_said_of_what_did_not_change(hub: Trial, portal: Portal) -> None:
    await take_march(hub)
    portal.introduce()
    hub.clock.set("2026-04-04T08:00:00")
    assert await portal.work() == 1
    assert await portal.work() == 0, "counted once a day"
    await hub.take(dossier(3, accepted_at="2026-04-02T09:00:00+07:00"))  # of another month
    hub.clock.forward(days=1)
    assert await portal.work() == 1
    assert len(portal.simulation.log) == 1
    assert await portal.work() == 0


async def test_a_late_correction_is_restated_with_both_figures_and_why(
    hub: Trial, portal: Portal
) -> None:
    await take_march(hub)
    portal.introduce()
    hub.clock.set("2026-04-04T08:00:00")
    await portal.work()
    before = await hub.seq()
    await hub.take(
        dossier(
            2,
            version=2,
            updated_at="2026-03-20T09:00:00+07:00",
            status="finished",
            finished_at="2026-03-20T09:00:00+07:00",
        )
    )
    await hub.take(dossier(3))
    assert await portal.work() == 0, "counted today already"
    hub.clock.forward(days=1)
    await portal.work()
    first, second = await portal.held()
    assert second["revision"] == 2
    assert second["restates"]["figures"] == first["figures"]
    assert {(c["figure"], c["before"], c["now"]) for c in second["restates"]["changed"]} == {
        ("total", 2, 3),
        ("resolved", 1, 2),
        ("buckets.late", 0, 1),
    }
    assert second["restates"]["reason"].startswith("2 hồ sơ")
    assert f"sau số {before}" in second["restates"]["reason"]
    assert portal.ledger["refused"] == []
    shown = commands.shown(hub.context, portal.rows()[1].id)
    assert shown["changed"] == [
        {"figure": "total", "before": 2, "now": 3},
        {"figure": "resolved", "before": 1, "now": 2},
        {"figure": "late", "before": 0, "now": 1},
    ]


async def test_an_answer_lost_is_sent_again_byte_for_byte(hub: Trial, portal: Portal) -> None:
    await take_march(hub)
    portal.introduce()
    hub.clock.set("2026-04-04T08:00:00")
    portal.lose(3)
    await portal.work()
    row = portal.rows()[0]
    assert (row.state, row.attempts, row.reason) == ("waiting", 1, "BODY_MALFORMED")
    await hub.take(dossier(3))  # the figure moves meanwhile, the document does not
    for _ in range(40):
        hub.clock.forward(hours=1)
        await portal.work()
        if portal.rows()[0].state == "delivered":
            break
    row = portal.rows()[0]
    assert (row.state, row.attempts) == ("delivered", 4)
    held = await portal.held()
    assert [one["id"] for one in held][:1] == [row.event_id]
    assert portal.ledger["again"] == 3
    assert portal.ledger["refused"] == []
    hub.clock.forward(days=1)
    await portal.work()
    assert [one["revision"] for one in await portal.held()] == [1, 2]
    assert portal.receiver().breaker == "closed"


async def test_what_is_not_taken_is_not_restated_and_later_revisions_wait(
    hub: Trial, portal: Portal
) -> None:
    await take_march(hub)
    portal.introduce()
    hub.clock.set("2026-04-04T08:00:00")
    portal.simulation.mood = "html"
    await portal.work()
    await hub.take(dossier(3))
    for _ in range(3):
        hub.clock.forward(days=1)
        await portal.work()
    assert [row.revision for row in portal.rows()] == [1]
    assert len(await portal.held()) == 0


async def test_silence_is_tried_for_the_whole_give_up_time_then_dead_with_an_alarm(
    hub: Trial, portal: Portal
) -> None:
    hub.context.limits = Limits(give_up_s=10_800.0, retry_base_s=60.0, retry_cap_s=600.0)
    await take_march(hub)
    portal.introduce()
    hub.clock.set("2026-04-04T00:00:00")
    portal.simulation.mood = "broken"
    tries = 0
    for _ in range(400):
        await portal.work()
        if portal.rows()[0].state == "dead":
            break
        tries = portal.rows()[0].attempts
        hub.clock.forward(minutes=10)
    row = portal.rows()[0]
    assert (row.state, row.reason) == ("dead", "HTTP_5XX")
    assert tries > 10
    assert row.attempts == len(portal.simulation.log)
    assert set(portal.alarms()) == {
        ("dead_delivery", "receiver:gov"),
        ("breaker", "receiver:gov"),
    }
    calls = len(portal.simulation.log)
    hub.clock.forward(days=2)
    await portal.work()
    assert len(portal.simulation.log) == calls, "a dead one is not sent"
    portal.simulation.mood = "well"
    commands.send_again(hub.context, row.id)
    await portal.work()
    assert [one["id"] for one in await portal.held()] == [row.event_id]
    assert portal.alarms() == []


async def test_a_document_that_is_refused_is_dead_at_once_and_holds_back_the_next(
    hub: Trial, portal: Portal
) -> None:
    await take_march(hub)
    portal.introduce()
    hub.clock.set("2026-04-04T08:00:00")
    portal.simulation_portal._held[MARCH] = [{"revision": 7, "known_seq": 0}]
    await portal.work()
    row = portal.rows()[0]
    assert (row.state, row.reason) == ("dead", "SOURCE_ERROR")
    assert row.detail == "HTTP 409: revision_out_of_order"
    assert portal.alarms() == [("dead_delivery", "receiver:gov")]
    assert (portal.receiver().waits_for, portal.receiver().breaker) == (None, "closed")
    assert [one["state"] for one in commands.listed(hub.context, is_dead=True)] == ["dead"]


async def test_refused_credentials_wait_for_a_person(hub: Trial, portal: Portal) -> None:
    await take_march(hub)
    portal.introduce()
    hub.clock.set("2026-04-04T08:00:00")
    portal.simulation.mood = "refusing"
    await portal.work()
    hub.clock.forward(days=3)
    assert await portal.work() == 0
    assert portal.receiver().waits_for == "AUTH_DENIED"
    assert portal.alarms() == [("credentials", "receiver:gov")]
    assert portal.rows()[0].state == "waiting"
    portal.simulation.mood = "well"
    with hub.store.write() as tx:
        receiver_commands.deliver_parking.resume(hub.context, tx, portal.receiver())
    await portal.work()
    assert portal.rows()[0].state == "delivered"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"agencies": ""}, "FIELD_MISSING"),
        ({"periods": "week"}, "FIELD_TYPE"),
        ({"settle_days": "soon"}, "FIELD_TYPE"),
        ({"since": "01/03/2026"}, "FIELD_TYPE"),
    ],
)
async def test_a_setting_it_cannot_work_with_waits_for_a_person(
    hub: Trial, portal: Portal, options: dict[str, str], reason: str
) -> None:
    portal.introduce(**options)
    hub.clock.set("2026-04-04T08:00:00")
    await portal.work()
    assert portal.receiver().waits_for == reason
    assert await portal.work() == 0


async def test_months_quarters_and_years_of_several_agencies(hub: Trial, portal: Portal) -> None:
    await take_march(hub)
    await hub.take(dossier(3, agency="H50.14"))
    portal.introduce(
        agencies="H50, 000.00.14.H50", periods="month,quarter,year", since="2026-01-01"
    )
    hub.clock.set("2027-01-04T08:00:00")
    for _ in range(4):
        await portal.work()
    held = portal.ledger["periods"]
    assert len(held) == 2 * (12 + 4 + 1)
    assert held["H50 2026-01-01 2026-12-31"][0]["figures"]["total"] == 3
    assert held["H50.14 2026-01-01 2026-03-31"][0]["figures"]["total"] == 1
    assert held["H50.14 2026-02-01 2026-02-28"][0]["figures"]["total"] == 0
    assert portal.ledger["refused"] == []


async def test_what_was_published_is_still_counted_when_it_is_no_longer_asked_for(
    hub: Trial, portal: Portal
) -> None:
    await take_march(hub)
    portal.introduce()
    hub.clock.set("2026-04-04T08:00:00")
    await portal.work()
    receiver_commands.alter(hub.context, "gov", None, ["agencies=H50.14"])
    await hub.take(dossier(3))
    hub.clock.forward(days=1)
    await portal.work()
    assert [one["revision"] for one in await portal.held()] == [1, 2]


async def test_one_document_that_breaks_the_portal_holds_back_no_other(
    hub: Trial, portal: Portal
) -> None:
    await take_march(hub)
    await hub.take(dossier(3, agency="H50.14"))
    portal.introduce(agencies="H50.12,H50.14")
    hub.clock.set("2026-04-04T08:00:00")
    portal.simulation_portal.set_data({"broken": ["H50.12"]})
    for _ in range(6):
        await portal.work()
        hub.clock.forward(hours=1)
    assert [row.state for row in portal.rows()] == ["waiting", "delivered"]
    portal.simulation_portal.set_data({"broken": []})
    await portal.work()
    assert [row.state for row in portal.rows()] == ["delivered", "delivered"]


async def test_two_nodes_publish_once(hub: Trial, portal: Portal) -> None:
    await take_march(hub)
    portal.introduce()
    hub.clock.set("2026-04-04T08:00:00")
    lease = await leases.take(hub.context, "publish:gov", "another")
    assert lease is not None
    await publish.perform(hub.context, Job("publish", "gov"), Stopping())
    assert portal.rows() == []
    await lease.free()
    await publish.perform(hub.context, Job("publish", "gov"), Stopping())
    await publish.perform(hub.context, Job("publish", "gov"), Stopping())
    assert [row.revision for row in portal.rows()] == [1]


async def test_a_paused_receiver_is_told_nothing(hub: Trial, portal: Portal) -> None:
    portal.introduce()
    with hub.store.write() as tx:
        receivers.set_state(tx, "gov", "paused")
    hub.clock.set("2026-04-04T08:00:00")
    assert await portal.work() == 0
    await publish.perform(hub.context, Job("publish", "gov"), Stopping())
    assert portal.rows() == []


async def test_who_stands_behind_a_figure(hub: Trial, portal: Portal) -> None:
    early = await hub.take(dossier(1, status="finished", finished_at="2026-03-05T09:00:00+07:00"))
    late = await hub.take(dossier(2))
    await hub.take(dossier(3, agency="H50.14"))
    portal.introduce()
    hub.clock.set("2026-04-04T08:00:00")
    await portal.work()
    row = portal.rows()[0]
    assert commands.behind(hub.context, row.id, "early")["dossiers"] == [early]
    told = commands.behind(hub.context, row.id, "open_overdue")
    assert (told["dossiers"], told["is_same"]) == ([late], True)
    assert "Nguyễn" not in json.dumps(told, ensure_ascii=False)
    await hub.take(dossier(4))
    told = commands.behind(hub.context, row.id, "open_overdue")
    assert (told["published"], told["now"], told["is_same"]) == (1, 2, False)
    with pytest.raises(HubError):
        commands.behind(hub.context, row.id, "lost")


async def test_counted_again_on_demand(hub: Trial, portal: Portal) -> None:
    await take_march(hub)
    portal.introduce()
    hub.clock.set("2026-04-04T08:00:00")
    await portal.work()
    await hub.take(dossier(3))
    commands.count_again(hub.context, "gov")
    await portal.work()
    assert [one["revision"] for one in await portal.held()] == [1, 2]
