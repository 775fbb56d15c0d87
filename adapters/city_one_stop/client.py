"""Calls to the app in its own words: pullDocument, updateSendSignal. Contract: exchdocument.wsdl.

The app serves whatever is not acknowledged yet, ten at a time, so there is no page to ask for: the
same call is made again until it says that nothing waits behind (conTiep 0).
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adapters.city_one_stop import envelope, reader
from adapters.wire import Soap, Wire
from canonical.ports import Ask, Page, Settings

CONTRACT = Path(__file__).parent / "contract" / "exchdocument.wsdl"


class Client:
    """One connection to the app: one unit's online registrations."""

    def __init__(self, settings: Settings, soap: Soap) -> None:
        self._unit = settings.options.get("maDonViTiepNhan", "")
        self._who = {name: settings.secrets.get(name, "") for name in ("password", "userName")}
        self._soap = soap

    async def pages(self, ask: Ask) -> AsyncIterator[Page]:
        """All that waits, page after page; `ask` cannot narrow it, the contract has no window.

        Each page must be acknowledged before the next is asked for, else the app serves the same
        one again: then its cursor, its first onlineId, is the same too.

        Raises:
            NotAllowed: AUTH_DENIED (errCode 3).
            TryAgain: SOURCE_ERROR (errCode 9), and what the wire raises.
            Refused: SOURCE_ERROR (any other errCode), SOAP_FAULT.
            Garbled: an answer outside the contract.
        """
        has_more = True
        while has_more:
            raw = await self._soap.call(
                reader.PULL, arg0={**self._who, "maDonViTiepNhan": self._unit}
            )
            page = reader.pulled(raw)
            has_more = page.has_more
            first = str(page.ids[0]) if page.ids else "none"
            yield Page(
                raw=raw,
                shape=reader.PULL,
                observed_at=datetime.now(UTC),
                cursor=first if has_more else None,
                count=len(page.rows),
                token=",".join(map(str, page.ids)),
            )

    async def acknowledge(self, page: Page) -> None:
        """Tell the app that a page is safe here (updateSendSignal); it is not served again.

        Raises:
            NotAllowed, TryAgain, Refused, Garbled: as `pages`.
        """
        if not page.token:
            return
        signal: dict[str, Any] = {**self._who, "idList": [int(n) for n in page.token.split(",")]}
        raw = await self._soap.call("updateSendSignal", arg0=signal)
        reader.check(envelope.returned(raw, "updateSendSignal"))

    async def close(self) -> None:
        """Give back the sockets and forget the password."""
        self._who = {}
        await self._soap.close()


def connect(settings: Settings, wire: Wire) -> Client:
    """A client of one connection; nothing is called yet."""
    timeout_s = float(settings.options.get("timeout_s", "20"))
    soap = wire.soap(
        CONTRACT,
        settings.endpoint,
        system=settings.id,
        timeout_s=timeout_s,
    )
    return Client(settings, soap)
