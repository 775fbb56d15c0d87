"""HTTP as the hub speaks it: one total deadline, bounded bodies, no redirects, checked addresses.

The only place that touches httpx. Every failure leaves here as one of `canonical.errors`; a detail
names host, port and status, never a path, a query or a body: those hold codes of dossiers.
"""

import asyncio
import json as json_text
import logging
import re
import ssl
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

import httpx
from msgspec import Struct

from adapters.wire.egress import Egress
from adapters.wire.limits import Intake, pause_s
from canonical.errors import (
    Busy,
    Garbled,
    HubError,
    NotAllowed,
    Refused,
    TryAgain,
    Unreachable,
)
from canonical.reasons import Reason

# At INFO it writes whole addresses, with API keys and dossier codes in their queries.
logging.getLogger("httpx").setLevel(logging.WARNING)
logging.getLogger("httpcore").setLevel(logging.WARNING)

BasicAuth = tuple[str, str, str]


class Answer(Struct, frozen=True):
    """What came back, whole and within bounds.

    Attributes:
        status: HTTP status.
        headers: By lower-case name.
        content_type: Lower case, without parameters; "" where none was sent.
        body: Decompressed.
    """

    status: int
    headers: Mapping[str, str]
    content_type: str
    body: bytes


class Http:
    """Calls to one system. Built by `Wire.http`; close it, or close the Wire."""

    def __init__(
        self,
        system: str,
        *,
        egress: Egress,
        tls: Callable[[], ssl.SSLContext],
        timeout_s: float,
        max_body_bytes: int,
        auth: BasicAuth | None = None,
        on_close: Callable[["Http"], None] = lambda _: None,
    ) -> None:
        """See `Wire.http` for the arguments; `tls` is asked only for an https address."""
        self.system = system
        self.timeout_s = timeout_s
        self._egress = egress
        self._tls = tls
        self._max_body_bytes = max_body_bytes
        self._auth = httpx.BasicAuth(auth[1], auth[2]) if auth else None
        self._on_close = on_close
        self._clients: dict[str, httpx.AsyncClient] = {}

    async def call(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        content: bytes | None = None,
        content_type: str | None = None,
        expect: Collection[str] = (),
        allow: Collection[int] = (),
        on_sent: Callable[[], None] | None = None,
    ) -> Answer:
        """The answer to one call, within the total deadline, its body included.

        Args:
            method: GET, POST …
            url: http or https, without credentials in it.
            params: Query.
            headers: Sent with it.
            json: Body as JSON; None sends none.
            form: Body as a form.
            content: Body as it is.
            content_type: Of `content`.
            expect: Content types the contract knows (lower case, no parameters); empty takes any.
            allow: Statuses besides 2xx that are an answer in this contract and come back as one.
            on_sent: Told when the request begins to leave: before that, nothing of it has.

        Raises:
            Unreachable: NET_REFUSED, NET_DNS, NET_RESET, TIMEOUT_TOTAL, TLS_INVALID.
            Busy: RATE_LIMITED; 429, or 503 that names a pause.
            TryAgain: HTTP_5XX.
            NotAllowed: AUTH_DENIED; 401 and 403.
            Refused: HTTP_4XX, REDIRECT_REFUSED, EGRESS_DENIED; MAPPING_ERROR for a header that no
                HTTP can carry (a secret with a line break in it).
            Garbled: BODY_TOO_LARGE, BODY_TRUNCATED, BODY_MALFORMED, CTYPE_UNEXPECTED.
        """
        sent = dict(headers or {})
        sent.setdefault("accept-encoding", "gzip, deflate")
        if json is not None:
            content, content_type = json_text.dumps(json, ensure_ascii=False).encode(), _JSON
        if content_type is not None:
            sent["content-type"] = content_type
        where = self._target(url, params)
        try:
            async with asyncio.timeout(self.timeout_s):
                return await self._answer(
                    method,
                    where,
                    {"headers": sent, "content": content, "data": form},
                    expect,
                    allow,
                    on_sent,
                )
        except TimeoutError as error:
            raise Unreachable(
                Reason.TIMEOUT_TOTAL, f"{_place(where)}: {self.timeout_s:g} s", system=self.system
            ) from error

    async def close(self) -> None:
        """Give back the sockets."""
        clients, self._clients = self._clients, {}
        self._on_close(self)
        for client in clients.values():
            await client.aclose()

    def _target(self, url: str, params: Mapping[str, Any] | None) -> httpx.URL:
        try:
            where = httpx.URL(url)
            where = where.copy_merge_params(dict(params)) if params else where
        except (httpx.InvalidURL, TypeError, ValueError):
            raise Refused(Reason.EGRESS_DENIED, "not an address", system=self.system) from None
        is_plain = where.scheme in ("http", "https") and where.host and not where.userinfo
        if not is_plain or not 0 < (where.port or _PORTS[where.scheme]) < 65536:
            raise Refused(
                Reason.EGRESS_DENIED, "not a plain http or https address", system=self.system
            )
        return where

    async def _answer(
        self,
        method: str,
        where: httpx.URL,
        body: dict[str, Any],
        expect: Collection[str],
        allow: Collection[int],
        on_sent: Callable[[], None] | None,
    ) -> Answer:
        addresses = await self._egress.addresses(
            where.host, where.port or _PORTS[where.scheme], system=self.system
        )
        client = self._client(where)
        # The socket goes to the very address that was checked, so that a name cannot lead
        # elsewhere a moment later; TLS still proves the name.
        headers = {**body.pop("headers"), "host": where.netloc.decode("ascii")}
        watched = {"trace": _told(on_sent)} if on_sent is not None else {}
        for place, address in enumerate(addresses):
            try:
                request = client.build_request(
                    method,
                    where.copy_with(host=address),
                    headers=headers,
                    extensions={"sni_hostname": where.host, **watched},
                    **body,
                )
                response = await client.send(request, stream=True)
            except httpx.ConnectError as error:
                if place + 1 < len(addresses):
                    continue
                raise self._unconnected(error, where) from error
            except httpx.RemoteProtocolError as error:
                raise self._cut_early(error, where) from error
            except (httpx.NetworkError, httpx.TimeoutException) as error:
                raise self._unreachable(Reason.NET_RESET, where) from error
            except (httpx.LocalProtocolError, UnicodeEncodeError):
                # The chain is cut because its text quotes the header: perhaps a secret.
                raise Refused(
                    Reason.MAPPING_ERROR, "a header that cannot be sent", system=self.system
                ) from None
            except httpx.HTTPError as error:
                raise self._garbled(Reason.BODY_MALFORMED, type(error).__name__, where) from error
            try:
                return await self._read(response, where, expect, allow)
            finally:
                await response.aclose()
        raise self._unreachable(Reason.NET_REFUSED, where)

    def _client(self, where: httpx.URL) -> httpx.AsyncClient:
        """One client per origin: a pooled TLS connection proves one name only."""
        origin = f"{where.scheme}://{where.netloc.decode('ascii')}"
        if origin not in self._clients:
            self._clients[origin] = httpx.AsyncClient(
                auth=self._auth,
                verify=self._tls() if where.scheme == "https" else False,
                timeout=None,  # noqa: S113 - per chunk only; the total deadline is around the call
                follow_redirects=False,
                trust_env=False,
                headers={"user-agent": "lienthong"},
            )
        return self._clients[origin]

    async def _read(
        self,
        response: httpx.Response,
        where: httpx.URL,
        expect: Collection[str],
        allow: Collection[int],
    ) -> Answer:
        status = response.status_code
        if not 200 <= status < 300 and status not in allow:
            raise self._status(status, response.headers.get("retry-after"), where)
        content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if 200 <= status < 300 and status != 204 and expect and content_type not in expect:
            told = content_type[:60] if content_type.isprintable() else ""
            raise self._garbled(Reason.CTYPE_UNEXPECTED, told or "none", where)
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(status, headers, content_type, await self._body(response, where))

    async def _body(self, response: httpx.Response, where: httpx.URL) -> bytes:
        declared = response.headers.get("content-length", "")
        intake = Intake(
            response.headers.get("content-encoding", ""), self._max_body_bytes, self.system
        )
        if declared.isdecimal() and int(declared[:18]) > self._max_body_bytes:
            raise self._garbled(Reason.BODY_TOO_LARGE, f"{declared[:18]} bytes declared", where)
        if response.is_stream_consumed:  # a fake's answer, which comes read and decoded
            return response.content
        try:
            async for chunk in response.aiter_raw():
                intake.take(chunk)
        except httpx.RemoteProtocolError as error:
            reason = Reason.BODY_TRUNCATED if "peer closed" in str(error) else Reason.BODY_MALFORMED
            raise self._garbled(reason, f"after {intake.taken_bytes} bytes", where) from error
        except (httpx.NetworkError, httpx.TimeoutException) as error:
            raise self._unreachable(Reason.NET_RESET, where) from error
        return intake.whole()

    def _status(self, status: int, retry_after: str | None, where: httpx.URL) -> Exception:
        detail = f"{_place(where)}: HTTP {status}"
        asked_s = pause_s(retry_after)
        if status == 429 or (status == 503 and asked_s is not None):
            return Busy(Reason.RATE_LIMITED, detail, system=self.system, retry_after_s=asked_s)
        if status in (401, 403):
            return NotAllowed(Reason.AUTH_DENIED, detail, system=self.system)
        if 300 <= status < 400:
            return Refused(Reason.REDIRECT_REFUSED, detail, system=self.system)
        if status >= 500:
            return TryAgain(Reason.HTTP_5XX, detail, system=self.system)
        return Refused(Reason.HTTP_4XX, detail, system=self.system)

    def _unconnected(self, error: Exception, where: httpx.URL) -> Unreachable:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, ssl.SSLError):
                detail = f"{_place(where)}: {tls_fault(cause)}"
                return Unreachable(Reason.TLS_INVALID, detail, system=self.system)
            cause = cause.__cause__ or cause.__context__
        return self._unreachable(Reason.NET_REFUSED, where)

    def _cut_early(self, error: Exception, where: httpx.URL) -> Unreachable | Garbled:
        if "disconnected" in str(error):
            return self._unreachable(Reason.NET_RESET, where)
        return self._garbled(Reason.BODY_MALFORMED, "not HTTP", where)

    def _unreachable(self, reason: Reason, where: httpx.URL) -> Unreachable:
        return Unreachable(reason, _place(where), system=self.system)

    def _garbled(self, reason: Reason, detail: str, where: httpx.URL) -> Garbled:
        return Garbled(reason, f"{_place(where)}: {detail}", system=self.system)


def tls_fault(error: ssl.SSLError) -> str:
    """What is wrong with a certificate, or the handshake, in OpenSSL's own words: no person's."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message[:200]
    return (error.reason or type(error).__name__)[:200]


def status_of(error: HubError) -> int | None:
    """The HTTP status that an error of `Http.call` is about; None where no status came."""
    found = _STATUS.search(error.detail)
    return int(found.group(1)) if found is not None else None


def _told(on_sent: Callable[[], None]) -> Callable[[str, Any], Awaitable[None]]:
    """What httpcore tells of its steps, of which one matters here."""

    async def trace(step: str, _: Any) -> None:
        if step.endswith("send_request_headers.started"):
            on_sent()

    return trace


_JSON = "application/json"
_STATUS = re.compile(r"\bHTTP ([1-5][0-9]{2})(?:\s|\Z)")
_PORTS = {"http": 80, "https": 443}


def _place(where: httpx.URL) -> str:
    return f"{where.host}:{where.port or _PORTS[where.scheme]}"
