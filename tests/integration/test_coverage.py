"""Every value that can arrive has a target or a name, or a connection is not enabled."""

import json
from typing import Any

import msgspec
import pytest

from adapters.one_stop import invented
from canonical.errors import HubError
from hub.commands.connections import alter
from sync import coverage, gates, wishes
from sync.connecting import By
from sync.connection_edits import Change, Told, mend
from sync.coverage import Coverage, Uncovered
from sync.gates import NotEnabled
from tests.polled import Poll, row
from tests.trial import Trial

ME = By("nguoi-truc", "thử")
NAMED = {"status": {"set": {"processing/processing_42": "việc riêng của sở / a step of theirs"}}}


def polled(hub: Trial) -> Poll:
    return Poll(hub, "snv", hub.context.systems["one_stop"], "dossiers")


def page(rows: list[dict[str, Any]]) -> bytes:
    return json.dumps({"total": len(rows), "data": rows}).encode()


def cover(hub: Trial) -> Coverage:
    return coverage.of(hub.context, "snv")


def lay(hub: Trial, overlay: dict[str, Any]) -> None:
    mend(hub.context, "snv", Change(told=Told(overlay=overlay)), ME)


def missing(found: Coverage) -> list[tuple[str, str]]:
    return [(one.rule, one.value) for one in found.uncovered]


async def test_what_is_stored_is_covered_once_the_odd_value_is_named(hub: Trial) -> None:
    rows = invented.rows()
    await polled(hub).run(page(rows[:15]), page(rows[15:]))
    found = cover(hub)
    assert not found.ok
    assert (found.receipts, found.records) == (2, 26)
    [odd] = found.uncovered
    assert (odd.rule, odd.value) == ("status", "processing/processing_42")
    assert (odd.records, odd.dossiers, odd.outside, odd.figures) == (1, 0, 1, [])
    assert {one.value: one.records for one in found.named}["300"] == 1
    lay(hub, {"refused": NAMED})
    assert cover(hub).ok


async def test_a_deleted_rule_is_refused_with_value_dossiers_and_figures(hub: Trial) -> None:
    hub.clock.set("2026-11-20T08:00:00")
    rows = invented.rows()
    await polled(hub).run(page(rows))
    lay(hub, {"refused": NAMED})
    wishes.pause(hub.context, "snv")
    lay(hub, {"refused": NAMED, "tables": {"status": {"remove": ["releasing"]}}})
    with pytest.raises(NotEnabled) as refused:
        wishes.enable(hub.context, "snv", ME)
    [objection] = refused.value.objections
    told = msgspec.convert(objection.told, Uncovered)
    said = [one for one in rows if _says(one, "releasing")]
    assert (objection.gate, told.rule, told.value) == ("coverage", "status", "releasing")
    assert (told.records, told.dossiers) == (len(said), len(said))
    assert "releasing" in objection.detail
    # By agency and year, as the app's own rows have it.
    expected: dict[tuple[str, int], int] = {}
    agencies = hub.context.systems["one_stop"].mapping_document["tables"]["agency"]  # type: ignore[index]
    for one in said:
        place = (agencies[one["govAgencyCode"]], 2016 if one["receiveDate"] < 1.7e12 else 2026)
        expected[place] = expected.get(place, 0) + 1
    found: dict[tuple[str, int], int] = {}
    for figure in told.figures:
        place = (figure.agency, figure.start.year)
        found[place] = found.get(place, 0) + figure.dossiers
        answer = await hub.indicators(
            figure.agency, figure.start.isoformat(), figure.end.isoformat()
        )
        assert answer["buckets"][figure.bucket] >= figure.dossiers > 0
        assert figure.agency in objection.detail or len(told.figures) > 5
    assert found == expected
    lay(hub, {"refused": NAMED})
    wishes.enable(hub.context, "snv", ME)


def _says(one: dict[str, Any], state: str) -> bool:
    actions = [action["statusCode"] for action in one["dossierActions"] or ()]
    return state in (one["dossierStatus"], *actions)


async def test_a_change_of_a_link_that_goes_on_leaves_no_new_value_behind(hub: Trial) -> None:
    poll = polled(hub)
    await poll.run(page([row(1), row(2, dossierStatus="la"), row(3, dossierStatus="ky")]))
    alter(hub.context, "snv", None, [], ["status.la=supplement"])  # mends one of the two
    assert missing(cover(hub)) == [("status", "ky")]
    with pytest.raises(NotEnabled, match="'processing'"):
        lay(hub, {"tables": {"status": {"remove": ["processing"]}}})
    wishes.pause(hub.context, "snv")
    with pytest.raises(NotEnabled, match="'ky'"):
        wishes.resume(hub.context, "snv")


@pytest.mark.unproved
async def test_closed_lists_of_the_contract_and_targets_that_are_none(hub: Trial) -> None:
    known = hub.context.systems["one_stop"]
    listed = {"dossierStatus": ["processing", "archived"]}
    made = msgspec.structs.replace(known, listed=listed)
    hub.context.systems = {**dict(hub.context.systems), "one_stop": made}
    with pytest.raises(NotEnabled, match="'archived'"):
        hub.connect("snv", system="one_stop")
    hub.connect("khac", system="one_stop", is_draft=True)
    alter(hub.context, "khac", None, [], ["status.archived=handed_ovr"])
    found = coverage.of(hub.context, "khac")
    assert [(one.value, one.source) for one in found.uncovered] == [("archived", "contract")]
    alter(hub.context, "khac", None, [], ["status.archived=handed_over", "channel.x=onlin"])
    found = coverage.of(hub.context, "khac")
    assert [(one.rule, one.value, one.source) for one in found.uncovered] == [
        ("channel", "x", "table")
    ]


@pytest.mark.unproved
async def test_a_code_of_the_systems_own_list_may_arrive_though_it_never_did(hub: Trial) -> None:
    hub.connect("snv", system="one_stop")
    less = {"tables": {"status": {"remove": ["collecting"]}}}
    with pytest.raises(NotEnabled, match="'collecting'"):
        lay(hub, less)
    named = {"refused": {"status": {"set": {"collecting": "không dùng / not used here"}}}}
    lay(hub, less | named)
    assert cover(hub).ok


async def test_much_is_read_before_a_connection_is_locked(
    hub: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coverage, "_IN_PASSING", 0)
    looks: list[str] = []
    look = coverage.look

    def watched(context: Any, one: Any, *rest: Any) -> Any:
        looks.append(one.id)
        return look(context, one, *rest)

    monkeypatch.setattr(gates.coverage, "look", watched)
    await polled(hub).run(page([row(1)]))
    wishes.pause(hub.context, "snv")
    wishes.resume(hub.context, "snv")
    assert looks == ["snv"]


def test_nothing_is_known_of_a_connection_that_is_not_there(hub: Trial) -> None:
    with pytest.raises(HubError, match="no connection"):
        cover(hub)
