"""Cables and protocols: the only room that touches httpx and zeep. One `Wire` per process."""

import copy
import ssl
from collections.abc import Sequence
from pathlib import Path

import certifi

from adapters.wire.egress import Egress
from adapters.wire.http import Answer, BasicAuth, Http
from adapters.wire.limits import DEFAULT_MAX_BODY_BYTES
from adapters.wire.probing import Probing
from adapters.wire.soap import Soap, UsernameToken, Version
from adapters.wire.token import Token
from canonical.errors import Unreachable
from canonical.ports import TLS_CA
from canonical.reasons import Reason

# Of connections with authorities of their own; a hub has some dozens.
_MOST_CONTEXTS = 100

__all__ = ["Answer", "Http", "Soap", "Token", "UsernameToken", "Wire"]


class Wire:
    """What adapters make their calls with: the process's allowlist, bounds and deadlines."""

    def __init__(
        self,
        egress: Sequence[str] = (),
        *,
        max_body_bytes: int = DEFAULT_MAX_BODY_BYTES,
        timeout_s: float = 30.0,
        longest_timeout_s: float | None = None,
        ca_file: Path | None = None,
    ) -> None:
        """The process's wire.

        Args:
            egress: Allowed `host`, `host:port` or networks; empty allows loopback only.
            max_body_bytes: Ceiling of one decompressed body.
            timeout_s: Total deadline of a call where the caller names none.
            longest_timeout_s: Ceiling of any deadline a connection asks for.
            ca_file: Further certificate authorities (PEM), for departments with their own.

        Raises:
            ValueError: an entry of `egress` that cannot be read.
        """
        self._egress = Egress(egress)
        self._max_body_bytes = max_body_bytes
        self._timeout_s = timeout_s
        self._longest_timeout_s = longest_timeout_s
        self._ca_file = ca_file
        self._own_ca = ""
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._open: set[Http] = set()

    def trusting(self, ca: str) -> "Wire":
        """The same wire, for a connection that trusts further authorities.

        Args:
            ca: Their certificates, PEM; "" for none.
        """
        if not ca:
            return self
        own = copy.copy(self)  # what is open, and what was loaded, stays shared
        own._own_ca = ca  # noqa: SLF001 - of its own class
        return own

    def http(
        self, system: str, timeout_s: float | None = None, auth: BasicAuth | None = None
    ) -> Http:
        """Plain HTTP calls for one system.

        Args:
            system: For errors: the system or connection.
            timeout_s: Total deadline of one call, body included.
            auth: ("basic", user, password).
        """
        http = Http(
            system,
            egress=self._egress,
            tls=self._tls,
            timeout_s=self.deadline_s(timeout_s),
            max_body_bytes=self._max_body_bytes,
            auth=auth,
            on_close=self._open.discard,
        )
        self._open.add(http)
        return http

    def soap(
        self,
        contract: Path | bytes,
        endpoint: str,
        *,
        system: str,
        timeout_s: float | None = None,
        version: Version = "1.1",
        service: str | None = None,
        port: str | None = None,
        auth: BasicAuth | None = None,
        shows: UsernameToken | None = None,
    ) -> Soap:
        """Calls of a WSDL's operations.

        Args:
            contract: WSDL file inside the adapter, or a WSDL complete in itself; nothing is ever
                loaded over the network.
            endpoint: Where to call; the address in the WSDL is not used.
            system: For errors: the system or connection.
            timeout_s: Total deadline of one call.
            version: SOAP version of the binding.
            service: WSDL service, where it has several.
            port: WSDL port, where a version has several.
            auth: ("basic", user, password).
            shows: What a WS-Security header shows with every call.
        """
        return Soap(
            self.http(system, timeout_s, auth),
            contract,
            endpoint,
            version=version,
            service=service,
            port=port,
            shows=shows,
        )

    def probe(self) -> Probing:
        """Feels the way to a counterpart step by step (`canonical.linking.Probe`)."""
        return Probing(self._egress, self._tls_with, self.deadline_s())

    def deadline_s(self, asked_s: float | None = None) -> float:
        """The total deadline in seconds that a call asking for `asked_s` gets, ceiling applied."""
        given_s = self._timeout_s if asked_s is None else asked_s
        return given_s if self._longest_timeout_s is None else min(given_s, self._longest_timeout_s)

    async def close(self) -> None:
        """Close everything this wire has built."""
        for http in list(self._open):
            await http.close()

    def _tls(self) -> ssl.SSLContext:
        return self._tls_with(self._own_ca)

    def _tls_with(self, ca: str) -> ssl.SSLContext:
        """One context for all that trust the same: loading takes tens of milliseconds.

        Raises:
            Unreachable: TLS_INVALID: the connection's own authorities cannot be read.
        """
        if ca not in self._contexts:
            if len(self._contexts) >= _MOST_CONTEXTS:
                self._contexts.clear()
            self._contexts[ca] = self._loaded(ca)
        return self._contexts[ca]

    def _loaded(self, ca: str) -> ssl.SSLContext:
        made = ssl.create_default_context(cafile=certifi.where())
        if self._ca_file is not None:
            made.load_verify_locations(cafile=self._ca_file)
        if ca:
            try:
                made.load_verify_locations(cadata=ca)
            except (ssl.SSLError, ValueError):
                raise Unreachable(Reason.TLS_INVALID, f"{TLS_CA} cannot be read") from None
        return made
