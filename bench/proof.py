"""`python -m bench.proof`: `hub verify` over many records, measured as `bench.verify` does it.

Filled once per run; the store lies in the run's own PostgreSQL.
"""

import json
import subprocess
import sys
from pathlib import Path

from bench import running
from bench.laps import Contender, Lap, interleave
from bench.running import Run

VERIFY = "verify"
SIZES = {VERIFY: (5_000, 1_000_000)}
_SEEN = ("ok", "records", "us_per_record", "times_opening_raw_bytes", "memory_of_all_mib")


def measure_all(run: Run) -> None:
    """The row of the proof, if the run is to measure it."""
    if VERIFY not in run.sizes:
        return
    url = run.postgres.fresh("proved")
    words = ["--records", str(run.sizes[VERIFY]), "--url", url]
    words += ["--data-dir", str(Path(run.folder) / "proved")]

    def lap(number: int) -> Lap:
        command = [sys.executable, "-m", "bench.verify", *words]
        said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        told = json.loads(said.splitlines()[-1])
        more = {name: told[name] for name in _SEEN}
        more["largest_mib"] = told["memory_of_the_largest_mib"]
        return Lap(told["wall_s"], more)

    interleave(run.results, VERIFY, "s", [Contender("hub", lap)], run.laps)
    run.postgres.drop("proved")


def main() -> None:
    """The row of the proof."""
    with running.started(__doc__, SIZES) as run:
        measure_all(run)


if __name__ == "__main__":
    main()
