"""A connection's life, its versions, overlays and gates; what it brought outlives all of it."""

import json
from typing import Any

import pytest
from msgspec import structs
from sqlalchemy import text

from canonical.errors import HubError
from canonical.reasons import Reason
from hub.commands.connections import make, said_by
from store import alarms, connection_versions, connections
from store.connections import ConnectionRow
from sync import connection_edits, connection_history, runs, wishes
from sync.connecting import By, mark_tested
from sync.connection_edits import Change, New, Told
from sync.connection_upkeep import keep_up
from sync.gates import NotEnabled
from sync.run import sync_connection
from tests.trial import Trial, dossier

CANARY = "mat-khau-khong-ai-duoc-thay"
ME = By("nguoi-truc", "thử nghiệm")


def held(hub: Trial, name: str) -> ConnectionRow:
    with hub.store.read() as tx:
        row = connections.load_connection(tx, name)
    assert row is not None
    return row


def add(hub: Trial, name: str = "snv", **more: Any) -> ConnectionRow:
    told = {"system": "one_stop", "endpoint": "http://127.0.0.1:1", **more}
    return connection_edits.make(hub.context, New(id=name, **told), ME)


def versions(hub: Trial, name: str) -> list[tuple[int, str, str, list[str]]]:
    return [
        (s.version.version, s.version.author, s.version.reason, [c.field for c in s.changes])
        for s in connection_history.history(hub.context, name)
    ]


# ---------------------------------------------------------------- a life


async def test_what_is_added_as_before_is_enabled_at_once(hub: Trial) -> None:
    row = make(hub.context, "snv", "one_stop", settings=["client_id=a"], tables=[])
    assert (row.state, row.version, row.mapping_version) == ("enabled", 1, 1)


@pytest.mark.parametrize("state", ["draft", "tested", "paused", "retired"])
async def test_one_that_is_not_enabled_is_never_asked_and_takes_nothing(
    hub: Trial, state: str
) -> None:
    add(hub, is_draft=True)
    hub.connect("desk")
    hub.introduce("desk")
    hub.store.in_write(lambda tx: connections.set_state(tx, "desk", state))
    hub.store.in_write(lambda tx: connections.set_state(tx, "snv", state))
    assert runs.due(hub.context, hub.clock.at) == []
    said = await hub.push(dossier(1))
    assert (said.status, said.body["reason"]) == (403, "FORBIDDEN")
    with pytest.raises(HubError, match=state):
        await sync_connection(hub.context, "snv")
    with pytest.raises(HubError) as refused:
        wishes.run_now(hub.context, "snv")
    assert refused.value.reason is Reason.CONFLICT


async def test_from_draft_to_retired(hub: Trial) -> None:
    context = hub.context
    add(hub, is_draft=True)
    mark_tested(context, "snv", By("a", "thử", seen=1))
    assert held(hub, "snv").state == "tested"
    wishes.enable(context, "snv", ME)
    hub.clock.forward(minutes=2)
    assert [job.key for job in runs.due(context, hub.clock.at)] == ["snv"]
    wishes.pause(context, "snv")
    wishes.resume(context, "snv")
    wishes.retire(context, "snv", ME)
    assert [(number, fields) for number, _, _, fields in versions(hub, "snv")] == [
        (1, []),
        (2, ["state", "tested"]),
        (3, ["state"]),
        (4, ["state"]),
        (5, ["state"]),
        (6, ["state"]),
    ]
    for act in (wishes.pause, wishes.resume):
        with pytest.raises(HubError, match="retired"):
            act(context, "snv")
    with pytest.raises(HubError, match="retired"):
        connection_edits.mend(context, "snv", Change(endpoint="http://127.0.0.1:2"), ME)
    wishes.retire(context, "snv", ME)
    assert held(hub, "snv").version == 6


async def test_a_draft_can_be_neither_paused_nor_resumed(hub: Trial) -> None:
    add(hub, is_draft=True)
    for act in (wishes.pause, wishes.resume):
        with pytest.raises(HubError, match="draft"):
            act(hub.context, "snv")
    assert held(hub, "snv").state == "draft"


