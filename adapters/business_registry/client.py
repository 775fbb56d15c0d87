"""Calls to the business registry in its own words: Basic -> Bearer, the dossier feed, the look-up.

Contract: contract/feed.md (our own design) and contract/company.md (domain/contracts.md 5.3).
"""

import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, Self

from msgspec import Struct

from adapters.business_registry import company, reader
from adapters.wire import Answer, Http, Token, Wire
from canonical import clock
from canonical.errors import Garbled, Refused, TryAgain
from canonical.ports import Ask, Page, Settings
from canonical.reasons import Reason

_JSON = ("application/json",)
_FEED = "hoSoDangKy/1.0/danhSach"
_COMPANY = "apiCSDLDKDN/{version}/chiTietDoanhNghiep"
_MOMENT = "%Y-%m-%dT%H:%M:%S"
_RENEW_EARLY_S = 60.0
_UNAUTHORIZED = 401


class Client:
    """One connection to the registry."""

    def __init__(self, settings: Settings, http: Http) -> None:
        self._id = settings.id
        self._base = settings.endpoint.rstrip("/")
        self._options = settings.options
        self._key = settings.secrets.get("consumer_key", "")
        self._secret = settings.secrets.get("consumer_secret", "")
        self._page_size = int(settings.options.get("page_size", "200"))
        self._http = http
        self._token = Token(self._sign_in, system=settings.id)

    async def pages(self, ask: Ask) -> AsyncIterator[Page]:
        """The dossiers updated in [since, until or now), oldest first, page after page.

        A dossier that is updated while the run lasts leaves the window, and what stood behind it
        moves forward by one place: when the declared total shrinks, the run goes back as many
        pages as that may have moved, so that nothing slips through between two pages. `total` is
        what this run still brings: behind a cursor, less than the window holds.

        Raises:
            NotAllowed: AUTH_DENIED.
            TryAgain: what the wire raises.
            Garbled: a page outside the contract; PAGE_LOOP for another page than asked for.
            Refused: CURSOR_LOST for a cursor this client did not write.
        """
        start = self._start(ask)
        before = (start.number - 1) * self._page_size
        place: _Place | None = start
        while place is not None:
            answer = await self._get(_FEED, place.query(self._page_size))
            page = reader.envelope(answer.body)
            if page["Trang"] != place.number:
                raise Garbled(Reason.PAGE_LOOP, f"Trang {page['Trang']}", system=self._id)
            place = place.after(page["TongSo"], len(page["HoSo"]), self._page_size)
            yield Page(
                raw=answer.body,
                shape=reader.DOSSIERS,
                observed_at=datetime.now(UTC),
                cursor=place.to_cursor() if place else None,
                total=max(page["TongSo"] - before, 0),
                count=len(page["HoSo"]),
            )

    async def company(self, msdn: str) -> company.Company:
        """The company with this enterprise number, as the national register holds it now.

        Raises:
            RequestRefused: FIELD_MISSING or FIELD_TYPE: nobody was asked.
            NotOnFile: NOT_FOUND: the register holds none.
            NotAllowed, TryAgain, Garbled: as `pages`.
        """
        asked = company.checked_msdn(msdn)
        version = self._options.get("company_api", "1.0")
        query = {"msdn": asked}
        if version == "1.1":
            query = {"category": "chiTietDoanhNghiep", "version": "1.1", "msdn": asked}
        answer = await self._get(_COMPANY.format(version=version), query)
        return company.read(answer.body, asked)

    async def acknowledge(self, page: Page) -> None:
        """Nothing: the feed is not told what was read."""

    async def close(self) -> None:
        """Give back the sockets and forget the token."""
        self._token.forget()
        await self._http.close()

    def _start(self, ask: Ask) -> "_Place":
        if ask.cursor is not None:
            return _Place.from_cursor(ask.cursor, self._id)
        since = "" if ask.since is None else clock.local(ask.since).strftime(_MOMENT)
        until = clock.local(ask.until or ask.now).strftime(_MOMENT)
        return _Place(since, until, 1, 0)

    async def _get(self, path: str, query: dict[str, str]) -> Answer:
        return await self._token.use(lambda token: self._got(token, path, query))

    async def _got(self, token: str, path: str, query: dict[str, str]) -> Answer:
        answer = await self._http.call(
            "GET",
            f"{self._base}/{path}",
            params=query,
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            expect=_JSON,
            allow=(_UNAUTHORIZED,),
        )
        if answer.status == _UNAUTHORIZED:
            raise TryAgain(Reason.AUTH_EXPIRED, system=self._id)
        return answer

    async def _sign_in(self) -> tuple[str, float]:
        """A new token, and how many seconds it is good for."""
        pair = base64.b64encode(f"{self._key}:{self._secret}".encode()).decode()
        answer = await self._http.call(
            "POST",
            f"{self._base}/token",
            headers={"Authorization": f"Basic {pair}", "Accept": "application/json"},
            form={"grant_type": "client_credentials"},
            expect=_JSON,
        )
        told = reader.body(answer.body)
        life_s = _seconds_of(told, self._id) - _RENEW_EARLY_S
        return _text_of(told, "access_token", self._id), life_s


class _Place(Struct, frozen=True):
    """Where a run stands: its window, the page to ask for, and the total the last page declared."""

    since: str
    until: str
    number: int
    total: int

    def query(self, page_size: int) -> dict[str, str]:
        told = {"tuNgay": self.since, "denNgay": self.until}
        told |= {"trang": str(self.number), "soDong": str(page_size)}
        return {name: value for name, value in told.items() if value}

    def after(self, total: int, count: int, page_size: int) -> "_Place | None":
        """The next place; None where this page was the last."""
        moved = self.total - total
        if moved > 0 and self.number > 1:
            back = -(-moved // page_size)
            return _Place(self.since, self.until, max(1, self.number - back), total)
        if count == 0 or self.number * page_size >= total:
            return None
        return _Place(self.since, self.until, self.number + 1, total)

    def to_cursor(self) -> str:
        return f"{self.since}|{self.until}|{self.number}|{self.total}"

    @classmethod
    def from_cursor(cls, cursor: str, system: str) -> Self:
        try:
            since, until, number, total = cursor.split("|")
            return cls(since, until, int(number), int(total))
        except ValueError as error:
            raise Refused(Reason.CURSOR_LOST, system=system) from error


def _text_of(told: dict[str, Any], name: str, system: str) -> str:
    value = told.get(name)
    if not isinstance(value, str) or not value:
        raise Garbled(Reason.BODY_MALFORMED, name, system=system)
    return value


def _seconds_of(told: dict[str, Any], system: str) -> float:
    value = told.get("expires_in")
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if type(value) is not int:
        raise Garbled(Reason.BODY_MALFORMED, "expires_in", system=system)
    return float(value)


def connect(settings: Settings, wire: Wire) -> Client:
    """A client of one connection; nothing is called yet."""
    timeout_s = float(settings.options.get("timeout_s", "20"))
    return Client(settings, wire.http(system=settings.id, timeout_s=timeout_s))
