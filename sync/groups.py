"""Pushes gathered into groups: whatever waits while one group is committed is the next one.

Nobody waits for a clock: a push that comes alone goes at once, as a group of one. A group is closed
as soon as the loop has nothing more that is ready to be put into it.
"""

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable, Sequence

import anyio.to_thread
from anyio import CapacityLimiter
from msgspec import Struct

from canonical.errors import StoreUnavailable
from canonical.reasons import Reason
from store.clients import KeptAnswer
from sync.pushes import End, Push
from sync.taken import Outcome

Take = Callable[[Sequence[Push]], list[End]]
SMALL_BYTES = 32 * 1024  # a larger body gains nothing by company, and would keep it waiting
MOST = 500
MOST_BYTES = 2 * 1024 * 1024
MOST_WAITING = 2_000
LONG_S = 10.0  # a store that fails whoever went first after this long is not waited for once more
_QUIET_TURNS = 2  # of the loop: in one a request is read, in the next it is put here


class _Waiting(Struct):
    push: Push
    end: asyncio.Future[Outcome | KeptAnswer]
    since: float


class Groups:
    """The pushes of one process; speaks to the store from one thread at a time.

    Args:
        take: Takes a group in, synchronously (sync.pushes.take_pushes).
    """

    def __init__(self, take: Take) -> None:
        self._take = take
        self._waiting: deque[_Waiting] = deque()
        self._going: asyncio.Task[None] | None = None

    async def take(self, push: Push) -> Outcome | KeptAnswer:
        """What became of a push, durable when this returns.

        Raises:
            StoreUnavailable: the store cannot be used, or too many wait for it.
            HubError, Malformed: why it was refused.
        """
        if len(push.raw) > SMALL_BYTES:
            [end] = await anyio.to_thread.run_sync(self._take, [push])
            if isinstance(end, Exception):
                raise end
            return end
        if len(self._waiting) >= MOST_WAITING:
            raise StoreUnavailable(Reason.STORE_UNAVAILABLE, "too many pushes wait")
        loop = asyncio.get_running_loop()
        one = _Waiting(push, loop.create_future(), loop.time())
        self._waiting.append(one)
        if self._going is None or self._going.done():
            # In a context of its own: what it logs is not said by the request that began it.
            self._going = asyncio.create_task(self._go_on(), context=contextvars.Context())
        return await one.end

    async def outcome(self, push: Push) -> Outcome:
        """As `take`, of a push without a key: there is no answer to repeat."""
        end = await self.take(push)
        if isinstance(end, KeptAnswer):
            raise TypeError("an answer was kept for no key")
        return end

    async def _go_on(self) -> None:
        limiter = CapacityLimiter(1)
        while self._waiting:
            await self._gather()
            group = self._next()
            pushes = [one.push for one in group]
            try:
                ends = await anyio.to_thread.run_sync(self._take, pushes, limiter=limiter)
            except Exception as error:  # noqa: BLE001 - told to every caller
                ends = [error] * len(group)
            for one, end in zip(group, ends, strict=True):
                _tell(one.end, end)
            away = next((end for end in ends if isinstance(end, StoreUnavailable)), None)
            if away is not None:
                self._refuse_the_long_waiting(away)

    def _refuse_the_long_waiting(self, error: StoreUnavailable) -> None:
        """They waited for this store beside the group it failed; the next would wait as long."""
        now = asyncio.get_running_loop().time()
        for one in self._waiting:
            if now - one.since >= LONG_S:
                _tell(one.end, error)

    async def _gather(self) -> None:
        """Until nobody more comes who is at the door already."""
        quiet, seen = 0, len(self._waiting)
        while quiet < _QUIET_TURNS and seen < MOST:
            await asyncio.sleep(0)
            quiet = quiet + 1 if len(self._waiting) == seen else 0
            seen = len(self._waiting)

    def _next(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        size = 0
        while self._waiting and len(group) < MOST and size < MOST_BYTES:
            one = self._waiting.popleft()
            if not one.end.done():  # its caller is gone, and was told nothing
                group.append(one)
                size += len(one.push.raw)
        return group


def _tell(waiting: "asyncio.Future[Outcome | KeptAnswer]", end: End) -> None:
    if waiting.done():
        return
    if isinstance(end, Exception):
        waiting.set_exception(end)
    else:
        waiting.set_result(end)
