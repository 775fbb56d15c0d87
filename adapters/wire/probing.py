"""Feeling the way to a counterpart: name, socket, TLS, folder, each by itself and nothing more.

Implements `canonical.linking.Probe`. A socket goes to the very address that was checked; what is
wrong with a certificate is told by OpenSSL's own word for it, which names no person.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from adapters.wire.egress import Egress
from adapters.wire.files import Folder
from adapters.wire.http import tls_fault
from canonical.errors import Refused, Unreachable
from canonical.reasons import Reason

_PORTS = {"http": 80, "https": 443}
_SPOKEN = "%b %d %H:%M:%S %Y %Z"
T = TypeVar("T")


class Probing:
    """The steps, with one deadline each."""

    def __init__(
        self, egress: Egress, tls: Callable[[str], ssl.SSLContext], timeout_s: float
    ) -> None:
        """Begin.

        Args:
            egress: What may be reached.
            tls: The context for authorities trusted besides the usual ones (PEM, "" for none).
            timeout_s: Of each step.
        """
        self._egress = egress
        self._tls = tls
        self._timeout_s = timeout_s

    async def resolve(self, address: str) -> list[str]:
        """The checked addresses of a name; see the port."""
        host, port, _ = _parts(address)
        return await self._within(self._egress.addresses(host, port), f"{host}:{port}")

    async def connect(self, address: str, found: Sequence[str]) -> None:
        """Open and close a socket; see the port."""
        host, port, _ = _parts(address)
        await self._within(self._opened(found, port, None, host), f"{host}:{port}")

    async def shake_hands(self, address: str, found: Sequence[str], ca: str = "") -> str:
        """Until when the certificate is good; see the port."""
        host, port, _ = _parts(address)
        return await self._within(self._opened(found, port, self._tls(ca), host), f"{host}:{port}")

    async def list_folder(self, folder: str) -> int:
        """How many files lie in a folder; see the port."""
        opened = Folder(Path(folder), system="", timeout_s=self._timeout_s)
        return len(await opened.names())

    async def _within(self, work: Awaitable[T], place: str) -> T:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await work
        except TimeoutError as error:
            raise Unreachable(Reason.TIMEOUT_TOTAL, f"{place}: {self._timeout_s:g} s") from error

    async def _opened(
        self, found: Sequence[str], port: int, tls: ssl.SSLContext | None, host: str
    ) -> str:
        """Until when the certificate of the first address that answers is good; "" without TLS."""
        failure: OSError | None = None
        for address in found:
            try:
                _, writer = await asyncio.open_connection(
                    address, port, ssl=tls, server_hostname=host if tls is not None else None
                )
            except ssl.SSLError as error:
                raise Unreachable(Reason.TLS_INVALID, tls_fault(error)) from error
            except ConnectionResetError as error:
                raise Unreachable(Reason.NET_RESET, f"{host}:{port}") from error
            except OSError as error:
                failure = error
                continue
            told = writer.get_extra_info("peercert") or {}
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            return _until(told.get("notAfter", ""))
        raise Unreachable(Reason.NET_REFUSED, f"{host}:{port}") from failure


def _parts(address: str) -> tuple[str, int, str]:
    """Host, port and scheme. Raises Refused(EGRESS_DENIED) for what is no plain web address."""
    try:
        told = urlsplit(address)
        port = told.port or _PORTS.get(told.scheme, 0)
    except ValueError:
        raise Refused(Reason.EGRESS_DENIED, "not an address") from None
    if told.scheme not in _PORTS or not told.hostname or told.username or not port:
        raise Refused(Reason.EGRESS_DENIED, "not a plain http or https address")
    return told.hostname, port, told.scheme


def _until(told: str) -> str:
    """OpenSSL's date as ISO; "" where there is none."""
    if not told:
        return ""
    return datetime.strptime(told, _SPOKEN).replace(tzinfo=UTC).isoformat()
