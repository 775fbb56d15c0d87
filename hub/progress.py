"""A progress bar on stderr while a person is watching; nothing otherwise."""

import contextlib
import sys
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from sync.run import Summary

_COLUMNS = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())


@contextlib.contextmanager
def counting(name: str, *, quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """A bar that is told how many of how many are done; None where nobody watches."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    with Progress(*_COLUMNS, TimeElapsedColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task(name, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


@contextlib.contextmanager
def counting_once_told(name: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """As `counting`, from the first word on: a bar has a thread, and forking comes before it."""
    with contextlib.ExitStack() as stack:
        bars: list[Callable[[int, int], None] | None] = []

        def show(done: int, total: int) -> None:
            if not bars:
                bars.append(stack.enter_context(counting(name, quiet=quiet)))
            if bars[0] is not None:
                bars[0](done, total)

        yield show


@contextlib.contextmanager
def watching(name: str, *, quiet: bool) -> Iterator[Callable[[Summary], None] | None]:
    """A bar that a run's summaries move; None where nobody watches."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    with Progress(*_COLUMNS, TimeElapsedColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task(name, total=None)

        def show(summary: Summary) -> None:
            progress.update(task, completed=summary.records, total=summary.total)

        yield show
