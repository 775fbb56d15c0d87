"""Connections as one file: the same bytes for the same connections, all of it taken or nothing."""

import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from canonical.errors import HubError
from canonical.ports import TLS_CA
from canonical.reasons import Reason
from hub.commands.connections import shown
from store import connection_versions, connections
from sync import connection_edits, connection_exports, toml_text, wishes
from sync.connecting import By
from sync.connection_edits import Change, New, Told
from sync.connection_exports import File, apply, export, plan, read
from tests.trial import Trial, trial_over

CANARY = "mat-khau-khong-ai-duoc-thay"
ME = By("nguoi-truc", "thử nghiệm")
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
NAME = st.from_regex(r"[a-z][a-z0-9_.-]{0,8}", fullmatch=True)
TABLES = st.dictionaries(NAME, st.dictionaries(TEXT, TEXT, max_size=3), max_size=2)
CONNECTION = st.fixed_dictionaries(
    {
        "system": st.sampled_from(["one_stop", "tax", "canonical", "transport"]),
        "namespace": NAME,
        "role": st.sampled_from(["desk", "handling", "money"]),
        "state": st.sampled_from(["draft", "enabled", "paused", "retired"]),
        "schedule": st.sampled_from([None, "*/5 * * * *"]),
        "tables": TABLES,
        "values": st.lists(TEXT, min_size=4, max_size=4),
        "entries": TABLES,
    }
)


@contextmanager
def empty(shelf: Any) -> Iterator[Trial]:
    with tempfile.TemporaryDirectory() as folder:
        store = shelf.fresh(Path(folder))
        yield trial_over(store)
        shelf.give_back(store)


def made(hub: Trial, name: str, told: dict[str, Any]) -> None:
    manifest = hub.context.systems[told["system"]].manifest
    plain = manifest.options.keys() - {TLS_CA}  # which is no text of any kind
    names = [*sorted(plain), *sorted(manifest.secrets)]
    wanted = dict(zip(names[:2] + names[-2:], told["values"], strict=False))
    overlay = {"tables": {n: {"set": entries} for n, entries in told["entries"].items()}}
    new = New(
        id=name,
        system=told["system"],
        namespace=told["namespace"],
        role=told["role"],
        settings=wanted,
        tables=told["tables"],
        told=Told(overlay=overlay if told["system"] != "canonical" else None),
        is_draft=True,
    )
    connection_edits.make(hub.context, new, ME)
    if told["schedule"]:
        wishes.reschedule(hub.context, name, told["schedule"])
    if told["state"] in ("enabled", "paused"):
        wishes.enable(hub.context, name, ME)
    if told["state"] == "paused":
        wishes.pause(hub.context, name)
    if told["state"] == "retired":
        wishes.retire(hub.context, name, ME)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.dictionaries(NAME, CONNECTION, max_size=3))
def test_exported_taken_and_exported_again_it_is_the_same_bytes(
    sqlite_shelf: Any, told: dict[str, dict[str, Any]]
) -> None:
    with empty(sqlite_shelf) as first:
        for name, one in told.items():
            made(first, name, one)
        text = export(first.context)
    tomllib.loads(text)
    with empty(sqlite_shelf) as second:
        file = read(text)
        assert [step.act for step in plan(second.context, file)] == ["create"] * len(told)
        apply(second.context, file, ME)
        assert export(second.context) == text
        assert all(step.act == "nothing" for step in plan(second.context, file))


async def test_both_stores_say_the_same(hubs: list[Trial]) -> None:
    texts = []
    for hub in hubs:
        for name, system in (("thue", "tax"), ("mot-cua", "one_stop")):
            connection_edits.make(hub.context, New(id=name, system=system), ME)
        texts.append(export(hub.context))
    assert texts[0] == texts[1]
    assert texts[0].index("mot-cua") < texts[0].index("thue")
    assert export(hubs[0].context, ["thue"]) == export(hubs[1].context, ["thue", "thue"])
    with pytest.raises(HubError, match="no connection 'x'"):
        export(hubs[0].context, ["thue", "x"])


def add(hub: Trial, name: str = "snv", **more: Any) -> None:
    told = {"system": "one_stop", "endpoint": "http://127.0.0.1:1", **more}
    connection_edits.make(hub.context, New(id=name, **told), ME)


async def test_secrets_are_named_and_never_told(hub: Trial) -> None:
    add(hub, settings={"client_id": "a", "client_secret": CANARY})
    text = export(hub.context)
    assert CANARY not in text
    assert tomllib.loads(text)["connections"]["snv"]["secrets"] == ["client_secret"]
    with hub.store.read() as tx:
        row = connections.load_connection(tx, "snv")
    assert row is not None
    assert shown(row)["secrets"] == {"client_secret": "set"}
    assert row.secret_facts["client_secret"].digest not in text


