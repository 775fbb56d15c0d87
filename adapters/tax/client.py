"""Calls to the tax system in its own words: a session from a login, then notices page by page.

Contract: contract/notices.md (domain/contracts.md 5.5, session style of domain/statuses.md 2.3).
"""

import math
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.tax import reader
from adapters.wire import Answer, Http, Token, Wire
from canonical import clock
from canonical.ports import Ask, Page, Settings

_JSON = ("application/json",)
_SERVICE = "DanhSachThongBaoThue"
_DAY = "%d-%m-%Y"
_INSTANT = timedelta(microseconds=1)


class Client:
    """One connection to the tax system."""

    def __init__(self, settings: Settings, http: Http) -> None:
        self._id = settings.id
        self._base = settings.endpoint.rstrip("/")
        self._username = settings.options.get("username", "")
        self._password = settings.secrets.get("password", "")
        self._page_size = int(settings.options.get("page_size", "200"))
        self._http = http
        self._session = Token(self._log_in, system=settings.id)

    async def pages(self, ask: Ask) -> AsyncIterator[Page]:
        """The notices updated on the days from `since` to `until` or now, in no promised order.

        The contract counts whole days, so more may come than was asked for. A cursor is not gone
        on from: pages without order begin anew. When the declared total shrinks, rows have moved
        forward, and the run goes back as many pages as that may be.

        Raises:
            NotAllowed: AUTH_DENIED.
            TryAgain: what the wire raises.
            Refused: SOURCE_ERROR, an error_code of its own.
            Garbled: a page outside the contract.
        """
        window = _window(ask)
        number: int | None = 1
        before = 0
        while number is not None:
            asked = {"trang": number, "soDong": self._page_size}
            answer, told = await self._call(_SERVICE, window | asked)
            total, count = told["tongSo"], len(told["result"])
            number = _next(number, before - total, total, count, self._page_size)
            before = total
            yield Page(
                raw=answer.body,
                shape=reader.NOTICES,
                observed_at=datetime.now(UTC),
                cursor=None if number is None else str(number),
                total=total,
                count=count,
            )

    async def acknowledge(self, page: Page) -> None:
        """Nothing: the tax system is not told what was read."""

    async def close(self) -> None:
        """Give back the sockets and forget the session."""
        self._session.forget()
        await self._http.close()

    async def _call(self, service: str, asked: dict[str, Any]) -> tuple[Answer, dict[str, Any]]:
        async def once(session: str) -> tuple[Answer, dict[str, Any]]:
            told = {"session": session, "service": service} | asked
            answer = await self._post("mapi/g", told)
            return answer, reader.envelope(answer.body)

        return await self._session.use(once)

    async def _log_in(self) -> tuple[str, float]:
        """A new session; how long it is good for is not told."""
        login = {"username": self._username, "password": self._password}
        return reader.session_of((await self._post("login", login)).body), math.inf

    async def _post(self, path: str, body: dict[str, Any]) -> Answer:
        return await self._http.call(
            "POST",
            f"{self._base}/{path}",
            json=body,
            headers={"Accept": "application/json", "Charset": "utf-8"},
            expect=_JSON,
        )


def _window(ask: Ask) -> dict[str, Any]:
    """Both days, the last one included; an empty first day asks for everything."""
    last = ask.now if ask.until is None else ask.until - _INSTANT
    return {
        "tuNgay": "" if ask.since is None else clock.day_of(ask.since).strftime(_DAY),
        "denNgay": clock.day_of(last).strftime(_DAY),
    }


def _next(number: int, moved: int, total: int, count: int, page_size: int) -> int | None:
    """The page to ask for next; None where this one was the last."""
    if moved > 0 and number > 1:
        return max(1, number + -moved // page_size)
    if count == 0 or number * page_size >= total:
        return None
    return number + 1


def connect(settings: Settings, wire: Wire) -> Client:
    """A client of one connection; nothing is called yet."""
    timeout_s = float(settings.options.get("timeout_s", "20"))
    return Client(settings, wire.http(system=settings.id, timeout_s=timeout_s))
