"""A silent source is suspect: in the plan, the alarms and the indicators, until it speaks again."""

from datetime import date, timedelta

from canonical import clock
from store import alarms, connections, suspects
from store.quarantine import Chosen
from sync.jobs import Job, Stopping
from sync.quarantine_replay import Why, replay
from sync.suspects import KIND, look
from tests.trial import Trial, dossier

BEGIN = date(2026, 2, 23)


async def work(hub: Trial, days: int, per_day: int = 6) -> None:
    """Days on which a department pushes some, from 23 February 2026 on; it ends after the last."""
    day, done = BEGIN, 0
    while done < days:
        if day.weekday() < 5:
            hub.clock.set(f"{day.isoformat()}T09:00:00+07:00")
            at = clock.to_iso(hub.clock.at)
            first = done * per_day
            await hub.push(
                [dossier(n, updated_at=at, accepted_at=at) for n in range(first, first + per_day)]
            )
            done += 1
        day += timedelta(days=1)


def suspect(hub: Trial) -> dict[str, str]:
    with hub.store.read() as tx:
        return suspects.list_suspect(tx)


def alarmed(hub: Trial) -> list[tuple[str, str]]:
    with hub.store.read() as tx:
        return [(one.kind, one.key) for one in alarms.list_alarms(tx)]


async def complete(hub: Trial) -> tuple[bool, bool]:
    told = await hub.indicators("H50.12", "2026-02-01", "2026-03-31")
    [source] = [s for s in told["sources"] if s["connection"] == "desk"]
    return told["complete"], source["suspect"]


async def test_a_silent_working_day_makes_the_figures_incomplete(hub: Trial) -> None:
    await work(hub, 10)  # 23 February to 6 March
    hub.clock.set("2026-03-09T12:00:00+07:00")
    assert (look(hub.context), await complete(hub)) == ([], (True, False))
    hub.clock.set("2026-03-09T17:30:00+07:00")
    assert look(hub.context) == ["desk"]
    assert suspect(hub) == {"desk": "2026-03-09T07:00:00+07:00"}
    assert alarmed(hub) == [("suspect", "desk")]
    assert await complete(hub) == (False, True)
    # However long it lasts: what is ordinary is not unlearnt meanwhile.
    hub.clock.set("2026-05-04T09:00:00+07:00")
    assert look(hub.context) == ["desk"]
    assert suspect(hub) == {"desk": "2026-03-09T07:00:00+07:00"}
    with hub.store.read() as tx:
        [alarm] = alarms.list_alarms(tx)
    assert alarm.count == 2


async def test_only_a_record_that_says_something_new_ends_it(hub: Trial) -> None:
    await work(hub, 10)
    hub.clock.set("2026-03-09T17:30:00+07:00")
    assert look(hub.context) == ["desk"]
    hub.clock.forward(hours=1)
    then = "2026-02-23T09:00:00+07:00"
    assert (await hub.push(dossier(1, updated_at=then, accepted_at=then))).fate == "duplicate"
    await hub.push([dossier(7_000, status="?")])
    replay(hub.context, Chosen("desk"), Why("a", "b"))
    assert look(hub.context) == ["desk"]
    hub.clock.forward(hours=1)
    await hub.push([dossier(7_001)])
    assert look(hub.context) == []
    assert (suspect(hub), alarmed(hub), await complete(hub)) == ({}, [], (True, False))


async def test_looking_is_a_job_of_every_quarter_of_an_hour(hub: Trial) -> None:
    await work(hub, 10)
    hub.clock.set("2026-03-09T17:30:00+07:00")
    job = Job("watch", "all")
    assert KIND.due(hub.context, hub.clock()) == [job]
    await KIND.perform(hub.context, job, Stopping())
    assert suspect(hub) == {"desk": "2026-03-09T07:00:00+07:00"}
    assert KIND.due(hub.context, hub.clock()) == []
    hub.clock.forward(minutes=16)
    assert KIND.due(hub.context, hub.clock()) == [job]


async def test_who_is_paused_is_not_expected_to_speak(hub: Trial) -> None:
    await work(hub, 10)
    hub.store.in_write(lambda tx: connections.set_state(tx, "desk", "paused"))
    hub.clock.set("2026-03-10T09:00:00+07:00")
    assert look(hub.context) == []
