"""What every use case needs, handed in once by `hub`: store, keys, systems, limits."""

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from msgspec import Struct
from sqlalchemy.engine import Connection as Tx

from canonical.catalogue import Books
from canonical.errors import HubError
from canonical.linking import Contracts, Probe
from canonical.mapping import Mapping as CompiledMapping
from canonical.mapping import compile_mapping
from canonical.ports import System
from canonical.reasons import Reason
from store import catalogue, connection_versions, connections
from store.connections import ConnectionRow
from store.engine import Store
from store.vault import Vault
from sync.learning import Learner
from sync.scopes import Scopes

# What a connection without code of its own speaks; its declaration says the rest.
DECLARED = ("file", "rest", "soap")
Declare = Callable[[dict[str, Any], Mapping[str, bytes]], System]


class Linked(Protocol):
    """What tells which system a connection is: a ConnectionRow, or a Planned."""

    @property
    def id(self) -> str:
        """The connection."""

    @property
    def system(self) -> str:
        """A folder of adapters/, or one of `DECLARED`."""

    @property
    def mapping_version(self) -> int:
        """The mapping version in force, which holds the declaration."""


class Limits(Struct, frozen=True):
    """What the IT department may set (HUB_…), small in tests.

    Attributes:
        body_bytes: Largest body a door takes.
        lease_s: How long a run may stay silent before another may take over.
        pages_per_run: A run ends after so many pages; the next goes on from its checkpoint.
        run_s: Total seconds of one run.
        ahead_s: How far ahead a source's clock may be; a row beyond that tells no time.
        poison_attempts: Tries at deciding one record before it is set apart.
        tick_s: How often a node looks for what is due.
        jobs_at_once: Jobs one process performs side by side.
        call_attempts: Calls in one step, the first included.
        first_wait_s: Upper bound of the pause before the second call; doubles each time.
        longest_wait_s: Ceiling of any pause inside one step.
        retry_base_s: Upper bound of the pause after the first failed run, delivery or look-up;
            doubles each time.
        retry_cap_s: Ceiling of any pause between them; also of what a counterpart may ask for.
        breaker_failures: Failures in a row that open a breaker.
        deliver_batch: Changes a shard takes up at once.
        give_up_s: For how long a delivery is tried before a failure makes it dead.
        settle_s: How long after a filing left its absence at the department begins to count.
        session_idle_s: How long a person stays signed in to the console without doing anything.
        session_s: How long in all.
        is_behind_tls: Browsers reach the console by https alone: its cookies are for that alone.
    """

    body_bytes: int = 64 * 1024 * 1024
    lease_s: float = 60.0
    pages_per_run: int = 10_000
    run_s: float = 3_600.0
    ahead_s: float = 300.0
    poison_attempts: int = 3
    tick_s: float = 1.0
    jobs_at_once: int = 8
    call_attempts: int = 3
    first_wait_s: float = 1.0
    longest_wait_s: float = 30.0
    retry_base_s: float = 30.0
    retry_cap_s: float = 3_600.0
    breaker_failures: int = 5
    deliver_batch: int = 200
    give_up_s: float = 7 * 86_400.0
    settle_s: float = 600.0
    session_idle_s: float = 1_800.0
    session_s: float = 36_000.0
    is_behind_tls: bool = False


def utc_now() -> datetime:
    """The clock of a running hub."""
    return datetime.now(UTC)


class Context:
    """The hub's parts, for the use cases in sync and the doors in gateway.

    Attributes:
        systems: System id -> its adapter; `system_of` for the one of a connection.
        now: The clock; UTC.
        declare: Builds the system of a declaration and its contract files.
        probe: Feels the way to a counterpart while a link is tried.
        contracts: Reads contracts that are handed in.
        retells: Whether first words are read by the newest mapping, and what was told anew is left
            out (sync.in_force).
        learner: What records look like, as this process has seen and not settled yet.
    """

    retells = False

    def __init__(
        self,
        store: Store,
        vault: Vault,
        systems: Mapping[str, System],
        limits: Limits | None = None,
        now: Callable[[], datetime] = utc_now,
        declare: Declare | None = None,
        probe: Probe | None = None,
        contracts: Contracts | None = None,
    ) -> None:
        self.store = store
        self.vault = vault
        self.systems = systems
        self.limits = limits or Limits()
        self.now = now
        self.declare = declare
        self.probe = probe
        self.contracts = contracts
        self.learner = Learner()
        self._declared: dict[tuple[str, int], System | HubError] = {}
        self.scopes = Scopes()
        self._books: Books | None = None
        self._mappings: dict[tuple[str, int], CompiledMapping] = {}
        self._lock = threading.Lock()

    def books(self, tx: Tx, version: int | None = None) -> Books:
        """The catalogue in force, kept while its version stays.

        Args:
            tx: An open transaction.
            version: The version in force, where that was read in it already.
        """
        version = catalogue.current_version(tx) if version is None else version
        with self._lock:
            if self._books is None or self._books.version != version:
                self._books = catalogue.load_books(tx, version)
            return self._books

    def knows(self, linked: Linked) -> bool:
        """Whether the system of a connection is there, and its declaration can be taken."""
        if linked.system not in DECLARED:
            return linked.system in self.systems
        try:
            self.system_of(linked)
        except HubError:
            return False
        return True

    def system_of(self, linked: Linked, version: int | None = None, tx: Tx | None = None) -> System:
        """The system of a connection.

        Args:
            linked: The connection.
            version: By which of its mapping versions; the one in force where not said.
            tx: An open transaction, where there is one.

        Raises:
            HubError: NOT_FOUND where there is no such system, CONFLICT where its declaration
                cannot be taken.
        """
        if linked.system not in DECLARED:
            return self.systems[linked.system]
        key = (linked.id, linked.mapping_version if version is None else version)
        with self._lock:
            found = self._declared.get(key)
        if found is None:
            if tx is not None:
                found = self._built(tx, *key)
            else:
                with self.store.read() as own:
                    found = self._built(own, *key)
            with self._lock:
                self._declared[key] = found
        if isinstance(found, HubError):
            raise HubError(found.reason, found.detail, system=linked.id)
        return found

    def declared(self, declaration: dict[str, Any], files: Mapping[str, bytes]) -> System:
        """The system that a declaration says. Raises HubError where it cannot be taken."""
        if self.declare is None:
            raise HubError(Reason.CONFLICT, "this program cannot take declared systems")
        return self.declare(declaration, files)

    def _built(self, tx: Tx, connection_id: str, version: int) -> System | HubError:
        """What is remembered of a declaration, also that it cannot be taken."""
        kept = connections.load_mapping(tx, connection_id, version)
        try:
            files = connection_versions.load_files(tx, kept.get("files") or {})
            return self.declared(kept.get("declaration") or {}, files)
        except HubError as error:
            return error

    def mapping(self, tx: Tx, connection: ConnectionRow, version: int) -> CompiledMapping:
        """A connection's mapping version, compiled once per process."""
        key = (connection.id, version)
        with self._lock:
            found = self._mappings.get(key)
        if found is None:
            kept: dict[str, Any] = connections.load_mapping(tx, connection.id, version)
            system = self.system_of(connection, version, tx)
            found = compile_mapping(kept["document"], system.transforms, kept["tables"])
            with self._lock:
                self._mappings[key] = found
        return found
