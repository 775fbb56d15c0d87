"""Who performs which job: the engine behind the work that goes on by itself.

An engine promises little, and no more is needed (sync.jobs): a job that was submitted is performed
soon, and not twice at once under its name. What is due stands in the tables; what an engine loses,
the next look submits again.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from typing import Protocol

from sync.jobs import Job

Perform = Callable[[Job], Awaitable[None]]


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


class InProcess:
    """Performs everything as tasks of this process; what waits is forgotten at its end.

    Kinds come in turns, and each may always have one job under way, however many places another
    kind fills: a department that hangs does not keep a delivery waiting.
    """

    def __init__(self, perform: Perform, at_once: int) -> None:
        self._perform = perform
        self._at_once = at_once
        self._waiting: dict[str, deque[Job]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._busy: Counter[str] = Counter()
        self._names: set[str] = set()
        self._is_open = False

    async def start(self) -> None:
        """Begin to perform."""
        self._is_open = True
        self._deal()

    async def submit(self, job: Job) -> None:
        """Have a job performed; nothing happens while one of its name waits or is performed."""
        if job.name in self._names:
            return
        self._names.add(job.name)
        self._waiting.setdefault(job.kind, deque()).append(job)
        self._deal()

    async def stop(self, within_s: float) -> None:
        """Take up nothing more, wait so long for what is performed, then break it off."""
        self._is_open = False
        await end(list(self._tasks.values()), within_s)

    def _deal(self) -> None:
        while self._is_open and (job := self._next()) is not None:
            self._busy[job.kind] += 1
            task = asyncio.create_task(self._do(job), name=job.name)
            self._tasks[job.name] = task

    def _next(self) -> Job | None:
        """The next job that has a place, its kind going to the end of the turns."""
        for kind, jobs in self._waiting.items():
            if self._busy[kind] == 0 or self._busy.total() < self._at_once:
                job = jobs.popleft()
                del self._waiting[kind]
                if jobs:
                    self._waiting[kind] = jobs
                return job
        return None

    async def _do(self, job: Job) -> None:
        try:
            await self._perform(job)
        finally:
            self._busy[job.kind] -= 1
            self._names.discard(job.name)
            del self._tasks[job.name]
            self._deal()


async def end(tasks: list[asyncio.Task[None]], within_s: float) -> None:
    """Wait so long for tasks, then cancel them; returns when all have ended."""
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=within_s)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
