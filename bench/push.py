"""`python -m bench.push`: JSON pushed to the hub, one by one over 64 connections and by 500.

With the peers that `make bench-peers` installed; `--alone` measures the hub only. Every lap begins
with an empty store; an answer counts when what it answers for is committed.
"""

from collections.abc import Callable
from pathlib import Path

from bench import load, running
from bench.cpu import Spent
from bench.invented import json_batch
from bench.laps import Contender, Lap, interleave
from bench.product import PREPARED, Product
from bench.running import Run

SINGLE, BATCH = "push-single", "push-batch"
CONNECTIONS = {SINGLE: 64, BATCH: 4}
PER_BODY = {SINGLE: 1, BATCH: 500}
PATH = "/api/v1/dossiers"
JSON = "application/json"


def bodies(row: str, count: int) -> list[bytes]:
    """What is pushed in one lap: the first so many warm up, the others count."""
    size = PER_BODY[row]
    return [json_batch(n * size, size) for n in range(count + warm(row))]


def warm(row: str) -> int:
    """How many bodies come before those that count."""
    return 128 if row == SINGLE else 4


def measure(port: int, row: str, requests: list[bytes]) -> Lap:
    """Send the warm-up, then the rest; dossiers a second.

    Raises:
        RuntimeError: an answer that was no 2xx.
    """
    first = warm(row)
    load.run(port, requests[:first], CONNECTIONS[row])
    told = load.run(port, requests[first:], CONNECTIONS[row])
    if told.bad:
        raise RuntimeError(f"{told.bad} answers were no 2xx: {told.first_bad!r}")
    count = (len(requests) - first) * PER_BODY[row]
    more = {"p50_ms": round(told.percentile(0.5) * 1e3, 1)}
    more["p99_ms"] = round(told.percentile(0.99) * 1e3, 1)
    return Lap(count / told.wall_s, more)


def hub(product: Product, row: str, told: list[bytes]) -> Callable[[int], Lap]:
    """A lap of the hub."""

    def lap(number: int) -> Lap:
        database = product.fresh("hub_lap")
        with product.serving(database) as served:
            token = served.token("desk")
            requests = [load.post(PATH, body, JSON, token) for body in told]
            spent = Spent(own=served.process.pid, postgres=product.postgres.pid)
            found = measure(served.port, row, requests)
            found.more |= spent.of(len(told) * PER_BODY[row])
        stored = product.postgres.one(database, "SELECT count(*) FROM dossier")
        if stored != len(told) * PER_BODY[row]:
            raise RuntimeError(f"{stored} of {len(told) * PER_BODY[row]} dossiers are there")
        found.more |= product.postgres.grown(database, PREPARED, stored)
        return found

    return lap


def compare(run: Run, product: Product, row: str, count: int) -> None:
    """One row, everybody in turn."""
    told = bodies(row, count)
    contenders = [Contender("hub", hub(product, row, told))]
    if not run.alone:
        from bench.peers import pushing

        contenders += pushing.contenders(product, row, told)
    interleave(run.results, row, "dossiers/s", contenders, run.laps)
    limit = load.alone([load.post(PATH, body, JSON) for body in told], CONNECTIONS[row])
    rate = len(told) * PER_BODY[row] / limit.wall_s
    run.results.add(kind="lap", row=row, unit="dossiers/s", who="generator", lap=1, value=rate)


def main() -> None:
    """Both rows, or one of them."""
    with running.started(__doc__, {SINGLE: (1_000, 20_000), BATCH: (10, 60)}) as run:
        product = Product(run.postgres, Path(run.folder) / "hub")
        for row, count in run.sizes.items():
            compare(run, product, row, count)


if __name__ == "__main__":
    main()
