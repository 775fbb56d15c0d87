"""What the demo asks the hub: over HTTP, with a token, as a portal would."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from adapters.wire import Wire
from store.clients import Credentials

_JSON = ("application/json",)


class Portal:
    """A reader of the hub's API. Build with `open_portal`."""

    def __init__(self, base: str, wire: Wire) -> None:
        self._base = base
        self._http = wire.http("hub demo", 60)
        self._headers = {"Accept": "application/json"}

    async def log_in(self, account: Credentials) -> None:
        """Change the account for a token.

        Raises:
            HubError: the hub does not answer, or refuses.
        """
        form = {
            "grant_type": "client_credentials",
            "client_id": account.client_id,
            "client_secret": account.client_secret,
        }
        answer = await self._http.call("POST", f"{self._base}/oauth/token", form=form, expect=_JSON)
        token = json.loads(answer.body)["access_token"]
        self._headers["Authorization"] = f"Bearer {token}"

    async def get(self, path: str, asked: Mapping[str, Any] | None = None) -> Any:
        """One JSON document. Raises HubError."""
        answer = await self._http.call(
            "GET", self._base + path, params=asked, headers=self._headers, expect=_JSON
        )
        return json.loads(answer.body)

    async def indicators(self, agency: str, start: date, end: date) -> dict[str, Any]:
        """Profile seed of a period, as of its last day or today."""
        asked = {"agency": agency, "from": start.isoformat(), "to": end.isoformat()}
        told: dict[str, Any] = await self.get("/api/v1/indicators", asked)
        return told

    async def dossier(self, code: str) -> dict[str, Any]:
        """The one dossier a code leads to."""
        told = await self.get("/api/v1/dossiers", {"code": code})
        found: dict[str, Any] = told["items"][0]
        return found

    async def newest_seq(self) -> int:
        """Where the change feed ends now."""
        told = await self.get("/api/v1/dossiers", {"code": "none", "limit": 1})
        return int(told["changes_from"])

    async def changes(self, after: int) -> list[dict[str, Any]]:
        """Every change behind a seq, oldest first."""
        found: list[dict[str, Any]] = []
        while True:
            page = await self.get("/api/v1/changes", {"after": after, "limit": 5000})
            found += page["items"]
            if page["next_after"] == after or not page["items"]:
                return found
            after = page["next_after"]

    async def dossier_of(self, dossier_id: str) -> dict[str, Any]:
        """A dossier by its id."""
        told: dict[str, Any] = await self.get(f"/api/v1/dossiers/{dossier_id}")
        return told

    async def history(self, dossier_id: str) -> list[dict[str, Any]]:
        """The timeline of a dossier, oldest first."""
        told = await self.get(f"/api/v1/dossiers/{dossier_id}/history")
        found: list[dict[str, Any]] = told["items"]
        return found

    async def push(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Hand in one record; the hub's receipt of it."""
        answer = await self._http.call(
            "POST",
            f"{self._base}/api/v1/dossiers",
            json=record,
            headers=self._headers,
            expect=_JSON,
        )
        receipt: dict[str, Any] = json.loads(answer.body)
        return receipt

    async def ledger(self, base: str) -> Any:
        """What a simulator was told, by its own book."""
        answer = await self._http.call("GET", f"{base}/__ledger", expect=_JSON)
        return json.loads(answer.body)

    async def replace_data(self, base: str, content: Any) -> None:
        """Tell a simulator that its department's data has changed."""
        await self.control(base, "__data", content)

    async def control(self, base: str, door: str, content: Any) -> None:
        """Tell a simulator something by one of its own doors."""
        await self._http.call("POST", f"{base}/{door}", json=content, expect=_JSON)

    async def close(self) -> None:
        """Give back the sockets."""
        await self._http.close()