async def test_what_was_tested_is_tested_only_as_it_was(hub: Trial) -> None:
    add(hub, is_draft=True)
    mark_tested(hub.context, "snv", ME)
    connection_edits.mend(hub.context, "snv", Change(endpoint="http://127.0.0.1:2"), ME)
    assert held(hub, "snv").state == "draft"
    with pytest.raises(HubError, match="version 3, not 2"):
        mark_tested(hub.context, "snv", By("a", "thử", seen=2))


async def test_what_a_retired_connection_brought_stays_and_is_proved(hub: Trial) -> None:
    taken = await hub.take(dossier(1))
    at = "2026-03-02T09:00:00+07:00"
    hub.store.in_write(lambda tx: alarms.raise_alarm(tx, "suspect", "desk", "x", at))
    wishes.retire(hub.context, "desk", ME)
    assert (await hub.read(taken))["id"] == taken
    with hub.store.read() as tx:
        assert alarms.list_alarms(tx) == []


async def test_neither_a_draft_nor_a_retired_connection_makes_figures_incomplete(
    hub: Trial,
) -> None:
    await hub.take(dossier(1))
    add(hub, is_draft=True)
    told = await hub.indicators("H50.12", "2026-01-01", "2026-12-31")
    assert [one["connection"] for one in told["sources"]] == ["desk"]


# ---------------------------------------------------------------- versions


async def test_every_change_is_a_version_with_its_author(hub: Trial) -> None:
    add(hub, settings={"client_id": "a", "client_secret": CANARY})
    change = Change(endpoint="http://127.0.0.1:2", tables={"agency": {"X1": "H50.11"}})
    connection_edits.mend(hub.context, "snv", change, By("lan", "đổi máy chủ"))
    connection_edits.mend(hub.context, "snv", Change(), By("lan", "không đổi gì"))
    wishes.reschedule(hub.context, "snv", "*/5 * * * *", By("hoa", "hỏi dày hơn"))
    again = Change(settings={"client_secret": f"{CANARY}-2"})
    connection_edits.mend(hub.context, "snv", again, By("hoa", "đổi mật khẩu"))
    assert versions(hub, "snv")[1:] == [
        (2, "lan", "đổi máy chủ", ["endpoint", "tables.agency.X1"]),
        (3, "hoa", "hỏi dày hơn", ["schedule"]),
        (4, "hoa", "đổi mật khẩu", ["secrets.client_secret"]),
    ]
    first, second, found = connection_history.compare(hub.context, "snv", 1, 3)
    assert (first, second) == (1, 3)
    assert [(one.field, one.before, one.after) for one in found] == [
        ("endpoint", "http://127.0.0.1:1", "http://127.0.0.1:2"),
        ("schedule", None, "*/5 * * * *"),
        ("tables.agency.X1", None, "H50.11"),
    ]
    with hub.store.read() as tx:
        mappings = [v.mapping_version for v in connection_versions.list_versions(tx, "snv")]
    assert mappings == [1, 2, 2, 2]


async def test_a_change_names_the_version_it_saw(hub: Trial) -> None:
    add(hub)
    connection_edits.mend(hub.context, "snv", Change(endpoint="http://a"), By("a", "x", seen=1))
    with pytest.raises(HubError, match="somebody changed it") as refused:
        connection_edits.mend(hub.context, "snv", Change(endpoint="http://b"), By("b", "x", seen=1))
    assert refused.value.reason is Reason.CONFLICT
    assert held(hub, "snv").endpoint == "http://a"


async def test_rolled_back_it_is_as_it_was_but_for_its_state_and_secrets(hub: Trial) -> None:
    add(hub, settings={"client_id": "a", "client_secret": CANARY})
    settings = {"client_id": "b", "client_secret": "another"}
    change = Change(endpoint="http://b", settings=settings, tables={"agency": {"X": "H50.1"}})
    connection_edits.mend(hub.context, "snv", change, ME)
    wishes.reschedule(hub.context, "snv", "0 3 * * *")
    wishes.pause(hub.context, "snv")
    connection_history.roll_back(hub.context, "snv", 1, By("a", "hỏng"))
    row = held(hub, "snv")
    assert (row.endpoint, row.options, row.tables) == ("http://127.0.0.1:1", {"client_id": "a"}, {})
    assert (row.state, row.version) == ("paused", 5)
    assert row.secrets(hub.context.vault) == {"client_secret": "another"}
    fields = [one.field for one in connection_history.compare(hub.context, "snv", 1)[2]]
    assert fields == ["state", "secrets.client_secret"]
    with hub.store.read() as tx:
        assert connections.load_mapping(tx, "snv", row.mapping_version)["tables"] == {}
    with pytest.raises(HubError, match="no such version"):
        connection_history.roll_back(hub.context, "snv", 9, ME)


