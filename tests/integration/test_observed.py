"""A source that tells no version: what a page says is compared with the newest thing held."""

import json

import msgspec
import pytest

import sync.drain
import sync.intake
from canonical.ports import BadRow, Row, System
from canonical.record import VersionBy
from sync.drain import drain
from tests.polled import Poll
from tests.trial import Trial

DOCUMENT = {
    "version": 1,
    "shapes": {
        "states": {
            "facet": "step",
            "version_by": VersionBy.OBSERVED.value,
            "rows": [
                {"target": "code", "source": "so", "required": True},
                {"target": "status", "source": "tt", "table": "tt", "required": True},
                {"target": "step", "source": "buoc"},
            ],
        }
    },
    "tables": {"tt": {"1": "accepted", "2": "in_progress", "9": "finished"}},
}


def rows(_shape: str, raw: bytes) -> list[Row | BadRow]:
    return [Row("states", told) for told in json.loads(raw)]


def page(*told: tuple[str, str]) -> bytes:
    return json.dumps([{"so": code, "tt": state} for code, state in told]).encode()


@pytest.fixture
def poll(hub: Trial) -> Poll:
    """A department of our own making that says codes and states, and when of nothing."""
    known: System = hub.context.systems["one_stop"]
    made = msgspec.structs.replace(known, mapping_document=DOCUMENT, transforms={}, rows=rows)
    return Poll(hub, "watch", made, "states")


async def test_what_did_not_change_is_a_duplicate_whenever_it_is_seen(
    hub: Trial, poll: Poll
) -> None:
    assert (await poll.run(page(("W-1", "1"), ("W-2", "1")))).applied == 2
    before = await hub.seq()
    hub.clock.forward(days=1)
    again = await poll.run(page(("W-2", "1"), ("W-1", "1")))
    assert (again.duplicate, again.applied) == (2, 0)
    assert await hub.seq() == before


async def test_a_change_holds_from_the_moment_it_was_seen(hub: Trial, poll: Poll) -> None:
    hub.clock.set("2026-03-02T08:00:00+07:00")
    await poll.run(page(("W-1", "1")))
    hub.clock.set("2026-03-05T08:00:00+07:00")
    assert (await poll.run(page(("W-1", "2")))).applied == 1
    [made] = await hub.find("watch:W-1")
    assert [(h["status"], h["at"]) for h in await hub.history(made)] == [
        ("accepted", "2026-03-02T08:00:00+07:00"),
        ("in_progress", "2026-03-05T08:00:00+07:00"),
    ]


async def test_back_to_an_earlier_state_is_a_new_step_and_no_duplicate(
    hub: Trial, poll: Poll
) -> None:
    for state in ("1", "2", "1"):
        hub.clock.forward(hours=1)
        assert (await poll.run(page(("W-1", state)))).applied == 1
    [made] = await hub.find("watch:W-1")
    assert (await hub.read(made))["status"] == "accepted"
    assert [h["status"] for h in await hub.history(made)] == [
        "accepted",
        "in_progress",
        "accepted",
    ]


async def test_a_page_decided_late_turns_nothing_back(
    hub: Trial, poll: Poll, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide = sync.intake.decide_receipts

    def fails(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(sync.intake, "decide_receipts", fails)
        assert (await poll.run(page(("W-1", "1")))).pending == 1
    assert sync.intake.decide_receipts is decide
    hub.clock.forward(hours=1)
    assert (await poll.run(page(("W-1", "9")))).applied == 1
    assert drain(hub.context) == 1
    [made] = await hub.find("watch:W-1")
    assert (await hub.read(made))["status"] == "finished"
    told = [(h["status"], h["arrived_late"]) for h in await hub.history(made)]
    assert told == [("accepted", True), ("finished", False)]
