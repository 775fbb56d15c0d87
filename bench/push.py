"""`python -m bench.push`: JSON and SOAP pushed to the hub, one by one and in batches of 500.

With the peers that `make bench-peers` installed; `--alone` measures the hub only. Every lap begins
with an empty store; an answer counts when what it answers for is committed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench import load, running
from bench.cpu import Spent
from bench.invented import json_batch, soap_batch
from bench.laps import Contender, Lap, interleave
from bench.product import PREPARED, Product
from bench.running import Run

JSON = "application/json"
XML = 'text/xml; charset=utf-8\r\nSOAPAction: "urn:lienthong:dossier:v1:PushDossiers"'


@dataclass(frozen=True)
class Row:
    """What is pushed in a row of the table.

    Attributes:
        size: Dossiers in one body.
        connections: How many callers push at once.
        warm: Bodies that come before those that count.
    """

    name: str
    size: int
    connections: int
    warm: int
    make: Callable[[int, int], bytes]
    path: str
    kind: str


SINGLE = Row("push-single", 1, 64, 128, json_batch, "/api/v1/dossiers", JSON)
BATCH = Row("push-batch", 500, 4, 4, json_batch, "/api/v1/dossiers", JSON)
SOAP_SINGLE = Row("push-soap-single", 1, 64, 128, soap_batch, "/soap/v1", XML)
SOAP_BATCH = Row("push-soap-batch", 500, 4, 4, soap_batch, "/soap/v1", XML)
ROWS = {row.name: row for row in (SINGLE, BATCH, SOAP_SINGLE, SOAP_BATCH)}
SIZES = {
    SINGLE.name: (1_000, 20_000),
    BATCH.name: (10, 60),
    SOAP_SINGLE.name: (500, 10_000),
    SOAP_BATCH.name: (10, 40),
}


def bodies(row: Row, count: int) -> list[bytes]:
    """What is pushed in one lap, the warm-up first."""
    return [row.make(n * row.size, row.size) for n in range(count + row.warm)]


def measure(port: int, row: Row, requests: list[bytes]) -> Lap:
    """Send the warm-up, then the rest; dossiers a second.

    Raises:
        RuntimeError: an answer that was no 2xx.
    """
    first = load.run(port, requests[: row.warm], row.connections)
    told = load.run(port, requests[row.warm :], row.connections)
    if first.bad or told.bad:
        words = first.first_bad or told.first_bad
        raise RuntimeError(f"{first.bad + told.bad} answers were no 2xx: {words!r}")
    more = {"p50_ms": round(told.percentile(0.5) * 1e3, 1)}
    more["p99_ms"] = round(told.percentile(0.99) * 1e3, 1)
    return Lap((len(requests) - row.warm) * row.size / told.wall_s, more)


def hub(product: Product, row: Row, told: list[bytes]) -> Callable[[int], Lap]:
    """A lap of the hub."""
    count = len(told) * row.size

    def lap(number: int) -> Lap:
        database = product.fresh("hub_lap")
        with product.serving(database) as served:
            who = product.basic("desk") if row.kind == XML else served.token("desk")
            requests = [load.post(row.path, body, row.kind, who) for body in told]
            spent = Spent(own=served.process.pid, postgres=product.postgres.pid)
            found = measure(served.port, row, requests)
            found.more |= spent.of(count)
        expect(product, database, count)
        found.more |= product.postgres.grown(database, PREPARED, count)
        return found

    return lap


def expect(product: Product, database: str, count: int, table: str = "dossier") -> None:
    """So many dossiers are stored.

    Raises:
        RuntimeError: there are more or fewer.
    """
    stored = product.postgres.one(database, f"SELECT count(*) FROM {table}")
    if stored != count:
        raise RuntimeError(f"{stored} of {count} dossiers are there")


def compare(run: Run, product: Product, row: Row, count: int) -> None:
    """One row, everybody in turn."""
    told = bodies(row, count)
    contenders = [Contender("hub", hub(product, row, told))]
    if not run.alone:
        from bench.peers import pushing

        contenders += pushing.contenders(product, row, told)
    interleave(run.results, row.name, "dossiers/s", contenders, run.laps)
    limit = load.alone([load.post(row.path, body, row.kind) for body in told], row.connections)
    rate = len(told) * row.size / limit.wall_s
    run.results.add(kind="lap", row=row.name, unit="dossiers/s", who="generator", lap=1, value=rate)


def measure_all(run: Run, product: Product) -> None:
    """Those rows of pushes that the run is to measure."""
    for name, count in run.sizes.items():
        if name in ROWS:
            compare(run, product, ROWS[name], count)


def main() -> None:
    """All rows, or those named."""
    with running.started(__doc__, SIZES) as run:
        measure_all(run, Product(run.postgres, Path(run.folder) / "hub"))


if __name__ == "__main__":
    main()
