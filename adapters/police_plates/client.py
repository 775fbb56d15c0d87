"""Reads the drop day by day (contract/DESIGN.md): each file is one page, its place the cursor.

The handovers are numbered. Where a number is missing the run stops with CURSOR_LOST after the pages
before the gap: what lies behind it is newer, and taking it first would hide that a day is missing.
"""

import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time
from pathlib import Path

from adapters.police_plates import reader
from adapters.police_plates.handover import MANIFEST, Day, File, day_of_folder, to_day
from adapters.wire import Wire
from adapters.wire.files import Folder
from canonical import clock
from canonical.errors import Garbled
from canonical.ports import Ask, Page, Settings
from canonical.reasons import Reason


def connect(settings: Settings, wire: Wire) -> "Client":
    """The client of one drop folder; `settings.endpoint` is the folder's path."""
    timeout_s = wire.deadline_s(float(settings.options.get("timeout_s", "60")))
    return Client(Folder(Path(settings.endpoint), system=settings.id, timeout_s=timeout_s))


class Client:
    """One drop folder as pages."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    async def pages(self, ask: Ask) -> AsyncIterator[Page]:
        """One page per file not yet read, oldest day first; `Page.cursor` is set on every page.

        With a cursor the run goes on behind it and `since` does not matter; a day without manifest
        is not there yet.

        Raises:
            Garbled: CURSOR_LOST (a gap in the numbers, or the day read last is gone), PAGE_SHORT,
                BODY_TRUNCATED (digest) and what `reader.rows` and `handover.to_day` raise.
            Unreachable, NotAllowed: as adapters.wire.files.
        """
        try:
            async for page in self._pages(ask):
                yield page
        except Garbled as error:
            if error.system:
                raise
            raise Garbled(error.reason, error.detail, system=self._folder.system) from error

    async def _pages(self, ask: Ask) -> AsyncIterator[Page]:
        last_day, _, last_file = (ask.cursor or "").partition("/")
        number: int | None = None
        for name in await self._days(ask, last_day):
            raw = await self._folder.read(name, MANIFEST)
            if raw is None and name != last_day:
                continue
            if raw is None:
                raise Garbled(Reason.CURSOR_LOST, f"{name}: no {MANIFEST} any more")
            day = to_day(raw, name)
            if number is not None and day.so_thu_tu != number + 1:
                detail = f"so_thu_tu {number + 1} is missing; {name} has {day.so_thu_tu}"
                raise Garbled(Reason.CURSOR_LOST, detail)
            number = day.so_thu_tu
            for file in _behind(day, last_file) if name == last_day else day.tep:
                yield await self._page(name, file)

    async def _days(self, ask: Ask, last_day: str) -> list[str]:
        """The day folders this run looks into, oldest first, the one read last included."""
        days = [
            (name, day)
            for name in await self._folder.names()
            if (day := day_of_folder(name)) is not None
        ]
        if last_day:
            if last_day not in (name for name, _ in days):
                detail = f"{last_day}, read last, is not in the folder any more"
                raise Garbled(Reason.CURSOR_LOST, detail)
            days = [(name, day) for name, day in days if name >= last_day]
        elif ask.since is not None:
            first = clock.day_of(ask.since)
            days = [(name, day) for name, day in days if day >= first]
        return [name for name, day in days if ask.until is None or _begin(day) < ask.until]

    async def _page(self, day: str, file: File) -> Page:
        place = f"{day}/{file.ten}"
        raw = await self._folder.read(day, file.ten)
        if raw is None:
            raise Garbled(Reason.PAGE_SHORT, f"{place}: in the manifest, not in the folder")
        if hashlib.sha256(raw).hexdigest() != file.sha256:
            detail = f"{place}: {len(raw)} bytes, not those of the manifest's digest"
            raise Garbled(Reason.BODY_TRUNCATED, detail)
        try:
            count = len(reader.rows(file.shape, raw))
        except Garbled as error:
            raise Garbled(error.reason, f"{place}: {error.detail}") from error
        if count != file.so_ban_ghi:
            # More than declared is no shortage: the file is not the one its manifest describes.
            short = count < file.so_ban_ghi
            reason = Reason.PAGE_SHORT if short else Reason.BODY_MALFORMED
            raise Garbled(reason, f"{place}: {count} rows, {file.so_ban_ghi} declared")
        return Page(
            raw=raw,
            shape=file.shape,
            observed_at=datetime.now(UTC),
            cursor=place,
            count=count,
        )

    async def acknowledge(self, page: Page) -> None:
        """Nothing: the network is one-way, and the department does not ask."""

    async def close(self) -> None:
        """Nothing: every read closes its handles."""


def _behind(day: Day, last_file: str) -> list[File]:
    """The files of the day read last that come behind the one read last."""
    names = [file.ten for file in day.tep]
    if last_file not in names:
        raise Garbled(Reason.CURSOR_LOST, f"{day.ngay}: {last_file}, read last, is not listed")
    return day.tep[names.index(last_file) + 1 :]


def _begin(day: date) -> datetime:
    return datetime.combine(day, time.min, clock.HCM)
