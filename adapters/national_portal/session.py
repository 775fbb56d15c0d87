"""Calls of the `mapi` services: a session from a login, shared, refreshed once where it ran out.

Contract: contract/mapi.md (domain/statuses.md 2.3).
"""

import asyncio
import hashlib
import json
from typing import Any
from weakref import WeakKeyDictionary

from adapters.national_portal.answers import Meaning, body_of, code_of, meaning_of
from adapters.wire import Http, Wire
from canonical.errors import Garbled, NotAllowed, TryAgain, Unreachable
from canonical.ports import Settings
from canonical.reasons import Reason

_JSON = ("application/json",)


class Account:
    """The session an account has now, shared by all shards of one process.

    Attributes:
        session: "" where it has none.
        logging_in: Held by the one who asks for a session.
    """

    def __init__(self) -> None:
        self.session = ""
        self.logging_in = asyncio.Lock()


_ACCOUNTS: WeakKeyDictionary[Wire, dict[str, Account]] = WeakKeyDictionary()


def account_of(wire: Wire, settings: Settings) -> Account:
    """The account that these settings name; other credentials are another one."""
    told = [settings.endpoint, sorted(settings.options.items()), sorted(settings.secrets.items())]
    name = hashlib.sha256(json.dumps(told).encode()).hexdigest()
    return _ACCOUNTS.setdefault(wire, {}).setdefault(name, Account())


class Session:
    """Calls in the name of one account."""

    def __init__(self, settings: Settings, http: Http, account: Account) -> None:
        self._id = settings.id
        self._base = settings.endpoint.rstrip("/")
        self._login = {
            "username": settings.options.get("username", ""),
            "password": settings.secrets.get("password", ""),
        }
        self._madonvi = settings.options.get("madonvi", "")
        self._dstcode = settings.options.get("dstcode", "")
        self._providerurl = settings.options.get("providerurl", "")
        self._http = http
        self._account = account

    async def call(self, service: str, asked: dict[str, Any]) -> tuple[Meaning, str]:
        """What the portal says to one service call, and the code it said it by.

        Raises:
            NotAllowed: AUTH_DENIED.
            TryAgain: AUTH_EXPIRED: a new session ran out at once; and what the wire raises.
        """
        session = await self._let_in(ran_out="")
        meaning, code = await self._ask(session, service, asked)
        if meaning is Meaning.EXPIRED:
            session = await self._let_in(ran_out=session)
            meaning, code = await self._ask(session, service, asked)
        if meaning is Meaning.EXPIRED:
            raise TryAgain(Reason.AUTH_EXPIRED, "a new session ran out at once", system=self._id)
        if meaning is Meaning.DENIED:
            raise NotAllowed(Reason.AUTH_DENIED, f"error_code {code}", system=self._id)
        return meaning, code

    async def close(self) -> None:
        """Give back the sockets; the session stays with the account."""
        await self._http.close()

    async def _let_in(self, ran_out: str) -> str:
        """A session other than the one that ran out; however many ask, one logs in."""
        account = self._account
        async with account.logging_in:
            if account.session == ran_out:
                account.session = ""
                account.session = self._session_of(await self._knock())
            return account.session

    async def _knock(self) -> dict[str, Any]:
        try:
            return await self._post("login", self._login)
        except TryAgain as error:
            if error.reason is Reason.HTTP_5XX:  # it lets nobody in: no dossier's own trouble
                raise Unreachable(error.reason, error.detail, system=self._id) from error
            raise

    def _session_of(self, told: dict[str, Any]) -> str:
        code, meaning = code_of(told), meaning_of(told)
        if meaning is Meaning.TROUBLE:
            raise TryAgain(Reason.SOURCE_ERROR, f"error_code {code} at login", system=self._id)
        session = told.get("session")
        if meaning is not Meaning.DONE:
            raise NotAllowed(Reason.AUTH_DENIED, f"error_code {code} at login", system=self._id)
        if not isinstance(session, str) or not session:
            raise TryAgain(Reason.BODY_MALFORMED, "no session", system=self._id)
        return session

    async def _ask(self, session: str, service: str, asked: dict[str, Any]) -> tuple[Meaning, str]:
        envelope = {"session": session, "madonvi": self._madonvi, "service": service, **asked}
        told = await self._post("g", envelope)
        try:
            return meaning_of(told), code_of(told)
        except Garbled as error:
            raise self._again(error) from error

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        where = {"dstcode": self._dstcode, "providerurl": self._providerurl}
        try:
            answer = await self._http.call(
                "POST",
                f"{self._base}/mapi/{path}",
                params=where if self._providerurl else None,
                json=body,
                headers={
                    "Accept": "application/json",
                    "Charset": "utf-8",
                    "dstcode": self._dstcode,
                },
                expect=_JSON,
            )
            return body_of(answer.body)
        except Garbled as error:
            raise self._again(error) from error

    def _again(self, error: Garbled) -> TryAgain:
        """An answer that cannot be read is one that was lost: everything here may be repeated."""
        return TryAgain(error.reason, error.detail, system=self._id)
