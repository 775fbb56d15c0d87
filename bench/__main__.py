"""`make bench`: every row of the performance table, laps in turn with the peers, and the table.

`make bench ARGS=--small` tries all of it in minutes; the name of a row measures that one. Peers are
installed by `make bench-peers`; whoever is not there is named in the table.
"""

import importlib.util
import subprocess
import sys
from pathlib import Path

from bench import many, memory, proof, pull, push, running, statements
from bench.product import Product
from bench.running import Run

# Rows of modules with commands of their own: they append their laps to the file they are given.
OTHERS = {"reads": (20_000, 1_000_000), "indicators": (20_000, 1_000_000)}
FILLED = "filled"
SIZES = {
    **push.SIZES,
    **pull.SIZES,
    **statements.SIZES,
    **many.SIZES,
    **memory.SIZES,
    **proof.SIZES,
    **OTHERS,
}


def _others(run: Run) -> None:
    is_filled = False
    for name in OTHERS:
        if name not in run.sizes:
            continue
        if importlib.util.find_spec(f"bench.{name}.__main__") is None:
            run.results.add(kind="missing", row=name, who="hub", why="it is not written yet")
            continue
        # One store for both: whoever comes first fills it.
        url = run.postgres.url(FILLED) if is_filled else run.postgres.fresh(FILLED)
        is_filled = True
        words = ["--records", str(run.sizes[name]), "--url", url, "--laps", str(run.laps)]
        words += ["--data-dir", str(Path(run.folder) / FILLED), "--results", str(run.results.path)]
        done = subprocess.run([sys.executable, "-m", f"bench.{name}", *words], check=False)
        if done.returncode:
            why = f"python -m bench.{name}: exit {done.returncode}"
            run.results.add(kind="missing", row=name, who="hub", why=why)


def main() -> None:
    """All rows, or those named."""
    with running.started(__doc__, SIZES) as run:
        product = Product(run.postgres, Path(run.folder) / "hub")
        for rows in (push, pull, statements, many, memory):
            rows.measure_all(run, product)
        _others(run)
        proof.measure_all(run)


if __name__ == "__main__":
    main()