async def test_what_dossiers_were_made_with_never_changes(hub: Trial) -> None:
    await hub.take(dossier(1))
    with pytest.raises(HubError, match="has spoken as desk"):
        connection_edits.mend(hub.context, "desk", Change(role="money"), ME)
    add(hub)
    assert connection_edits.mend(hub.context, "snv", Change(role="money"), ME).role == "money"
    with pytest.raises(HubError, match="role"):
        connection_edits.mend(hub.context, "snv", Change(role="boss"), ME)


async def test_one_from_before_versions_were_kept_has_its_first(hub: Trial) -> None:
    row = add(hub, settings={"client_secret": CANARY})
    with hub.store.write() as tx:
        tx.execute(text("DELETE FROM connection_version"))
        tx.execute(text("UPDATE connection SET version = 0, secret_facts = NULL"))
    assert keep_up(hub.context) == ["snv"]
    assert keep_up(hub.context) == []
    after = held(hub, "snv")
    assert (after.version, after.secret_facts) == (1, row.secret_facts)
    hub.store.in_write(lambda tx: connections.set_state(tx, "snv", "paused"))  # as a restore does
    assert keep_up(hub.context) == ["snv"]
    assert [(n, author, fields) for n, author, _, fields in versions(hub, "snv")] == [
        (1, "hub", []),
        (2, "hub", ["state"]),
    ]


# ---------------------------------------------------------------- overlays


def shape_of(hub: Trial, name: str) -> dict[str, Any]:
    with hub.store.read() as tx:
        row = connections.load_connection(tx, name)
        assert row is not None
        found: dict[str, Any] = connections.load_mapping(tx, name, row.mapping_version)["document"]
    return found


def overlay_for(hub: Trial) -> tuple[dict[str, Any], str, str]:
    """One that fits whatever one_stop's mapping is: (overlay, shape, target it replaces)."""
    document = hub.context.systems["one_stop"].mapping_document
    assert document is not None
    shape, body = next(iter(document["shapes"].items()))
    row = next(one for one in body["rows"] if "source" in one and one["target"] != "code")
    line = {"do": "replace", "shape": shape, "target": row["target"], "row": {**row, "source": "x"}}
    table = next(iter(document["tables"]))
    target = next(iter(document["tables"][table].values()))
    return {"rows": [line], "tables": {table: {"set": {"la": target}}}}, shape, row["target"]


async def test_an_overlay_is_laid_over_the_built_in_mapping(hub: Trial) -> None:
    overlay, shape, target = overlay_for(hub)
    add(hub)
    row = connection_edits.mend(hub.context, "snv", Change(told=Told(overlay=overlay)), ME)
    assert (row.version, row.mapping_version) == (2, 2)
    replaced = [r for r in shape_of(hub, "snv")["shapes"][shape]["rows"] if r["target"] == target]
    assert replaced[0]["source"] == "x"
    back = connection_edits.mend(hub.context, "snv", Change(told=Told(overlay={})), ME)
    assert back.mapping_version == 3
    document = hub.context.systems["one_stop"].mapping_document
    assert shape_of(hub, "snv") == json.loads(json.dumps(document))


async def test_an_overlay_that_does_not_fit_is_refused(hub: Trial) -> None:
    add(hub)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"rows": [{"do": "remove", "shape": "nowhere", "target": "x"}]}, "no shape"),
        ({"tables": {"t": {"remove": ["x"]}}}, "no entry"),
        ({"colour": 1}, "no such key"),
    ]
    for overlay, why in wrong:
        with pytest.raises(HubError, match=why):
            connection_edits.mend(hub.context, "snv", Change(told=Told(overlay=overlay)), ME)
    add(hub, "own", system="canonical")
    with pytest.raises(HubError, match="no mapping"):
        connection_edits.mend(hub.context, "own", Change(told=Told(overlay={"tables": {}})), ME)
    assert held(hub, "snv").version == 1


def updated(hub: Trial, document: dict[str, Any]) -> None:
    """As if a new program had this mapping."""
    system = structs.replace(hub.context.systems["one_stop"], mapping_document=document)
    hub.context.systems = {**dict(hub.context.systems), "one_stop": system}


