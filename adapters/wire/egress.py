"""Which addresses the hub may call. Asked before every socket, by name and by resolved address.

A connection's address is typed in by people, and a contract can name other hosts: neither may
reach a cloud's metadata service or the hub's own neighbours. An empty list allows loopback only.
"""

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from msgspec import Struct

from canonical.errors import Refused, Unreachable
from canonical.reasons import Reason

Address = IPv4Address | IPv6Address
_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


class _Rule(Struct, frozen=True):
    """One entry: a name or a network, at one port or at any."""

    name: str | None
    network: IPv4Network | IPv6Network | None
    port: int | None

    def has_port(self, port: int) -> bool:
        return self.port is None or self.port == port


class Egress:
    """The allowlist.

    Entries are `host`, `host:port`, `10.1.0.0/16`, `10.1.2.3:8080` or `[fd00::1]:443`. A name that
    is allowed may lead to private addresses (departments live in the province's own network), but
    never to loopback, link-local, multicast or unspecified ones unless a network entry says so.
    """

    def __init__(self, allowed: Sequence[str]) -> None:
        """The rules of `allowed`; an empty sequence means loopback only.

        Raises:
            ValueError: an entry that is none of the forms above.
        """
        entries = [entry.strip() for entry in allowed if entry.strip()]
        self._rules = [_rule(entry) for entry in entries]
        if not entries:
            self._rules = [_Rule(None, network, None) for network in _LOOPBACK]

    async def addresses(self, host: str, port: int, *, system: str = "") -> list[str]:
        """The addresses to connect to, all of them checked; connect to these and to no other.

        Raises:
            Refused: EGRESS_DENIED, by name or because one of the addresses is not allowed.
            Unreachable: NET_DNS.
        """
        bare = host.strip("[]").rstrip(".").lower()
        is_named = any(rule.name == bare and rule.has_port(port) for rule in self._rules)
        if not is_named and not any(rule.network and rule.has_port(port) for rule in self._rules):
            raise Refused(Reason.EGRESS_DENIED, f"{bare}:{port}", system=system)
        found = await _resolve(bare, port, system)
        for address in found:
            if not self._may(address, port, is_named=is_named):
                raise Refused(Reason.EGRESS_DENIED, f"{bare}:{port}", system=system)
        return [str(address) for address in found]

    def _may(self, address: Address, port: int, *, is_named: bool) -> bool:
        for rule in self._rules:
            if rule.network is not None and rule.has_port(port) and address in rule.network:
                return True
        return is_named and not (
            address.is_loopback
            or address.is_link_local
            or address.is_multicast
            or address.is_unspecified
            or address.is_reserved
        )


def _rule(entry: str) -> _Rule:
    host, port = entry, None
    if entry.startswith("["):
        host, _, rest = entry[1:].partition("]")
        port = _port(rest[1:]) if rest.startswith(":") else None
    elif entry.count(":") == 1:
        host, _, rest = entry.partition(":")
        port = _port(rest)
    try:
        return _Rule(None, ip_network(host), port)
    except ValueError:
        if "/" in host or ":" in host or not host or any(c.isspace() for c in host):
            raise ValueError(f"not a host, host:port or network: {entry!r}") from None
    return _Rule(host.rstrip(".").lower(), None, port)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 65536):
        raise ValueError(f"not a port: {text!r}")
    return int(text)


async def _resolve(host: str, port: int, system: str) -> list[Address]:
    try:
        return [_plain(ip_address(host))]
    except ValueError:
        pass  # a name, or one of the odd spellings of an address: the resolver says which
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable(Reason.NET_DNS, host, system=system) from error
    addresses = dict.fromkeys(_plain(ip_address(str(info[4][0]))) for info in found)
    if not addresses:
        raise Unreachable(Reason.NET_DNS, host, system=system)
    return list(addresses)


def _plain(address: Address) -> Address:
    """An IPv4 address written as IPv6 is the IPv4 address."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
