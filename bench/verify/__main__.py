"""`python -m bench.verify --records 100000`: makes a store where there is none, times its proof.

Prints, for SQLite or a PostgreSQL server that is there (`--url`), how long `hub verify` took, its
memory, and how much longer that is than merely opening all raw bytes once in the same run.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from sqlalchemy import text

from bench.verify import make_store
from bench.verify.measured import HUB, environment, measure
from hub import wiring
from hub.settings import Settings
from sync.context import Context


def main() -> None:
    """Measure once and print a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--data-dir", type=Path, default=None, help="kept from run to run")
    parser.add_argument("--url", default="", help="postgresql://…; SQLite where not said")
    given = parser.parse_args()
    data_dir = given.data_dir or Path("build") / "bench" / f"verify-{given.records}"
    context = wiring.open_hub(
        Settings(data_dir=data_dir, database_url=given.url, secret_key=make_store.KEY)
    )
    if not _receipts(context):
        make_store.fill(context, given.records, seed=1)
    opened_s = _open_all(context)
    context.store.dispose()
    env = environment(data_dir, given.url, make_store.KEY)
    found = measure([*HUB, "verify", "--json"], env)
    report = json.loads(found.out) if found.out else {"ok": False}
    told = {
        "store": "postgresql" if given.url else "sqlite",
        "records": given.records,
        "ok": report["ok"],
        "wall_s": round(found.wall_s, 1),
        "cpu_s": round(found.cpu_s, 1),
        "us_per_record": round(found.wall_s * 1e6 / given.records),
        "times_opening_raw_bytes": round(found.wall_s / opened_s, 1),
        "memory_of_all_mib": round(found.pss_mib),
        "memory_of_the_largest_mib": round(found.rss_mib),
    }
    sys.stdout.write(json.dumps(told) + "\n")
    sys.exit(0 if report["ok"] else 1)


def _receipts(context: Context) -> int:
    with context.store.read() as tx:
        return int(tx.execute(text("SELECT count(*) FROM receipt")).scalar_one())


def _open_all(context: Context) -> float:
    """Seconds in which all raw bytes are read, decrypted and unpacked, and nothing more."""
    begun = time.monotonic()
    with context.store.read() as tx:
        found = tx.execution_options(yield_per=100).execute(text("SELECT data FROM blob"))
        for row in found:
            context.vault.open(bytes(row[0]))
    return time.monotonic() - begun


if __name__ == "__main__":
    main()
