"""Waiting for what the hub does by itself: its tables are looked at until they tell of it."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from canonical.errors import HubError
from canonical.reasons import Reason

_LOOK_S = 0.1
LONGEST_S = 120.0
T = TypeVar("T")


async def until(look: Callable[[], T | None], what: str, longest_s: float = LONGEST_S) -> T:
    """What `look` tells once it is not None; it is called on a thread.

    Args:
        look: Asks the store.
        what: Is waited for; told where it does not come.
        longest_s: Seconds after which it is given up.

    Raises:
        HubError: TIMEOUT_TOTAL: it did not come.
    """
    try:
        async with asyncio.timeout(longest_s):
            while True:
                found = await asyncio.to_thread(look)
                if found is not None:
                    return found
                await asyncio.sleep(_LOOK_S)
    except TimeoutError as error:
        raise HubError(Reason.TIMEOUT_TOTAL, f"waited in vain for {what}") from error
