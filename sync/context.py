"""What every use case needs, handed in once by `hub`: store, keys, systems, limits."""

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct
from sqlalchemy.engine import Connection as Tx

from canonical.catalogue import Books
from canonical.mapping import Mapping as CompiledMapping
from canonical.mapping import compile_mapping
from canonical.ports import System
from store import catalogue, connections
from store.connections import ConnectionRow
from store.engine import Store
from store.vault import Vault


class Limits(Struct, frozen=True):
    """What the IT department may set (HUB_…), small in tests.

    Attributes:
        body_bytes: Largest body a door takes.
        lease_s: How long a run may stay silent before another may take over.
        pages_per_run: A run ends after so many pages; the next goes on from its checkpoint.
        run_s: Total seconds of one run.
        ahead_s: How far beyond now a watermark may lie.
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


def utc_now() -> datetime:
    """The clock of a running hub."""
    return datetime.now(UTC)


class Context:
    """The hub's parts, for the use cases in sync and the doors in gateway.

    Attributes:
        systems: System id -> its adapter.
        now: The clock; UTC.
    """

    def __init__(
        self,
        store: Store,
        vault: Vault,
        systems: Mapping[str, System],
        limits: Limits | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.store = store
        self.vault = vault
        self.systems = systems
        self.limits = limits or Limits()
        self.now = now
        self._books: Books | None = None
        self._mappings: dict[tuple[str, int], CompiledMapping] = {}
        self._lock = threading.Lock()

    def books(self, tx: Tx) -> Books:
        """The catalogue in force, kept while its version stays."""
        version = catalogue.current_version(tx)
        with self._lock:
            if self._books is None or self._books.version != version:
                self._books = catalogue.load_books(tx, version)
            return self._books

    def mapping(self, tx: Tx, connection: ConnectionRow, version: int) -> CompiledMapping:
        """A connection's mapping version, compiled once per process."""
        key = (connection.id, version)
        with self._lock:
            found = self._mappings.get(key)
        if found is None:
            kept: dict[str, Any] = connections.load_mapping(tx, connection.id, version)
            system = self.systems[connection.system]
            found = compile_mapping(kept["document"], system.transforms, kept["tables"])
            with self._lock:
                self._mappings[key] = found
        return found