async def test_a_new_program_s_mapping_is_laid_under_the_overlay(hub: Trial) -> None:
    overlay, shape, _ = overlay_for(hub)
    add(hub)
    connection_edits.mend(hub.context, "snv", Change(told=Told(overlay=overlay)), ME)
    document: dict[str, Any] = json.loads(
        json.dumps(hub.context.systems["one_stop"].mapping_document)
    )
    document["tables"]["moi"] = {"a": "b"}
    updated(hub, document)
    assert keep_up(hub.context) == ["snv"]
    now = shape_of(hub, "snv")
    assert now["tables"]["moi"] == {"a": "b"}
    assert any(row.get("source") == "x" for row in now["shapes"][shape]["rows"])
    assert (held(hub, "snv").version, held(hub, "snv").mapping_version) == (3, 3)
    assert [(author, fields) for _, author, _, fields in versions(hub, "snv")[2:]] == [("hub", [])]


async def test_where_the_new_mapping_lacks_what_is_replaced_the_old_one_stays(hub: Trial) -> None:
    overlay, shape, target = overlay_for(hub)
    add(hub)
    connection_edits.mend(hub.context, "snv", Change(told=Told(overlay=overlay)), ME)
    whole = hub.context.systems["one_stop"].mapping_document
    document: dict[str, Any] = json.loads(json.dumps(whole))
    rows = document["shapes"][shape]["rows"]
    document["shapes"][shape]["rows"] = [row for row in rows if row["target"] != target]
    before = shape_of(hub, "snv")
    updated(hub, document)
    assert keep_up(hub.context) == ["snv"]
    assert keep_up(hub.context) == []
    assert shape_of(hub, "snv") == before
    with hub.store.read() as tx:
        [alarm] = alarms.list_alarms(tx)
    assert (alarm.kind, alarm.key) == ("overlay", "snv")
    assert target in alarm.detail
    assert whole is not None
    updated(hub, whole)
    assert keep_up(hub.context) == ["snv"]
    with hub.store.read() as tx:
        assert alarms.list_alarms(tx) == []


# ---------------------------------------------------------------- secrets are never told


async def test_no_secret_is_told_in_the_history_or_in_an_error(
    hub: Trial, caplog: pytest.LogCaptureFixture
) -> None:
    add(hub, settings={"client_secret": CANARY})
    errors = []
    for settings in ({"client_secrte": CANARY}, {"password": CANARY}):
        with pytest.raises(HubError) as refused:
            connection_edits.mend(hub.context, "snv", Change(settings=settings), ME)
        errors.append(str(refused.value))
    change = Change(endpoint=f"http://a:{CANARY}@b/")
    with pytest.raises(HubError) as refused:
        connection_edits.mend(hub.context, "snv", change, ME)
    errors.append(str(refused.value))
    connection_edits.mend(hub.context, "snv", Change(settings={"client_secret": "x"}), ME)
    _, _, found = connection_history.compare(hub.context, "snv")
    assert [(one.field, one.before, one.after) for one in found] == [
        ("secrets.client_secret", "set", "another value")
    ]
    with hub.store.read() as tx:
        rows = [*tx.execute(text("SELECT body, reason FROM connection_version")).all()]
        rows += tx.execute(text("SELECT secret_facts, options FROM connection")).all()
    assert CANARY not in repr(rows) + repr(errors) + repr(found) + caplog.text
    assert CANARY not in repr(connection_history.history(hub.context, "snv"))


async def test_gates_say_all_that_they_object_to(
    hub: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sync import gates

    def never(_context: Any, _tx: Any, _row: Any, _held: Any) -> list[gates.Objection]:
        return [gates.Objection("coverage", "giá trị 17 chưa ánh xạ", {"dossiers": 3})]

    add(hub, is_draft=True)
    monkeypatch.setattr(gates, "GATES", (*gates.GATES, never, never))
    with pytest.raises(NotEnabled) as refused:
        wishes.enable(hub.context, "snv", ME)
    assert [one.told for one in refused.value.objections] == [{"dossiers": 3}] * 2
    assert held(hub, "snv").state == "draft"


def test_who_changes_something_by_a_command() -> None:
    assert said_by("lan", "x", 3) == By("lan", "x", 3)
    assert said_by("", "x").author
