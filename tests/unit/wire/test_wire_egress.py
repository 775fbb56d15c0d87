import asyncio
import socket
from typing import Any

import pytest

from adapters.wire.egress import Egress
from canonical.errors import Refused, Unreachable
from canonical.reasons import Reason


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Names this test's resolver knows; any other does not exist."""
    known: dict[str, list[str]] = {}

    async def getaddrinfo(_loop: Any, host: str, port: int, **_: Any) -> list[Any]:
        if host not in known:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in known[host]
        ]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    return known


LISTED = [
    "so-gtvt.quangtri.gov.vn",
    "so-tnmt.quangtri.gov.vn:8443",
    "10.64.0.0/16",
    "10.70.1.2:8080",
    "[fd00::1]:443",
]


@pytest.mark.parametrize(
    ("host", "port", "addresses"),
    [
        ("so-gtvt.quangtri.gov.vn", 443, ["203.113.1.1"]),
        ("so-gtvt.quangtri.gov.vn", 8080, ["10.1.2.3"]),  # private: the province's own network
        ("SO-GTVT.quangtri.gov.vn.", 443, ["203.113.1.1"]),
        ("so-tnmt.quangtri.gov.vn", 8443, ["203.113.1.1"]),
        ("by-number.gov.vn", 80, ["10.64.3.4", "10.64.3.5"]),
    ],
)
async def test_a_listed_name_or_network_is_reached(
    resolver: dict[str, list[str]], host: str, port: int, addresses: list[str]
) -> None:
    resolver[host.lower().rstrip(".")] = addresses
    assert await Egress(LISTED).addresses(host, port) == addresses


@pytest.mark.parametrize(
    ("host", "port", "addresses"),
    [
        ("elsewhere.example", 443, ["203.113.1.1"]),
        ("so-tnmt.quangtri.gov.vn", 80, ["203.113.1.1"]),  # another port
        ("x.so-gtvt.quangtri.gov.vn", 443, ["203.113.1.1"]),  # a name below it is another name
        ("so-gtvt.quangtri.gov.vn", 80, ["169.254.169.254"]),  # a cloud's metadata service
        ("so-gtvt.quangtri.gov.vn", 80, ["127.0.0.1"]),
        ("so-gtvt.quangtri.gov.vn", 80, ["0.0.0.0"]),
        ("so-gtvt.quangtri.gov.vn", 80, ["203.113.1.1", "127.0.0.1"]),  # one bad is enough
        ("half.gov.vn", 80, ["10.64.3.4", "10.65.3.4"]),
        ("10.70.1.2", 80, []),
        ("127.0.0.1", 80, []),  # a list that does not name loopback does not mean it
        ("[fd00::2]", 443, []),
    ],
)
async def test_anything_else_is_denied_before_a_socket(
    resolver: dict[str, list[str]], host: str, port: int, addresses: list[str]
) -> None:
    resolver[host] = addresses
    with pytest.raises(Refused) as failure:
        await Egress(LISTED).addresses(host, port, system="trial")
    assert failure.value.reason is Reason.EGRESS_DENIED
    assert failure.value.system == "trial"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.9.9.9", "[::1]", "::ffff:127.0.0.1", "localhost"]
)
async def test_an_empty_list_means_loopback(resolver: dict[str, list[str]], host: str) -> None:
    resolver["localhost"] = ["127.0.0.1"]
    assert await Egress([]).addresses(host, 9100)


@pytest.mark.parametrize("host", ["10.0.0.1", "203.113.1.1", "odd.example", "2130706433.example"])
async def test_an_empty_list_means_nothing_else(resolver: dict[str, list[str]], host: str) -> None:
    resolver[host] = ["203.113.1.1"]
    with pytest.raises(Refused):
        await Egress([" "]).addresses(host, 80)


async def test_an_unknown_name_is_no_refusal(resolver: dict[str, list[str]]) -> None:
    with pytest.raises(Unreachable) as failure:
        await Egress(["gone.gov.vn"]).addresses("gone.gov.vn", 80)
    assert failure.value.reason is Reason.NET_DNS


@pytest.mark.parametrize("host", ["a" * 70 + ".gov.vn", "a..gov.vn"])
async def test_a_name_no_resolver_can_be_asked_for_is_an_unknown_name(host: str) -> None:
    with pytest.raises(Unreachable) as failure:
        await Egress([host]).addresses(host, 80)
    assert failure.value.reason is Reason.NET_DNS


@pytest.mark.parametrize(
    "entry", ["10.0.0.0/33", "a b", "host:0", "host:99999", "host:x", "::1::", "/"]
)
def test_an_entry_that_cannot_be_read_stops_the_start(entry: str) -> None:
    with pytest.raises(ValueError):
        Egress([entry])
