"""A lease kept while its holder works: who may write for a receiver's shard, a replay and the like.

The token stands in every commit; between commits the lease is prolonged, and a holder that was
stopped for longer than it lasts finds out before it speaks to anyone.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from sqlalchemy.engine import Connection as Tx

from canonical.errors import HubError, StoreUnavailable
from store import connections
from store.connections import LeaseToken
from sync.context import Context
from sync.threads import to_the_end

_PROLONGED = 3  # so often within the time it lasts


class Lease:
    """Leave to write, until somebody else takes it."""

    def __init__(self, context: Context, token: LeaseToken) -> None:
        self._context = context
        self._token = token
        self._held_at = time.monotonic()

    def assert_in(self, tx: Tx) -> None:
        """Assert the lease in this transaction and prolong it.

        Raises:
            LeaseLost: another has taken it; nothing of this transaction may be kept.
        """
        begun = time.monotonic()
        connections.hold_lease(tx, self._token, self._context.now(), self._context.limits.lease_s)
        self._held_at = begun

    async def sure(self) -> None:
        """Make sure that it is held still, where that is not known from a moment ago.

        Raises:
            LeaseLost: another has taken it.
        """
        if time.monotonic() - self._held_at > self._context.limits.lease_s / 2:
            await to_the_end(self._context.store.in_write, self.assert_in)

    @contextlib.asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Prolong it again and again meanwhile; what ends that is met at the next commit."""
        keeper = asyncio.create_task(self._prolong())
        try:
            yield
        finally:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)

    async def _prolong(self) -> None:
        while True:
            await asyncio.sleep(self._context.limits.lease_s / _PROLONGED)
            with contextlib.suppress(StoreUnavailable):  # it may be back at the next turn
                await to_the_end(self._context.store.in_write, self.assert_in)

    async def free(self) -> None:
        """Give it back; it ends by itself where the store does not answer."""

        def work(tx: Tx) -> None:
            connections.free_lease(tx, self._token, self._context.now())

        with contextlib.suppress(HubError):
            await to_the_end(self._context.store.in_write, work)


async def take(context: Context, name: str, holder: str) -> Lease | None:
    """Take a free or expired lease; None where another holds it."""
    token = await to_the_end(
        context.store.in_write,
        lambda tx: connections.take_lease(tx, name, holder, context.now(), context.limits.lease_s),
    )
    return Lease(context, token) if token is not None else None
