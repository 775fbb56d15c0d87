"""After a promotion and its replay a store reads as if the candidate had read it from the start."""

from typing import Any

import pytest
from msgspec import structs
from sqlalchemy import text

from store import connections
from store.quarantine import Chosen
from sync import promotion_replay, quarantine_replay
from sync.connecting import By, Wanted, change
from sync.connection_edits import Told
from sync.intake import read_by, take_in
from sync.jobs import Stopping
from sync.quarantine_replay import Why
from sync.remap import planning, running
from sync.taken import Taken
from sync.whatif import promoting
from sync.whatif.candidate import Candidate
from sync.whatif.report import WhatIf
from sync.whatif.shadow import preview
from tests import recounted
from tests.gone import bury
from tests.integration.test_whatif import CANDIDATES, DAY, YEARS, fill, fresh, page
from tests.polled import BEGUN, Poll, quarantined, row
from tests.trial import Trial

ME = By("nguoi-truc", "sở đã cho biết nghĩa")
__all__ = ["fresh"]


CHAIN = (
    "what was mapped is refused",
    "the number ties strangers",
    "codes are others",
    "a field is read elsewhere",
    "what was refused is mapped",
)
ENDED = {"refused": {"status": {"set": {"waiting": "thôi dùng / ended"}}}}


async def promoted(hub: Trial, overlay: dict[str, Any]) -> WhatIf:
    told = preview(hub.context, "snv", Candidate(overlay=overlay))
    sealed = promoting.encoded(promoting.seal(hub.context, told))
    promoting.promote(hub.context, "snv", sealed, ME)
    return told


async def perform(hub: Trial) -> None:
    for job in promotion_replay.due(hub.context, hub.clock()):
        await promotion_replay.perform(hub.context, job, Stopping())


async def replayed(hub: Trial) -> None:
    promotion_replay.begin(hub.context, "snv", ME)
    await perform(hub)
    assert promotion_replay.standing(hub.context, "snv").state == "done"


def shown(hub: Trial) -> dict[str, dict[str, Any]]:
    """Every dossier that says anything, by its legs: a hub's ids are those it gave out first."""
    found = {}
    for one in recounted.dossiers(hub).values():
        body = dict(one["body"])
        legs = [leg for leg in body["legs"] if leg["updated_at"] is not None]
        if not legs:
            continue
        names = sorted(f"{leg['namespace']}:{leg['code']}:{leg['generation']}" for leg in legs)
        body.pop("id")
        found[" ".join(names)] = {**one, "body": body}
    return found


def same(hub: Trial, fresh: Trial) -> None:
    one, other = shown(hub), shown(fresh)
    assert one.keys() == other.keys()
    assert {name for name in one if one[name] != other[name]} == set()
    known = recounted.agencies(hub, fresh)
    figures = [recounted.indicators(each, known, YEARS) for each in (hub, fresh)]
    assert figures[0] == figures[1]
    assert refused(hub) == refused(fresh)


def kept(hub: Trial) -> list[int]:
    """How much there is of everything that a second replay must not add to."""
    tables = ("receipt", "record", "change", "timeline", "act", "leg", "dossier")
    with hub.store.read() as tx:
        return [tx.execute(text(f"SELECT count(*) FROM {one}")).scalar_one() for one in tables]


def refused(hub: Trial) -> set[tuple[int, int]]:
    """(receipt's place, position) of all in the quarantine, as they first came in.

    What was refused before keeps the code and the cause that were found then.
    """
    with hub.store.read() as tx:
        rows = tx.execute(
            text(
                "SELECT CASE WHEN origin_id IS NULL THEN receipt.id ELSE origin_id END, record.id"
                " FROM record JOIN receipt ON receipt.id = record.receipt_id"
                " WHERE disposition = 'quarantined' AND resolved_by IS NULL"
                " AND record.connection_id = 'snv'"
            )
        ).all()
        query = "SELECT id FROM receipt WHERE connection_id = 'snv' AND origin_id IS NULL"
        receipts = [row[0] for row in tx.execute(text(f"{query} ORDER BY id"))]
    return {(receipts.index(row[0]), row[1] & ((1 << 20) - 1)) for row in rows}


