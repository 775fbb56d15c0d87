"""Small questions asked together: who comes during a look at the store shares the next one.

A look at the store costs the same for one dossier and for a hundred: a connection, a snapshot, a
turn of a thread. So a portal that asks for many at once is answered in few looks, and one that asks
alone waits for nobody.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from starlette.concurrency import run_in_threadpool

Question = TypeVar("Question")
Answer = TypeVar("Answer")
# More would make everyone wait for the largest of many answers.
MOST = 64


class Together(Generic[Question, Answer]):
    """Answers questions in the order in which they came, as many at once as are waiting."""

    def __init__(
        self, answer: Callable[[Sequence[Question]], Sequence[Answer | Exception]]
    ) -> None:
        """Take what answers.

        Args:
            answer: Called on a thread with questions; an answer to each, or what is to be raised.
        """
        self._answer = answer
        self._waiting: list[tuple[Question, asyncio.Future[Answer]]] = []
        self._working: asyncio.Task[None] | None = None

    async def ask(self, question: Question) -> Answer:
        """The answer to one question; raises what its answer is where that is an exception."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())
        return await future

    async def _work(self) -> None:
        while self._waiting:
            some, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            try:
                answers = await run_in_threadpool(self._answer, [one for one, _ in some])
            except Exception as error:  # noqa: BLE001 - raised again where it was asked for
                answers = [error] * len(some)
            for (_, future), answer in zip(some, answers, strict=True):
                if future.done():  # nobody waits for it any more
                    continue
                if isinstance(answer, Exception):
                    future.set_exception(answer)
                else:
                    future.set_result(answer)
