"""What a record may cost, beside test_statements: by SOAP, of a page partly moved, in memory."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Mapper
from sqlmodel import SQLModel

from tests.integration.test_statements import SIZES, numbers, statements
from tests.polled import BEGUN, Poll, row
from tests.trial import Answer, Trial, dossier

KEPT_KIB = 20 * 1024  # the next eighty pages may keep; one page of 500 parsed is some 2 MiB


def element(name: str, value: Any) -> str:
    if isinstance(value, dict):
        value = "".join(element(key, inner) for key, inner in value.items())
        return f"<{name}>{value}</{name}>"
    return f"<{name}>{escape(str(value))}</{name}>"


async def push_soap(hub: Trial, records: list[dict[str, Any]]) -> Answer:
    told = "".join(element("dossier", record) for record in records)
    raw = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        f'<d:PushDossiers xmlns:d="urn:lienthong:dossier:v1">{told}</d:PushDossiers>'
        "</s:Body></s:Envelope>"
    )
    kind = {"Content-Type": "text/xml; charset=utf-8"}
    return await hub.call("POST", "/soap/v1", who="desk", content=raw.encode(), headers=kind)


@pytest.mark.unproved
async def test_a_soap_push_costs_the_same_for_1_50_and_500_records(hub: Trial) -> None:
    await push_soap(hub, [dossier(n) for n in numbers(90, 2)])
    costs = {}
    for lane, size in enumerate(SIZES):
        with statements(hub) as seen:
            said = await push_soap(hub, [dossier(n) for n in numbers(lane, size)])
        assert said.raw.count(b">applied<") == size
        costs[size] = seen
    assert len(costs[1]) == len(costs[50]) == len(costs[500]), costs[1]


def page(moved: int) -> bytes:
    """Five hundred rows of which the first so many have moved, by as many minutes."""
    rows = [
        row(n, modifiedDate=BEGUN + moved * 60_000, dossierStatus="done") if n < moved else row(n)
        for n in range(500)
    ]
    return json.dumps({"total": 500, "data": rows}).encode()


@pytest.mark.unproved
async def test_a_page_costs_the_same_whether_5_or_450_of_its_rows_have_moved(hub: Trial) -> None:
    poll = Poll(hub, "snv", hub.context.systems["one_stop"], "dossiers")
    await poll.run(page(0))
    await poll.run(page(1))
    costs = {}
    for moved in (5, 50, 450):  # where nothing is a duplicate, none is looked up
        with statements(hub) as seen:
            summary = await poll.run(page(moved))
        assert (summary.applied, summary.duplicate) == (moved, 500 - moved)
        costs[moved] = len(seen)
    assert costs[5] == costs[50] == costs[450]


@pytest.mark.unproved
async def test_no_orm_object_is_made_for_what_is_polled_or_comes_by_soap(
    hub: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_a: Any, **_k: Any) -> None:
        raise AssertionError("tables are metadata for statements, not objects to be filled")

    poll = Poll(hub, "snv", hub.context.systems["one_stop"], "dossiers")
    hub.token("desk")
    monkeypatch.setattr(SQLModel, "__init__", never)
    event.listen(Mapper, "load", never)
    try:
        assert (await poll.run(page(0))).applied == 500
        assert (await poll.run(page(20))).applied == 20
        assert (await push_soap(hub, [dossier(n) for n in range(20)])).status == 200
    finally:
        event.remove(Mapper, "load", never)


def test_a_pull_of_50_000_records_keeps_nothing_from_page_to_page(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.pulled_memory", str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout)
    assert (told["records"], told["applied"]) == (50_000, 5_000)
    early, end = told["kib"]
    assert end - early < KEPT_KIB
