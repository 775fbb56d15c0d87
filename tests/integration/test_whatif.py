"""A what-if says exactly what a store filled from the beginning by the candidate would hold."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.one_stop import invented
from canonical.errors import HubError
from sync.connection_edits import Told
from sync.proof.recomputing import Effort
from sync.whatif.candidate import Candidate
from sync.whatif.report import WhatIf
from sync.whatif.shadow import preview
from tests import recounted
from tests.polled import BEGUN, Poll, row
from tests.trial import Trial, dossier, trial_over

NAMED = {"status": {"set": {"processing/processing_42": "bước riêng của họ / a step of theirs"}}}
DAY = 86_400_000
SMALL = Effort(1, 20)  # many parts
YEARS = (2015, 2016, 2017, 2026)


def page(rows: list[dict[str, Any]]) -> bytes:
    return json.dumps({"total": len(rows), "data": rows}, ensure_ascii=False).encode()


@pytest.fixture
def fresh(tmp_path: Path, sqlite_shelf: Any) -> Iterator[Trial]:
    """A second, empty hub, for the recount."""
    folder = tmp_path / "recount"
    folder.mkdir()
    opened = sqlite_shelf.fresh(folder)
    yield trial_over(opened)
    sqlite_shelf.give_back(opened)


def pages() -> list[list[bytes]]:
    """Runs of pages: invented dossiers, their next steps, the same again, odd ones."""
    rows = invented.rows()
    later = [
        {**one, "modifiedDate": one["modifiedDate"] + 3 * DAY, "dossierStatus": state}
        for one, state in zip(rows[4:12], ["done", "releasing"] * 4, strict=True)
    ]
    odd = [row(1), row(2, dossierStatus="la"), row(3, dossierStatus="ky"), row(4, dossierNo="77")]
    again = [row(1, modifiedDate=BEGUN + DAY, dossierStatus="waiting"), row(1)]
    return [
        [page(rows[:15]), page(rows[15:])],
        [page(later)],
        [page(rows[3:9]), page(odd)],
        [page(again + odd)],
    ]


async def fill(hub: Trial, told: Told | None = None) -> None:
    """What the department and its neighbours said, at the same moments on every hub."""
    hub.clock.set("2026-11-20T08:00:00")
    poll = Poll(hub, "snv", hub.context.systems["one_stop"], "dossiers", told=told)
    for bodies in pages():
        hub.clock.forward(hours=1)
        await poll.run(*bodies)
    hub.clock.forward(hours=1)
    # A handling department that speaks of two of the same cases, and one that shares a number.
    for number, code in ((1, "H50.06-260302-0001"), (2, "H50.26-160301-0005"), (3, "77")):
        name = "receipt_number" if code == "77" else "national_code"
        one = dossier(number, national_code=None, agency="H50.06") | {name: code}
        await hub.push(one, "handling")


CANDIDATES: dict[str, dict[str, Any]] = {
    "a state is another": {"tables": {"status": {"set": {"releasing": "in_progress"}}}},
    "what was refused is mapped": {
        "tables": {"status": {"set": {"la": "supplement", "300": "stopped"}}}
    },
    "what was mapped is refused": {
        "refused": {"status": {"set": {"processing": "thôi dùng / ended", "new": "thôi dùng"}}},
    },
    "an agency is another": {"tables": {"agency": {"set": {"SYT": "H50.97", "HHL": "H50.15.02"}}}},
    "a field is read elsewhere": {
        "rows": [
            {
                "do": "replace",
                "shape": "dossiers",
                "target": "due_at",
                "row": {
                    "target": "due_at",
                    "source": "receiveDate",
                    "transforms": ["moment"],
                },
            },
        ]
    },
    "the number ties nobody": {
        "rows": [{"do": "remove", "shape": "dossiers", "target": "national_code"}]
    },
    "the number ties strangers": {
        "rows": [
            {
                "do": "replace",
                "shape": "dossiers",
                "target": "receipt_number",
                "row": {"target": "receipt_number", "source": "dossierNo", "transforms": ["trim"]},
            },
        ]
    },
    "codes are others": {
        "rows": [
            {
                "do": "replace",
                "shape": "dossiers",
                "target": "code",
                "row": {"target": "code", "source": "dossierNo", "required": True},
            },
        ]
    },
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, sqlite_shelf: Any) -> Iterator[Trial]:
    """A hub that nobody writes to once it is filled."""
    opened = sqlite_shelf.fresh(tmp_path_factory.mktemp("filled"))
    trial = trial_over(opened)
    asyncio.run(fill(trial))
    yield trial
    sqlite_shelf.give_back(opened)


@pytest.mark.parametrize("name", CANDIDATES)
def test_it_names_what_a_recount_names(filled: Trial, fresh: Trial, name: str) -> None:
    told = preview(filled.context, "snv", Candidate(overlay=CANDIDATES[name]), effort=SMALL)
    asyncio.run(fill(fresh, Told(overlay=CANDIDATES[name])))
    _same(filled, fresh, told)


async def test_on_either_store_and_nothing_is_written(hub: Trial, fresh: Trial) -> None:
    await fill(hub)
    held = recounted.digest_of_all(hub)
    candidate = CANDIDATES["the number ties strangers"]
    told = preview(hub.context, "snv", Candidate(overlay=candidate), effort=SMALL)
    assert recounted.digest_of_all(hub) == held
    await fill(fresh, Told(overlay=candidate))
    _same(hub, fresh, told)
    nothing = preview(hub.context, "snv", Candidate(overlay={}))
    assert (nothing.changed, nothing.outcomes, nothing.figures) == (0, {}, [])
    assert "0 hồ sơ" in nothing.vi


def _same(hub: Trial, fresh: Trial, told: WhatIf) -> None:
    before, after = recounted.dossiers(hub), recounted.dossiers(fresh)
    assert {one.dossier for one in told.dossiers} == recounted.differing(before, after)
    assert told.unreadable == []
    assert told.changed == len(told.dossiers) > 0
    for one in told.dossiers:
        kind = "appears" if one.dossier not in before else "goes"
        if one.dossier in before and one.dossier in after:
            kind = "changed"
            old, new = before[one.dossier]["body"], after[one.dossier]["body"]
            names = {path for path in {*old, *new} if old.get(path) != new.get(path)}
            said = {change.field.partition(".")[0] for change in one.fields}
            assert said - {"timeline", "findings"} == names
        assert one.kind == kind
    known = recounted.agencies(hub, fresh)
    first = recounted.indicators(hub, known, YEARS)
    last = recounted.indicators(fresh, known, YEARS)
    figures = {(one.agency, one.start.year): one for one in told.figures}
    moved = {place: one for place, one in figures.items() if place[1] in YEARS}
    assert set(moved) == {place for place in first if first[place] != last[place]}
    for place, one in moved.items():
        for name, number in first[place].items():
            assert getattr(one.before, name) == number
            assert getattr(one.after, name) == last[place][name]
    rows, others = recounted.outcomes(hub, "snv"), recounted.outcomes(fresh, "snv")
    nothing = ("duplicate", None)
    expected: dict[str, int] = {}
    for place in {*rows, *others}:
        old_end, new_end = rows.get(place, nothing), others.get(place, nothing)
        if old_end != new_end:
            way = f"{old_end[0]} -> {new_end[0]}"
            expected[way] = expected.get(way, 0) + 1
    assert told.outcomes == expected
    assert len(told.records_changed) == sum(expected.values())


@pytest.mark.unproved
async def test_what_cannot_be_supposed(hub: Trial) -> None:
    with pytest.raises(HubError, match="no connection"):
        preview(hub.context, "snv", Candidate(overlay={}))
    hub.connect("desk")
    with pytest.raises(HubError, match="own words"):
        preview(hub.context, "desk", Candidate(tables={}))
    hub.connect("snv", system="one_stop")
    with pytest.raises(HubError, match="no entry"):
        preview(hub.context, "snv", Candidate(overlay={"tables": {"x": {"remove": ["y"]}}}))
    with pytest.raises(HubError, match="no such key"):
        preview(hub.context, "snv", Candidate(overlay={"colour": 1}))


@pytest.mark.unproved
async def test_a_person_is_masked_in_a_report(hub: Trial) -> None:
    await Poll(hub, "snv", hub.context.systems["one_stop"], "dossiers").run(page([row(1)]))
    change = {"target": "applicant.name", "source": "serviceCode"}
    line = {"do": "replace", "shape": "dossiers", "target": "applicant.name", "row": change}
    told = preview(hub.context, "snv", Candidate(overlay={"rows": [line]}))
    [one] = told.dossiers
    [field] = one.fields
    assert (field.field, field.before) == ("applicant.name", "N*** V*** M***")
