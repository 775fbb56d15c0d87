"""`python -m bench.reads.filled`: a store filled, and a sample held against the hub's own rows.

The sample's cases are pushed through another hub; its rows must be the same, one by one.

What must differ is named in `_OWN`: ids and places are given anew, digests of records are not
filled, and those pushed now come in one receipt.
"""

import argparse
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import text

from bench.reads.fill import CONNECTION, Place, fill
from bench.reads.templates import TABLES, push, rows_of_leg
from hub import wiring
from hub.commands import connections as connection_commands
from hub.settings import Settings
from store import connections
from sync.context import Context

KEY = "bench-" + "k" * 40
_IDS = frozenset({"id", "leg_id", "dossier_id", "record_id", "receipt_id", "last_receipt_id"})
_OWN = _IDS | {"seq", "created_seq", "changed_seq", "known_seq", "digest"}
# When the sample is taken in: later than anything it says.
_PUSHED_AT = "2026-06-01T08:00:00+07:00"
_RANK = re.compile(r"(\[\d+,\"[^\"]+\",)\d+\]")


def check(filled: Context, sample: Sequence[Place]) -> None:
    """Push the sample through a hub of its own and compare all rows.

    Raises:
        RuntimeError: a row differs; names table and code.
    """
    with tempfile.TemporaryDirectory(prefix="lienthong-bench-") as folder:
        own = opened("", Path(folder))
        try:
            connection_commands.make(
                own, CONNECTION, "canonical", role="desk", settings=[], tables=[]
            )
            with own.store.read() as tx:
                connection = connections.load_connection(tx, CONNECTION)
            if connection is None:
                raise RuntimeError("no connection")
            push(
                own,
                connection,
                [str(p.mould.case.filled(p.gaps)[0]).encode() for p in sample],
                _PUSHED_AT,
            )
            for place in sample:
                code = place.gaps["code"]
                told, pushed = _rows(filled, code), _rows(own, code)
                for name in TABLES:
                    if told[name] != pushed[name]:
                        raise RuntimeError(f"{name} of {code} is not as the hub writes it")
        finally:
            own.store.dispose()


def _rows(context: Context, code: str) -> dict[str, Any]:
    with context.store.read() as tx:
        find = text("SELECT id FROM leg WHERE code = :code")
        leg_id = tx.execute(find, {"code": code}).scalar_one()
        found = {}
        for name in TABLES:
            columns, rows = rows_of_leg(tx, name, leg_id)
            named = [dict(zip(columns, row, strict=True)) for row in rows]
            found[name] = sorted(_comparable(name, row) for row in named)
    return found


def _comparable(table: str, row: dict[str, Any]) -> str:
    skipped = _OWN | ({"at"} if table == "change" else set())
    told = {k: _same(v) for k, v in sorted(row.items()) if k not in skipped}
    return repr(told)


def _same(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    return _RANK.sub(r"\1]", value) if isinstance(value, str) else value


def opened(url: str, data_dir: Path) -> Context:
    """A hub on a store."""
    return wiring.open_hub(Settings(data_dir=data_dir, database_url=url, secret_key=KEY))


def ensure(context: Context, count: int) -> float:
    """Fill a store unless it is filled, and hold a sample against the hub; seconds it took.

    Raises:
        RuntimeError: the store holds something else, or the sample differs.
    """
    begun = time.monotonic()
    with context.store.read() as tx:
        held = tx.execute(text("SELECT count(*) FROM dossier")).scalar_one()
    if held == 0:
        check(context, fill(context, count))
    elif not count <= held <= count + 100:
        raise RuntimeError(f"the store holds {held} dossiers, not {count}")
    return time.monotonic() - begun


def main() -> None:
    """Fill one store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--url", required=True)
    given = parser.parse_args()
    context = opened(given.url, given.data_dir)
    took = ensure(context, given.records)
    context.store.dispose()
    sys.stdout.write(f"{given.records} dossiers in {took:.0f} s\n")


if __name__ == "__main__":
    main()
