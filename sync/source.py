"""The pages of one run, asked for again inside a step where nothing has happened.

A page that cannot be had for the moment is asked for again as sync.retry decides, from behind the
last page that was taken in. Pages without order can only begin anew, so that is done as often in a
whole run as a call is repeated elsewhere.
"""

from collections.abc import AsyncGenerator, AsyncIterator

from msgspec import structs

from canonical.ports import Ask, Client, Manifest, Page
from sync.jobs import Stopping
from sync.retry import RetryPolicy, repeated


class Source:
    """One client's answers to one ask.

    Attributes:
        begun: How often the pages were begun; whoever sees it rise without `keeps_place` meets
            pages again that it has had.
    """

    def __init__(
        self,
        client: Client,
        manifest: Manifest,
        ask: Ask,
        policy: RetryPolicy,
        stopping: Stopping | None = None,
    ) -> None:
        self.begun = 0
        self._client = client
        self._ask = ask
        self._policy = policy
        self._stopping = stopping
        self._pages: AsyncIterator[Page] | None = None
        self._has_order = manifest.ordered or manifest.durable_cursor
        self._last: Page | None = None

    @property
    def keeps_place(self) -> bool:
        """Whether what comes next goes on behind the last page, however it is asked for."""
        return self._has_order or (self._last is not None and self._last.token != "")

    async def next(self) -> Page | None:
        """The next page; None after the last.

        Raises:
            HubError: it could not be had, often enough.
        """
        return await repeated(self._next, self._patience(), self._stopping)

    def was_taken(self, page: Page) -> None:
        """The page is durable: what comes next lies behind it."""
        self._last = page

    async def acknowledge(self, page: Page) -> None:
        """Tell the source that a page is durable, where it asks for that. Raises HubError."""
        if page.token:
            await repeated(lambda: self._client.acknowledge(page), self._policy, self._stopping)

    async def close(self) -> None:
        """Ask for no more."""
        pages, self._pages = self._pages, None
        if isinstance(pages, AsyncGenerator):
            await pages.aclose()

    def _patience(self) -> RetryPolicy:
        if self.keeps_place or self._policy.attempts is None:
            return self._policy
        begun_anew = max(self.begun - 1, 0)
        return structs.replace(self._policy, attempts=max(1, self._policy.attempts - begun_anew))

    async def _next(self) -> Page | None:
        if self._pages is None:
            self._pages = self._client.pages(self._from_here())
            self.begun += 1
        try:
            return await anext(self._pages, None)
        except BaseException:
            await self.close()  # a generator that raised gives nothing more
            raise

    def _from_here(self) -> Ask:
        if self._last is None or not self._has_order:
            return self._ask
        return structs.replace(self._ask, cursor=self._last.cursor)
