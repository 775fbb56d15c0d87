"""A receiver added later: its backlog behind live events, what it may see, telling again."""

from typing import Any

import pytest
from sqlalchemy import text

from canonical.agencies import Agency
from canonical.errors import HubError, Refused, TryAgain
from canonical.reasons import Reason
from store import replays
from sync import deliver_acts
from tests.told import Told, changes, proved
from tests.trial import Trial, dossier

TROUBLE = TryAgain(Reason.HTTP_5XX, "HTTP 500")
EVER = "2020-01-01"


@pytest.fixture
def told(hub: Trial) -> Told:
    return Told(hub)


def per_dossier(told: Told) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for one in told.taken:
        found.setdefault(one["dossier"], []).append(one["seq"])
    return found


async def test_a_new_receiver_is_told_nothing_of_what_was_before(hub: Trial, told: Told) -> None:
    await changes(hub, 5, versions=2)
    told.add(shards=3)
    await told.run()
    assert (told.calls, told.fare().skipped, told.fare().backlog) == ([], 10, 0)
    await changes(hub, 1, first=9)
    await told.run()
    assert told.seqs == [11]
    assert proved(hub) == []


async def test_a_moment_not_to_be_told_before_is_kept_to(hub: Trial, told: Told) -> None:
    await changes(hub, 2)
    hub.clock.forward(hours=1)
    since = hub.clock.at.isoformat()
    await changes(hub, 2, first=3)
    hub.clock.forward(hours=1)
    told.add(shards=2, not_before=since)
    await changes(hub, 1, first=5)
    await told.run()
    assert sorted(told.seqs) == [3, 4, 5]
    assert (told.fare().skipped, proved(hub)) == (2, [])


async def test_a_moment_ahead_leaves_out_what_comes_before_it(hub: Trial, told: Told) -> None:
    ahead = (hub.clock.at.replace(hour=12)).isoformat()
    told.add(not_before=ahead)
    await changes(hub, 2)
    hub.clock.set(ahead)
    await changes(hub, 2, first=3)
    await told.run()
    assert told.seqs == [3, 4]
    assert (told.fare().skipped, proved(hub)) == (2, [])


async def test_a_change_committed_just_after_is_told_though_its_moment_lies_before(
    hub: Trial, told: Told
) -> None:
    told.add()
    hub.clock.forward(seconds=-5)  # its moment was taken before the receiver was added
    await changes(hub, 1)
    hub.clock.forward(seconds=5)
    await told.run()
    assert told.seqs == [1]


async def test_a_backlog_does_not_delay_live_events(hub: Trial, told: Told) -> None:
    told.limits(deliver_batch=20)
    await changes(hub, 300)
    told.add(not_before=EVER)
    await told.tick()  # ends with its first job's end: everything
    assert told.seqs == list(range(1, 301))

    told.add("second", not_before=EVER)
    told.forget()
    sent = 0

    def breaks(_: list[int]) -> None:
        nonlocal sent
        sent += 1
        if sent == 50:  # a live event comes while the backlog is worked through
            hub.store.in_write(lambda tx: tx.execute(text("UPDATE receiver SET state = 'paused'")))

    told.breaks = breaks
    await told.run()
    await changes(hub, 1, first=999)
    hub.store.in_write(lambda tx: tx.execute(text("UPDATE receiver SET state = 'enabled'")))
    assert 50 <= len(told.taken) <= 60
    before = len(told.taken)
    await told.run()
    place = told.seqs.index(301)
    assert place - before <= 20, "at most one step of the backlog goes before it"
    assert sorted(told.seqs) == list(range(1, 302))
    assert (told.wrong, proved(hub)) == ([], [])


