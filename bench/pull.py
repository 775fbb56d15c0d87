"""`python -m bench.pull`: a source pulled in pages of 500 by `hub sync`, by REST and by SOAP.

Whole processes are timed, from their start to their end, the hub's as the peers'. The same pull
again asks for everything once more, when one row in 100 has moved and every envelope differs.
"""

import json
from collections.abc import Callable
from pathlib import Path

from bench import running, source
from bench.cpu import Spent
from bench.laps import Contender, Lap, interleave
from bench.polled import licences_from
from bench.product import HUB, PREPARED, Product
from bench.push import expect
from bench.running import Run
from bench.verify.measured import measure

REST, SOAP, AGAIN = "pull-rest", "pull-soap", "pull-again"
SIZES = {REST: (10_000, 100_000), SOAP: (10_000, 100_000), AGAIN: (10_000, 100_000)}
CONNECTION = {REST: "snv", SOAP: "gtvt", AGAIN: "snv"}


def pulled(
    product: Product, database: str, row: str, records: int, *more: str
) -> tuple[dict[str, int], Lap]:
    """One `hub sync`, watched; what it says, and rows a second of its wall time.

    Raises:
        RuntimeError: it did not end well.
    """
    command = [*HUB, "sync", CONNECTION[row], "--json", *more]
    spent = Spent(postgres=product.postgres.pid)
    found = measure(command, product.environment(database))
    said = json.loads(found.out) if found.out else {}
    if found.code or said.get("error"):
        raise RuntimeError(f"hub sync: exit {found.code}: {said}")
    lap = Lap(records / found.wall_s, {"wall_s": round(found.wall_s, 2)})
    lap.more |= {"rss_mib": round(found.rss_mib), **spent.of(records)}
    lap.more["own_us"] = round(found.cpu_s * 1e6 / records, 1)
    return said, lap


def hub(product: Product, row: str, records: int) -> Callable[[int], Lap]:
    """A lap of the hub: into an empty store, and for the row `again` once more."""

    def lap(number: int) -> Lap:
        source.tell(product.source, "first")
        database = product.fresh("hub_lap")
        _, found = pulled(product, database, row, records)
        expect(product, database, records)
        if row == AGAIN:
            return again(product, database, records, found)
        return found

    return lap


def again(product: Product, database: str, records: int, first: Lap) -> Lap:
    """The second pull, with what the first one took beside it."""
    source.tell(product.source, "again")
    before = product.postgres.one(database, "SELECT count(*) FROM record")
    said, found = pulled(product, database, AGAIN, records, "--full")
    written = product.postgres.one(database, "SELECT count(*) FROM record") - before
    moved = len(range(0, records, 100))
    if said["applied"] != moved or written != moved:
        raise RuntimeError(f"{moved} rows moved; {written} records were written: {said}")
    found.more |= {"first": first.value, "first_s": first.more["wall_s"], "written": written}
    return found


def compare(run: Run, product: Product, row: str, records: int) -> None:
    """One row, everybody in turn."""
    with source.running(records, product.source):
        if row == SOAP:
            day = f"from_day={licences_from(records)}"
            product.command("connections change gtvt --set", day, database=PREPARED)
        contenders = [Contender("hub", hub(product, row, records))]
        if row != AGAIN and not run.alone:
            from bench.peers import pulling

            contenders += pulling.contenders(product, row, records)
        interleave(run.results, row, "dossiers/s", contenders, run.laps)


def measure_all(run: Run, product: Product) -> None:
    """Those rows of pulls that the run is to measure."""
    for row in SIZES:
        if row in run.sizes:
            compare(run, product, row, run.sizes[row])


def main() -> None:
    """All three rows, or those named."""
    with running.started(__doc__, SIZES) as run:
        measure_all(run, Product(run.postgres, Path(run.folder) / "hub"))


if __name__ == "__main__":
    main()
