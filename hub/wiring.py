"""Everything put together: the one place that builds adapters and hands them on."""

import importlib
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from typing_extensions import override

from adapters import registry
from adapters.wire import Wire
from canonical.errors import HubError
from canonical.linking import Compared, ContractTold, Drafted
from canonical.linking import Contracts as LinkingContracts
from canonical.ports import System
from canonical.reasons import Reason
from hub.settings import Settings
from store import kept_keys, migrate
from store.engine import Store, open_store
from sync import connection_upkeep
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

    def declare(self, declaration: dict[str, Any], files: Mapping[str, bytes]) -> System:
        """The system that a declaration says. Raises HubError where it cannot be taken."""
        try:
            declared = importlib.import_module("adapters.declared")
        except ModuleNotFoundError:
            declared = None
        if declared is None or not hasattr(declared, "build"):
            raise HubError(Reason.CONFLICT, "this program has no adapters/declared")
        try:
            found: System = declared.build(declaration, files, self.wire)
        except ValueError as error:  # one plain sentence that begins with the place
            raise HubError(Reason.CONFLICT, str(error)) from error
        return found

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


class Contracts:
    """Reads contracts handed in (`canonical.linking.Contracts`); loaded when first asked."""

    def unpacked(self, files: Mapping[str, bytes]) -> Mapping[str, bytes]:
        """The files as they are pinned; see the port."""
        return self._reader.unpacked(files)

    def describe(self, files: Mapping[str, bytes], main: str = "") -> ContractTold:
        """What a contract says; see the port."""
        return self._reader.describe(files, main)

    def draft(
        self, files: Mapping[str, bytes], operation: str, *, is_push: bool = False, main: str = ""
    ) -> Drafted:
        """A declaration for one operation; see the port."""
        return self._reader.draft(files, operation, is_push=is_push, main=main)

    def compare(
        self, files: Mapping[str, bytes], main: str, served: Mapping[str, bytes]
    ) -> Compared:
        """How a served contract differs from the pinned one; see the port."""
        return self._reader.compare(files, main, served)

    @cached_property
    def _reader(self) -> LinkingContracts:
        found: LinkingContracts = importlib.import_module("adapters.declared").HandedIn()
        return found


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
    vault = settings.vault()
    with store.read() as tx:
        vault.recall(kept_keys.load(tx))
    systems = Systems(settings)
    context = Context(
        store,
        vault,
        systems,
        settings.limits(),
        declare=systems.declare,
        probe=systems.wire.probe(),
        contracts=Contracts(),
    )
    connection_upkeep.keep_up(context)
    return context


def open_store_only(settings: Settings) -> Store:
    """The store, unmigrated, for `hub migrate`."""
    if not settings.database_url:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    return open_store(settings.store_url())