async def test_a_live_event_brings_the_backlog_of_its_dossier_along(hub: Trial, told: Told) -> None:
    told.limits(deliver_batch=10)
    await changes(hub, 60, versions=3)
    feed = await hub.feed()
    last = feed[59]["dossier"]
    told.add(not_before=EVER)
    await hub.take(dossier(60, version=9, status="finished"))
    await told.run()
    own = [line["seq"] for line in feed if line["dossier"] == last] + [181]
    assert [one["seq"] for one in told.taken if one["dossier"] == last] == own
    assert told.seqs.index(181) <= 30, "it did not wait for the whole backlog"
    assert sorted(told.seqs) == list(range(1, 182))
    assert told.wrong == []
    with hub.store.read() as tx:
        assert tx.execute(text("SELECT count(*) FROM delivery_ahead")).scalar() == 0
    assert (told.fare().delivered, proved(hub)) == (181, [])


async def test_it_adds_up_at_every_step_of_a_backlog(hub: Trial, told: Told) -> None:
    told.limits(deliver_batch=5)
    await changes(hub, 20, versions=2)
    told.add(not_before=EVER, shards=2)
    await hub.take(dossier(15, version=9, status="finished"))
    steps: list[list[str]] = []
    told.breaks = lambda _: steps.append(proved(hub))
    await told.run()
    assert len(steps) == 41
    assert not any(steps)


async def test_a_receiver_is_told_of_its_own_agencies_alone(hub: Trial, told: Told) -> None:
    hub.catalogue(
        agencies=[
            Agency("H50.12", "Đông Hà"),
            Agency("H50.12.01", "Phường 1"),
            Agency("H50.14", "VL"),
        ]
    )
    told.add(agencies=["H50.12"], shards=2)
    await changes(hub, 3)
    await hub.push([dossier(n, agency="H50.14", national_code=...) for n in (11, 12)])
    await hub.push([dossier(21, agency="H50.12.01", national_code=...)])
    await told.run()
    assert {one["body"]["agency"] for one in told.taken} == {"H50.12", "H50.12.01"}
    assert len(told.taken) == 4
    assert (told.fare().skipped, proved(hub)) == (2, [])


async def test_what_may_not_be_seen_any_more_is_not_told(hub: Trial, told: Told) -> None:
    told.add(agencies=["H50.12"])
    await hub.take(dossier(1))
    told.fails = lambda _: TROUBLE
    await told.run()
    await hub.take(dossier(1, version=2))
    await told.run()
    assert len(told.rows()) == 2
    await hub.take(dossier(1, version=3, agency="H50.14", received_at_agency="H50.14"))
    told.fails = lambda _: None
    await told.run_for(hours=2)
    assert told.seqs == [1], "what it was told before stands; of the rest it is told nothing"
    assert (told.fare().delivered, told.fare().skipped, proved(hub)) == (1, 2, [])


async def test_what_was_told_is_told_again_under_the_same_ids(hub: Trial, told: Told) -> None:
    told.add(shards=2)
    await changes(hub, 6, versions=2)
    await told.run()
    names = {one["seq"]: one["id"] for one in told.taken}
    told.forget()
    number = deliver_acts.tell_again(hub.context, "portal", (3, 10), None, "the tests", "lost")
    await told.run()
    assert sorted(told.seqs) == list(range(3, 11))
    assert {one["seq"]: one["id"] for one in told.taken} == {s: names[s] for s in range(3, 11)}
    assert told.wrong == []
    with hub.store.read() as tx:
        replay = replays.load_replay(tx, number)
    assert replay is not None
    assert (replay.state, replay.taken, replay.at_seq) == ("done", 8, 10)
    assert (told.fare().delivered, proved(hub)) == (12, [])


async def test_one_dossier_is_told_again(hub: Trial, told: Told) -> None:
    told.add()
    await changes(hub, 4, versions=3)
    await told.run()
    one = told.taken[1]["dossier"]
    told.forget()
    deliver_acts.tell_again(hub.context, "portal", (None, None), one, "the tests", "asked for")
    await told.run()
    assert told.seqs == [2, 6, 10]
    with pytest.raises(HubError, match="no dossier"):
        deliver_acts.tell_again(hub.context, "portal", (None, None), "nobody", "x", "x")