async def test_it_reads_as_if_it_had_been_read_so_from_the_beginning(
    hub: Trial, fresh: Trial
) -> None:
    """One candidate after the other, on one store: the last has nothing left of those before."""
    await fill(hub)
    for name in CHAIN:
        hub.clock.forward(hours=1)
        report = await promoted(hub, CANDIDATES[name])
        before = recounted.dossiers(hub)
        hub.clock.forward(hours=1)
        await replayed(hub)
        after = recounted.dossiers(hub)
        foreseen = {one.dossier for one in report.dossiers if one.kind == "changed"}
        assert foreseen <= recounted.differing(before, after)
        for figure in report.figures:
            ask = recounted.indicators(hub, {figure.agency}, [figure.start.year])
            [told] = ask.values()
            assert {n: getattr(figure.after, n) for n in told} == told
    await fill(fresh, Told(overlay=CANDIDATES[CHAIN[-1]]))
    fresh.clock.set(hub.clock().isoformat())
    same(hub, fresh)
    # Again it finds nothing to do, and a preview of what is in force foresees nothing.
    held = kept(hub)
    await replayed(hub)
    assert kept(hub) == held
    told = preview(hub.context, "snv", Candidate(overlay=CANDIDATES[CHAIN[-1]]))
    assert (told.changed, told.figures) == (0, [])


def polled(hub: Trial) -> Poll:
    return Poll(hub, "snv", hub.context.systems["one_stop"], "dossiers")


def no_overlay(wanted: Wanted) -> Wanted:
    return structs.replace(wanted, row=structs.replace(wanted.row, overlay={}))


async def test_what_can_be_read_no_more_is_set_apart_and_comes_back(hub: Trial) -> None:
    poll = polled(hub)
    await poll.run(page([row(1), row(2)]))
    await poll.run(page([row(1, dossierStatus="waiting", modifiedDate=BEGUN + DAY)]))
    await poll.run(page([row(3, dossierStatus="waiting")]))
    before = await hub.seq()
    await promoted(hub, ENDED)
    hub.clock.forward(hours=1)
    await replayed(hub)
    [first], [third] = await hub.find("snv:uid-1"), await hub.find("snv:uid-3")
    assert (await hub.read(first))["status"] == "in_progress"
    emptied = await hub.read(third)
    assert (emptied["status"], emptied["legs"][0]["gone_at"] is not None) == (None, True)
    assert sorted(one["kind"] for one in await hub.feed(before)) == ["corrected", "gone"]
    [own, left] = await hub.history(first)
    assert (own["retracted_by"], left["status"]) == (None, "supplement")
    assert left["retracted_by"] is not None
    known = await hub.history(first, known_at=before)
    assert [one["retracted_by"] for one in known] == [None, None]
    assert len(quarantined(hub)) == 2
    with hub.store.read() as tx:  # nothing was rewritten
        rows = tx.execute(
            text(
                "SELECT disposition, count(*), count(resolved_by) FROM record"
                " WHERE receipt_id <= 3 GROUP BY disposition"
            )
        ).all()
    assert [tuple(one) for one in rows] == [("applied", 4, 3)]
    # A mapping that reads it again takes it up from the quarantine, at its old place.
    change(hub.context, "snv", ME, no_overlay)
    [summary] = quarantine_replay.replay(hub.context, Chosen("snv"), Why("nguoi-truc", "đã rõ"))
    assert (summary.applied, quarantined(hub)) == (2, [])
    assert (await hub.read(first))["status"] == "supplement"
    assert (await hub.read(third))["legs"][0]["gone_at"] is None
    assert [one["retracted_by"] for one in await hub.history(first)] == [None, None]
    # What comes again is held already.
    again = await poll.run(page([row(3, dossierStatus="waiting"), row(2)]))
    assert again.duplicate == 2


