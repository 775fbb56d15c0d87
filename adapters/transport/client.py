"""Calls to the Department of Transport in its own words: the SOAP service, or the newer JSON list.

Contracts: contract/service-2014-used.wsdl and contract/danhsachhoso.md. Which of the two a
connection uses is its option `mode`; the options are listed in manifest.toml.
"""

import logging
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from adapters.transport import asking, reader
from adapters.wire import Http, Soap, Wire
from canonical.errors import NotAllowed, Refused
from canonical.ports import Ask, Client, Page, Settings
from canonical.reasons import Reason

logger = logging.getLogger(__name__)

_CONTRACT = Path(__file__).parent / "contract" / "service-2014-used.wsdl"
_SOAP_PATH = "/TichHopMotCua/Service.asmx"
_LIST_PATH = "/apiGTVT/danhsachhoso"
_SOAP_WINDOW_DAYS = 30
_LIST_WINDOW_DAYS = 3  # the window the public caller asks with
_ALL = -1


def connect(settings: Settings, wire: Wire) -> Client:
    """The client of one connection, in the mode its options choose.

    Raises:
        Refused: FIELD_TYPE for an option that cannot be read, FIELD_MISSING without ma_don_vi.
        NotAllowed: AUTH_DENIED in JSON mode without the secret api_key.
    """
    mode = settings.options.get("mode") or "soap"
    if mode == "soap":
        return SoapClient(settings, wire)
    if mode == "json":
        return JsonClient(settings, wire)
    raise asking.bad_option(settings, "mode")


class SoapClient:
    """The service of 2014: the list of what came in, then the state of every code still open."""

    def __init__(self, settings: Settings, wire: Wire) -> None:
        version = settings.options.get("soap_version") or "1.1"
        spoken: Literal["1.1", "1.2"]
        if version == "1.1":
            spoken, port = "1.1", "ServiceSoap"
        elif version == "1.2":
            spoken, port = "1.2", "ServiceSoap12"
        else:
            raise asking.bad_option(settings, "soap_version")
        self._id = settings.id
        self._from_day = asking.from_day(settings)
        self._batch = asking.whole(settings, "state_batch", 50, least=1)
        self._soap: Soap = wire.soap(
            _CONTRACT,
            asking.address(settings.endpoint, _SOAP_PATH),
            system=settings.id,
            timeout_s=asking.timeout_s(settings),
            version=spoken,
            service="Service",
            port=port,
        )

    async def pages(self, ask: Ask) -> AsyncIterator[Page]:
        """The list window by window, then GetTrangThaiHoSo for the open codes it did not tell of.

        The list is getHoSoMotCua; windows are days of reception (NGAYNOPHOSO1), at most 30. A code
        that a window already told the state of is not asked again; one the service does not hold
        gives no row, and the run says at its end how many those were. A cursor only tells that
        more will come: the manifest declares no order, so a run begins anew.

        Raises:
            Refused: SOAP_FAULT.
            Unreachable, TryAgain, Garbled: as the wire and `reader.rows` say.
        """
        answered: set[str] = set()
        open_codes = list(dict.fromkeys(code.strip() for code in ask.open_codes if code.strip()))
        windows = asking.windows(ask, self._from_day, _SOAP_WINDOW_DAYS)
        for place, window in enumerate(windows, 1):
            raw = await self._soap.call(reader.DOSSIERS, **asking.days(window, "tuNgay", "denNgay"))
            found = reader.rows(reader.DOSSIERS, raw)
            answered |= reader.answered(found)
            is_last = place == len(windows) and answered.issuperset(open_codes)
            yield _page(raw, reader.DOSSIERS, None if is_last else f"window:{place}", len(found))
        left = [code for code in open_codes if code not in answered]
        not_held = 0
        for start in range(0, len(left), self._batch):
            codes = left[start : start + self._batch]
            answers = [(code, await self._soap.call(reader.STATES, maDK=code)) for code in codes]
            raw = reader.packed(answers)
            count = len(reader.rows(reader.STATES, raw))
            not_held += len(codes) - count
            end = start + len(codes)
            yield _page(raw, reader.STATES, f"codes:{end}" if end < len(left) else None, count)
        if not_held:
            logger.warning(
                "The Department holds no dossier under some codes that are open at the hub",
                extra={"event": "transport.not_held", "connection": self._id, "codes": not_held},
            )

    @property
    def listed_from(self) -> date | None:
        """What was handed in before the option from_day is not in the list."""
        return self._from_day

    async def acknowledge(self, page: Page) -> None:
        """Nothing: the service is not told what was read."""

    async def close(self) -> None:
        """Give back the sockets."""
        await self._soap.close()


