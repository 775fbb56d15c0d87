"""What `bench.reads` and `bench.indicators` have in common: arguments, a filled store, a table."""

import argparse
import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from bench import postgres, table
from bench.laps import Results
from bench.reads.filled import ensure, opened

DEFAULT = 20_000
GROWTH = (10_000, 100_000, 1_000_000)


class Filled(Struct, frozen=True):
    """A filled store and where the laps go.

    Attributes:
        alone: Whether the hub is measured without the others.
        growth: Whether it is one of several sizes; its laps say which.
    """

    url: str
    folder: Path
    results: Results
    records: int
    laps: int
    alone: bool
    growth: bool

    @property
    def hub(self) -> str:
        """What the hub is called in the results."""
        return f"hub at {self.records:,}" if self.growth else "hub"


def stores(doc: str | None) -> Iterator[Filled]:
    """Filled stores as the command line wants them, one or one of each size; the table at the end.

    A store named by --url is filled if it is empty, and used as it is if it was filled before.
    """
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument("--records", type=int, default=DEFAULT)
    parser.add_argument("--url", default="", help="a PostgreSQL database; else a server of its own")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--results", type=Path, help="the file of JSON lines to append to")
    parser.add_argument("--laps", type=int, default=5)
    parser.add_argument("--alone", action="store_true", help="the hub without the others")
    growth = "10 thousand, 100 thousand and a million dossiers"
    parser.add_argument("--growth", action="store_true", help=growth)
    given = parser.parse_args()
    results = Results.of(given.results) if given.results else Results()
    with contextlib.ExitStack() as stack:
        folder = given.data_dir
        if folder is None:
            made = tempfile.TemporaryDirectory(prefix="lienthong-bench-")
            folder = Path(stack.enter_context(made))
        server = None if given.url else stack.enter_context(postgres.running())
        for records in GROWTH if given.growth else (given.records,):
            url = given.url if server is None else server.fresh("filled")
            own = Path(folder) / str(records)
            context = opened(url, own)
            took = ensure(context, records)
            context.store.dispose()
            results.add(kind="filled", records=records, seconds=round(took, 1))
            yield Filled(url, own, results, records, given.laps, given.alone, given.growth)
    if not given.results:
        print(table.of([results.path]))
