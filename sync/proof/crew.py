"""Who does the work of a proof: this process alone, or several with the same look at the store.

Several are forked, so that they share what is loaded. That is only safe while this process has one
thread and no open connection; otherwise, and for a small store, it works alone.
"""

import contextlib
import gc
import multiprocessing
import os
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Protocol, TypeVar

from msgspec import Struct
from sqlalchemy.engine import Connection as Tx
from sqlalchemy.pool import QueuePool

from canonical.errors import HubError, StoreUnavailable
from canonical.reasons import Reason
from store.looks import same_look, shared_look
from sync.context import Context
from sync.proof.hand import Hand
from sync.proof.receipts import OUTAGES

Result = TypeVar("Result")
_BEGIN_S = 120.0  # a store whose writer holds it longer is given up
_GC_EVERY = 200_000  # objects of a part live as long as it does: looking for rings earlier is vain


class Broken(Struct, frozen=True):
    """Work that broke off, and on what."""

    why: str


class Crew(Protocol):
    """Does work and hands on what comes of it, in any order.

    Attributes:
        key: Of digests that only this proof compares.
    """

    key: bytes

    def each(
        self, work: Callable[..., Result], tasks: Sequence[tuple[Any, ...]]
    ) -> Iterator[Result | Broken]:
        """`work(hand, *task)` for every task.

        Raises:
            StoreUnavailable: the store cannot be read, or a process ended.
        """


@contextlib.contextmanager
def crew_for(context: Context, processes: int) -> Iterator[tuple[Crew, Tx]]:
    """A crew, and this process's own look at what the crew looks at.

    Args:
        context: The hub's parts.
        processes: How many may work side by side.
    """
    key = secrets.token_bytes(32)
    if processes > 1 and _may_fork(context):
        with _several(context, processes, key) as made:
            yield made
        return
    with context.store.read() as tx:
        yield _Alone(Hand(context, tx, 0, key)), tx


def _may_fork(context: Context) -> bool:
    if threading.active_count() > 1 or not hasattr(os, "fork"):
        return False
    pool = context.store.engine.pool
    if not isinstance(pool, QueuePool) or pool.checkedout():
        return False
    context.store.dispose()
    return True


class _Alone:
    """This process does everything, one thing after the other."""

    def __init__(self, hand: Hand) -> None:
        self._hand = hand
        self.key = hand.key

    def each(
        self, work: Callable[..., Result], tasks: Sequence[tuple[Any, ...]]
    ) -> Iterator[Result | Broken]:
        """`work(hand, *task)` for every task, when it is asked for."""
        return (_said(_try(work, self._hand, task)) for task in tasks)


class _Several:
    """Forked processes take the tasks in turn, in the order of the tasks."""

    def __init__(self, pool: ProcessPoolExecutor, key: bytes) -> None:
        self._pool = pool
        self.key = key

    def each(
        self, work: Callable[..., Result], tasks: Sequence[tuple[Any, ...]]
    ) -> Iterator[Result | Broken]:
        """`work(hand, *task)` for every task, from now on."""
        return self._results({self._pool.submit(_work, work, task) for task in tasks})

    def _results(self, waiting: set[Future[Any]]) -> Iterator[Any]:
        try:
            for done in as_completed(waiting):
                waiting.discard(done)
                yield _said(done.result())
        except BrokenProcessPool as error:
            detail = "a process of the proof ended before its time"
            raise StoreUnavailable(Reason.STORE_UNAVAILABLE, detail) from error
        finally:
            for left in waiting:
                left.cancel()


class _Outage(Struct, frozen=True):
    """The store could not be read; exceptions do not travel well between processes."""

    detail: str


def _try(work: Callable[..., Result], hand: Hand, task: tuple[Any, ...]) -> Result | Any:
    try:
        return work(hand, *task)
    except OUTAGES as error:
        return _Outage(error.detail if isinstance(error, HubError) else type(error).__name__)
    except Exception as error:  # noqa: BLE001 - a damaged store is what is looked for
        return Broken(f"{work.__module__.rpartition('.')[2]}: broken off, {type(error).__name__}")


def _said(result: Any) -> Any:
    if isinstance(result, _Outage):
        raise StoreUnavailable(Reason.STORE_UNAVAILABLE, result.detail)
    return result


# ------------------------------------------------------------------ several processes

_hand: Hand | None = None
_looking = contextlib.ExitStack()  # until the process ends


@contextlib.contextmanager
def _several(context: Context, processes: int, key: bytes) -> Iterator[tuple[Crew, Tx]]:
    fork = multiprocessing.get_context("fork")
    names, begun, numbers = fork.SimpleQueue(), fork.Barrier(processes + 1), fork.SimpleQueue()
    for number in range(processes):
        numbers.put(number)
    gc.collect()
    gc.freeze()  # what is loaded stays as it is, shared by all
    pool = ProcessPoolExecutor(processes, fork, _begin, (context, key, numbers, names, begun))

    def share(name: str) -> None:
        for _ in range(processes):
            names.put(name)
        try:
            begun.wait(_BEGIN_S)
        except threading.BrokenBarrierError:
            detail = "the processes of the proof could not begin"
            raise StoreUnavailable(Reason.STORE_UNAVAILABLE, detail) from None

    with pool:
        pool.submit(os.getpid)  # forks them all, before this process opens a connection
        try:
            with shared_look(context.store, share) as tx:
                yield _Several(pool, key), tx
        except BaseException:
            begun.abort()
            raise
        finally:
            gc.unfreeze()


def _begin(context: Context, key: bytes, numbers: Any, names: Any, begun: Any) -> None:
    """A forked process begins to look; it goes on doing so until it ends."""
    global _hand
    gc.set_threshold(_GC_EVERY, 50, 1_000)
    try:
        tx = _looking.enter_context(same_look(context.store, names.get()))
        _hand = Hand(context, tx, numbers.get(), key)
        begun.wait(_BEGIN_S)
    except BaseException:
        begun.abort()
        raise


def _work(work: Callable[..., Result], task: tuple[Any, ...]) -> Result | Any:
    if _hand is None:
        raise AssertionError("the process has not begun")
    return _try(work, _hand, task)
