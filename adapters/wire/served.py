"""A contract fetched from where it is served: the document, and what it imports beside it.

Whatever it names at another origin stays unfetched: a WSDL may lead anywhere, and credentials go to
the connection's own origin alone. Names in it are changed to those of the files that are given.
"""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from lxml import etree

from adapters.wire.http import Http
from canonical.errors import Garbled, Refused, Unreachable
from canonical.reading import json, xml
from canonical.reasons import Reason
from canonical.text import Malformed

OPTION = "contract_at"
ABOUT = (
    "where its contract is served: ?wsdl, a path below the endpoint, or an address; off for nowhere"
)
_MOST_FILES = 40
_DEADLINE_S = 20.0
_LINKS = {"import": ("location", "schemaLocation"), "include": ("schemaLocation",)}
_SPACES = ("http://schemas.xmlsoap.org/wsdl/", "http://www.w3.org/2001/XMLSchema")


def address_of(endpoint: str, declared: str, options: Mapping[str, str]) -> str:
    """Where a connection's contract is served; "" where nobody says, or it is said: nowhere."""
    told = options.get(OPTION, "").strip() or declared
    if told in ("", "off") or not endpoint:
        return ""
    if "://" in told:
        return told
    base = endpoint.partition("?")[0].rstrip("/")
    path, mark, query = told.partition("?")
    if path and not base.lower().endswith(path.lower()):
        base += path if path.startswith("/") else f"/{path}"
    return base + mark + query


def is_at_home(address: str, endpoint: str) -> bool:
    """Whether an address has the origin of a connection's endpoint."""
    return urlsplit(address)[:2] == urlsplit(endpoint)[:2]


async def fetch_contract(
    http: Http, address: str, main: str, headers: Mapping[str, str] | None = None
) -> dict[str, bytes]:
    """The served contract under the name `main`, with what it imports from the same origin.

    Args:
        http: What it is fetched with; its credentials go along.
        address: Where it is served.
        main: By which name it is given.
        headers: Sent with every call.

    Raises:
        HubError: as `Http.call`, within 20 s for all of it; Garbled BODY_MALFORMED for what is
            neither XML nor JSON; Refused where it imports more than 40 files.
    """
    try:
        async with asyncio.timeout(_DEADLINE_S):
            return await _Fetch(http, dict(headers or {})).whole(address, main)
    except TimeoutError as error:
        detail = f"the contract did not come within {_DEADLINE_S:g} s"
        raise Unreachable(Reason.TIMEOUT_TOTAL, detail, system=http.system) from error


class _Fetch:
    """One contract on its way."""

    def __init__(self, http: Http, headers: dict[str, str]) -> None:
        self._http, self._headers = http, headers
        self._names: dict[str, str] = {}  # address -> name

    async def whole(self, address: str, main: str) -> dict[str, bytes]:
        """Every file by its name."""
        self._names[address] = main
        found: dict[str, bytes] = {}
        waiting = [address]
        while waiting:
            one = waiting.pop(0)
            raw = (await self._http.call("GET", one, headers=self._headers)).body
            more, told = self._linked(one, raw)
            found[self._names[one]] = told
            waiting += more
        return found

    def _linked(self, address: str, raw: bytes) -> tuple[list[str], bytes]:
        """What a file leads to that is not fetched yet, and the file with names for addresses."""
        before = set(self._names)
        raw = raw.removeprefix(b"\xef\xbb\xbf")
        if raw.lstrip()[:1] in (b"{", b"["):
            for ref in _refs(self._decoded(raw)):
                self._name(urljoin(address, ref), address, ref.removeprefix("./"))
            told = raw
        else:
            root = xml.parse(raw, system=self._http.system)
            for node, attribute in _links(root):
                there = urljoin(address, node.get(attribute))
                name = self._name(there, address, f"served-{len(self._names)}.xsd")
                if name is not None:
                    node.set(attribute, name)
            told = etree.tostring(root)
        return [one for one in self._names if one not in before], told

    def _name(self, there: str, here: str, name: str) -> str | None:
        """By which name a file is given; None where it is not fetched from there."""
        if there in self._names:
            return self._names[there]
        if urlsplit(there)[:2] != urlsplit(here)[:2]:
            return None
        if len(self._names) >= _MOST_FILES:
            detail = f"the contract imports more than {_MOST_FILES} files"
            raise Refused(Reason.BODY_TOO_LARGE, detail, system=self._http.system)
        self._names[there] = name
        return name

    def _decoded(self, raw: bytes) -> Any:
        try:
            return json.decode(raw)
        except Malformed as error:
            raise Garbled(Reason.BODY_MALFORMED, "contract", system=self._http.system) from error


def _links(root: Any) -> Iterator[tuple[Any, str]]:
    for node in root.iter():
        if not isinstance(node.tag, str) or etree.QName(node).namespace not in _SPACES:
            continue
        for attribute in _LINKS.get(etree.QName(node).localname, ()):
            if node.get(attribute):
                yield node, attribute


def _refs(told: Any) -> Iterator[str]:
    """The files that references of a JSON document name."""
    waiting = [told]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            ref = one.get("$ref")
            head = ref.partition("#")[0] if isinstance(ref, str) else ""
            if head:
                yield head
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
