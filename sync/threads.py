"""Work on a thread that is never left behind: the store speaks synchronously (decision 0003)."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def to_the_end(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `work` gives, from a thread; whoever is cancelled meanwhile waits for its end first.

    A thread cannot be stopped: a page still being written after its run gave its lease back would
    take that lease again.
    """
    task = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
