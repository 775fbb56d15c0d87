"""`python -m bench.memory`: what memory `hub sync` takes for a long pull, and for a tenth of it.

Compared with the same command where there is nothing to pull: that is the idle process. Largest
resident size of the process (VmHWM), shared pages included.
"""

from collections.abc import Callable
from pathlib import Path

from bench import pull, running, source
from bench.laps import Contender, Lap, interleave
from bench.product import Product
from bench.push import expect
from bench.running import Run

MEMORY = "memory"
SIZES = {MEMORY: (20_000, 1_000_000)}
IDLE, TENTH, WHOLE = "idle", "a-tenth", "whole"


def _lap(product: Product, records: int) -> Callable[[int], Lap]:
    def lap(number: int) -> Lap:
        with source.running(records, product.source):
            database = product.fresh("hub_lap")
            _, found = pull.pulled(product, database, pull.REST, max(records, 1))
        expect(product, database, records)
        more = {"records": records, "per_s": round(found.value), "wall_s": found.more["wall_s"]}
        return Lap(found.more["rss_mib"], more)

    return lap


def measure_all(run: Run, product: Product) -> None:
    """The row of memory, if the run is to measure it."""
    if MEMORY not in run.sizes:
        return
    records = run.sizes[MEMORY]
    sizes = {IDLE: 0, TENTH: records // 10, WHOLE: records}
    contenders = [Contender(name, _lap(product, size)) for name, size in sizes.items()]
    interleave(run.results, MEMORY, "MiB", contenders, run.laps)


def main() -> None:
    """The row of memory."""
    with running.started(__doc__, SIZES) as run:
        measure_all(run, Product(run.postgres, Path(run.folder) / "hub"))


if __name__ == "__main__":
    main()
