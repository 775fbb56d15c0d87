"""A token or session that a system gives and takes away again: held once, renewed once.

Renewing is part of a log-in's own protocol and no repeat of a failed call: it happens only when the
system says that it no longer takes the token, at once, once, and by one of all who meet it. What is
refused with a new token is refused.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from canonical.errors import NotAllowed, TryAgain
from canonical.reasons import Reason

T = TypeVar("T")


class Token:
    """What one connection shows to be let in."""

    def __init__(self, get: Callable[[], Awaitable[tuple[str, float]]], *, system: str) -> None:
        """Nothing is called yet.

        Args:
            get: Logs in; the token and for how many seconds it is good.
            system: For errors.
        """
        self._get = get
        self._system = system
        self._held = ""
        self._until_s = 0.0
        self._getting = asyncio.Lock()

    async def use(self, call: Callable[[str], Awaitable[T]]) -> T:
        """What `call` gives with a token that is good.

        Args:
            call: Raises TryAgain(AUTH_EXPIRED) where the system does not take the token.

        Raises:
            NotAllowed: AUTH_DENIED: not even a new token is taken.
            HubError: what `call` and the log-in raise.
        """
        token, is_new = await self._good("")
        try:
            return await call(token)
        except TryAgain as error:
            if error.reason is not Reason.AUTH_EXPIRED:
                raise
            if is_new:
                raise self._denied() from error
        token, _ = await self._good(token)
        try:
            return await call(token)
        except TryAgain as error:
            if error.reason is not Reason.AUTH_EXPIRED:
                raise
            raise self._denied() from error

    def forget(self) -> None:
        """Hold none any more."""
        self._held = ""

    async def _good(self, refused: str) -> tuple[str, bool]:
        """A token other than the refused one, and whether it was got just now."""
        async with self._getting:
            if self._held and self._held != refused and time.monotonic() < self._until_s:
                return self._held, False
            self._held = ""
            self._held, life_s = await self._get()
            self._until_s = time.monotonic() + life_s
            return self._held, True

    def _denied(self) -> NotAllowed:
        self.forget()
        return NotAllowed(Reason.AUTH_DENIED, "a new token was refused", system=self._system)
