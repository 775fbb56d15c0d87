"""A connection from a declaration alone: kept, versioned, tested before it is enabled, exported."""

import tempfile
import tomllib
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from adapters import declared
from canonical.errors import HubError
from store import connection_versions, connections
from store.connections import ConnectionRow
from sync import connection_edits, connection_history, runs, wishes
from sync.connecting import By, mark_tested
from sync.connection_documents import test_digest as digest_of
from sync.connection_edits import Change, New, Told
from sync.connection_exports import apply, export, plan, read
from sync.connection_upkeep import keep_up
from sync.gates import NotEnabled
from tests.trial import Trial, trial_over

HERE = Path(__file__).parents[1] / "contract" / "declared"
ME = By("nguoi-truc", "thử nghiệm")
CONTRACT = b"<a>\r\n</a>\n"


def declaration(name: str = "rest", **over: Any) -> dict[str, Any]:
    return {**tomllib.loads((HERE / f"{name}.toml").read_text("utf-8")), **over}


def add(hub: Trial, name: str = "so-mau", **over: Any) -> ConnectionRow:
    told = Told(declaration=declaration(**over), files={"a.xml": CONTRACT})
    new = New(id=name, system="rest", endpoint="http://127.0.0.1:1", told=told)
    return connection_edits.make(hub.context, new, ME)


def held(hub: Trial, name: str = "so-mau") -> ConnectionRow:
    with hub.store.read() as tx:
        row = connections.load_connection(tx, name)
    assert row is not None
    return row


def live(hub: Trial) -> None:
    add(hub)
    mark_tested(hub.context, "so-mau", ME)
    wishes.enable(hub.context, "so-mau", ME)


def mend(hub: Trial, **over: Any) -> ConnectionRow:
    change = Change(told=Told(declaration=declaration(**over)))
    return connection_edits.mend(hub.context, "so-mau", change, ME)


async def test_it_begins_as_a_draft_and_is_enabled_as_it_was_tested(hub: Trial) -> None:
    row = add(hub)
    assert (row.state, row.version, row.role) == ("draft", 1, "handling")
    with pytest.raises(NotEnabled, match="never tested"):
        wishes.enable(hub.context, "so-mau", ME)
    mark_tested(hub.context, "so-mau", ME)
    mend(hub, overlap_s=77)
    with pytest.raises(NotEnabled, match="changed since its test"):
        wishes.enable(hub.context, "so-mau", ME)
    mark_tested(hub.context, "so-mau", By("a", "thử", seen=3))
    wishes.enable(hub.context, "so-mau", ME)
    hub.clock.forward(minutes=2)
    assert [job.key for job in runs.due(hub.context, hub.clock.at)] == ["so-mau"]
    assert hub.context.system_of(held(hub)).manifest.overlap_s == 77


async def test_changed_while_it_is_live_it_is_a_draft_again(hub: Trial) -> None:
    live(hub)
    wishes.reschedule(hub.context, "so-mau", "*/5 * * * *")
    assert held(hub).state == "enabled"  # when it is asked was not what was tested
    assert mend(hub, overlap_s=77).state == "draft"
    assert runs.due(hub.context, hub.clock.at) == []
    # Rolled back it is what was tested, and waits for a person to say so.
    connection_history.roll_back(hub.context, "so-mau", 3, ME)
    wishes.enable(hub.context, "so-mau", ME)


async def test_bytes_are_read_as_they_were_declared_when_they_came(hub: Trial) -> None:
    live(hub)
    before = held(hub)
    mend(hub, overlap_s=77)
    after = held(hub)
    assert after.mapping_version == before.mapping_version + 1
    older = hub.context.system_of(after, before.mapping_version)
    assert (older.manifest.overlap_s, hub.context.system_of(after).manifest.overlap_s) == (
        declared.build(declaration(), {}, None).manifest.overlap_s,  # type: ignore[arg-type]
        77,
    )
    assert hub.context.system_of(after) is hub.context.system_of(after)


async def test_what_cannot_be_taken_is_refused_whole(hub: Trial) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"colour": 1}, "colour"),
        ({"kind": "soap"}, "soap"),
        ({"kind": "file"}, ""),
    ]
    for over, why in wrong:
        with pytest.raises(HubError, match=why or "."):
            add(hub, **over)
    new = New(id="so-mau", system="rest")
    with pytest.raises(HubError, match="wants a declaration"):
        connection_edits.make(hub.context, new, ME)
    told = Told(declaration=declaration())
    with pytest.raises(HubError, match="takes no declaration"):
        connection_edits.make(hub.context, New(id="x", system="tax", told=told), ME)
    with hub.store.read() as tx:
        assert connections.list_connections(tx) == []
        assert tx.execute(text("SELECT count(*) FROM contract_file")).scalar_one() == 0


@pytest.mark.unproved
async def test_a_contract_file_that_was_changed_stops_it_and_nobody_else(hub: Trial) -> None:
    live(hub)
    hub.connect("thue", system="tax", endpoint="http://127.0.0.1:1")
    with hub.store.write() as tx:
        tx.execute(text("UPDATE contract_file SET data = :data"), {"data": b"other"})
    fresh = trial_over(hub.store)
    hub.clock.forward(minutes=2)
    fresh.clock.at = hub.clock.at
    assert not fresh.context.knows(held(hub))
    with pytest.raises(HubError, match=r"'a.xml' is not held as it was pinned"):
        fresh.context.system_of(held(hub))
    assert [job.key for job in runs.due(fresh.context, fresh.clock.at)] == ["thue"]
    assert keep_up(fresh.context) == []
    await fresh.close()


async def test_it_goes_to_another_hub_in_one_file(hub: Trial, sqlite_shelf: Any) -> None:
    live(hub)
    told = export(hub.context)
    document = tomllib.loads(told)["connections"]["so-mau"]
    assert document["declaration"]["id"] == "rest-sample"
    assert document["files"] == {"a.xml": ["<a>\r\n", "</a>\n", ""]}
    with tempfile.TemporaryDirectory() as folder:
        store = sqlite_shelf.fresh(Path(folder))
        other = trial_over(store)
        apply(other.context, read(told), ME)
        assert export(other.context) == told
        assert other.context.system_of(held(other)).manifest.id == "rest-sample"
        assert held(other).state == "enabled"  # the same that was tested is tested
        changed = told.replace('id = "rest-sample"', 'id = "rest-sampled"')
        [step] = plan(other.context, read(changed))
        assert [one.field for one in step.changes] == ["declaration.id"]
        apply(other.context, read(changed), ME)
        assert held(other).state == "draft"
        sqlite_shelf.give_back(store)
        await other.close()


async def test_files_are_kept_once_and_by_what_they_hold(hub: Trial) -> None:
    row = add(hub)
    add(hub, "so-hai")
    with hub.store.read() as tx:
        assert tx.execute(text("SELECT count(*) FROM contract_file")).scalar_one() == 1
        assert connection_versions.load_files(tx, row.files) == {"a.xml": CONTRACT}
    assert digest_of(row) == digest_of(held(hub, "so-hai"))


async def test_a_hub_that_cannot_take_declarations_says_so(hub: Trial) -> None:
    hub.context.declare = None
    with pytest.raises(HubError, match="cannot take declared systems"):
        add(hub)
