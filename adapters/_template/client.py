"""Calls to the department in its own words: no repeats. Contract: contract/design.md."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

from adapters._template import reader
from adapters.wire import Http, Wire
from canonical import clock
from canonical.errors import Refused
from canonical.ports import Ask, Page, Settings
from canonical.reasons import Reason

_MOMENT = "%d/%m/%Y %H:%M:%S"


class Client:
    """One connection to the department."""

    def __init__(self, settings: Settings, http: Http) -> None:
        self._id = settings.id
        self._address = settings.endpoint.rstrip("/") + "/ho-so"
        self._key = settings.secrets.get("api_key", "")
        self._page_size = int(settings.options.get("page_size", "10"))
        self._http = http

    async def pages(self, ask: Ask) -> AsyncIterator[Page]:
        """The dossiers updated in [since, until), oldest first, page after page.

        `total` is what this run still brings: behind a cursor, less than the window holds.

        Raises:
            HubError: what the wire raises; what `reader.page` raises; Refused(CURSOR_LOST) for a
                cursor this client did not write.
        """
        number: int | None = self._first(ask.cursor)
        before = (self._first(ask.cursor) - 1) * self._page_size
        while number is not None:
            query = {"trang": str(number), "soDong": str(self._page_size)}
            if ask.since is not None:
                query["tuNgay"] = clock.local(ask.since).strftime(_MOMENT)
            if ask.until is not None:
                query["denNgay"] = clock.local(ask.until).strftime(_MOMENT)
            answer = await self._http.call(
                "GET",
                self._address,
                params=query,
                headers={"X-Api-Key": self._key, "Accept": "application/json"},
                expect=("application/json",),
            )
            page = reader.page(answer.body)
            is_last = not page["hoSo"] or number * self._page_size >= page["tong"]
            number = None if is_last else number + 1
            yield Page(
                raw=answer.body,
                shape=reader.DOSSIERS,
                observed_at=datetime.now(UTC),
                cursor=None if number is None else str(number),
                total=max(page["tong"] - before, 0),
                count=len(page["hoSo"]),
            )

    async def acknowledge(self, page: Page) -> None:
        """Nothing: the department is not told what was read."""

    async def close(self) -> None:
        """Give back the sockets."""
        await self._http.close()

    def _first(self, cursor: str | None) -> int:
        if cursor is None:
            return 1
        if not cursor.isdecimal():
            raise Refused(Reason.CURSOR_LOST, system=self._id)
        return int(cursor)


def connect(settings: Settings, wire: Wire) -> Client:
    """A client of one connection; nothing is called yet."""
    return Client(settings, wire.http(settings.id, timeout_s=20.0))
