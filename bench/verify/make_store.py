"""Fill a store with invented records through the real intake, to be proved by `hub verify`.

`python -m bench.verify.make_store --records 100000 --data-dir /tmp/store [--url postgresql://…]`.
Pushes and polls of 500 records; one push in thirty is of one record. The store is kept for any
number of proofs; its key is `KEY`.
"""

import argparse
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path

import msgspec

from bench.verify.invented import Word, words
from canonical import clock
from canonical.agencies import Agency
from canonical.catalogue import CatalogueData, ProcedureFacts
from hub import wiring
from hub.commands import clients as client_commands
from hub.commands import connections as connection_commands
from hub.settings import Settings
from store import catalogue, connections
from sync.context import Context
from sync.intake import prepare, take_in
from sync.taken import Taken

KEY = "bench-" + "k" * 40
BATCH = 500
SOURCES = {
    "desk": ("canonical", "desk"),
    "snv": ("one_stop", ""),
    "land": ("canonical", "handling"),
    "tax": ("canonical", "money"),
}


def introduce(context: Context) -> dict[str, str | None]:
    """Connections, a client for each that pushes, a small catalogue; connection -> client id."""
    found: dict[str, str | None] = {}
    for name, (system, role) in SOURCES.items():
        connection_commands.make(context, name, system, role=role, settings=[], tables=[])
        made = None
        if system == "canonical":
            made = client_commands.make(context, name, ["push"], [name], []).client_id
        found[name] = made
    data = CatalogueData(
        (Agency("H50.12", "UBND thành phố Đông Hà"),),
        (),
        (ProcedureFacts("1.001612", "Đăng ký hộ kinh doanh", duration="5"),),
    )
    at = clock.to_iso(context.now())
    context.store.in_write(lambda tx: catalogue.change_catalogue(tx, lambda _: data, "bench", at))
    return found


def batches(told: Iterable[Word]) -> Iterator[list[Word]]:
    """Records as they are sent: each source's own by 500; one push in thirty goes alone."""
    waiting: dict[str, list[Word]] = {name: [] for name in SOURCES}
    for number, word in enumerate(told):
        if number % 30 == 0 and word.who != "snv":
            yield [word]
            continue
        waiting[word.who].append(word)
        if len(waiting[word.who]) == BATCH:
            yield waiting[word.who]
            waiting[word.who] = []
    yield from (left for left in waiting.values() if left)


def send(context: Context, batch: list[Word], client_id: str | None) -> None:
    """One push or one polled page, taken in as the doors do."""
    told = [word.told for word in batch]
    at = max(word.at for word in batch)
    context.now = lambda: clock.utc(at)
    with context.store.read() as tx:
        connection = connections.load_connection(tx, batch[0].who)
    if connection is None:
        raise KeyError(batch[0].who)
    run_id = None
    if client_id is None:
        stamp = clock.to_iso(at)
        run_id = context.store.in_write(lambda tx: connections.start_run(tx, connection.id, stamp))
    body: object = told if client_id is not None else {"total": len(told), "data": told}
    taken = Taken(
        connection=connection,
        shape="json" if client_id is not None else "dossiers",
        raw=msgspec.json.encode(body),
        received_at=_whole(at),
        client_id=client_id,
        run_id=run_id,
        keeps_duplicates=client_id is not None,
    )
    take_in(context, taken, *prepare(context, taken))


def _whole(at: datetime) -> datetime:
    return clock.from_iso(clock.to_iso(at))


def fill(context: Context, records: int, seed: int) -> float:
    """Take in so many records; seconds it took."""
    sender = introduce(context)
    begun, done = time.monotonic(), 0
    for batch in batches(islice(words(seed), records)):
        send(context, batch, sender[batch[0].who])
        done += len(batch)
        if done // 10_000 != (done - len(batch)) // 10_000:
            took = time.monotonic() - begun
            sys.stderr.write(f"\r{done} records, {done / took:.0f}/s ")
            sys.stderr.flush()
    sys.stderr.write("\n")
    return time.monotonic() - begun


def main() -> None:
    """Make one store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--url", default="")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    settings = Settings(data_dir=given.data_dir, database_url=given.url, secret_key=KEY)
    context = wiring.open_hub(settings)
    took = fill(context, given.records, given.seed)
    context.store.dispose()
    sys.stdout.write(f"{given.records} records in {took:.0f} s\n")


if __name__ == "__main__":
    main()
