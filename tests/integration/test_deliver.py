"""Deliveries to one receiver on both stores: order, sameness, parking, the dead."""

import asyncio
from typing import Any

import pytest

from canonical.errors import Refused, TryAgain, Unreachable
from canonical.reasons import Reason
from sync import deliver, deliver_acts
from sync.jobs import Job, Stopping
from tests.told import Told, changes, open_alarms
from tests.trial import Trial, dossier

DOWN = Unreachable(Reason.NET_REFUSED, "nobody there")
TROUBLE = TryAgain(Reason.HTTP_5XX, "HTTP 500")
NO = Refused(Reason.HTTP_4XX, "HTTP 422")


@pytest.fixture
def told(hub: Trial) -> Told:
    return Told(hub)


async def test_every_change_is_told_once_and_in_order(hub: Trial, told: Told) -> None:
    told.add(shards=4)
    await changes(hub, 7, versions=3)
    await told.run()
    assert sorted(told.seqs) == list(range(1, await hub.seq() + 1))
    assert (told.wrong, told.again, told.rows()) == ([], 0, [])
    fare = told.fare()
    assert (fare.delivered, fare.skipped, fare.dropped, fare.backlog) == (21, 0, 0, 0)
    assert fare.oldest_at is None
    assert told.jobs() == []


async def test_an_event_says_what_the_doors_say_and_holds_no_pin(hub: Trial, told: Told) -> None:
    told.add()
    one = await hub.take(
        dossier(
            1,
            pin="48213907",
            history=[
                {"status": "accepted", "at": "2026-03-02T08:00:00+07:00", "note": "Đủ giấy tờ"}
            ],
        )
    )
    await told.run()
    event = told.taken[0]
    assert event["dossier"] == one
    assert event["body"] == await hub.read(one)
    assert "48213907" not in told.bodies[event["id"]].decode()
    shown = await hub.history(one)
    assert event["entries"] == shown
    assert [e["note"] for e in event["entries"]] == ["Đủ giấy tờ", None]
    later = dossier(1, version=2, updated_at="2026-03-03T09:00:00+07:00", status="finished")
    await hub.take(later)
    await told.run()
    event = told.taken[1]
    assert (event["kind"], [e["status"] for e in event["entries"]]) == ("changed", ["finished"])
    assert event["at"] == (await hub.feed())[-1]["at"]


async def test_a_joined_dossier_leads_to_the_living_one(hub: Trial, told: Told) -> None:
    told.add()
    first = await hub.take(dossier(1, national_code=...), "desk")
    second = await hub.take(dossier(2, national_code="H50.12-260302-0099"), "office")
    await hub.take(dossier(1, version=2, national_code="H50.12-260302-0099"), "desk")
    await told.run()
    joined = next(one for one in told.taken if one["kind"] == "joined")
    living = first if joined["dossier"] == second else second
    assert {joined["dossier"], joined["into"]} == {first, second}
    assert (joined["into"], joined["body"]["id"]) == (living, living)
    assert joined["entries"] == []


async def test_the_same_bytes_go_out_under_the_same_id_until_they_are_taken(
    hub: Trial, told: Told
) -> None:
    told.add()
    await hub.take(dossier(1))
    told.fails = lambda _: TROUBLE
    await told.run()
    # The dossier goes on meanwhile; the event that waits says what it said.
    await hub.take(dossier(1, version=2, status="finished"))
    await told.run_for(hours=3)
    assert told.calls.count([1]) == len(told.calls) > 3
    told.fails = lambda _: None
    await told.run_for(hours=2)
    assert [(t["seq"], t["status"]) for t in told.taken] == [(1, "in_progress"), (2, "finished")]
    assert told.wrong == []


async def test_one_dossier_that_fails_is_parked_and_the_others_go_on(
    hub: Trial, told: Told
) -> None:
    told.add(shards=2)
    await changes(hub, 6, versions=3)
    bad = (await hub.feed())[0]["dossier"]
    told.fails = lambda one: TROUBLE if one["dossier"] == bad else None
    await told.run()
    assert len(told.taken) == 15
    assert all(one["dossier"] != bad for one in told.taken)
    [head] = told.rows("parked")
    assert (head.seq, head.attempts, head.behind, head.reason) == (1, 1, 2, "HTTP_5XX")
    fare = told.fare()
    assert (fare.parked, fare.waiting, fare.breaker, fare.backlog) == (1, 3, "closed", 0)
    assert fare.oldest_at is not None
    await told.run_for(minutes=20)
    assert told.rows("parked")[0].attempts > 2
    assert told.row().breaker == "closed"
    told.fails = lambda _: None
    await told.run_for(hours=2)
    assert [one["seq"] for one in told.taken if one["dossier"] == bad] == [1, 7, 13]
    assert (told.wrong, told.rows()) == ([], [])


async def test_pauses_of_a_parked_dossier_grow_and_are_drawn(hub: Trial, told: Told) -> None:
    told.add()
    await hub.take(dossier(1))
    told.fails = lambda _: TROUBLE
    waits = []
    for _ in range(14):
        await told.run()
        row = told.rows()[0]
        hub.clock.set(row.due_at)
        waits.append(row.attempts)
    assert waits == list(range(1, 15))
    gone_s = (hub.clock.at - hub.clock.__class__().at).total_seconds()
    assert 0 < gone_s < sum(min(3_600, 30 * 2**n) for n in range(14))


