"""The public portal as a receiver of changes: one webhook call for each (contract/events.md).

An event is judged by the status alone. What says that nobody was there, or the wrong one, concerns
the portal; what says no to the content concerns that event.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook

from adapters.wire import Answer, Http, Wire
from canonical import clock
from canonical.errors import HubError, NotAllowed, Refused, TryAgain
from canonical.ports import Event, Outgoing, Settings
from canonical.reasons import Reason

CONTENT_TYPE = "application/cloudevents+json"
_TYPE = "vn.lienthong.dossier"
_SCHEMA = "urn:lienthong:schema:dossier-event:1"
# No content type at all, or a plain word, is an answer; a page in between is none.
_ANSWERS = ("", "application/json", "text/plain")
# 401, 403, 429 and 503 are said by the wire.
_JUDGED_HERE = frozenset(range(400, 600)) - {401, 403, 429, 503}
_NO_SUCH_PLACE = frozenset({404, 405, 421})
_NOT_YET = frozenset({408, 425})
_IN_BETWEEN = frozenset({502, 504})
_GONE = 410
_CONTENTS = ("full", "thin")


class Receiver:
    """One configured portal."""

    def __init__(self, settings: Settings, http: Http) -> None:
        self._id = settings.id
        self._url = settings.endpoint
        self._secrets = settings.secrets
        self._source = settings.options.get("source", "urn:lienthong:hub")
        self._content = settings.options.get("content", "full")
        if self._content not in _CONTENTS:
            raise Refused(Reason.FIELD_TYPE, "content is full or thin", system=self._id)
        self._http = http

    def render(self, event: Event) -> bytes | None:
        """The CloudEvent of a change, structured JSON."""
        data: dict[str, Any] = {
            "seq": event.seq,
            "kind": event.kind,
            "dossier": event.dossier,
            "into": event.into,
        }
        if self._content == "full":
            data |= {"body": event.body, "entries": list(event.entries)}
        told = {
            "specversion": "1.0",
            "id": event.id,
            "source": self._source,
            "type": f"{_TYPE}.{event.kind}",
            "subject": event.dossier,
            "time": event.at,
            "datacontenttype": "application/json",
            "dataschema": _SCHEMA,
            "data": data,
        }
        return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()

    async def send(self, events: Sequence[Outgoing]) -> Sequence[HubError | None]:
        """Tell events one after another; per event None (2xx) or why the portal has it not.

        Refused: HTTP_4XX, it said no to this one. TryAgain: HTTP_5XX, it failed on this one.

        Raises:
            NotAllowed: AUTH_DENIED: the signature does not fit, or no usable key is set.
            Refused: HTTP_4XX: 410, it wants to be told nothing more.
            HubError: it did not answer, asked for patience, or somebody else answered.
        """
        return [await self._one(event) for event in events]

    async def close(self) -> None:
        """Give back the sockets."""
        await self._http.close()

    async def _one(self, event: Outgoing) -> HubError | None:
        answer = await self._http.call(
            "POST",
            self._url,
            content=event.body,
            content_type=CONTENT_TYPE,
            headers=self._headers(event),
            expect=_ANSWERS,
            allow=_JUDGED_HERE,
        )
        return self._judged(answer)

    def _judged(self, answer: Answer) -> HubError | None:
        status = answer.status
        detail = f"HTTP {status}"
        if status < 300:
            return None
        if status in _NO_SUCH_PLACE:
            raise TryAgain(Reason.HTTP_4XX, f"{detail}: not at this address", system=self._id)
        if status == _GONE:
            told = f"{detail}: it wants to be told nothing more"
            raise Refused(Reason.HTTP_4XX, told, system=self._id)
        if status in _IN_BETWEEN:
            raise TryAgain(Reason.HTTP_5XX, detail, system=self._id)
        if status >= 500:
            return TryAgain(Reason.HTTP_5XX, detail, system=self._id)
        if status in _NOT_YET:
            return TryAgain(Reason.HTTP_4XX, detail, system=self._id)
        return Refused(Reason.HTTP_4XX, detail, system=self._id)

    def _headers(self, event: Outgoing) -> dict[str, str]:
        """Signed with every key that is good: while keys change, the portal knows one of them."""
        at = datetime.now(UTC)
        text = event.body.decode()
        try:
            signed = [Webhook(key).sign(event.id, at, text) for key in self._keys(at)]
        except (ValueError, EmptyWebhookSecretError):  # cut: the text may quote the key
            raise NotAllowed(Reason.AUTH_DENIED, "key: not base64", system=self._id) from None
        if not signed:
            raise NotAllowed(Reason.AUTH_DENIED, "no key is set", system=self._id)
        return {
            "accept": "application/json, text/plain",
            "webhook-id": event.id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(signed),
        }

    def _keys(self, at: datetime) -> list[str]:
        """The key, and the one before it until its time is over."""
        until = self._secrets.get("previous_key_until")
        is_over = bool(until) and at >= clock.from_iso(str(until))
        names = ("key",) if is_over else ("key", "previous_key")
        return [self._secrets[name] for name in names if self._secrets.get(name)]


def connect(settings: Settings, wire: Wire) -> Receiver:
    """A receiver of one portal; nothing is called yet.

    Raises:
        Refused: FIELD_TYPE, an option that is none.
    """
    try:
        timeout_s = float(settings.options.get("timeout_s", "10"))
    except ValueError:
        raise Refused(Reason.FIELD_TYPE, "timeout_s is a number", system=settings.id) from None
    return Receiver(settings, wire.http(system=settings.id, timeout_s=timeout_s))
