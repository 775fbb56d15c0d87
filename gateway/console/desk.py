"""What a page works with: who asks, in which language, and how an answer is made.

`desk.page("receipts.html", rows=rows)` shows a template, `desk.back(path, "done.saved")` leads
elsewhere with one sentence, `desk.say(key)` is a word of the catalogue.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.errors import RequestRefused
from canonical.reasons import Reason
from gateway.auth import context_of
from gateway.console import language as words
from gateway.console import navigation, pages, shown
from store import disclosures, rights
from store.clients import Principal
from store.rights import Narrowed
from store.staff import Member
from store.staff_rights import Right, may
from store.staff_sessions import Session

SESSION, VISIT, LANGUAGE, SAID = "hub_session", "hub_visit", "hub_language", "hub_said"
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    # Not no-referrer: a form would then be sent with `Origin: null`.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}
_YEAR_S = 31_536_000


class Desk:
    """One request to the console.

    Attributes:
        session: Of whom; None before somebody has signed in.
        language: "vi" or "en".
        say: A word of the catalogue in that language.
    """

    def __init__(self, request: Request, session: Session | None) -> None:
        self.request = request
        self.context = context_of(request)
        self.session = session
        told = request.cookies.get(LANGUAGE, "")
        self.language = told if told in words.LANGUAGES else words.LANGUAGES[0]
        self.say = words.say_in(self.language)
        self._visit = request.cookies.get(VISIT) or secrets.token_urlsafe(16)

    @property
    def member(self) -> Member:
        """Who asks. Raises RequestRefused where nobody has signed in."""
        if self.session is None:
            raise RequestRefused(Reason.UNAUTHENTICATED, 401)
        return self.session.member

    @property
    def principal(self) -> Principal:
        """Who asks, for what narrows by it."""
        return self.member.principal

    @property
    def here(self) -> str:
        """The address that was asked for."""
        url = self.request.url
        return url.path + (f"?{url.query}" if url.query else "")

    @property
    def is_part(self) -> bool:
        """Whether htmx asks, and wants a part of a page."""
        return self.request.headers.get("hx-request") == "true"

    def may(self, right: Right | str) -> bool:
        """Whether who asks may do this."""
        return self.session is not None and may(self.principal, Right(right))

    def visible(self, tx: Tx, alias: str = "dossier") -> Narrowed:
        """The condition that keeps the dossiers who asks may see."""
        books = self.context.books(tx)
        return rights.visible(tx, self.principal, books.agencies, self.context.now(), alias)

    def shown_until(self, tx: Tx, subject: str) -> str | None:
        """Until when the personal data of something is shown to who asks; None while masked."""
        if not self.may(Right.DISCLOSE):
            return None
        now = clock.to_iso(self.context.now())
        return disclosures.shown_until(tx, self.member.id, subject, now)

    # ------------------------------------------------------------------ forms

    @property
    def token(self) -> str:
        """What every form of this person's, in this session, must carry."""
        bound = f"session\0{self.session.digest}" if self.session else f"visit\0{self._visit}"
        key = self.context.vault.form_key
        return hmac.new(key, bound.encode("utf-8", "backslashreplace"), hashlib.sha256).hexdigest()

    def is_ours(self, token: str) -> bool:
        """Whether a form carries it."""
        return hmac.compare_digest(self.token.encode(), token.encode("utf-8", "backslashreplace"))

    # ------------------------------------------------------------------ answers

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """A page, or where htmx asks for it, the part that the template shows then."""
        said = self._said()
        body = pages.render(template, **self._given(said), **values)
        answer = HTMLResponse(body, status, headers=HEADERS)
        if said:
            answer.delete_cookie(SAID, path="/console")
        if self.session is None:
            self.keep(answer, VISIT, self._visit)
        return answer

    def back(self, path: str, key: str | None = None, **told: Any) -> Response:
        """Lead to another page of the console, which then says one sentence."""
        answer: Response
        if self.is_part:
            answer = Response(status_code=204, headers={**HEADERS, "HX-Redirect": path})
        else:
            answer = RedirectResponse(path, 303, headers=HEADERS)
        if key is not None:
            # A cookie holds no letters of Vietnamese as they are.
            self.keep(answer, SAID, json.dumps([key, told]).encode().hex(), 60)
        return answer

    def refuse(self, status: int, reason: Reason, detail: str = "") -> Response:
        """A page, or a notice where htmx asks, that says why not."""
        told = {"status": status, "reason": reason.value, "detail": detail}
        template = "refused_part.html" if self.is_part else "refused.html"
        body = pages.render(template, **self._given(None), **told)
        headers = dict(HEADERS)
        if self.is_part:
            headers |= {"HX-Retarget": "#notices", "HX-Reswap": "innerHTML"}
        return HTMLResponse(body, status, headers=headers)

    def keep(self, answer: Response, name: str, value: str, seconds: int | None = None) -> None:
        """Have the browser keep a cookie for the console, out of any script's reach."""
        answer.set_cookie(
            name,
            value,
            max_age=seconds,
            path="/console",
            secure=self.context.limits.is_behind_tls,
            httponly=True,
            samesite="strict",
        )

    def keep_language(self, answer: Response, language: str) -> None:
        """Go on in this language."""
        self.keep(answer, LANGUAGE, language, _YEAR_S)

    def _said(self) -> tuple[str, dict[str, Any]] | None:
        told = self.request.cookies.get(SAID)
        if not told:
            return None
        try:
            key, values = json.loads(bytes.fromhex(told))
            return (key, values) if words.knows(key) and isinstance(values, dict) else None
        except (ValueError, TypeError):
            return None

    def _given(self, said: tuple[str, dict[str, Any]] | None) -> Mapping[str, Any]:
        """What every template may use."""
        now, say, language = self.context.now(), self.say, self.language
        return {
            "desk": self,
            "t": say,
            "lang": language,
            "token": self.token,
            "may": self.may,
            "nav": navigation.entries(self) if self.session is not None else [],
            "path": self.request.url.path,
            "here": self.here,
            "icon": pages.icon,
            "said": say(said[0], **said[1]) if said else "",
            "correlation_id": getattr(self.request.state, "correlation_id", ""),
            "moment": shown.moment,
            "second": shown.second,
            "day": shown.day,
            "number": lambda told: shown.number(told, language),
            "size": lambda told: shown.size(told, language),
            "ago": lambda told: shown.ago(told, now, say),
            "span": lambda seconds: shown.span(seconds, say),
            "why": lambda reason: shown.why(reason, language),
            "name": lambda kind, code: shown.name(kind, code, say),
        }
