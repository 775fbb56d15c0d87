"""A pull of 50,000 records in a process of its own: `python -m tests.pulled_memory FOLDER`.

Ten pages of new dossiers, then ninety that bring the same ones under another envelope, as a source
without a filter does. Prints the largest resident size in KiB when the new ones are in, and at the
end: what grew in between was kept from page to page.
"""

import asyncio
import json
import resource
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from canonical.ports import Ask, Page
from hub import wiring
from hub.commands import connections
from hub.settings import Settings
from sync.run import sync_connection
from sync.runbook import Summary
from tests.polled import row

PAGES, NEW, ROWS = 100, 10, 500


class Source:
    """Makes each page when it is asked for."""

    async def pages(self, ask: Ask) -> AsyncIterator[Page]:
        for place in range(PAGES):
            first = place % NEW * ROWS
            told = [row(n) for n in range(first, first + ROWS)]
            yield Page(
                raw=json.dumps({"total": PAGES * ROWS, "page": place, "data": told}).encode(),
                shape="dossiers",
                observed_at=datetime.now(UTC),
                cursor=None if place == PAGES - 1 else f"page-{place + 1}",
                total=PAGES * ROWS,
                count=ROWS,
            )

    async def acknowledge(self, page: Page) -> None:
        return None

    async def close(self) -> None:
        return None


def main(folder: Path) -> None:
    context = wiring.open_hub(Settings(data_dir=folder, secret_key="k" * 40))
    known = dict(context.systems)
    known["one_stop"] = msgspec.structs.replace(known["one_stop"], connect=lambda _: Source())
    context.systems = known
    connections.make(context, "snv", "one_stop", settings=[], tables=[])
    seen: list[int] = []

    def note(summary: Summary) -> None:
        if summary.pages in (2 * NEW, PAGES):  # the second round has warmed what it needs
            seen.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)

    summary = asyncio.run(sync_connection(context, "snv", progress=note))
    told = {"records": summary.records, "applied": summary.applied, "kib": seen}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
