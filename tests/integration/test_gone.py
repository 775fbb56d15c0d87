"""Deleted at its source: said of the leg and in the feed, nothing is taken away; it may be back."""

import json
from typing import Any

import msgspec

from canonical.ports import BadRow, GoneRow, Row
from store import legs
from tests.gone import bury
from tests.integration.test_observed import DOCUMENT
from tests.integration.test_observed import page as states
from tests.polled import BEGUN, Poll, row
from tests.trial import Trial, dossier

AT = "2026-03-05T09:00:00+07:00"


def page(*rows: dict[str, Any]) -> bytes:
    return json.dumps({"total": len(rows), "data": list(rows)}).encode()


async def kinds(hub: Trial, after: int = 0) -> list[str]:
    return [item["kind"] for item in await hub.feed(after)]


async def test_gone_is_said_and_nothing_else_changes(hub: Trial) -> None:
    own = await hub.take(dossier(1, due_at="2026-03-03T17:00:00+07:00"))
    before, history = await hub.read(own), await hub.history(own)
    counted = await hub.indicators("H50.12", "2026-03-01", "2026-03-31")
    hub.clock.set(AT)
    told = bury(hub, "desk", "A-00001")
    assert told.counts["applied"] == 1
    after = await hub.read(own)
    [leg] = after["legs"]
    assert leg["gone_at"] == AT
    assert {**after, "legs": []} == {**before, "legs": []}
    assert await hub.history(own) == history
    assert await kinds(hub) == ["created", "gone"]
    # History is kept: it was received, and counts as it stood.
    now = await hub.indicators("H50.12", "2026-03-01", "2026-03-31")
    assert (now["total"], counted["total"]) == (1, 1)
    assert await hub.find("desk:A-00001") == [own]


async def test_told_twice_it_is_a_duplicate(hub: Trial) -> None:
    await hub.take(dossier(1))
    bury(hub, "desk", "A-00001")
    told = bury(hub, "desk", "A-00001", "A-00001")
    assert (told.counts["duplicate"], await kinds(hub)) == (2, ["created", "gone"])


async def test_what_the_hub_never_held_cannot_be_gone(hub: Trial) -> None:
    await hub.take(dossier(1))
    told = bury(hub, "desk", "A-00001", "A-00009")
    assert [str(fate.reason) for fate in told.fates] == ["None", "NOT_FOUND"]
    assert await hub.find("desk:A-00009") == []


async def test_a_dossier_is_gone_when_its_last_leg_is(hub: Trial) -> None:
    own = await hub.take(dossier(1))
    await hub.take(dossier(1, code="L-1"), "land")
    mark = await hub.seq()
    bury(hub, "land", "L-1")
    bury(hub, "desk", "A-00001")
    # The land office has it again: the dossier is there again, though the desk has it no longer.
    hub.clock.forward(hours=1)
    await hub.take(dossier(1, code="L-1", version=2), "land")
    await hub.take(dossier(1, version=2))
    assert await kinds(hub, mark) == ["changed", "gone", "restored", "changed"]
    assert [leg["gone_at"] for leg in (await hub.read(own))["legs"]] == [None, None]


async def test_a_new_word_restores_and_an_old_one_on_its_way_does_not(hub: Trial) -> None:
    own = await hub.take(dossier(1, version=5))
    hub.clock.set(AT)
    bury(hub, "desk", "A-00001")
    hub.clock.forward(hours=1)
    assert (await hub.push(dossier(1, version=5))).fate == "duplicate"
    assert (await hub.push(dossier(1, version=4))).fate == "superseded"
    assert (await hub.read(own))["legs"][0]["gone_at"] == AT
    await hub.take(dossier(1, version=6, updated_at="2026-03-05T10:00:00+07:00"))
    assert (await hub.read(own))["legs"][0]["gone_at"] is None
    assert await kinds(hub) == ["created", "gone", "corrected", "restored"]


async def test_a_list_that_has_it_again_restores_it_unchanged(hub: Trial) -> None:
    poll = Poll(hub, "snv", hub.context.systems["one_stop"], "dossiers")
    await poll.run(page(row(1), row(2)))
    hub.clock.forward(days=1)
    bury(hub, "snv", "uid-1")
    [own] = await hub.find("snv:uid-1")
    hub.clock.forward(days=1)
    assert (await poll.run(page(row(1), row(2)))).duplicate == 2
    assert (await hub.read(own))["legs"][0]["gone_at"] is None
    assert await kinds(hub) == ["created", "created", "gone", "restored"]
    # Gone once more, and changed when it comes again.
    bury(hub, "snv", "uid-1")
    hub.clock.forward(days=1)
    await poll.run(page(row(1, dossierStatus="releasing", modifiedDate=BEGUN + 86_400_000)))
    assert (await hub.read(own))["status"] == "finished"
    assert await kinds(hub, 4) == ["gone", "restored"]


async def test_what_is_gone_is_not_asked_for_as_open(hub: Trial) -> None:
    await hub.push([dossier(1), dossier(2)])
    bury(hub, "desk", "A-00001")
    with hub.store.read() as tx:
        assert legs.open_codes(tx, "desk") == ["A-00002"]


async def test_a_source_may_say_itself_what_it_deleted(hub: Trial) -> None:
    """A reader gives a tombstone where its source's contract has one."""

    def rows(_shape: str, raw: bytes) -> list[Row | BadRow | GoneRow]:
        return [
            GoneRow(told["xoa"], gone_at=told.get("luc")) if "xoa" in told else Row("states", told)
            for told in json.loads(raw)
        ]

    known = hub.context.systems["one_stop"]
    made = msgspec.structs.replace(known, mapping_document=DOCUMENT, transforms={}, rows=rows)
    poll = Poll(hub, "watch", made, "states")
    await poll.run(states(("W-1", "1"), ("W-2", "1")))
    hub.clock.set(AT)
    told = [
        {"xoa": "W-1", "luc": "2026-03-04T10:00:00+07:00"},
        {"xoa": "W-2"},
        {"xoa": "W-2", "luc": "hôm qua"},
        {"xoa": ""},
    ]
    summary = await poll.run(json.dumps(told).encode())
    assert (summary.applied, summary.quarantined) == (2, 2)
    for code, gone_at in (("W-1", "2026-03-04T10:00:00+07:00"), ("W-2", AT)):
        [own] = await hub.find(f"watch:{code}")
        assert (await hub.read(own))["legs"][0]["gone_at"] == gone_at