async def test_what_is_refused_is_dead_at_once_and_holds_its_dossier_back(
    hub: Trial, told: Told
) -> None:
    told.add()
    await changes(hub, 2, versions=2)
    told.fails = lambda one: NO if one["seq"] == 1 else None
    await told.run()
    assert told.seqs == [2, 4]
    [dead] = told.rows("dead")
    assert (dead.seq, dead.behind, dead.reason, dead.attempts) == (1, 1, "HTTP_4XX", 1)
    assert open_alarms(hub) == {("dead_delivery", "receiver:portal")}
    await told.run_for(days=10, step_s=3_600)
    assert told.calls.count([1]) == 1
    assert told.jobs() == []

    told.fails = lambda _: None
    body = told.bodies[dead.event_id]
    assert deliver_acts.try_again(hub.context, [], None, "the tests", "mended") == 1
    assert open_alarms(hub) == set()
    await told.run()
    assert told.seqs == [2, 4, 1, 3]
    assert (told.bodies[dead.event_id], told.wrong) == (body, [])


async def test_a_dead_delivery_that_is_dropped_lets_the_next_go(hub: Trial, told: Told) -> None:
    told.add()
    await changes(hub, 1, versions=3)
    told.fails = lambda one: NO if one["seq"] == 1 else None
    await told.run()
    [dead] = told.rows("dead")
    assert deliver_acts.drop(hub.context, dead.id, "Phòng CNTT", "not theirs") == "portal/1"
    await told.run()
    assert told.seqs == [2, 3]
    fare = told.fare()
    assert (fare.delivered, fare.dropped, fare.dead) == (2, 1, 0)
    assert open_alarms(hub) == set()
    with hub.store.read() as tx:
        from sqlalchemy import text

        acts = tx.execute(text("SELECT kind, subject, actor, reason FROM act")).all()
    assert [tuple(a) for a in acts] == [
        ("drop_delivery", "delivery:portal/1", "Phòng CNTT", "not theirs")
    ]
    with pytest.raises(Exception, match="no delivery"):
        deliver_acts.drop(hub.context, dead.id, "cli", "again")


async def test_it_is_dead_after_it_was_tried_over_the_whole_time_and_not_before(
    hub: Trial, told: Told
) -> None:
    told.add()
    await changes(hub, 2, versions=2)
    told.fails = lambda one: TROUBLE if one["dossier"] == told_first else None
    told_first = (await hub.feed())[0]["dossier"]
    told.limits(give_up_s=86_400.0)
    await told.run_for(hours=23, step_s=300)
    assert told.rows("dead") == []
    assert told.rows("parked")[0].attempts > 20
    # A look every five minutes comes two and a half too late on average, some 50 times.
    await told.run_for(hours=5, step_s=300)
    [dead] = told.rows("dead")
    assert (dead.reason, dead.behind) == ("HTTP_5XX", 1)
    assert open_alarms(hub) == {("dead_delivery", "receiver:portal")}
    assert sorted(told.seqs) == [2, 4]


async def test_what_a_receiver_is_told_nothing_of_is_counted(hub: Trial, told: Told) -> None:
    told.add()
    told.silent = {"created"}
    await changes(hub, 2, versions=2)
    await told.run()
    assert told.seqs == [3, 4]
    assert (told.fare().delivered, told.fare().skipped) == (2, 2)


async def test_an_adapter_that_breaks_on_one_dossier_stops_that_one(hub: Trial, told: Told) -> None:
    told.add()
    await changes(hub, 3)

    def renders(event: Any) -> None:
        if event.seq == 2:
            raise KeyError("agency")

    told.renders = renders
    await told.run()
    assert told.seqs == [1, 3]
    assert [(r.reason, r.detail) for r in told.rows("parked")] == [
        ("MAPPING_ERROR", "the adapter broke off: KeyError")
    ]
    assert told.row().failures == 0
    told.renders = lambda _: None
    await told.run_for(hours=1)
    assert told.seqs == [1, 3, 2]


async def test_a_receiver_takes_batches_and_what_failed_goes_alone(hub: Trial) -> None:
    told = Told(hub, batch=10)
    told.add()
    await changes(hub, 25)
    told.fails = lambda one: TROUBLE if one["seq"] in (3, 4) else None
    await told.run()
    assert [len(call) for call in told.calls] == [10, 10, 5]
    told.fails = lambda _: None
    await told.run_for(hours=1)
    assert sorted(told.calls[3:]) == [[3], [4]]
    assert sorted(told.seqs) == list(range(1, 26))


async def test_a_shard_is_worked_on_by_one_alone(hub: Trial, told: Told) -> None:
    told.add()
    await changes(hub, 20, versions=2)
    job = Job("deliver", "portal/0")
    await asyncio.gather(*(deliver.perform(hub.context, job, Stopping()) for _ in range(6)))
    await told.run()
    assert (len(told.taken), told.again, told.wrong) == (40, 0, [])


async def test_stopping_ends_between_calls_and_puts_back_what_never_left(
    hub: Trial, told: Told
) -> None:
    told.add()
    await changes(hub, 10)
    stopping = Stopping()
    told.loses = lambda seqs: stopping.now() if seqs == [4] else None
    await deliver.perform(hub.context, Job("deliver", "portal/0"), stopping)
    assert told.seqs == [1, 2, 3, 4]
    rows = told.rows()
    assert [(r.seq, r.attempts, r.tried_since) for r in rows] == [
        (n, 0, None) for n in range(5, 11)
    ]
    told.loses = lambda _: None
    await told.run()
    assert (told.seqs, told.again) == (list(range(1, 11)), 0)
