"""`hub connections change`: what is named changes, the rest stays, secrets are never shown."""

import pytest

from canonical.errors import HubError
from hub.commands.connections import alter, make
from store import connections
from tests.trial import Trial


async def test_a_changed_connection_keeps_what_was_not_named(hub: Trial) -> None:
    context = hub.context
    make(
        context,
        "snv",
        "one_stop",
        endpoint="http://127.0.0.1:1",
        settings=["client_id=a", "client_secret=b"],
        tables=["agency.X1=H50.11"],
    )
    alter(context, "snv", None, ["client_secret=c"], ["agency.X2=H50.19"])
    with context.store.read() as tx:
        row = connections.load_connection(tx, "snv")
        assert row is not None
        kept = connections.load_mapping(tx, "snv", row.mapping_version)
        first = connections.load_mapping(tx, "snv", 1)
    settings = row.settings(context.vault)
    assert (settings.endpoint, settings.options, settings.secrets) == (
        "http://127.0.0.1:1",
        {"client_id": "a"},
        {"client_secret": "c"},
    )
    assert row.mapping_version == 2
    assert kept["tables"] == {"agency": {"X1": "H50.11", "X2": "H50.19"}}
    # The version that older receipts name is as it was.
    assert first["tables"] == {"agency": {"X1": "H50.11"}}
    alter(context, "snv", "http://127.0.0.1:2", [], [])
    with context.store.read() as tx:
        moved = connections.load_connection(tx, "snv")
    assert moved is not None
    assert (moved.endpoint, moved.mapping_version) == ("http://127.0.0.1:2", 2)


async def test_a_setting_the_system_does_not_know_changes_nothing(hub: Trial) -> None:
    make(hub.context, "snv", "one_stop", settings=["client_id=a"], tables=[])
    with pytest.raises(HubError, match="no setting"):
        alter(hub.context, "snv", "http://127.0.0.1:2", ["colour=red"], [])
    with pytest.raises(HubError, match="no connection"):
        alter(hub.context, "nobody", None, [], [])
    with hub.context.store.read() as tx:
        row = connections.load_connection(tx, "snv")
    assert row is not None
    assert row.endpoint == ""
