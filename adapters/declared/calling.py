"""One call of a declared system: its templates filled, its credentials shown, its answer's kind.

Calls and answers only: nothing is decided or repeated here, but for a session that is renewed once
(adapters.wire.Token).
"""

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from msgspec import Struct

from adapters.declared import refusals, templates
from adapters.declared.declaration import Declaration, Login, Request
from adapters.declared.reader import Reader
from adapters.wire import Http, Soap, Token, UsernameToken, Wire
from adapters.wire.http import Answer, status_of
from canonical.errors import Garbled, HubError, NotAllowed, Refused, TryAgain
from canonical.ports import Settings
from canonical.reasons import Reason

_JSON = frozenset({"application/json", "text/json"})
_XML = frozenset({"application/xml", "text/xml", "application/soap+xml"})
_MAX_TOKEN = 8_192


class Reply(Struct, frozen=True):
    """What came back.

    Attributes:
        headers: By lower-case name; none of a SOAP call.
        url: What was called.
    """

    body: bytes
    headers: Mapping[str, str] = {}
    url: str = ""


class Caller:
    """Makes the calls of one connection."""

    def __init__(
        self, told: Declaration, settings: Settings, wire: Wire, reader: Reader, contract: bytes
    ) -> None:
        """Nothing is called yet.

        Raises:
            NotAllowed: AUTH_DENIED where a declared secret is not set.
        """
        self._told = told
        self._id = settings.id
        self._reader = reader
        self._base = settings.endpoint.rstrip("/")
        self._plain: dict[str, Any] = {
            **{f"option.{name}": value for name, value in settings.options.items()},
            **{f"secret.{name}": value for name, value in settings.secrets.items()},
        }
        for name in told.secrets:
            if not settings.secrets.get(name):
                raise NotAllowed(Reason.AUTH_DENIED, f"no secret {name}", system=settings.id)
        timeout_s = _seconds(settings, told.timeout_s)
        auth = told.auth
        basic = (
            ("basic", str(self._filled(auth.user)), settings.secrets[auth.secret])
            if auth.kind == "basic"
            else None
        )
        self._http: Http = wire.http(settings.id, timeout_s, basic)
        self._soap: Soap | None = None
        if told.soap is not None:
            self._soap = wire.soap(
                contract,
                settings.endpoint,
                system=settings.id,
                timeout_s=timeout_s,
                version=told.soap.version,
                service=told.soap.service or None,
                port=told.soap.port or None,
                auth=basic,
                shows=self._username_token(),
            )
        self._token = Token(self._log_in, system=settings.id) if told.login else None

    async def call(self, request: Request, values: Mapping[str, Any], join: str = ",") -> Reply:
        """One call without a session; see `within` for what a session needs.

        Raises:
            HubError: as the wire; Garbled CTYPE_UNEXPECTED.
        """
        known = {**self._plain, **values}
        texts = {n: join.join(map(str, v)) if isinstance(v, list) else v for n, v in known.items()}
        if request.operation:
            return Reply(await self._call_soap(request, known, texts))
        return await self._call_http(request, known, texts)

    async def within(self, use: Any) -> Any:
        """What `use(session)` gives; with a login, renewed once where the session has expired.

        Raises:
            NotAllowed: AUTH_DENIED: not even a new session is taken.
            HubError: what `use` and the login raise.
        """
        if self._token is None:
            return await use({})
        login = self._told.login
        assert login is not None  # noqa: S101 - a token is there because a login is

        async def guarded(token: str) -> Any:
            try:
                return await use({"session": token})
            except HubError as error:
                raise _expired(error, login) or error from error

        return await self._token.use(guarded)

    async def close(self) -> None:
        """Give back the sockets and forget the session."""
        if self._token is not None:
            self._token.forget()
        await self._http.close()
        if self._soap is not None:
            await self._soap.close()

    def same_origin(self, link: str, url: str) -> str:
        """The address a link leads to, from where it stood.

        Raises:
            Refused: EGRESS_DENIED: it leads to another host than the connection's.
        """
        found = urljoin(url or self._base, link)
        there, home = urlsplit(found), urlsplit(self._base)
        if (there.scheme, there.netloc) != (home.scheme, home.netloc):
            raise Refused(Reason.EGRESS_DENIED, "the next page's link", system=self._id)
        return found

    # ------------------------------------------------------------------ HTTP

    async def _call_http(
        self, request: Request, known: Mapping[str, Any], texts: Mapping[str, Any]
    ) -> Reply:
        link = known.get("link")
        url = link or self._base + str(_present(templates.fill(request.path, _quoted(texts))))
        query = {} if link else templates.fill(request.query, texts)
        answer = await self._http.call(
            request.method,
            url,
            params={**query, **self._query_auth()} or None,
            headers=self._headers(request, texts),
            json=templates.fill(request.json, known) if request.json is not None else None,
            form=templates.fill(request.form, texts) or None,
            content=self._content(request, texts),
            content_type=request.content_type or ("text/plain" if request.body else None),
        )
        self._check_kind(answer, request)
        return Reply(answer.body, answer.headers, url)

    def _content(self, request: Request, texts: Mapping[str, Any]) -> bytes | None:
        if not request.body:
            return None
        return str(_present(templates.fill(request.body, texts))).encode("utf-8")

    def _headers(self, request: Request, texts: Mapping[str, Any]) -> dict[str, str]:
        told = templates.fill({**self._told.headers, **request.headers}, texts)
        headers = {name: str(value) for name, value in told.items()}
        auth = self._told.auth
        if auth.kind == "bearer":
            headers["Authorization"] = f"Bearer {self._plain[f'secret.{auth.secret}']}"
        elif auth.kind == "header":
            headers[auth.name] = self._plain[f"secret.{auth.secret}"]
        return headers

    def _query_auth(self) -> dict[str, str]:
        auth = self._told.auth
        if auth.kind != "query":
            return {}
        return {auth.name: self._plain[f"secret.{auth.secret}"]}

    def _check_kind(self, answer: Answer, request: Request) -> None:
        pull, login = self._told.pull, self._told.login
        is_page = pull is not None and request is pull.request
        kinds = pull.answer.content_types if pull is not None and is_page else []
        form = "json"
        if login is not None and request is login.request:
            form = login.format
        elif pull is not None:
            form = pull.answer.format
        told = answer.content_type
        if answer.status == 204 or (not is_page and not answer.body):
            return
        if kinds:
            is_known = told in {one.lower() for one in kinds}
        elif form == "xml":
            is_known = told in _XML or told.endswith("+xml")
        else:
            is_known = told in _JSON or told.endswith("+json")
        if not is_known or told == "application/xhtml+xml":
            shown = told[:60] if told.isprintable() else ""
            raise Garbled(Reason.CTYPE_UNEXPECTED, shown or "none", system=self._id)

    # ------------------------------------------------------------------ SOAP

    async def _call_soap(
        self, request: Request, known: Mapping[str, Any], texts: Mapping[str, Any]
    ) -> bytes:
        assert self._soap is not None  # noqa: S101 - `checks` has looked
        arguments = templates.fill(request.arguments, known)
        headers = templates.fill(request.soap_headers, known)
        if headers:
            arguments["_soapheaders"] = headers
        message = self._soap.message(request.operation, **arguments)
        more = self._headers(request, texts)
        return await self._soap.send(request.operation, message, more_headers=more)

    def _username_token(self) -> UsernameToken | None:
        soap = self._told.soap
        if soap is None or not soap.wsse_secret:
            return None
        password = str(self._plain[f"secret.{soap.wsse_secret}"])
        return UsernameToken(str(self._filled(soap.wsse_user)), password, soap.wsse_digest)

    # ------------------------------------------------------------------ the session

    async def _log_in(self) -> tuple[str, float]:
        """A new session, and how many seconds it is good for."""
        login = self._told.login
        assert login is not None  # noqa: S101 - only a login has a token
        reply = await self.call(login.request, {})
        life_s, token = float(login.life_s), ""
        if login.taken_from == "field":
            body = self._reader.open(reply.body, login.format)
            try:
                refusals.check(body, self._told.errors)
            except TryAgain as error:
                if error.reason is Reason.AUTH_EXPIRED:
                    raise NotAllowed(Reason.AUTH_DENIED, error.detail, system=self._id) from error
                raise
            token = refusals.spelt(body.field(login.token))
            told = refusals.spelt(body.field(login.life)) if login.life else ""
            life_s = float(told) if told.isdecimal() and len(told) < 10 else life_s
        elif login.taken_from == "header":
            token = reply.headers.get(login.token.lower(), "").strip()
        else:
            token = _cookie(reply.headers.get("set-cookie", ""), login.token)
        if not token or len(token) > _MAX_TOKEN or not (token.isascii() and token.isprintable()):
            raise Garbled(Reason.BODY_MALFORMED, f"login: no {login.token}", system=self._id)
        return token, life_s

    def _filled(self, template: str) -> Any:
        return _present(templates.fill(template, self._plain))


