"""A whole hub in one process, on either store, as departments, portals and citizens meet it.

Nothing is served on a socket: requests go through the ASGI application. Whoever is named for the
first time is introduced: `push(record, who="desk")` makes a connection and a client called `desk`.
"""

import json as jsonlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from canonical import clock
from canonical.agencies import Agency, Succession
from canonical.catalogue import CatalogueData, ProcedureFacts
from canonical.reasons import Reason, sentence
from gateway.app import create_app
from gateway.auth import issue_token
from hub.commands import clients as client_commands
from hub.commands import connections as connection_commands
from hub.settings import Settings
from hub.wiring import Systems
from store import catalogue, clients
from store.clients import Credentials
from store.engine import Store
from store.vault import Vault
from sync.context import Context

PUSH = "/api/v1/dossiers"
KEY = "trial-" + "k" * 40
# What the legs of a trial's connections are to a case; anyone else is a handling department.
ROLES = {"desk": "desk", "tax": "money"}
SCOPES = {
    "portal": ["read"],
    "government": ["indicators"],
    "admin": ["admin", "read", "push"],
}


@dataclass
class Clock:
    """The hub's time, standing still until it is told."""

    at: datetime = field(default_factory=lambda: datetime(2026, 3, 2, 2, 0, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.at

    def set(self, text: str) -> None:
        """To a moment in ISO text; +07:00 unless it says otherwise."""
        self.at = clock.utc(datetime.fromisoformat(text))

    def forward(self, **delta: float) -> None:
        self.at += timedelta(**delta)


@dataclass
class Answer:
    """One answer of a door."""

    status: int
    headers: httpx.Headers
    raw: bytes

    @property
    def body(self) -> Any:
        return jsonlib.loads(self.raw)

    @property
    def fate(self) -> str:
        """What became of the one record pushed: its disposition, or why it was refused."""
        if "records" in self.body:
            return str(self.body["records"][0]["disposition"])
        return str(self.body["reason"])

    @property
    def fates(self) -> list[tuple[str, str | None, str | None]]:
        """(disposition, reason, field) of every record of a list."""
        return [(r["disposition"], r["reason"], r["field"]) for r in self.body["records"]]

    @property
    def dossier(self) -> str:
        """The hub's id of the one dossier pushed."""
        return str(self.body["records"][0]["dossier"])

    @property
    def receipt(self) -> str:
        return str(self.body["receipt"])


class Trial:
    """One hub over one empty store.

    Attributes:
        context: The hub's parts; `context.now` is `clock`.
        clock: Stands still until the test moves it.
        http: Speaks to the application; nothing leaves the process.
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self.clock = Clock()
        context.now = self.clock
        self.app = create_app(context)
        # What the application lets through is answered 500 as a server would, and the test sees it.
        wire = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=wire, base_url="http://hub.test", timeout=60)
        self.known: dict[str, Credentials] = {}
        self._connections: set[str] = set()

    @property
    def store(self) -> Store:
        return self.context.store

    # ------------------------------------------------------------------ who there is

    def connect(self, name: str, *, system: str = "canonical", role: str = "", **more: Any) -> None:
        """Add a connection."""
        connection_commands.make(
            self.context,
            name,
            system,
            role=role or (ROLES.get(name, "handling") if system == "canonical" else ""),
            **{"settings": [], "tables": [], **more},
        )
        self._connections.add(name)

    def introduce(
        self,
        name: str,
        *,
        connections: Sequence[str] | None = None,
        agencies: Sequence[str] = (),
        scopes: Sequence[str] | None = None,
    ) -> Credentials:
        """Add a client; a pusher's connection bears its name unless others are given."""
        wanted = list(scopes or SCOPES.get(name, ["push"]))
        if connections is None:
            connections = [name] if "push" in wanted and "admin" not in wanted else []
        for one in connections:
            if one not in self._connections:
                self.connect(one)
        made = client_commands.make(self.context, name, wanted, list(connections), list(agencies))
        self.known[name] = made
        return made

    def token(self, who: str) -> str:
        """An access token that is good now."""
        if who not in self.known:
            self.introduce(who)
        with self.store.read() as tx:
            principal = clients.load_principal(tx, self.known[who].client_id)
        assert principal is not None
        return issue_token(self.context, principal)

    def catalogue(
        self,
        *,
        agencies: Sequence[Agency] = (),
        successions: Sequence[Succession] = (),
        procedures: Sequence[ProcedureFacts] = (),
    ) -> None:
        """Put a catalogue into force in place of the one there is."""
        data = CatalogueData(tuple(agencies), tuple(successions), tuple(procedures))
        at = clock.to_iso(self.clock.at)
        self.store.in_write(lambda tx: catalogue.change_catalogue(tx, lambda _: data, "trial", at))

    # ------------------------------------------------------------------ talking to it

    async def call(
        self,
        method: str,
        path: str,
        *,
        who: str | None = None,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> Answer:
        told = dict(headers or {})
        if who is not None:
            told.setdefault("Authorization", f"Bearer {self.token(who)}")
        said = await self.http.request(method, path, headers=told, **more)
        return Answer(said.status_code, said.headers, said.content)

    async def push(
        self,
        record: Any = None,
        who: str = "desk",
        *,
        raw: bytes | None = None,
        kind: str = "application/json",
        headers: dict[str, str] | None = None,
        **params: str,
    ) -> Answer:
        """Push one record, a list, or raw bytes."""
        content = raw if raw is not None else jsonlib.dumps(record, ensure_ascii=False).encode()
        return await self.call(
            "POST",
            PUSH,
            who=who,
            content=content,
            params=params,
            headers={"Content-Type": kind, **(headers or {})},
        )

    async def take(self, record: Any, who: str = "desk") -> str:
        """Push a record that must be applied; the hub's id of its dossier."""
        said = await self.push(record, who)
        assert (said.status, said.fate) == (200, "applied"), said.raw
        return said.dossier

    async def get(self, path: str, who: str = "portal", **params: Any) -> Any:
        """The JSON of a door that must answer 200."""
        said = await self.call("GET", path, who=who, params=params)
        assert said.status == 200, said.raw
        return said.body

    async def read(self, dossier_id: str, who: str = "portal") -> dict[str, Any]:
        found: dict[str, Any] = await self.get(f"{PUSH}/{dossier_id}", who)
        return found

    async def find(self, code: str, who: str = "portal") -> list[str]:
        """The hub ids a code leads to."""
        return [item["id"] for item in (await self.get(PUSH, who, code=code))["items"]]

    async def history(self, dossier_id: str, **params: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.get(f"{PUSH}/{dossier_id}/history", **params))[
            "items"
        ]
        return found

    async def feed(self, after: int = 0, who: str = "portal") -> list[dict[str, Any]]:
        """All changes after a seq, page by page."""
        found: list[dict[str, Any]] = []
        while True:
            page = await self.get("/api/v1/changes", who, after=after, limit=200)
            found += page["items"]
            if page["next_after"] == after:
                return found
            after = page["next_after"]

    async def seq(self) -> int:
        """The newest change."""
        items = await self.feed()
        return int(items[-1]["seq"]) if items else 0

    async def indicators(
        self, agency: str, start: str, end: str, who: str = "government", **more: str
    ) -> dict[str, Any]:
        found: dict[str, Any] = await self.get(
            "/api/v1/indicators",
            who,
            **{"profile": "seed", "agency": agency, "from": start, "to": end, **more},
        )
        return found

    async def close(self) -> None:
        await self.http.aclose()


def dossier(number: int = 1, **over: Any) -> dict[str, Any]:
    """A canonical record of an invented person; `over` changes fields, `...` leaves one out."""
    record: dict[str, Any] = {
        "code": f"A-{number:05d}",
        "version": 1,
        "updated_at": "2026-03-02T09:00:00+07:00",
        "national_code": f"H50.12-260302-{number:04d}",
        "procedure": {"code": "1.001612", "name": "Đăng ký thành lập hộ kinh doanh"},
        "agency": "H50.12",
        "applicant": {"kind": "person", "name": "Nguyễn Văn Thử"},
        "channel": "direct",
        "accepted_at": "2026-03-02T09:00:00+07:00",
        "due_at": "2026-03-10T17:00:00+07:00",
        "status": "in_progress",
    }
    record.update(over)
    return {name: value for name, value in record.items() if value is not ...}


def is_problem(said: Answer, status: int, reason: str, field: str | None, language: str) -> None:
    """A problem document says why in the caller's language."""
    told = said.body
    assert said.status == status
    assert said.headers["content-type"] == "application/problem+json"
    assert (told["reason"], told["field"], told["status"]) == (reason, field, status)
    assert told["detail"] == sentence(Reason(reason), language)


def trial_over(store: Store) -> Trial:
    """A trial over an open, migrated store; always with the same key."""
    settings = Settings(secret_key=KEY, call_attempts=1, first_wait_s=0)
    systems, vault = Systems(settings), Vault(settings.key())
    return Trial(Context(store, vault, systems, settings.limits(), declare=systems.declare))
