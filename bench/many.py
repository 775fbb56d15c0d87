"""`python -m bench.many`: one, two and four gateways with a worker each, on one PostgreSQL.

The same batches over the same number of connections, spread over all gateways; everything that was
answered must be there. Beside it what PostgreSQL itself used of the machine.
"""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from bench import load, push, running
from bench.cpu import Spent
from bench.laps import Contender, Lap, interleave
from bench.product import Product
from bench.running import Run

MANY = "processes"
SIZES = {MANY: (16, 80)}
NAMES = {"one": 1, "two": 2, "four": 4}
CONNECTIONS = 8


def _lap(product: Product, told: list[bytes], gateways: int) -> Callable[[int], Lap]:
    def lap(number: int) -> Lap:
        database = product.fresh("hub_lap")
        with contextlib.ExitStack() as stack:
            served = [stack.enter_context(product.serving(database)) for _ in range(gateways)]
            for _ in range(gateways):
                stack.enter_context(product.serving(database, "worker"))
            token = served[0].token("desk")
            requests = [load.post(push.BATCH.path, body, push.JSON, token) for body in told]
            ports = [one.port for one in served]
            warm = CONNECTIONS
            load.run(ports, requests[:warm], CONNECTIONS)
            own = {f"own_{n}": one.process.pid for n, one in enumerate(served)}
            spent = Spent(**own, postgres=product.postgres.pid)
            found = load.run(ports, requests[warm:], CONNECTIONS)
        if found.bad:
            raise RuntimeError(f"{found.bad} answers were no 2xx: {found.first_bad!r}")
        count = len(told) * push.BATCH.size
        push.expect(product, database, count)
        pushed = count - warm * push.BATCH.size
        costs = spent.of(pushed)
        of_all = costs["postgres_us"] * pushed / 1e6 / found.wall_s / (os.cpu_count() or 1)
        more = {
            "own_us": round(sum(told for name, told in costs.items() if name[:3] == "own"), 1),
            "postgres_us": costs["postgres_us"],
            "postgres_share_of_machine": round(of_all, 2),
            "p99_ms": round(found.percentile(0.99) * 1e3, 1),
        }
        return Lap(pushed / found.wall_s, more)

    return lap


def measure_all(run: Run, product: Product) -> None:
    """The row of several processes, if the run is to measure it."""
    if MANY not in run.sizes:
        return
    told = [
        push.BATCH.make(n * push.BATCH.size, push.BATCH.size)
        for n in range(run.sizes[MANY] + CONNECTIONS)
    ]
    contenders = [Contender(name, _lap(product, told, n)) for name, n in NAMES.items()]
    interleave(run.results, MANY, "dossiers/s", contenders, run.laps)


def main() -> None:
    """The row of several processes."""
    with running.started(__doc__, SIZES) as run:
        measure_all(run, Product(run.postgres, Path(run.folder) / "hub"))


if __name__ == "__main__":
    main()
