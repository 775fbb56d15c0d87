"""Coarse jobs: what the hub does by itself, one run, shard, filing or replay at a time.

What is due stands in the tables alone. A job is only a hint that there is work: doing it twice,
late or not at all changes nothing, since its performer takes a lease, looks again and asserts the
lease with everything it writes. So an engine may lose or double a job: the next look makes it anew.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from msgspec import Struct

from sync.context import Context


class Job(Struct, frozen=True):
    """One piece of work.

    Attributes:
        kind: Which `Kind` performs it.
        key: What it is about: a connection, "receiver/shard".
    """

    kind: str
    key: str

    @property
    def name(self) -> str:
        """Unique among the jobs that wait or are performed: nothing is done twice at once."""
        return f"{self.kind}:{self.key}"


class Stopping:
    """Told to performers: end at the next place where nothing is half done."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._since: float | None = None

    def __bool__(self) -> bool:
        return self._event.is_set()

    def now(self) -> None:
        """Ask everyone to end; called in the event loop."""
        if self._since is None:
            self._since = time.monotonic()
        self._event.set()

    def asked_s_ago(self) -> float:
        """How long ago that was first asked, in seconds; 0 before."""
        return time.monotonic() - self._since if self._since is not None else 0.0

    async def wait(self, timeout_s: float) -> bool:
        """Wait so long, or until asked to end; whether that was asked."""
        try:
            await asyncio.wait_for(self._event.wait(), timeout_s)
        except TimeoutError:
            return False
        return True


Due = Callable[[Context, datetime], Sequence[Job]]
Perform = Callable[[Context, Job, Stopping], Awaitable[None]]


class Kind(Struct, frozen=True):
    """One kind of job.

    Attributes:
        due: What is due now, by the tables; reads only, quick, called every tick on every node.
        perform: Does it; raises HubError where that ended otherwise than it should.
    """

    name: str
    due: Due
    perform: Perform
