"""A source of which everything is refused raises one alarm, and one line in the log."""

import json
import logging
from typing import Any

import pytest

from hub.commands.connections import alter
from store import alarms
from store.alarms import AlarmRow
from tests.polled import Poll, row
from tests.trial import Trial, dossier


def page(*rows: dict[str, Any]) -> bytes:
    return json.dumps({"total": len(rows), "data": list(rows)}).encode()


def strange(first: int, count: int) -> list[dict[str, Any]]:
    return [row(n, dossierStatus="la") for n in range(first, first + count)]


def bulk(hub: Trial, *, with_past: bool = False) -> list[AlarmRow]:
    with hub.store.read() as tx:
        found = alarms.list_alarms(tx, with_past=with_past)
    return [one for one in found if one.kind == "bulk_quarantine"]


def said(caplog: pytest.LogCaptureFixture) -> int:
    return sum(getattr(one, "event", "") == "quarantine.bulk" for one in caplog.records)


async def test_however_often_it_comes_it_is_one_alarm(
    hub: Trial, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    poll = Poll(hub, "snv", hub.context.systems["one_stop"], "dossiers")
    for _ in range(3):  # the second time the quarantine knows every row
        await poll.run(page(*strange(0, 30)), page(*strange(100, 30), row(200)))
        hub.clock.forward(minutes=15)
    [alarm] = bulk(hub)
    assert (alarm.key, alarm.count, alarm.detail) == ("snv", 6, "30 of 31 records were refused")
    assert said(caplog) == 1
    # Mended: the next page that can be taken ends it.
    alter(hub.context, "snv", None, [], ["status.la=supplement"])
    await poll.run(page(*strange(0, 30)))
    assert bulk(hub) == []
    [past] = bulk(hub, with_past=True)
    assert past.until is not None
    assert said(caplog) == 2


@pytest.mark.parametrize(
    ("bad", "good", "is_raised"), [(18, 2, True), (17, 3, False), (19, 0, False)]
)
async def test_nine_of_ten_and_at_least_twenty(
    hub: Trial, bad: int, good: int, *, is_raised: bool
) -> None:
    poll = Poll(hub, "snv", hub.context.systems["one_stop"], "dossiers")
    await poll.run(page(*strange(0, bad), *(row(500 + n) for n in range(good))))
    assert bool(bulk(hub)) is is_raised


async def test_single_pushes_are_counted_together(hub: Trial) -> None:
    await hub.push(dossier(900))
    for n in range(25):
        await hub.push(dossier(n, status="?"))
    [alarm] = bulk(hub)
    assert (alarm.key, alarm.detail) == ("desk", "20 of 20 records were refused")
    await hub.push(dossier(901))
    assert bulk(hub) == []
    # One bad record after a good one is no return of it.
    await hub.push(dossier(902, status="?"))
    await hub.push(dossier(903))
    assert bulk(hub) == []


async def test_a_few_bad_ones_alarm_nobody(hub: Trial) -> None:
    await hub.push([dossier(n) for n in range(40)])
    await hub.push([dossier(n, status="?") for n in range(5)])
    assert bulk(hub, with_past=True) == []
