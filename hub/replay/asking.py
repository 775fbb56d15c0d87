"""What the hub says, asked through its own reading doors."""

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import msgspec
from msgspec import Struct

from adapters.wire import Wire
from adapters.wire.http import Http
from hub.replay.own_hub import OwnHub
from hub.replay.sending import by_workers, token

# What depends on when and in which order pushes arrived, not on what they say.
_OF_ARRIVAL = frozenset({"receipt", "arrived_late", "known_seq", "retracted_seq"})


class Held(Struct, frozen=True):
    """What one national code leads to.

    Attributes:
        bodies: The dossiers, as shown; one where all is well.
        timeline: Of the first of them, as shown.
    """

    bodies: Sequence[dict[str, Any]]
    timeline: Sequence[dict[str, Any]]

    def said(self) -> dict[str, Any]:
        """What it says of the case: without ids, receipts and marks of arrival."""
        bodies = [{k: v for k, v in body.items() if k != "id"} for body in self.bodies]
        lines = [{k: v for k, v in line.items() if k not in _OF_ARRIVAL} for line in self.timeline]
        # Lines of one moment stand in the order of their arrival.
        return {"dossiers": bodies, "timeline": sorted(lines, key=lambda line: str(line.values()))}


class Asker:
    """Reads one hub with one token."""

    def __init__(self, http: Http, hub: OwnHub, access_token: str) -> None:
        self._http = http
        self._address = f"{hub.address}/api/v1"
        self._headers = {"authorization": f"Bearer {access_token}"}

    async def _get(self, path: str, params: Mapping[str, Any]) -> dict[str, Any]:
        answer = await self._http.call(
            "GET",
            f"{self._address}/{path}",
            params=params,
            headers=self._headers,
            expect=("application/json",),
        )
        told: dict[str, Any] = msgspec.json.decode(answer.body)
        return told

    async def held(self, code: str) -> Held:
        """What a national code leads to."""
        bodies = (await self._get("dossiers", {"code": code}))["items"]
        if not bodies:
            return Held([], [])
        history = await self._get(f"dossiers/{bodies[0]['id']}/history", {})
        return Held(bodies, history["items"])

    async def count_dossiers(self) -> int:
        """How many dossiers the hub lists in all."""
        count = 0
        cursor: dict[str, str] = {}
        while True:
            page = await self._get("dossiers", {"limit": 500, **cursor})
            count += len(page["items"])
            if page["next"] is None:
                return count
            cursor = {"cursor": page["next"]}

    async def buckets(self, agency: str, start: date, end: date, as_of: date) -> dict[str, int]:
        """The indicator buckets of a period."""
        asked = {"agency": agency, "from": start, "to": end, "as_of": as_of}
        told = await self._get("indicators", {k: str(v) for k, v in asked.items()})
        buckets: dict[str, int] = told["buckets"]
        return buckets


async def open_asker(hub: OwnHub, wire: Wire) -> Asker:
    """An asker with a token of its own."""
    http = wire.http("replay", timeout_s=120)
    return Asker(http, hub, await token(http, hub, hub.reader))


async def ask_all(asker: Asker, codes: Mapping[str, str]) -> dict[str, Held]:
    """Case -> what its national code leads to, asked by a few workers at once."""
    found: dict[str, Held] = {}
    waiting = deque(codes.items())

    async def work() -> None:
        while waiting:
            case, code = waiting.popleft()
            found[case] = await asker.held(code)

    await by_workers(work)
    return {case: found[case] for case in codes}
