"""The engine of one process: jobs as tasks, what waits forgotten at the end.

Also the rule by which any engine shares out one process's places among the kinds.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable

from sync.jobs import Job

Performs = Callable[[Job], Awaitable[None]]


class Places:
    """What one process performs now, and for which kinds it has room.

    Each kind may always have one job under way, however many places another kind fills: a
    department that hangs does not keep a delivery waiting.
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._held: dict[str, str] = {}
        self._busy: Counter[str] = Counter()

    def has_room(self, kind: str) -> bool:
        """Whether one more of the kind may begin."""
        return self._busy[kind] == 0 or self._busy.total() < self._at_once

    def take(self, job: Job) -> None:
        """Note that it begins; nothing happens where it has begun already."""
        if job.name not in self._held:
            self._held[job.name] = job.kind
            self._busy[job.kind] += 1

    def give(self, job: Job) -> None:
        """Note that it ended."""
        if self._held.pop(job.name, None) is not None:
            self._busy[job.kind] -= 1


class InProcess:
    """Performs everything as tasks of this process; kinds come in turns."""

    def __init__(self, perform: Performs, at_once: int) -> None:
        self._perform = perform
        self._places = Places(at_once)
        self._waiting: dict[str, deque[Job]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
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
        tasks = list(self._tasks.values())
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=within_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _deal(self) -> None:
        while self._is_open and (job := self._next()) is not None:
            self._places.take(job)
            self._tasks[job.name] = asyncio.create_task(self._do(job), name=job.name)

    def _next(self) -> Job | None:
        """The next job that has a place, its kind going to the end of the turns."""
        for kind, jobs in self._waiting.items():
            if self._places.has_room(kind):
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
            self._places.give(job)
            self._names.discard(job.name)
            del self._tasks[job.name]
            self._deal()