def _expired(error: HubError, login: Login) -> HubError | None:
    """The same as a session that has expired, where that is what it means."""
    is_status = isinstance(error, NotAllowed) and status_of(error) in login.expired_statuses
    is_fault = error.reason is Reason.SOAP_FAULT and any(
        code in error.detail for code in login.expired_faults
    )
    if is_status or is_fault:
        return TryAgain(Reason.AUTH_EXPIRED, error.detail, system=error.system)
    return None


def _present(found: Any) -> Any:
    return "" if found is templates.ABSENT else found


def _quoted(values: Mapping[str, Any]) -> dict[str, Any]:
    return {n: None if v is None else quote(str(v), safe="") for n, v in values.items()}


def _cookie(header: str, name: str) -> str:
    """A cookie's value; several come joined by commas, which dates hold too."""
    try:
        found = SimpleCookie(header).get(name)
    except CookieError:
        return ""
    return found.value.strip() if found is not None else ""


def _seconds(settings: Settings, declared: float) -> float:
    told = settings.options.get("timeout_s", "")
    try:
        seconds = float(told) if told else declared
    except ValueError:
        seconds = -1.0
    if not 0 < seconds <= 3_600:
        raise Refused(Reason.FIELD_TYPE, "option timeout_s", system=settings.id)
    return seconds
