"""What every measurement has in common: arguments, a server, a file of results, a table."""

import argparse
import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench import postgres, table
from bench.laps import Results
from bench.postgres import Postgres


@dataclass
class Run:
    """One run of some rows.

    Attributes:
        sizes: How much each row is to do, by row.
        laps: How often.
        alone: Whether the hub is measured without its peers.
    """

    postgres: Postgres
    results: Results
    folder: str
    sizes: dict[str, int]
    laps: int
    alone: bool
    is_small: bool


@contextlib.contextmanager
def started(doc: str | None, rows: Mapping[str, tuple[int, int]]) -> Iterator[Run]:
    """A run as its command line wants it; the table of what was measured at its end.

    Args:
        doc: What the command does.
        rows: For each row how much it does with --small, and in full.
    """
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(rows)}; else all")
    parser.add_argument("--small", action="store_true", help="seconds, to try it")
    parser.add_argument("--alone", action="store_true", help="the hub without its peers")
    parser.add_argument("--laps", type=int, default=0, help="5 in full, 1 with --small")
    parser.add_argument("--size", type=int, default=0, help="instead of each row's own")
    given = parser.parse_args()
    unknown = [row for row in given.rows if row not in rows]
    if unknown:
        parser.error(f"no row {unknown[0]!r}; there are {', '.join(rows)}")
    sizes = {
        row: given.size or both[0 if given.small else 1]
        for row, both in rows.items()
        if not given.rows or row in given.rows
    }
    with opened(sizes, given.laps, alone=given.alone, is_small=given.small) as run:
        yield run
    print(table.of([run.results.path]))


@contextlib.contextmanager
def opened(sizes: dict[str, int], laps: int, *, alone: bool, is_small: bool) -> Iterator[Run]:
    """A server and a file of results for a run; both closed at its end."""
    laps = laps or (1 if is_small else 5)
    with tempfile.TemporaryDirectory(prefix="lienthong-bench-") as folder:
        results = Results()
        with postgres.running() as server:
            results.add(kind="store", version=server.one("postgres", "SELECT version()"))
            yield Run(server, results, folder, sizes, laps, alone, is_small)


def here() -> Path:
    """This folder."""
    return Path(__file__).parent
