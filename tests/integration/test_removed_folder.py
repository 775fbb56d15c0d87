"""A department is removed by removing its folder: what was taken in stays, the others go on."""

from pathlib import Path

import pytest

from adapters import registry
from canonical.errors import HubError
from canonical.reasons import Reason
from hub import wiring
from hub.commands import connections as connection_commands
from hub.settings import Settings
from store import connections
from sync.run import sync_connection


async def test_a_connection_may_outlive_the_folder_of_its_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(data_dir=tmp_path, secret_key="trial-" + "k" * 40)
    before = wiring.open_hub(settings)
    for name, system in (("mot-cua", "one_stop"), ("thue", "tax")):
        connection_commands.make(before, name, system, settings=[], tables=[])
    before.store.dispose()

    folders = registry._folders()
    monkeypatch.setattr(
        registry, "_folders", lambda: {k: v for k, v in folders.items() if k != "one_stop"}
    )
    after = wiring.open_hub(settings)
    try:
        with after.store.read() as tx:
            assert [row.id for row in connections.list_connections(tx)] == ["mot-cua", "thue"]
        assert "tax" in after.systems
        with pytest.raises(HubError, match="one_stop") as refused:
            await sync_connection(after, "mot-cua")
        assert refused.value.reason is Reason.NOT_FOUND
    finally:
        after.store.dispose()
