"""What telling records anew reaches beyond a dossier: a code's generations, published figures."""

from typing import Any

import pytest
from msgspec import structs

from store import quarantine
from sync import promotion_replay, resolve
from sync.remap import running
from tests import recounted
from tests.integration.test_remap import promoted, replayed
from tests.integration.test_whatif import DAY, page
from tests.polled import BEGUN, Poll, row
from tests.published import served
from tests.trial import Trial

ENDED: dict[str, Any] = {"dossierStatus": "done", "releaseDate": BEGUN + 2 * DAY}

LATER = BEGUN + 60 * DAY
OTHER = {"dossierNo": "H50.06-260501-0001", "applicantName": "Lê Thị Khác"}


def polled(hub: Trial) -> Poll:
    return Poll(hub, "snv", hub.context.systems["one_stop"], "dossiers")


async def reused(hub: Trial, poll: Poll) -> int:
    """A code that ended and comes again for another case; the id of the refused record."""
    await poll.run(page([row(1), row(2)]))
    await poll.run(page([row(1, **ENDED, modifiedDate=BEGUN + 2 * DAY)]))
    hub.clock.forward(days=1)
    await poll.run(page([row(1, **OTHER, receiveDate=LATER, modifiedDate=LATER)]))
    with hub.store.read() as tx:
        [refused] = quarantine.list_quarantine(tx)
    assert refused.reason == "CODE_REUSED"
    return refused.id


def to(**words: str) -> dict[str, Any]:
    return {"tables": {"status": {"set": words}}}


@pytest.mark.parametrize(
    ("words", "ends"),
    [
        ({"processing": "accepted"}, ["handed_over", "accepted"]),
        # Read so, the first case had not ended: what a person decided of the code stays decided.
        ({"done": "finished", "processing": "accepted"}, ["finished", "accepted"]),
    ],
)
async def test_each_generation_of_a_code_is_told_anew_as_the_case_it_is(
    hub: Trial, words: dict[str, str], ends: list[str]
) -> None:
    poll = polled(hub)
    refused = await reused(hub, poll)
    resolve.resolve_as_new(hub.context, refused, "nguoi-truc", "mã được cấp lại")
    report = await promoted(hub, to(**words))
    before = recounted.dossiers(hub)
    hub.clock.forward(hours=1)
    await replayed(hub)
    changed = recounted.differing(before, recounted.dossiers(hub))
    assert {one.dossier for one in report.dossiers} == changed
    for one in report.dossiers:
        shown = await hub.read(one.dossier)
        foreseen = {field.field: field.after for field in one.fields}
        assert foreseen.get("status", shown["status"]) == shown["status"]
        assert "applicant.name" not in foreseen
    found = [await hub.read(one) for one in await hub.find("snv:uid-1")]
    found.sort(key=lambda one: int(one["legs"][0]["generation"]))
    assert [one["status"] for one in found] == ends
    assert [one["applicant"]["name"] for one in found] == ["Nguyễn Văn Mẫu", "Lê Thị Khác"]
    # What comes next of the code is the second case's.
    more = page([row(1, **OTHER, **ENDED, receiveDate=LATER, modifiedDate=LATER + DAY)])
    await poll.run(more)
    again = [await hub.read(one) for one in await hub.find("snv:uid-1")]
    again.sort(key=lambda one: int(one["legs"][0]["generation"]))
    assert [again[0]["status"], again[1]["status"]] == [ends[0], words.get("done", "handed_over")]


async def test_a_case_that_a_person_makes_new_meanwhile_is_not_told_to_the_earlier_one(
    hub: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between plan and commit the record that would have been the earlier case's is given away."""
    refused = await reused(hub, polled(hub))
    await promoted(hub, to(done="finished"))
    hub.clock.forward(hours=1)
    commit, told = running.commit, 0

    def meanwhile(*args: Any) -> Any:
        nonlocal told
        told += 1
        if told == 1:
            resolve.resolve_as_new(hub.context, refused, "nguoi-truc", "mã được cấp lại")
        return commit(*args)

    monkeypatch.setattr(running, "commit", meanwhile)
    monkeypatch.setattr(promotion_replay, "_step", lambda *_: False)  # the quarantine is done
    await replayed(hub)
    found = [await hub.read(one) for one in await hub.find("snv:uid-1")]
    names = {one["legs"][0]["generation"]: one["applicant"]["name"] for one in found}
    assert names == {1: "Nguyễn Văn Mẫu", 2: "Lê Thị Khác"}
    assert told == 2


async def test_a_published_figure_is_restated_as_the_report_foresaw(hub: Trial) -> None:
    hub.clock.set("2026-03-20T08:00:00")
    systems = hub.context.systems
    poll = polled(hub)
    await poll.run(page([row(1, **ENDED), row(2, **ENDED), row(3)]))
    [first] = await hub.find("snv:uid-1")
    agency = (await hub.read(first))["agency"]
    async with served(hub) as portal:
        portal.introduce(agencies=agency)
        hub.clock.set("2026-04-04T08:00:00")
        await portal.work()
        march = f"{agency} 2026-03-01 2026-03-31"
        [told] = await portal.held(march)
        assert told["figures"]["resolved"] == 2
        report = await promoted(hub, to(done="withdrawn"))
        [foreseen] = [one for one in report.figures if one.agency == agency]
        hub.clock.forward(hours=1)
        await replayed(hub)
        hub.clock.forward(days=1)
        await portal.work()
        first_told, second = await portal.held(march)
        hub.context.systems = systems
    assert (second["revision"], second["restates"]["figures"]) == (2, first_told["figures"])
    changed = second["restates"]["changed"]
    assert {one["figure"] for one in changed} >= {"buckets.early"}
    both = structs.asdict(foreseen.before), structs.asdict(foreseen.after)
    before, after = (one | one["buckets"] for one in both)
    for one in changed:
        name = one["figure"].rpartition(".")[2]
        assert (one["before"], one["now"]) == (before[name], after[name])
    assert second["restates"]["reason"].startswith("2 hồ sơ")
    assert portal.ledger["refused"] == []