class JsonClient:
    """The newer list with an API key, read window by window and page by page."""

    def __init__(self, settings: Settings, wire: Wire) -> None:
        self._id = settings.id
        self._url = asking.address(settings.endpoint, _LIST_PATH)
        self._from_day = asking.from_day(settings)
        self._agency = settings.options.get("ma_don_vi", "")
        self._key = settings.secrets.get("api_key", "")
        if not self._agency:
            raise Refused(Reason.FIELD_MISSING, "option ma_don_vi", system=settings.id)
        if not self._key:
            raise NotAllowed(Reason.AUTH_DENIED, "no secret api_key", system=settings.id)
        self._page_size = asking.whole(
            settings, "page_size", asking.MANIFEST["page_size"], least=_ALL
        )
        if self._page_size == 0:
            raise asking.bad_option(settings, "page_size")
        self._rescan = timedelta(days=asking.whole(settings, "rescan_days", 45, least=0))
        self._http: Http = wire.http(settings.id, asking.timeout_s(settings))

    async def pages(self, ask: Ask) -> AsyncIterator[Page]:
        """The list, three days of reception at a time.

        The list shows no time of update and can be asked by day of reception only, so `rescan_days`
        before the watermark are read again: what is open longer than that is not seen to end.
        `total` adds up what the windows declared so far, so on the last page it is the run's.

        Raises:
            NotAllowed: AUTH_DENIED, error_code -301, -302 or -304.
            Refused: SOURCE_ERROR, its other error codes.
            Unreachable, TryAgain, Garbled: as the wire and `reader.listing` say.
        """
        windows = asking.windows(ask, self._from_day, _LIST_WINDOW_DAYS, back=self._rescan)
        declared = 0
        for place, window in enumerate(windows, 1):
            got, is_done, total = 0, False, 0
            while not is_done:
                raw = await self._list(window, got)
                total, data = reader.listing(raw)
                count = len(data)
                got += count
                is_done = count == 0 or got >= total or self._page_size == _ALL
                is_last = is_done and place == len(windows)
                cursor = None if is_last else f"window:{place}:{got}"
                yield _page(raw, reader.LISTED, cursor, count, declared + total)
            declared += total

    @property
    def listed_from(self) -> date | None:
        """As `SoapClient.listed_from`."""
        return self._from_day

    async def acknowledge(self, page: Page) -> None:
        """Nothing: the list is not told what was read."""

    async def close(self) -> None:
        """Give back the sockets."""
        await self._http.close()

    async def _list(self, window: asking.Window, start: int) -> bytes:
        is_whole = self._page_size == _ALL
        query: dict[str, Any] = {
            "Start": _ALL if is_whole else start,
            "End": _ALL if is_whole else start + self._page_size,
            "GovAgencyCode": self._agency,
            "APIKey": self._key,
            **asking.days(window, "ReceiveFromDate", "ReceiveToDate"),
        }
        headers = {
            "MaDonVi": self._agency,
            "ApiKey": self._key,
            "Authorization": f"Bearer {self._key}",
            "Accept": "application/json",
        }
        answer = await self._http.call(
            "GET", self._url, params=query, headers=headers, expect=("application/json",)
        )
        return answer.body


def _page(raw: bytes, shape: str, cursor: str | None, count: int, total: int | None = None) -> Page:
    return Page(
        raw=raw,
        shape=shape,
        observed_at=datetime.now(UTC),
        cursor=cursor,
        total=total,
        count=count,
    )
