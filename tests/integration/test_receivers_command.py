"""`hub receivers …` and `hub deliveries …`: what a person says, and what is refused of it."""

from typing import Any

import pytest

from canonical.errors import HubError
from hub.commands import receivers as commands
from store import receivers
from sync import deliver_acts
from tests.told import SYSTEM, Told, changes
from tests.trial import Trial


@pytest.fixture
def told(hub: Trial) -> Told:
    return Told(hub)


def row_of(hub: Trial, name: str) -> receivers.ReceiverRow:
    with hub.store.read() as tx:
        found = receivers.load_receiver(tx, name)
    assert found is not None
    return found


async def test_a_key_that_nobody_gave_is_made_and_shown_once(hub: Trial) -> None:
    made = commands.make(hub.context, "cong", "public_portal", endpoint="http://127.0.0.1:1")
    assert made["key"].startswith("whsec_")
    held = row_of(hub, "cong").settings(hub.context.vault).secrets
    assert held == {"key": made["key"]}
    given = commands.make(hub.context, "hai", "public_portal", settings=["key=whsec_QUFB"])
    assert "key" not in given
    shown = commands.listed(hub.context)
    assert [one["id"] for one in shown] == ["cong", "hai"]
    assert "whsec" not in str(shown)
    assert (shown[0]["shards"], shown[0]["backlog"], shown[0]["dead"]) == (4, 0, 0)


async def test_a_rotated_key_keeps_the_one_before_for_a_while(hub: Trial) -> None:
    first = commands.make(hub.context, "cong", "public_portal")["key"]
    second = commands.rotate(hub.context, "cong", 24)
    held = row_of(hub, "cong").settings(hub.context.vault).secrets
    assert held["key"] == second["key"] != first
    assert held["previous_key"] == first
    assert held["previous_key_until"] == "2026-03-03T09:00:00+07:00"


async def test_what_is_named_changes_and_the_rest_stays(hub: Trial) -> None:
    commands.make(hub.context, "cong", "public_portal", settings=["content=thin"])
    before = row_of(hub, "cong")
    commands.alter(hub.context, "cong", "http://127.0.0.1:2", ["key=whsec_QUFB"])
    after = row_of(hub, "cong")
    assert (after.endpoint, after.options) == ("http://127.0.0.1:2", {"content": "thin"})
    assert after.settings(hub.context.vault).secrets["key"] == "whsec_QUFB"
    assert (after.live_from, after.not_before) == (before.live_from, before.not_before)


async def test_a_receiver_of_figures_has_no_shards(hub: Trial) -> None:
    commands.make(hub.context, "chinh-phu", "government_portal", settings=["agencies=H50"])
    assert row_of(hub, "chinh-phu").shards == 0
    [shown] = commands.listed(hub.context)
    assert "backlog" not in shown
    with pytest.raises(HubError, match="told no changes"):
        deliver_acts.tell_again(hub.context, "chinh-phu", (1, 2), None, "x", "x")


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"system": "nobody"}, "no system"),
    ({"system": "tax"}, "told nothing"),
    ({"receiver_id": "a b"}, "letters"),
    ({"receiver_id": "a/b"}, "letters"),
    ({"receiver_id": ""}, "letters"),
    ({"settings": ["colour=red"]}, "no setting"),
    ({"not_before": "yesterday"}, "not a date"),
]


@pytest.mark.parametrize(("over", "said"), WRONG, ids=[said for _, said in WRONG])
async def test_what_cannot_be_is_refused(hub: Trial, over: dict[str, Any], said: str) -> None:
    asked = {"receiver_id": "cong", "system": "public_portal", **over}
    with pytest.raises(HubError, match=said):
        commands.make(hub.context, asked.pop("receiver_id"), asked.pop("system"), **asked)
    with hub.store.read() as tx:
        assert receivers.list_receivers(tx) == []


async def test_a_name_is_given_once(hub: Trial) -> None:
    commands.make(hub.context, "cong", "public_portal")
    with pytest.raises(HubError, match="already"):
        commands.make(hub.context, "cong", "public_portal")
    with pytest.raises(HubError, match="no receiver"):
        commands.alter(hub.context, "nobody", None, [])


async def test_what_signs_nothing_has_no_key_to_rotate(hub: Trial, told: Told) -> None:
    told.add()
    with pytest.raises(HubError, match="no key"):
        commands.rotate(hub.context, "portal", 1)
    assert row_of(hub, "portal").system == SYSTEM


async def test_only_what_failed_can_be_dropped_and_only_what_runs_paused(
    hub: Trial, told: Told
) -> None:
    told.add()
    await changes(hub, 2)
    hub.store.in_write(lambda tx: receivers.set_state(tx, "portal", "paused"))
    with pytest.raises(HubError, match="no delivery"):
        deliver_acts.drop(hub.context, 1, "x", "x")
    hub.store.in_write(lambda tx: receivers.set_state(tx, "portal", "enabled"))
    await told.run()
    number = deliver_acts.tell_again(hub.context, "portal", (None, None), None, "x", "x")
    deliver_acts.set_replay(hub.context, number, "paused")
    await told.run()
    assert len(told.calls) == 2
    deliver_acts.set_replay(hub.context, number, "running")
    await told.run()
    assert (len(told.calls), told.again) == (4, 2)
    with pytest.raises(HubError, match="is done"):
        deliver_acts.set_replay(hub.context, number, "paused")
    with pytest.raises(HubError, match="no replay"):
        deliver_acts.set_replay(hub.context, 99, "paused")
