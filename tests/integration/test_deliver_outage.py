"""A receiver that is down, refuses the hub or asks for patience; another beside it."""

import asyncio
from typing import Any

import pytest

from canonical.errors import Busy, Garbled, NotAllowed, Refused, TryAgain, Unreachable
from canonical.reasons import Reason
from sync import deliver, deliver_parking
from sync.jobs import Job, Stopping
from tests.told import Told, changes, open_alarms, raises
from tests.trial import Trial, dossier

DOWN = Unreachable(Reason.NET_REFUSED, "nobody there")
TROUBLE = TryAgain(Reason.HTTP_5XX, "HTTP 500")
NO = Refused(Reason.HTTP_4XX, "HTTP 422")


@pytest.fixture
def told(hub: Trial) -> Told:
    return Told(hub)


async def test_a_receiver_that_asks_for_patience_gets_it_whole(hub: Trial, told: Told) -> None:
    told.add()
    await changes(hub, 3)
    told.breaks = raises(Busy(Reason.RATE_LIMITED, "429", retry_after_s=600))
    await told.run()
    assert told.calls == [[1]]
    hub.clock.forward(seconds=599)
    assert told.jobs() == []
    told.breaks = lambda _: None
    hub.clock.forward(seconds=32)
    await told.run()
    assert told.seqs == [1, 2, 3]


async def test_time_in_which_nobody_tried_does_not_make_it_dead(hub: Trial, told: Told) -> None:
    told.add()
    await hub.take(dossier(1))
    told.fails = lambda _: TROUBLE
    await told.run()
    hub.clock.forward(days=8)  # the hub was off
    await told.run()
    assert (told.rows("dead"), told.rows("parked")[0].attempts) == ([], 2)
    told.limits(give_up_s=86_400.0)
    told.breaks = raises(DOWN)
    await told.run_for(days=2, step_s=3_600)
    told.breaks = lambda _: None
    await told.run_for(hours=6, step_s=900)
    assert told.rows("dead") == []
    assert told.rows("parked")


async def test_a_receiver_that_is_down_keeps_its_events_in_the_feed(hub: Trial, told: Told) -> None:
    told.add(shards=4)
    told.limits(deliver_batch=20)
    told.breaks = raises(DOWN)
    for part in range(5):
        await changes(hub, 200, first=1 + part * 200)
    await told.run_for(hours=24, step_s=600)
    assert len(told.rows()) <= 4 * 20, "what waits stays in the feed"
    row = told.row()
    assert (row.breaker, row.waits_for) == ("open", None)
    assert open_alarms(hub) == {("breaker", "receiver:portal")}
    assert 10 < len(told.calls) < 200, "it was probed, not hammered"
    assert told.fare().backlog + told.fare().waiting == 1_000
    told.breaks = lambda _: None
    await told.run_for(hours=2, step_s=600)
    assert len(told.taken) == len(set(told.seqs)) == 1_000
    assert (told.wrong, told.rows(), open_alarms(hub)) == ([], [], set())
    assert told.row().breaker == "closed"


async def test_only_one_probe_goes_to_a_receiver_that_was_down(hub: Trial, told: Told) -> None:
    told.add(shards=4)
    await changes(hub, 40)
    told.breaks = raises(DOWN)
    await told.run_for(hours=1, step_s=30)
    told.calls.clear()
    hub.clock.forward(hours=2)
    jobs = [Job("deliver", f"portal/{n}") for n in range(4)]
    await asyncio.gather(*(deliver.perform(hub.context, j, Stopping()) for j in jobs))
    assert len(told.calls) == 1
    assert len(told.jobs()) <= 1


async def test_new_dossiers_that_fail_one_after_another_are_the_receivers_fault(
    hub: Trial, told: Told
) -> None:
    told.add()
    await changes(hub, 50)
    told.fails = lambda _: TROUBLE
    await told.run()
    assert len(told.calls) <= 20 + 1
    assert told.row().breaker == "open"
    assert len(told.rows("parked")) == len(told.calls)
    told.fails = lambda _: None
    await told.run_for(hours=2)
    assert sorted(told.seqs) == list(range(1, 51))
    assert told.row().breaker == "closed"


