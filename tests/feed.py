"""A polled source in memory, for what a run does with any source: pages, time, failures midway.

Its rows are in plain words, its reader and mapping are real ones, its clock is the trial's. A row
can be seen from a moment on that may lie behind its own time: that is lateness.
"""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct, structs

from canonical import clock
from canonical.ports import Ask, Manifest, Page, Row, System
from store import connections
from store.tables import Record, Run, table
from sync.run import Summary, Window, sync_connection
from tests.trial import Trial

NAME = "memory"
MAPPING = {
    "version": 1,
    "shapes": {
        "rows": {
            "facet": "snapshot",
            "version_by": "time",
            "rows": [
                {"target": "code", "source": "code", "required": True},
                {"target": "updated_at", "source": "at", "transforms": ["iso"]},
                {"target": "status", "source": "status", "required": True},
                {"target": "agency", "const": "H50.12"},
                {"target": "procedure.code", "const": "1.001612"},
            ],
        }
    },
}


class Line(Struct, frozen=True):
    """One row of the source.

    Attributes:
        seen_at: From when on the source shows it.
    """

    code: str
    at: datetime
    status: str = "accepted"
    seen_at: datetime | None = None


class Feed:
    """The source and its one client.

    Attributes:
        asked: What every run wanted.
        log: Every call, "page …" or "ack …".
        before_page: Called before the page of that number is given; may raise.
        on_acknowledge: Called before an acknowledgement counts; may raise.
        total: Declared total; None where it declares none, -1 for the true one.
        two_step: Whether it serves what is not acknowledged yet, without windows or cursors.
        pages_as_is: Hand out these pages instead.
    """

    def __init__(self, hub: Trial, *, page_size: int = 2, **manifest: Any) -> None:
        self.hub = hub
        self.page_size = page_size
        self.rows: list[Line] = []
        self.asked: list[Ask] = []
        self.log: list[str] = []
        self.before_page: Callable[[int], None] = lambda _: None
        self.on_acknowledge: Callable[[str], None] = lambda _: None
        self.total: int | None = None
        self.two_step = False
        self.pages_as_is: Sequence[Page] | None = None
        self._sent: set[str] = set()
        told = {"ordered": True, "overlap_s": 300, **manifest}
        system = System(
            manifest=Manifest(
                id=NAME,
                title="Nguồn thử",
                owner="the tests",
                protocol="rest",
                contract="our own design",
                proven_against="simulator",
                **told,
            ),
            mapping_document=MAPPING,
            transforms={},
            rows=lambda _, raw: [Row("rows", line) for line in json.loads(raw)],
            connect=lambda _: self,
            door=None,
        )
        hub.context.systems = {**dict(hub.context.systems), NAME: system}
        hub.connect(NAME, system=NAME, endpoint="http://memory.test")

    # ------------------------------------------------------------------ as the hub sees it

    async def pages(self, ask: Ask) -> AsyncIterator[Page]:
        self.asked.append(ask)
        if self.pages_as_is is not None:
            for number, page in enumerate(self.pages_as_is):
                self._call(number)
                yield page
            return
        number = 0
        if self.two_step:
            while True:
                waiting = [line for line in self.shown() if line.code not in self._sent]
                self._call(number)
                part = waiting[: self.page_size]
                is_last = len(waiting) <= self.page_size
                token = ",".join(line.code for line in part)
                yield self._page(part, None if is_last else part[0].code, token, None)
                if is_last:
                    return
                number += 1
        rows = self.shown(ask.since)
        start = int(ask.cursor) if ask.cursor is not None else 0
        first = start
        while True:
            self._call(number)
            part = rows[start : start + self.page_size]
            start += self.page_size
            total = len(rows) - first if self.total == -1 else self.total
            yield self._page(part, str(start) if start < len(rows) else None, "", total)
            if start >= len(rows):
                return
            number += 1

    def _call(self, number: int) -> None:
        self.log.append(f"page {number}")
        self.before_page(number)

    def _page(
        self, part: Sequence[Line], cursor: str | None, token: str, total: int | None
    ) -> Page:
        return page(self.hub, part, cursor=cursor, token=token, total=total)

    async def acknowledge(self, page: Page) -> None:
        self.on_acknowledge(page.token)
        self.log.append(f"ack {page.token}")
        self._sent |= set(page.token.split(","))

    async def close(self) -> None:
        self.log.append("close")

    # ------------------------------------------------------------------ as a test sees it

    def shown(self, since: datetime | None = None) -> list[Line]:
        """What the source shows now, oldest first."""
        now = self.hub.clock()
        rows = [r for r in self.rows if (r.seen_at or r.at) <= now]
        return sorted((r for r in rows if since is None or r.at >= since), key=lambda r: r.at)

    def add(self, code: str, *, ago_s: float = 0.0, late_s: float = 0.0, **more: Any) -> None:
        """A row of that many seconds ago, shown so much later than that."""
        at = self.hub.clock() - timedelta(seconds=ago_s)
        self.rows.append(Line(code, at, seen_at=at + timedelta(seconds=late_s), **more))

    async def run(self, window: Window | None = None, **limits: Any) -> Summary:
        kept = self.hub.context.limits
        self.hub.context.limits = structs.replace(kept, **limits)
        try:
            return await sync_connection(self.hub.context, NAME, window)
        finally:
            self.hub.context.limits = kept

    def point(self) -> dict[str, Any]:
        """The checkpoint."""
        with self.hub.store.read() as tx:
            return connections.load_checkpoint(tx, NAME)

    def watermark(self) -> datetime | None:
        told = self.point().get("watermark")
        return clock.utc(clock.from_iso(told)) if told else None

    def runs(self) -> list[Any]:
        """The run rows, oldest first."""
        with self.hub.store.read() as tx:
            return list(tx.execute(table(Run).select().order_by(table(Run).c.id)))

    def codes(self) -> list[str]:
        """The code of every record row, in order of intake."""
        with self.hub.store.read() as tx:
            return [r.code for r in tx.execute(table(Record).select().order_by(table(Record).c.id))]


def page(hub: Trial, rows: Sequence[Line], **more: Any) -> Page:
    """A page of these rows."""
    told = [{"code": r.code, "at": r.at.isoformat(), "status": r.status} for r in rows]
    return Page(
        raw=json.dumps(told).encode(),
        shape="rows",
        observed_at=hub.clock(),
        count=len(rows),
        **more,
    )
