"""Calls to the one-stop app in its own words: log-in, the dossier list, its own count.

Contract: contract/openapi.json, our own design in the style of OpenCPS V2.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.one_stop import counting, reader
from adapters.one_stop.paging import Place
from adapters.wire import Http, Token, Wire
from canonical.errors import Garbled, TryAgain
from canonical.ports import Ask, Page, Settings, Tally
from canonical.reasons import Reason

_JSON = ("application/json",)
_LOGIN = "/o/rest/v2/login"
_DOSSIERS = "/o/rest/v2/dossiers"
_STATISTICS = "/o/rest/v2/dossiers/statistics"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Client:
    """One connection to the app."""

    def __init__(self, settings: Settings, http: Http) -> None:
        self._id = settings.id
        self._base = settings.endpoint.rstrip("/")
        self._client_id = settings.options.get("client_id", "")
        self._client_secret = settings.secrets.get("client_secret", "")
        self._page_size = int(settings.options.get("page_size", "500"))
        self._http = http
        self._token = Token(self._log_in, system=settings.id)

    async def pages(self, ask: Ask) -> AsyncIterator[Page]:
        """The dossiers modified in [since, until), oldest first, page after page.

        A dossier that is modified while the run lasts is given again at the end; none is skipped
        (see `paging`). `total` is what the first answer declared, less what lies before the cursor.

        Raises:
            NotAllowed: AUTH_DENIED.
            TryAgain: what the wire raises.
            Garbled: a page outside the contract.
            Refused: CURSOR_LOST for a cursor this client did not write.
        """
        async for page in self._pages(ask, {}):
            yield page

    async def census(self) -> Sequence[Tally]:
        """What the app counts; raises as `pages`."""
        return counting.tallies(await self._get(_STATISTICS, {}))

    async def listing(self, tally: Tally, ask: Ask) -> AsyncIterator[Page]:
        """The dossiers of one service accepted on one day, as `pages`."""
        day = "" if tally.day is None else tally.day.isoformat()
        async for page in self._pages(ask, {"serviceCode": tally.procedure, "receiveDay": day}):
            yield page

    def mark(self, code: str, says: Mapping[str, Any], updated_at: datetime) -> int:
        """As the app counts a dossier."""
        return counting.mark(code, says, updated_at)

    async def _pages(self, ask: Ask, only: Mapping[str, str]) -> AsyncIterator[Page]:
        since_ms, until_ms = _window(ask)
        place: Place | None = Place(since_ms)
        if ask.cursor is not None:
            place = Place.from_cursor(ask.cursor, system=self._id)
        promised: int | None = None
        while place is not None:
            raw = await self._list(place, until_ms, only)
            found = reader.page(raw)
            if promised is None:
                promised = max(found["total"] - place.start, 0)
            place = place.after(found["data"], found["total"])
            yield Page(
                raw=raw,
                shape=reader.DOSSIERS,
                observed_at=datetime.now(UTC),
                cursor=None if place is None else place.to_cursor(),
                total=promised,
                count=len(found["data"]),
            )

    async def acknowledge(self, page: Page) -> None:
        """Nothing: the app is not told what was read."""

    async def close(self) -> None:
        """Give back the sockets and forget the token."""
        self._token.forget()
        await self._http.close()

    async def _list(self, place: Place, until_ms: int | None, only: Mapping[str, str]) -> bytes:
        window = {"modifiedDateFrom": place.from_ms, "modifiedDateTo": until_ms}
        asked: dict[str, Any] = {
            "start": place.start,
            "end": place.start + self._page_size,
            "order": "modifiedDate",
            **{name: ms for name, ms in window.items() if ms is not None},
            **only,
        }
        return await self._get(_DOSSIERS, asked)

    async def _get(self, path: str, asked: Mapping[str, Any]) -> bytes:
        return await self._token.use(lambda token: self._got(token, path, asked))

    async def _got(self, token: str, path: str, asked: Mapping[str, Any]) -> bytes:
        answer = await self._http.call(
            "GET",
            self._base + path,
            params=dict(asked),
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            expect=_JSON,
            allow=(401,),
        )
        if answer.status == 401:
            raise TryAgain(Reason.AUTH_EXPIRED, system=self._id)
        return answer.body

    async def _log_in(self) -> tuple[str, float]:
        """A new token, and how many seconds it is good for."""
        answer = await self._http.call(
            "POST",
            self._base + _LOGIN,
            form={"client_id": self._client_id, "client_secret": self._client_secret},
            headers={"Accept": "application/json"},
            expect=_JSON,
        )
        told = reader.body(answer.body)
        token, life_s = told.get("access_token"), told.get("expires_in")
        if not isinstance(token, str) or not (token.isascii() and token.isprintable() and token):
            raise Garbled(Reason.BODY_MALFORMED, "access_token", system=self._id)
        if type(life_s) is not int:
            raise Garbled(Reason.BODY_MALFORMED, "expires_in", system=self._id)
        return token, float(life_s)


def _window(ask: Ask) -> tuple[int | None, int | None]:
    """Since (inclusive) and until (exclusive) in whole milliseconds since 1970 UTC."""
    since_ms = None if ask.since is None else (ask.since - _EPOCH) // _MILLISECOND
    until_ms = None if ask.until is None else -((_EPOCH - ask.until) // _MILLISECOND)
    return since_ms, until_ms


def connect(settings: Settings, wire: Wire) -> Client:
    """A client of one connection; nothing is called yet."""
    timeout_s = float(settings.options.get("timeout_s", "30"))
    return Client(settings, wire.http(system=settings.id, timeout_s=timeout_s))
