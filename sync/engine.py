"""Who performs which job: the engine behind the work that goes on by itself.

An engine promises little, and no more is needed (sync.jobs): a job that was submitted is performed
soon, and not twice at once under its name. What is due stands in the tables; what an engine loses,
the next look submits again.

Over many processes PGQueuer shares the jobs out, in tables of its own in the schema `engine` of the
store (docs/decisions/0011). A process beats while it performs; a job whose last beat is older than
a lease is performed by another. PGQueuer is known here alone.
"""

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, Self

from pgqueuer import Queries, QueueManager
from pgqueuer.adapters.persistence import qb
from pgqueuer.core.tm import TaskManager
from pgqueuer.domain.settings import DBSettings, Durability
from pgqueuer.domain.types import Channel, QueueEntrypoint
from pgqueuer.models import Job as QueuedJob
from pgqueuer.ports.driver import Driver, NotifyCallback
from typing_extensions import override

from canonical.errors import StoreUnavailable
from store import foreign
from store.engine import Store
from sync.in_process import Performs, Places
from sync.jobs import Job

logger = logging.getLogger(__name__)
SCHEMA = "engine"
_SWEEP_S = 600.0
_QUIET_S = 60.0
# The engine's own: a beat must not wait behind what the performers write.
_THREADS = ThreadPoolExecutor(3, "engine")
# Every name is said here, so that no variable of the environment can change one.
_SETTINGS = DBSettings(
    prefix="",
    db_schema=SCHEMA,
    channel=Channel("hub_engine"),
    function="job_changed",
    statistics_table="job_statistics",
    queue_status_type="job_status",
    queue_table="job",
    queue_table_log="job_log",
    trigger="job_changed",
    schedules_table="job_schedule",
    # A job is a hint: what a crash of the server loses is submitted again.
    durability=Durability.volatile,
    widen_id=True,
)


class Engine(Protocol):
    """Takes jobs and has them performed, here or in another process."""

    async def start(self) -> None:
        """Begin to perform."""

    async def submit(self, job: Job) -> None:
        """Have a job performed; nothing happens while one of its name waits or is performed.

        Raises:
            StoreUnavailable: it could not be handed on.
        """

    async def stop(self, within_s: float) -> None:
        """Take up nothing more, wait so long for what is performed, then break it off."""


async def install(store: Store) -> None:
    """Make the engine's tables, or bring them to the form this version needs.

    Raises:
        StoreUnavailable: the store cannot be reached.
    """
    with contextlib.ExitStack() as stack:
        held = foreign.on_one_connection(store)
        run = await asyncio.to_thread(stack.enter_context, held)
        # A thread of its own, since it waits for a lock that others may hold on theirs.
        thread = stack.enter_context(ThreadPoolExecutor(1, "engine-tables"))
        await _queries(_Line(run, threads=thread)).apply_upgrade()


class Distributed:
    """Shares the jobs out among all processes over one PostgreSQL.

    Args:
        kinds: Names of the kinds this process performs.
        lease_s: After so long without a beat a process counts as dead.
        look_s: How often a process with room looks for jobs that others submitted.
    """

    def __init__(
        self,
        store: Store,
        perform: Performs,
        kinds: Sequence[str],
        *,
        at_once: int,
        lease_s: float,
        look_s: float,
    ) -> None:
        self._store = store
        self._perform = perform
        self._kinds = list(kinds)
        self._at_once = at_once
        self._places = Places(at_once)
        self._lease = timedelta(seconds=lease_s)
        self._look = timedelta(seconds=look_s)
        self._line = _Line(foreign.runner(store), look_s)
        self._queries = _queries(self._line)
        self._submitting = _queries(_Line(foreign.runner(store)))
        self._manager: _Manager | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_stopping = False

    async def start(self) -> None:
        """Begin to perform, as soon as the store lets it."""
        self._task = asyncio.create_task(self._for_ever())

    async def submit(self, job: Job) -> None:
        """Have a job performed; nothing happens while one of its name waits or is performed."""
        if self._manager is None:
            return  # the engine's tables may not be there yet; the next look submits it again
        made = await self._submitting.enqueue(
            job.kind, job.key.encode(), dedupe_key=job.name, on_conflict="skip"
        )
        if made != [None]:
            self._line.wake()

    async def stop(self, within_s: float) -> None:
        """Take up nothing more, wait so long for what is performed, then break it off."""
        self._is_stopping = True
        self._line.patience_s = None
        if self._manager is not None:
            self._manager.shutdown.set()
        if self._task is None:
            return
        await asyncio.wait({self._task}, timeout=within_s)
        while not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=1.0)
        await self._line.settle(1.0)

    async def _for_ever(self) -> None:
        quiet_until = 0.0
        while not self._is_stopping:
            try:
                await install(self._store)
                await self._work()
            except StoreUnavailable:
                pass  # the look for what is due says so
            except Exception:  # it must outlive whatever went wrong
                if time.monotonic() > quiet_until:
                    logger.exception("The engine begins anew", extra={"event": "engine.broke"})
                    quiet_until = time.monotonic() + _QUIET_S
            if not self._is_stopping:
                await asyncio.sleep(self._look.total_seconds())

    async def _work(self) -> None:
        self._places = Places(self._at_once)
        manager = _Manager(self._queries)
        manager.places = self._places
        manager.min_dequeue_poll_interval = self._look / 4
        for kind in self._kinds:
            manager.entrypoint(kind, accepts_context=False)(self._do)
        self._manager = manager
        sweeper = asyncio.create_task(self._sweep())
        try:
            await manager.run(
                dequeue_timeout=self._look,
                batch_size=1,
                heartbeat_timeout=self._lease,
                log_aggregation_interval=timedelta(0),
            )
        finally:
            self._manager = None
            sweeper.cancel()

    async def _do(self, queued: QueuedJob) -> None:
        job = _job(queued)
        try:
            await self._perform(job)
        finally:
            self._places.give(job)
            self._line.wake()

    async def _sweep(self) -> None:
        """Nobody reads the log of what was performed, and it would grow for ever."""
        while True:
            await asyncio.sleep(_SWEEP_S)
            await self._queries.clear_queue_log(list(self._kinds))


