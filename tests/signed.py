"""Somebody at the console, as a browser: cookies kept, forms sent with the token of their page."""

import re
from typing import Any

import httpx

from canonical import clock
from store import staff as accounts
from store import staff_sessions
from store.staff import Member
from tests.trial import Answer, Trial

TOKEN = re.compile(r'name="token" value="([^"]+)"')
PASSWORD = "một câu đủ dài"
# argon2id of a word of no use; hashing is tried where signing in is.
HASH = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$"


class Browser:
    """A browser; `signed_in` is one that has a session."""

    def __init__(self, hub: Trial, member: Member | None = None) -> None:
        self.hub = hub
        self.member = member
        self.cookies = httpx.Cookies()
        if member is not None:
            at = clock.to_iso(hub.context.now())
            cookie = hub.store.in_write(lambda tx: staff_sessions.begin(tx, member, at))
            self.cookies.set("hub_session", cookie, domain="hub.test", path="/console")

    async def call(self, method: str, path: str, **more: Any) -> Answer:
        wire = httpx.ASGITransport(app=self.hub.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=wire, base_url="http://hub.test", cookies=self.cookies
        ) as http:
            said = await http.request(method, path, **more)
            self.cookies = http.cookies
        return Answer(said.status_code, said.headers, said.content)

    async def get(self, path: str, **params: Any) -> Answer:
        return await self.call("GET", path, params=params or None)

    async def text(self, path: str, **params: Any) -> str:
        said = await self.get(path, **params)
        assert said.status == 200, (said.status, said.headers, said.raw[-2000:])
        return said.raw.decode()

    async def token(self, path: str = "/console/password") -> str:
        found = TOKEN.search((await self.get(path)).raw.decode())
        assert found is not None, path
        return found.group(1)

    async def post(self, path: str, *, token: str | None = None, **form: Any) -> Answer:
        headers = form.pop("headers", {})
        told = await self.token() if token is None else token
        return await self.call("POST", path, data={**form, "token": told}, headers=headers)


def add_member(
    hub: Trial,
    name: str = "vận hành",
    role: str = "operator",
    agencies: tuple[str, ...] = (),
) -> Member:
    at = clock.to_iso(hub.context.now())

    def add(tx: Any) -> Member:
        made = accounts.add_member(tx, name, role, list(agencies), HASH, at)
        assert made is not None
        accounts.set_password(tx, made.id, HASH, at, must_change=False)
        found = accounts.find_member(tx, name)
        assert found is not None
        return found

    return hub.store.in_write(add)


def signed_in(hub: Trial, role: str = "operator", agencies: tuple[str, ...] = ()) -> Browser:
    """A browser of somebody with this role."""
    return Browser(hub, add_member(hub, f"{role} {len(agencies)}", role, agencies))