async def test_what_is_still_missing_is_said(sqlite_shelf: Any, hub: Trial) -> None:
    add(hub, settings={"client_secret": CANARY})
    with empty(sqlite_shelf) as other:
        [step] = apply(other.context, read(export(hub.context)), ME)
        assert step.missing == ["client_secret"]
        mended = Change(settings={"client_secret": "x"})
        connection_edits.mend(other.context, "snv", mended, ME)
        assert plan(other.context, read(export(hub.context)))[0].missing == []
        assert export(other.context) == export(hub.context)


async def test_the_plan_says_field_by_field_what_changes(hub: Trial) -> None:
    add(hub, settings={"client_id": "a"})
    add(hub, "thue", system="tax")
    text = export(hub.context).replace('client_id = "a"', 'client_id = "b"')
    steps = plan(hub.context, read(text))
    assert [(s.connection, s.act, s.seen) for s in steps] == [
        ("snv", "change", 1),
        ("thue", "nothing", 1),
    ]
    [found] = steps[0].changes
    assert (found.field, found.before, found.after) == ("options.client_id", "a", "b")
    apply(hub.context, read(text), ME, {"snv": 1, "thue": 1})
    with hub.store.read() as tx:
        rows = [(row.id, row.version) for row in connections.list_connections(tx)]
        assert rows == [("snv", 2), ("thue", 1)]
        newest = connection_versions.list_versions(tx, "snv")[-1]
    assert (newest.author, newest.reason) == ("nguoi-truc", "thử nghiệm")
    with pytest.raises(HubError, match="since its plan was shown") as refused:
        apply(hub.context, read(text), ME, {"snv": 1, "thue": 1})
    assert refused.value.reason is Reason.CONFLICT


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("system", "odd", "no system"),
        ("namespace", "odd", "namespace never changes"),
        ("role", "odd", "role"),
        ("state", "odd", "no state"),
        ("schedule", "every day", "day"),
        ("overlay", {"colour": 1}, "no such key"),
        ("options", {"odd": "1"}, "no setting"),
        ("secrets", ["odd"], "no secret"),
        ("endpoint", f"https://a:{CANARY}@b/", "password"),
        ("declaration", {"a": 1}, "takes no declaration"),
    ],
)
async def test_all_of_a_file_is_taken_or_nothing(
    hub: Trial, field: str, value: Any, why: str
) -> None:
    add(hub)
    good = tomllib.loads(export(hub.context))["connections"]["snv"]
    told = {"aaa": {**good, "namespace": "aaa"}, "snv": {**good, field: value}}
    text = toml_text.write({"version": 1, "connections": told})
    with pytest.raises(HubError, match=why) as refused:
        apply(hub.context, read(text), ME)
    assert CANARY not in str(refused.value)
    with hub.store.read() as tx:
        assert [(r.id, r.version) for r in connections.list_connections(tx)] == [("snv", 1)]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("version =", "document"),
        ("version = 2", "version = 1"),
        ("[connections.a]\nsystem = 'tax'", "version = 1"),
        ("version = 1\n[connections.a]\nsystem = 'tax'", "connections.a.*namespace"),
        (f"version = 1\n[connections.a]\npassword = '{CANARY}'", "password"),
        ("version = 1\n[connections.a]\nsystem = 2026-01-01", "system"),
        ("version = 1\n[connections.a.options]\nx = nan", "not a number"),
    ],
)
def test_what_is_no_such_file_is_refused_with_its_place(text: str, why: str) -> None:
    with pytest.raises(HubError, match=why) as refused:
        read(text)
    assert refused.value.reason in (Reason.BODY_MALFORMED, Reason.FIELD_TYPE)
    assert CANARY not in str(refused.value)


async def test_a_secret_among_the_options_is_not_repeated(hub: Trial) -> None:
    add(hub)
    text = export(hub.context) + f'\n[connections.snv.options]\nclient_secret = "{CANARY}"\n'
    for act in (plan, lambda context, file: apply(context, file, ME)):
        with pytest.raises(HubError, match="no setting 'client_secret'") as refused:
            act(hub.context, read(text))
        assert CANARY not in str(refused.value)


def test_a_file_of_a_contract_is_kept_line_by_line_whatever_it_holds() -> None:
    for data in (b"", b"a", b"a\n", b"a\r\nb\n\n", b"\xff\x00", b"base64:x", "ngày\n".encode()):
        assert connection_exports._data(connection_exports._lines(data)) == data
    assert connection_exports._lines(b"a\nb") == ["a\n", "b"]


def test_an_empty_file_changes_nothing() -> None:
    assert read("version = 1") == File(1)