def _job(queued: QueuedJob) -> Job:
    return Job(str(queued.entrypoint), (queued.payload or b"").decode())


def _queries(line: "_Line") -> Queries:
    return Queries(
        line,
        qb.QueryBuilderEnvironment(_SETTINGS),
        qb.QueryQueueBuilder(_SETTINGS),
        qb.QuerySchedulerBuilder(_SETTINGS),
    )


class _Manager(QueueManager):
    """Takes up a job only where this process has room for its kind."""

    places: Places

    @override
    def entrypoints_below_capacity_limits(self) -> set[QueueEntrypoint]:
        return {kind for kind in self.entrypoint_registry if self.places.has_room(str(kind))}

    @override
    async def fetch_jobs(
        self,
        batch_size: int,
        global_concurrency_limit: int | None,
        heartbeat_timeout: timedelta,
    ) -> AsyncGenerator[QueuedJob, None]:
        # The place is taken before the next question, not when the job's task first runs.
        found = super().fetch_jobs(batch_size, global_concurrency_limit, heartbeat_timeout)
        async for queued in found:
            self.places.take(_job(queued))
            yield queued


class _Line(Driver):
    """The store's own connections, from threads, as PGQueuer's driver.

    Nothing listens for NOTIFY: it would take a connection per process that must be watched and
    renewed. A process is woken by what it submits itself, and looks for the rest now and then.

    Attributes:
        patience_s: Pause before a statement is tried again while the store is away; None where
            the caller is told at once. PGQueuer's loop ends at any error, and with it would wait
            for every job under way: it is not told of an outage.
    """

    def __init__(
        self,
        run: foreign.Run,
        patience_s: float | None = None,
        threads: ThreadPoolExecutor = _THREADS,
    ) -> None:
        self._run = run
        self.patience_s = patience_s
        self._threads = threads
        self._under_way: set[asyncio.Future[foreign.Rows]] = set()
        self._heard: NotifyCallback | None = None
        self._shutdown = asyncio.Event()
        self._tm = TaskManager()

    @override
    async def fetch(self, query: str, *args: Any) -> list[dict[str, object]]:
        loop = asyncio.get_running_loop()
        while True:
            try:
                future = loop.run_in_executor(self._threads, self._run, query, args)
                self._under_way.add(future)
                future.add_done_callback(self._ended)
                # Whoever gives up does not end the statement; `settle` waits for it.
                return await asyncio.shield(future)
            except StoreUnavailable:
                if self.patience_s is None:
                    raise
                await asyncio.sleep(self.patience_s)

    def _ended(self, future: asyncio.Future[foreign.Rows]) -> None:
        self._under_way.discard(future)
        if not future.cancelled():
            future.exception()  # nobody may be left to ask for it

    async def settle(self, within_s: float) -> None:
        """Wait so long for statements under way whose caller has given up."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=within_s)

    @override
    async def execute(self, query: str, *args: Any) -> str:
        await self.fetch(query, *args)
        return ""

    @override
    async def add_listener(self, channel: str, callback: NotifyCallback) -> None:
        self._heard = callback

    @override
    async def notify(self, channel: str, payload: str) -> None:
        if self._heard is not None:
            self._heard(payload)

    def wake(self) -> None:
        """Have this process look for jobs now."""
        if self._heard is not None:
            said = {
                "channel": _SETTINGS.channel,
                "operation": "insert",
                "sent_at": datetime.now(UTC).isoformat(),
                "table": _SETTINGS.queue_table,
                "type": "table_changed_event",
            }
            self._heard(json.dumps(said))

    @property
    @override
    def shutdown(self) -> asyncio.Event:
        return self._shutdown

    @property
    @override
    def tm(self) -> TaskManager:
        return self._tm

    @override
    async def __aenter__(self) -> Self:
        return self

    @override
    async def __aexit__(self, *_: object) -> None:
        self._heard = None