async def test_telling_again_goes_in_batches_and_can_be_paused(hub: Trial, told: Told) -> None:
    told.add()
    await changes(hub, 60)
    await told.run()
    told.forget()
    told.limits(deliver_batch=10)
    number = deliver_acts.tell_again(hub.context, "portal", (None, None), None, "x", "x")

    def breaks(seqs: list[int]) -> None:
        on_way = len(told.rows())
        assert on_way <= 20
        if seqs == [25]:
            deliver_acts.set_replay(hub.context, number, "paused")

    told.breaks = breaks
    await told.run()
    assert 25 <= len(told.taken) < 60
    assert told.rows() == []
    told.breaks = lambda _: None
    deliver_acts.set_replay(hub.context, number, "running")
    await told.run()
    assert told.seqs == list(range(1, 61))


async def test_telling_again_neither_overtakes_nor_is_overtaken(hub: Trial, told: Told) -> None:
    told.add()
    await changes(hub, 3, versions=2)
    await told.run()
    told.forget()
    one = (await hub.feed())[0]["dossier"]
    await hub.take(dossier(1, version=9, status="finished"))
    told.fails = lambda event: TROUBLE if event["dossier"] == one else None
    await told.run()
    deliver_acts.tell_again(hub.context, "portal", (1, 6), None, "x", "x")
    await told.run_for(minutes=30)
    told.fails = lambda _: None
    await told.run_for(hours=2)
    assert per_dossier(told)[one] == [1, 4, 7]
    assert told.taken[-1]["status"] == "finished"
    assert (told.wrong, proved(hub)) == ([], [])


async def test_what_no_cursor_has_passed_is_not_told_again(hub: Trial, told: Told) -> None:
    told.add()
    await changes(hub, 3)
    await told.run()
    told.forget()
    await changes(hub, 3, first=10)
    deliver_acts.tell_again(hub.context, "portal", (None, None), None, "x", "x")
    await told.run()
    assert sorted(told.seqs) == [1, 2, 3, 4, 5, 6]
    assert (told.again, proved(hub)) == (0, [])


async def test_what_a_person_replays_of_the_dead_keeps_its_bytes(hub: Trial, told: Told) -> None:
    told.add()
    await changes(hub, 3)
    told.fails = lambda one: Refused(Reason.HTTP_4XX, "422") if one["seq"] != 2 else None
    await told.run()
    first, third = told.rows("dead")
    told.fails = lambda _: None
    assert deliver_acts.try_again(hub.context, [third.id], None, "x", "x") == 1
    await told.run()
    assert told.seqs == [2, 3]
    assert deliver_acts.try_again(hub.context, [], "portal", "x", "x") == 1
    await told.run()
    assert (told.seqs, told.wrong) == ([2, 3, 1], [])
    with pytest.raises(HubError, match="no delivery"):
        deliver_acts.try_again(hub.context, [first.id], None, "x", "x")


SPOILT = [
    ("UPDATE receiver_shard SET delivered = delivered - 1", "changes passed"),
    ("UPDATE receiver_shard SET seq = seq + 1", "the feed ends at"),
    ("UPDATE receiver_shard SET seq = seq - 1", "changes passed"),
    ("DELETE FROM delivery WHERE seq = 2", "changes passed"),
    ("UPDATE delivery SET event_id = 'another' WHERE seq = 2", "the id of another event"),
    ("UPDATE delivery SET dossier_id = dossier_id + 1 WHERE seq = 2", "where its dossier belongs"),
    ("UPDATE delivery SET lane = 'backlog' WHERE seq = 2", "in the lane backlog"),
    ("UPDATE delivery SET state = 'dead', attempts = 0 WHERE seq = 2", "dead for no reason"),
    ("DELETE FROM alarm", "no alarm"),
]


@pytest.mark.parametrize(("spoil", "said"), SPOILT, ids=[s for s, _ in SPOILT])
@pytest.mark.unproved
async def test_what_does_not_add_up_is_found(hub: Trial, told: Told, spoil: str, said: str) -> None:
    told.add()
    await changes(hub, 4)
    answers: dict[int, Any] = {2: TROUBLE, 3: Refused(Reason.HTTP_4XX, "422")}
    told.fails = lambda one: answers.get(one["seq"])
    await told.run()
    assert proved(hub) == []
    hub.store.in_write(lambda tx: tx.execute(text(spoil)))
    assert said in " ".join(proved(hub))
