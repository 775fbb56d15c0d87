"""`python -m bench.whatif --records 100000`: makes a store where there is none, times both proofs.

The records are two turns of the one-stop app's dossiers; the candidate maps one state otherwise, so
that every fifth dossier changes. Prints seconds of wall and CPU, and the memory of the process.
"""

import argparse
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

from sqlalchemy import text

from bench import polled
from hub import wiring
from hub.commands.connections import make
from hub.settings import Settings
from store import connections
from sync import coverage
from sync.context import Context
from sync.intake import Taken, prepare, take_in
from sync.whatif.candidate import Candidate
from sync.whatif.shadow import preview

KEY = "bench-" + "k" * 40
NAME = "snv"
CANDIDATE = {"tables": {"status": {"set": {"waiting": "in_progress"}}}}
_DAY_MS = 86_400_000


def main() -> None:
    """Measure once and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--data-dir", type=Path, default=None, help="kept from run to run")
    parser.add_argument("--url", default="", help="postgresql://…; SQLite where not said")
    given = parser.parse_args()
    folder = given.data_dir or Path("build") / "bench" / f"whatif-{given.records}"
    context = wiring.open_hub(Settings(data_dir=folder, database_url=given.url, secret_key=KEY))
    with context.store.read() as tx:
        held = tx.execute(text("SELECT count(*) FROM receipt")).scalar_one()
    if not held:
        fill(context, given.records)
    context.store.dispose()
    told = {"store": "postgresql" if given.url else "sqlite", "records": given.records}
    found = _timed(lambda: coverage.of(context, NAME))
    sys.stdout.write(json.dumps({**told, "what": "coverage", **found[1], "ok": found[0].ok}) + "\n")
    context.store.dispose()
    found = _timed(lambda: preview(context, NAME, Candidate(overlay=CANDIDATE)))
    changed = {"changed": found[0].changed, "figures": len(found[0].figures)}
    sys.stdout.write(json.dumps({**told, "what": "what-if", **found[1], **changed}) + "\n")


def fill(context: Context, records: int) -> None:
    """Take in that many records, half of them the next step of the first half."""
    make(context, NAME, "one_stop", settings=[], tables=[])
    with context.store.read() as tx:
        row = connections.load_connection(tx, NAME)
    if row is None:
        raise AssertionError("the connection was made")
    begun = 1_790_000_000_000
    half = records // 2
    for turn in (0, 1):
        for start in range(0, half, polled.PAGE):
            rows = [
                polled.json_row(n, begun + turn * 30 * _DAY_MS + n * 1_000, turn)
                for n in range(start, min(start + polled.PAGE, half))
            ]
            raw = b'{"total":%d,"data":[%b]}' % (len(rows), b",".join(rows))
            taken = Taken(row, "dossiers", raw, context.now(), keeps_duplicates=False)
            found, version = prepare(context, taken)
            take_in(context, taken, found, version)


def _timed(work: Any) -> tuple[Any, dict[str, float]]:
    begun, cpu = time.monotonic(), time.process_time()
    made = work()
    wall, own = time.monotonic() - begun, time.process_time() - cpu
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    memory = max(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, children.ru_maxrss)
    return made, {
        "wall_s": round(wall, 1),
        "cpu_s": round(own + children.ru_utime + children.ru_stime, 1),
        "memory_of_the_largest_mib": round(memory / 1024),
    }


if __name__ == "__main__":
    main()
