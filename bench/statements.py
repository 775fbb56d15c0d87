"""`python -m bench.statements`: how many statements PostgreSQL is sent for one pushed batch.

Counted in the server's own log, in the transaction that writes the records; batches of 1, 50, 500.
"""

import re
from collections.abc import Callable
from pathlib import Path

from bench import running
from bench.invented import json_batch
from bench.laps import Contender, Lap, interleave
from bench.postgres import Postgres
from bench.product import Product
from bench.running import Run

STATEMENTS = "statements"
SIZES = {STATEMENTS: (500, 500)}
BATCHES = {"batch-of-1": 1, "batch-of-50": 50, "batch-of-500": 500}
_SAID = re.compile(r"^(\d+) LOG:  (?:statement|execute [^:]*): *(.*)", re.DOTALL)
_LINE = re.compile(r"^(?=\d+ LOG:  )", re.MULTILINE)


def transactions(log: str) -> list[list[str]]:
    """The statements of every transaction in a log whose lines begin with the backend's pid."""
    running_now: dict[str, list[str]] = {}
    ended: list[list[str]] = []
    for part in _LINE.split(log):
        found = _SAID.match(part)
        if found is None:
            continue
        pid, said = found[1], found[2].strip()
        word = said[:8].upper()
        if word.startswith("BEGIN"):
            running_now[pid] = []
        elif word.startswith(("COMMIT", "ROLLBACK")):
            ended.append(running_now.pop(pid, []))
        elif pid in running_now:
            running_now[pid].append(said)
    return ended


def _logged(postgres: Postgres, *, all_of_them: bool) -> int:
    """Switch the server's log; where it ends now."""
    with postgres.open() as at:
        kind = "all" if all_of_them else "none"
        at.execute("ALTER SYSTEM SET log_line_prefix = '%p '")
        at.execute(f"ALTER SYSTEM SET log_statement = '{kind}'")  # type: ignore[arg-type] # ours
        at.execute("SELECT pg_reload_conf(), pg_sleep(0.5)")
    return postgres.log.stat().st_size


def _lap(product: Product, size: int) -> Callable[[int], Lap]:
    def lap(number: int) -> Lap:
        database = product.fresh("hub_lap")
        with product.serving(database) as served:
            head = {"Authorization": served.token("desk"), "Content-Type": "application/json"}
            path = "/api/v1/dossiers"
            for first in (0, 1_000):  # what a process does once is not what a batch costs
                served.ask("POST", path, json_batch(first, size), head)
            before = _logged(product.postgres, all_of_them=True)
            status, body = served.ask("POST", path, json_batch(2_000, size), head)
            end = _logged(product.postgres, all_of_them=False)
        if status != 200:
            raise RuntimeError(f"{status}: {body[:300]!r}")
        with product.postgres.log.open("rb") as log:
            log.seek(before)
            told = transactions(log.read(end - before).decode("utf-8", "replace"))
        mine = [t for t in told if any('INTO "record"' in s or "INTO record" in s for s in t)]
        if len(mine) != 1:
            raise RuntimeError(f"{len(mine)} transactions wrote records, not one")
        return Lap(float(len(mine[0])))

    return lap


def measure_all(run: Run, product: Product) -> None:
    """The row of statements, if the run is to measure it."""
    if STATEMENTS in run.sizes:
        contenders = [Contender(name, _lap(product, size)) for name, size in BATCHES.items()]
        interleave(run.results, STATEMENTS, "statements", contenders, min(run.laps, 3))


def main() -> None:
    """The row of statements."""
    with running.started(__doc__, SIZES) as run:
        measure_all(run, Product(run.postgres, Path(run.folder) / "hub"))


if __name__ == "__main__":
    main()
