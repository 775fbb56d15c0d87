"""The Government's portal as one who is told figures: one signed JSON document per revision.

Contract: contract/publication.md, our own design. The same document again, under the same id, is
taken once: so a lost answer needs no look-up.
"""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook

from adapters.wire import Answer, Http, Wire
from canonical import clock
from canonical.errors import Garbled, NotAllowed, Refused, TryAgain
from canonical.indicators import BUCKETS
from canonical.ports import Figures, Outgoing, Settings
from canonical.reading import json as strict_json
from canonical.reasons import Reason
from canonical.text import Malformed

_PATH = "/api/v1/publications"
_INDICATOR = "ho_so_giai_quyet_qua_mang"
_TITLE = "Tổng số hồ sơ được giải quyết qua mạng"
_JSON = ("application/json",)
_PLAIN = ("total", "resolved", "resolved_online", "carried_over")
# What the portal says no with (contract/publication.md); anything else it says is not repeated.
_REFUSALS = frozenset(
    {
        "malformed",
        "unknown_agency",
        "unknown_period",
        "sums_wrong",
        "revision_out_of_order",
        "restatement_wrong",
        "id_reused",
        "known_seq_turned_back",
    }
)


class Publisher:
    """One configured account at the portal."""

    def __init__(self, settings: Settings, http: Http) -> None:
        self._id = settings.id
        self._url = settings.endpoint.rstrip("/") + _PATH
        self._secrets = settings.secrets
        self._http = http

    def render(self, figures: Figures) -> bytes:
        """The document of one revision; the same figures give the same bytes."""
        told = figures.told
        document = {
            "id": figures.id,
            "indicator": _INDICATOR,
            "title": _TITLE,
            "profile": told["profile"],
            "agency": told["agency"],
            "period": {
                "kind": _kind(told["from"], told["to"]),
                "from": told["from"],
                "to": told["to"],
            },
            "as_of": told["as_of"],
            "revision": figures.revision,
            "published_at": figures.at,
            "known_seq": figures.known_seq,
            "complete": told["complete"],
            "figures": _figures(told),
            "restates": _restates(figures),
        }
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()

    async def send(self, publication: Outgoing) -> None:
        """Tell one revision.

        Raises:
            NotAllowed: AUTH_DENIED: the signature does not fit, or no usable key is set.
            Refused: SOURCE_ERROR with the portal's word for it.
            TryAgain: no answer, or one that cannot be read: the same document may be sent again.
        """
        try:
            answer = await self._http.call(
                "POST",
                self._url,
                content=publication.body,
                content_type="application/json",
                headers=self._headers(publication),
                expect=_JSON,
                allow=(400, 409, 422),
            )
            told = self._object(answer)
        except Garbled as error:
            raise TryAgain(error.reason, error.detail, system=self._id) from error
        if answer.status >= 400:
            word = told.get("reason")
            said = word if word in _REFUSALS else "a reason outside the contract"
            raise Refused(Reason.SOURCE_ERROR, f"HTTP {answer.status}: {said}", system=self._id)
        if told.get("id") != publication.id:
            raise TryAgain(Reason.BODY_MALFORMED, "acknowledges another id", system=self._id)

    async def close(self) -> None:
        """Give back the sockets."""
        await self._http.close()

    def _headers(self, publication: Outgoing) -> dict[str, str]:
        """Signed with every key that is good: while keys change, the portal knows one of them."""
        at = datetime.now(UTC)
        text = publication.body.decode()
        try:
            signed = [Webhook(key).sign(publication.id, at, text) for key in self._keys(at)]
        except (ValueError, EmptyWebhookSecretError):  # cut: the text may quote the key
            raise NotAllowed(Reason.AUTH_DENIED, "key: not base64", system=self._id) from None
        if not signed:
            raise NotAllowed(Reason.AUTH_DENIED, "no key is set", system=self._id)
        return {
            "accept": "application/json",
            "webhook-id": publication.id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(signed),
        }

    def _keys(self, at: datetime) -> list[str]:
        """The key, and the one before it until its time is over."""
        until = self._secrets.get("previous_key_until")
        is_over = bool(until) and at >= clock.from_iso(str(until))
        names = ("key",) if is_over else ("key", "previous_key")
        return [self._secrets[name] for name in names if self._secrets.get(name)]

    def _object(self, answer: Answer) -> Mapping[str, Any]:
        try:
            found = strict_json.decode(answer.body)
        except Malformed as error:
            raise Garbled(Reason.BODY_MALFORMED, str(error), system=self._id) from error
        if not isinstance(found, dict):
            raise Garbled(Reason.BODY_MALFORMED, "not an object", system=self._id)
        return found


def _figures(told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{name: told[name] for name in _PLAIN},
        "buckets": {name: told["buckets"][name] for name in BUCKETS},
    }


def _restates(figures: Figures) -> dict[str, Any] | None:
    """The revision that no longer stands: its figures, what differs, and why."""
    if figures.before is None:
        return None
    before, now = _figures(figures.before), _figures(figures.told)
    flat_before, flat_now = _flat(before), _flat(now)
    return {
        "revision": figures.revision - 1,
        "figures": before,
        "changed": [
            {"figure": name, "before": flat_before[name], "now": flat_now[name]}
            for name in flat_now
            if flat_now[name] != flat_before[name]
        ],
        "reason": figures.why,
    }


def _flat(figures: Mapping[str, Any]) -> dict[str, int]:
    plain = {name: figures[name] for name in _PLAIN}
    return plain | {f"buckets.{name}": count for name, count in figures["buckets"].items()}


def _kind(first: str, last: str) -> str:
    """Which kind of period: month, quarter, year, or "other"; by its months."""
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    months = (end.year - start.year) * 12 + end.month - start.month + 1
    return {1: "month", 3: "quarter", 12: "year"}.get(months, "other")


def connect(settings: Settings, wire: Wire) -> Publisher:
    """A publisher of one account; nothing is called yet."""
    timeout_s = float(settings.options.get("timeout_s", "20"))
    return Publisher(settings, wire.http(system=settings.id, timeout_s=timeout_s))