async def test_what_comes_in_meanwhile_is_told_with_the_rest(
    hub: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A word that comes between planning and commit, and one that was pending since before."""
    poll = polled(hub)
    await poll.run(page([row(1), row(2)]))
    await promoted(hub, {"tables": {"status": {"set": {"processing": "accepted"}}}})
    late = page([row(1, dossierStatus="waiting", modifiedDate=BEGUN + DAY)])
    commit, told = running.commit, 0

    def meanwhile(*args: Any) -> Any:
        nonlocal told
        told += 1
        if told == 1:
            taken_in(hub, late, 2)
            taken_in(hub, page([row(2, modifiedDate=BEGUN + DAY)]), 1)
        return commit(*args)

    monkeypatch.setattr(running, "commit", meanwhile)
    await replayed(hub)
    [first], [second] = await hub.find("snv:uid-1"), await hub.find("snv:uid-2")
    assert (await hub.read(first))["status"] == "supplement"
    assert [one["status"] for one in await hub.history(first) if not one["retracted_by"]] == [
        "accepted",
        "supplement",
    ]
    assert (await hub.read(second))["status"] == "accepted"


def taken_in(hub: Trial, raw: bytes, version: int) -> None:
    """A page that comes in, read by this mapping version."""
    with hub.store.read() as tx:
        connection = connections.load_connection(tx, "snv")
        assert connection is not None
        taken = Taken(connection, "dossiers", raw, hub.clock(), keeps_duplicates=False)
        found = read_by(hub.context, tx, taken, version)
    take_in(hub.context, taken, found, version)


async def test_what_was_gone_is_gone_still(hub: Trial) -> None:
    """Tombstones, and who showed that a dossier was there again, are told with the rest."""
    poll = polled(hub)
    await poll.run(page([row(1), row(2)]))
    hub.clock.forward(hours=1)
    bury(hub, "snv", "uid-1", "uid-2")
    hub.clock.forward(hours=1)
    await poll.run(page([row(2)]))
    await promoted(hub, {"tables": {"status": {"set": {"processing": "accepted"}}}})
    await replayed(hub)
    ends = []
    for code in ("uid-1", "uid-2"):
        [own] = await hub.find(f"snv:{code}")
        shown = await hub.read(own)
        ends.append((shown["status"], shown["legs"][0]["gone_at"] is not None))
    assert ends == [("accepted", True), ("accepted", False)]


async def test_paused_and_killed_it_ends_the_same(
    hub: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One leg a commit; paused after two, killed after two more, then to the end."""
    monkeypatch.setattr(planning.Plan.batches, "__defaults__", (1,))
    await polled(hub).run(page([row(n) for n in range(6)]), page([row(n) for n in range(3)]))
    wish = {"tables": {"status": {"set": {"processing": "accepted"}}}}
    await promoted(hub, wish)
    hub.clock.forward(hours=1)
    commit, done = running.commit, 0

    class Killed(BaseException):
        pass

    def counted(*args: Any) -> Any:
        nonlocal done
        if done == 4:
            done += 1
            raise Killed
        found = commit(*args)
        done += 1
        if done == 2:
            promotion_replay.pause(hub.context, "snv")
        return found

    monkeypatch.setattr(running, "commit", counted)
    promotion_replay.begin(hub.context, "snv", ME)
    await perform(hub)
    assert (done, promotion_replay.standing(hub.context, "snv").state) == (2, "paused")
    promotion_replay.resume(hub.context, "snv")
    with pytest.raises(Killed):
        await perform(hub)
    await perform(hub)
    standing = promotion_replay.standing(hub.context, "snv")
    assert (standing.state, standing.tried, standing.settled) == ("done", 6, 6)
    assert {one["body"]["status"] for one in recounted.dossiers(hub).values()} == {"accepted"}
    assert [one["kind"] for one in await hub.feed(6)] == ["corrected"] * 6
