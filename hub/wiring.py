"""Everything put together: the one place that builds adapters and hands them on."""

import json
from collections.abc import Iterator, Mapping
from functools import cached_property

from typing_extensions import override

from adapters import registry
from adapters.wire import Wire
from canonical import clock
from canonical.errors import HubError
from canonical.ports import System
from canonical.reasons import Reason
from hub.settings import Settings
from store import connections, migrate
from store.connections import ConnectionRow
from store.engine import Store, open_store
from store.vault import Vault
from sync.context import Context

# A busy machine may be silent for some seconds in the middle of a transaction.
_SHORTEST_IDLE_S = 10.0


class NoSuchSystem(HubError, KeyError):
    """No folder of adapters/ has this id; a connection may outlive the folder of its system."""


class Systems(Mapping[str, System]):
    """The adapters found, each loaded when it is first asked for."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loaded: dict[str, System] = {}

    @cached_property
    def wire(self) -> Wire:
        """The one wire of this process, with the egress allowlist."""
        return Wire(
            egress=self._settings.egress(),
            timeout_s=self._settings.timeout_s,
            longest_timeout_s=self._settings.timeout_s,
        )

    @override
    def __getitem__(self, system_id: str) -> System:
        """One system. Raises NoSuchSystem, a KeyError, where no folder has that id."""
        if system_id not in self._loaded:
            if system_id not in registry.list_systems():
                raise NoSuchSystem(Reason.NOT_FOUND, f"adapters/ has no system {system_id!r}")
            self._loaded[system_id] = registry.load(system_id, self.wire)
        return self._loaded[system_id]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(registry.list_systems())

    @override
    def __len__(self) -> int:
        return len(registry.list_systems())


def open_hub(settings: Settings) -> Context:
    """The hub's parts over its store; an empty store is migrated, mappings brought up to date.

    Raises:
        HubError: the store is at another revision, or a setting is missing.
    """
    if not settings.database_url:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    store = open_store(settings.store_url())
    store.idle_s = max(settings.lease_s, _SHORTEST_IDLE_S)
    migrate.ensure(store)
    context = Context(store, Vault(settings.key()), Systems(settings), settings.limits())
    refresh_mappings(context)
    return context


def open_store_only(settings: Settings) -> Store:
    """The store, unmigrated, for `hub migrate`."""
    if not settings.database_url:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    return open_store(settings.store_url())


def refresh_mappings(context: Context) -> None:
    """A new mapping version for every connection whose built-in mapping changed.

    A connection whose system's folder was removed keeps the mapping it had.
    """
    with context.store.read() as tx:
        rows = [r for r in connections.list_connections(tx) if r.system in context.systems]
        held = {r.id: connections.load_mapping(tx, r.id, r.mapping_version) for r in rows}
    for row in rows:
        # Compared as JSON holds it, since that is how it is kept.
        told = {"document": context.systems[row.system].mapping_document, "tables": row.tables}
        if json.loads(json.dumps(told)) != held[row.id]:
            ensure_mapping(context, row)


def ensure_mapping(context: Context, row: ConnectionRow) -> int:
    """The version of a connection's mapping that this program has."""
    document = context.systems[row.system].mapping_document
    at = clock.to_iso(context.now())
    return context.store.in_write(lambda tx: connections.ensure_mapping(tx, row, document, at))
