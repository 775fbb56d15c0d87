"""A department as the whole hub meets it: its simulator on a socket, sync.run, a real store."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import select

from adapters.simulation import Simulation
from adapters.wire import Wire
from canonical.errors import Unreachable
from canonical.leg import decode, view
from canonical.ports import Client, Page, System
from canonical.ports import Settings as ConnectionSettings
from canonical.reasons import Reason
from hub.commands import connections as connection_commands
from hub.settings import Settings
from store import connections
from store.engine import Store
from store.tables import Leg, Member, Receipt, Record, Run, table
from store.vault import Vault
from sync.context import Context, Limits
from sync.run import Progress, Summary, sync_connection
from tests.contract import reading
from tests.contract.department import Department

NAME = "trial"
KEY = "contract-" + "k" * 40
# A page by its size: small enough that most built-in sets need several.
PAGE_SIZE = "7"


Calls = Counter[tuple[str, str, str]]


def _once() -> Limits:
    """Every call is made once: what a repeat brings is a test of its own."""
    return Settings(secret_key=KEY, call_attempts=1).limits()


def calls_of(simulation: Simulation) -> Calls:
    """How often each call came, by the simulator's own log."""
    return Counter((e["method"], e["path"], e["operation"]) for e in simulation.log)


@dataclass
class Kept:
    """What the store holds of the department.

    Attributes:
        said: (namespace, code) -> what that leg says, field by field.
        cases: Which legs belong together, one set per living dossier.
        rows: The record rows, in order of intake.
    """

    said: dict[tuple[str, str], dict[str, Any]]
    cases: set[frozenset[tuple[str, str]]]
    rows: list[Any]
    receipts: int

    @property
    def refused(self) -> Counter[tuple[str, str | None]]:
        """How often each (reason, field) stands in the quarantine."""
        return Counter((r.reason, r.field) for r in self.rows if r.reason is not None)


class Synced:
    """One connection to one department over one empty store.

    Attributes:
        context: The hub's parts; the clock stands still at the suite's own moment.
        acknowledges: False where the wire is to break just before an acknowledgement.
    """

    def __init__(self, department: Department, simulation: Simulation, store: Store) -> None:
        self.department = department
        self.simulation = simulation
        self.acknowledges = True
        self.context = Context(store, Vault(KEY), {}, _once())
        self.context.now = lambda: reading.NOW
        self._use(Wire())
        manifest = department.system.manifest
        options = {**({"mode": department.mode} if department.mode else {}), **simulation.options}
        if "page_size" in manifest.options:
            options.setdefault("page_size", PAGE_SIZE)
        told = options | simulation.secrets
        connection_commands.make(
            self.context,
            NAME,
            manifest.id,
            endpoint=department._endpoint(simulation),
            settings=[f"{name}={value}" for name, value in told.items()],
            tables=[],
        )

    def _use(self, wire: Wire) -> None:
        system: System = self.department.load(wire)
        open_client = system.connect
        assert open_client is not None

        def connect(settings: ConnectionSettings) -> Client:
            client = open_client(settings)
            if not self.acknowledges:
                client.acknowledge = self._break  # type: ignore[method-assign]
            return client

        system = msgspec.structs.replace(system, connect=connect)
        self.context.systems = {system.manifest.id: system}

    async def _break(self, _: Page) -> None:
        raise Unreachable(Reason.NET_RESET, "before the acknowledgement")

    async def run(
        self, *, deadline_s: float = 60.0, progress: Progress | None = None, **limits: Any
    ) -> Summary:
        """One run, with a deadline per call and limits of its own."""
        kept, wire = self.context.limits, Wire(longest_timeout_s=deadline_s)
        self.context.limits = msgspec.structs.replace(kept, **limits)
        self._use(wire)
        try:
            return await sync_connection(self.context, NAME, progress=progress)
        finally:
            self.context.limits = kept
            await wire.close()

    @property
    def calls(self) -> Calls:
        """The simulator's own request log."""
        return calls_of(self.simulation)

    def point(self) -> dict[str, Any]:
        with self.context.store.read() as tx:
            return connections.load_checkpoint(tx, NAME)

    def watermark(self) -> datetime | None:
        told = self.point().get("watermark")
        return datetime.fromisoformat(told) if told else None

    def last_run(self) -> Any:
        with self.context.store.read() as tx:
            runs = table(Run)
            return tx.execute(select(runs).order_by(runs.c.id.desc()).limit(1)).one()

    def kept(self) -> Kept:
        legs, members, records = table(Leg), table(Member), table(Record)
        with self.context.store.read() as tx:
            found = tx.execute(
                select(legs.c.namespace, legs.c.code, legs.c.fold, members.c.dossier_id).join(
                    members, members.c.leg_id == legs.c.id
                )
            ).all()
            rows = list(tx.execute(select(records).order_by(records.c.id)))
            receipts = len(tx.execute(select(table(Receipt).c.id)).all())
        said, cases = {}, defaultdict(set)
        for row in found:
            key = (row.namespace, row.code)
            said[key] = {path: told.value for path, told in view(decode(row.fold)).items()}
            cases[row.dossier_id].add(key)
        return Kept(said, {frozenset(case) for case in cases.values()}, rows, receipts)

    def is_free(self) -> bool:
        """Whether the next run may begin at once."""

        def take(tx: Any) -> Any:
            return connections.take_lease(tx, f"run:{NAME}", "the suite", reading.NOW, 0.0)

        return self.context.store.in_write(take) is not None