async def test_an_event_that_breaks_every_call_does_not_stop_the_others(
    hub: Trial, told: Told
) -> None:
    told.add()
    await changes(hub, 30)

    def breaks(seqs: list[int]) -> None:
        if 7 in seqs:
            raise Unreachable(Reason.TIMEOUT_TOTAL, "30 s")

    told.breaks = breaks
    await told.run_for(hours=2)
    assert sorted(told.seqs) == [n for n in range(1, 31) if n != 7]
    assert [(row.seq, row.reason) for row in told.rows("parked")] == [(7, "TIMEOUT_TOTAL")]
    assert told.row().breaker == "closed"
    told.limits(give_up_s=7_200.0)
    # While others are taken, it is known whose fault it is.
    for number in range(31, 131):
        await changes(hub, 1, first=number)
        await told.run_for(minutes=5)
    assert [row.seq for row in told.rows("dead")] == [7]
    assert len(told.taken) == 129


async def test_silence_about_the_only_event_there_is_does_not_make_it_dead(
    hub: Trial, told: Told
) -> None:
    told.add()
    await hub.take(dossier(1))
    told.limits(give_up_s=7_200.0)
    told.breaks = raises(DOWN)
    await told.run_for(days=1, step_s=300)
    assert told.rows("dead") == []
    assert told.rows("parked")[0].attempts > 20


async def test_a_receiver_that_lets_nobody_in_waits_for_a_person(hub: Trial, told: Told) -> None:
    told.add()
    await changes(hub, 3)
    told.breaks = raises(NotAllowed(Reason.AUTH_DENIED, "401"))
    await told.run()
    assert (told.calls, told.row().waits_for) == ([[1]], "AUTH_DENIED")
    assert open_alarms(hub) == {("credentials", "receiver:portal")}
    await told.run_for(days=9, step_s=3_600)
    assert told.calls == [[1]]
    told.breaks = lambda _: None
    hub.store.in_write(lambda tx: deliver_parking.resume(hub.context, tx, told.row()))
    await told.run()
    assert (told.seqs, open_alarms(hub)) == ([1, 2, 3], set())


async def test_a_paused_receiver_loses_nothing(hub: Trial, told: Told) -> None:
    from store import receivers

    told.add()
    await changes(hub, 2)
    hub.store.in_write(lambda tx: receivers.set_state(tx, "portal", "paused"))
    await told.run()
    assert (told.calls, told.rows()) == ([], [])
    hub.store.in_write(lambda tx: receivers.set_state(tx, "portal", "enabled"))
    await told.run()
    assert told.seqs == [1, 2]


async def test_an_adapter_that_breaks_while_sending_is_left_alone_for_a_while(
    hub: Trial, told: Told
) -> None:
    told.add()
    await changes(hub, 3)
    told.breaks = raises(ZeroDivisionError())
    await told.run()
    assert told.calls == [[1]]
    assert told.row().retry_at is not None
    told.breaks = lambda _: None
    await told.run_for(hours=1)
    assert told.seqs == [1, 2, 3]


async def test_a_page_in_between_takes_nothing(hub: Trial, told: Told) -> None:
    told.add()
    await changes(hub, 1)
    told.breaks = raises(Garbled(Reason.CTYPE_UNEXPECTED, "text/html"))
    await told.run()
    assert (told.taken, told.rows("dead")) == ([], [])
    told.breaks = lambda _: None
    await told.run_for(hours=1)
    assert told.seqs == [1]


async def test_a_healthy_receiver_beside_a_dead_one_is_told_everything(
    hub: Trial, told: Told
) -> None:
    told.add("portal", shards=2)
    told.add("other", shards=2)
    await changes(hub, 30)
    sent = {"portal": 0, "other": 0}

    def one_is_down(row: Any) -> Any:
        class Port:
            render = staticmethod(told.render)

            async def send(self, events: Any) -> Any:
                if row.id == "portal":
                    raise DOWN
                sent["other"] += len(events)
                return [None for _ in events]

            async def close(self) -> None:
                pass

        return Port()

    from msgspec import structs

    from tests.told import SYSTEM

    system = structs.replace(hub.context.systems[SYSTEM], receive=one_is_down)
    hub.context.systems = {**hub.context.systems, SYSTEM: system}
    await told.run()
    assert sent["other"] == 30
    assert (told.fare("other").backlog, told.fare("other").waiting) == (0, 0)
    assert told.fare("portal").backlog + told.fare("portal").waiting == 30


async def test_a_folder_that_is_gone_stops_its_receiver_alone(hub: Trial, told: Told) -> None:
    told.add()
    await changes(hub, 1)
    from tests.told import SYSTEM

    kept = hub.context.systems
    hub.context.systems = {name: one for name, one in kept.items() if name != SYSTEM}
    with pytest.raises(KeyError):
        await told.run()
    hub.context.systems = kept
    await told.run()
    assert told.seqs == [1]
