"""The client of a declared drop folder: every settled file once, in the order of the names.

What was read is kept by name in the cursor, not as a last name: a file that comes late under an
earlier name is read too, and no file is read twice. A file is settled when its digest or marker
lies beside it, or when it has not been written to for a while.
"""

import fnmatch
import hashlib
import re
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

from adapters.declared.declaration import Declaration, Drop
from adapters.declared.reader import DROP, Reader
from adapters.wire import Wire
from adapters.wire.files import Folder
from canonical.errors import Garbled, HubError, Refused
from canonical.ports import Ask, Page, Settings
from canonical.reasons import Reason

_MARK = 12
_CURSOR = re.compile(rf"(?:[0-9a-f]{{{_MARK}}})+\Z")
_SUFFIX = {"digest": ".sha256", "marker": ".done", "age": ""}


class DropClient:
    """One drop folder as pages."""

    def __init__(self, told: Declaration, settings: Settings, wire: Wire, reader: Reader) -> None:
        assert told.drop is not None  # noqa: S101 - `building` has looked
        self._drop: Drop = told.drop
        self._id = settings.id
        self._reader = reader
        seconds = float(settings.options.get("timeout_s") or told.timeout_s)
        self._folder = Folder(
            Path(settings.endpoint), system=settings.id, timeout_s=wire.deadline_s(seconds)
        )

    async def pages(self, ask: Ask) -> AsyncIterator[Page]:
        """One page per settled file not yet read; `Page.cursor` is set on every page.

        Raises:
            Garbled: BODY_TRUNCATED (not the bytes of its digest), and what the reader raises.
            Refused: CURSOR_LOST for a cursor this client did not write.
            Unreachable, NotAllowed: as adapters.wire.files.
        """
        known = self._known(ask.cursor)
        names = await self._folder.names()
        wanted = [name for name in names if self._is_wanted(name)]
        marks = {_mark(name) for name in wanted}
        # What the department has cleared away is forgotten, so that the cursor stays small.
        read = [mark for mark in known if mark in marks]
        for name in wanted:
            if _mark(name) in known:
                continue
            raw = await self._settled(name, set(names))
            if raw is None:
                continue
            read.append(_mark(name))
            yield self._page(name, raw, "".join(read))

    async def acknowledge(self, page: Page) -> None:
        """Nothing: the folder is the department's."""

    async def close(self) -> None:
        """Nothing: every read closes its handles."""

    def _known(self, cursor: str | None) -> list[str]:
        if not cursor:
            return []
        if not _CURSOR.match(cursor):
            raise Refused(Reason.CURSOR_LOST, system=self._id)
        return [cursor[at : at + _MARK] for at in range(0, len(cursor), _MARK)]

    def _is_wanted(self, name: str) -> bool:
        suffix = self._suffix
        return fnmatch.fnmatchcase(name, self._drop.files) and not (
            suffix and name.endswith(suffix)
        )

    @property
    def _suffix(self) -> str:
        return self._drop.suffix or _SUFFIX[self._drop.settled]

    async def _settled(self, name: str, names: set[str]) -> bytes | None:
        """The bytes of a file that its owner has done with; None where that is not sure yet."""
        drop = self._drop
        if drop.settled == "age":
            modified_s = await self._folder.modified_s(name)
            if modified_s is None or time.time() - modified_s < drop.age_s:
                return None
            return await self._folder.read(name)
        if name + self._suffix not in names:
            return None
        raw = await self._folder.read(name)
        if drop.settled == "digest" and raw is not None:
            beside = await self._folder.read(name + self._suffix) or b""
            told = beside.decode("ascii", "replace").split()
            if not told or hashlib.sha256(raw).hexdigest() != told[0].lower():
                detail = f"{name}: {len(raw)} bytes, not those of its digest"
                raise Garbled(Reason.BODY_TRUNCATED, detail, system=self._id)
        return raw

    def _page(self, name: str, raw: bytes, cursor: str) -> Page:
        try:
            count = len(self._reader.rows(DROP, raw))
        except HubError as error:
            raise Garbled(error.reason, f"{name}: {error.detail}", system=self._id) from error
        return Page(raw=raw, shape=DROP, observed_at=datetime.now(UTC), cursor=cursor, count=count)


def _mark(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_MARK]
