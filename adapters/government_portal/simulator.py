"""Stands in for the Government's portal: figures handed in, signed (contract/publication.md).

Checks every document strictly and keeps a ledger, GET /__ledger: {"periods": {"AGENCY FROM TO":
[document…]}, "calls": n, "again": n, "refused": [[status, reason, where]]}. `again` counts the
documents told once more with the same bytes.

POST /__data {"lose_answers": n, "broken": [AGENCY…]}: the next n documents are taken and their
answers cut short; documents of those agencies give HTTP 500 from now on.

Moods of its own: `broken` (HTTP 500), `unanswered` (takes a document, never answers).

Options: `key`: the key it knows, `whsec_…`.
"""

import json
import re
from calendar import monthrange
from datetime import date, datetime
from pathlib import Path
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from adapters.simulation import Simulation

_KEY = "whsec_dHJpYWwtc2VjcmV0LW9mLXRoZS1wb3J0YWw="
_NAMES = {
    *("id", "indicator", "title", "profile", "agency", "period", "as_of", "revision"),
    *("published_at", "known_seq", "complete", "figures", "restates"),
}
_PLAIN = ("total", "resolved", "resolved_online", "carried_over")
_BUCKETS = (
    *("early", "on_time", "late", "open_in_term", "open_overdue"),
    *("waiting", "returned", "withdrawn", "undetermined"),
)
_AGENCY = re.compile(r"[A-Z][0-9]{2}(\.[0-9]{2,3})*")
_BROKEN = 500
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
Json = dict[str, Any]


class _No(Exception):
    """The document is refused."""

    def __init__(self, status: int, reason: str, where: str = "") -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.where = where


class _Portal:
    """The portal: the key it knows, and the documents it holds."""

    def __init__(self, options: dict[str, str]) -> None:
        key = options.get("key", _KEY)
        self._webhook = Webhook(key)
        self._held: dict[str, list[Json]] = {}
        self._bodies: dict[str, bytes] = {}
        self._refused: list[tuple[int, str, str]] = []
        self._broken: set[str] = set()
        self._calls = self._again = self._to_lose = 0
        self.simulation = Simulation(
            [
                Route("/api/v1/publications", self.take, methods=["POST"]),
                Route("/__ledger", self.ledger, methods=["GET"]),
            ],
            secrets={"key": key},
            more_moods=("broken", "unanswered"),
            on_data=self.set_data,
        )

    def set_data(self, data: Any) -> None:
        """POST /__data; see the module."""
        self._to_lose = int(data.get("lose_answers", self._to_lose))
        self._broken = set(data.get("broken", self._broken))

    async def ledger(self, _: Request) -> Response:
        """What it was told."""
        return JSONResponse(
            {
                "periods": self._held,
                "calls": self._calls,
                "again": self._again,
                "refused": self._refused,
            }
        )

    async def take(self, request: Request) -> Response:
        """One document."""
        self.simulation.note(request, "publications")
        self._calls += 1
        if self.simulation.mood == "broken":
            return Response(status_code=_BROKEN)
        raw = await request.body()
        try:
            document = self._checked(request, raw)
        except _No as no:
            if no.status == _BROKEN:
                return Response(status_code=_BROKEN)
            self._refused.append((no.status, no.reason, no.where))
            return JSONResponse({"reason": no.reason, "where": no.where}, no.status)
        answer = JSONResponse({"id": document["id"], "revision": document["revision"]})
        if self.simulation.mood == "unanswered":
            return _Never()
        if self._to_lose > 0:
            self._to_lose -= 1
            return Response(bytes(answer.body)[:5], media_type="application/json")
        return answer

    def _checked(self, request: Request, raw: bytes) -> Json:
        if self.simulation.mood == "refusing":
            raise _No(401, "signature")
        try:
            self._webhook.verify(raw, dict(request.headers), json_parse=False)
        except (WebhookVerificationError, ValueError):
            raise _No(401, "signature") from None
        if request.headers.get("content-type") != "application/json":
            raise _No(400, "malformed", "content-type")
        document = _formed(raw)
        if document["agency"] in self._broken:
            raise _No(_BROKEN, "broken")
        if request.headers["webhook-id"] != document["id"]:
            raise _No(400, "malformed", "webhook-id")
        if document["id"] in self._bodies:
            if self._bodies[document["id"]] != raw:
                raise _No(409, "id_reused")
            self._again += 1
            return document
        _check_period(document)
        _check_sums(document["figures"])
        period = document["period"]
        name = f"{document['agency']} {period['from']} {period['to']}"
        held = self._held.setdefault(name, [])
        _check_order(document, held[-1] if held else None)
        held.append(document)
        self._bodies[document["id"]] = raw
        return document


class _Never(Response):
    """An answer that does not come; it ends when the caller hangs up."""

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass


def _formed(raw: bytes) -> Json:
    """The document, if it has the contract's names and types."""
    try:
        told = json.loads(raw)
    except ValueError:
        raise _No(400, "malformed", "JSON") from None
    if not isinstance(told, dict):
        raise _No(400, "malformed", "document")
    _names(told, _NAMES, "document")
    for name, kind in (
        *((name, str) for name in ("id", "title", "agency", "as_of", "published_at")),
        *((name, int) for name in ("revision", "known_seq")),
        ("complete", bool),
        ("period", dict),
    ):
        if type(told[name]) is not kind or told[name] == "":
            raise _No(400, "malformed", name)
    _names(told["period"], {"kind", "from", "to"}, "period")
    if (told["indicator"], told["profile"]) != ("ho_so_giai_quyet_qua_mang", "seed"):
        raise _No(400, "malformed", "indicator")
    if told["known_seq"] < 0 or told["revision"] < 1:
        raise _No(400, "malformed", "revision")
    _moment(told["published_at"])
    _figures_formed(told["figures"], "figures")
    _restatement_formed(told["restates"])
    return told


def _names(told: Any, names: set[str], where: str) -> None:
    if not isinstance(told, dict) or set(told) != names:
        raise _No(400, "malformed", where)


def _moment(text: str) -> None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _No(400, "malformed", "published_at") from None
    if moment.tzinfo is None:
        raise _No(400, "malformed", "published_at")


def _figures_formed(figures: Any, where: str) -> None:
    _names(figures, {*_PLAIN, "buckets"}, where)
    _names(figures["buckets"], set(_BUCKETS), f"{where}.buckets")
    for name, count in _flat(figures).items():
        if type(count) is not int or count < 0:
            raise _No(400, "malformed", f"{where}.{name}")


def _restatement_formed(told: Any) -> None:
    if told is None:
        return
    _names(told, {"revision", "figures", "changed", "reason"}, "restates")
    _figures_formed(told["figures"], "restates.figures")
    if not isinstance(told["changed"], list) or not isinstance(told["reason"], str):
        raise _No(400, "malformed", "restates")
    for one in told["changed"]:
        _names(one, {"figure", "before", "now"}, "restates.changed")


def _check_period(document: Json) -> None:
    if not _AGENCY.fullmatch(document["agency"]):
        raise _No(422, "unknown_agency")
    period = document["period"]
    try:
        first, last, as_of = (
            date.fromisoformat(text) for text in (period["from"], period["to"], document["as_of"])
        )
    except (TypeError, ValueError):
        raise _No(400, "malformed", "period") from None
    months = _MONTHS.get(period["kind"])
    is_start = first.day == 1 and months is not None and (first.month - 1) % months == 0
    last_month = first.month + (months or 1) - 1
    is_whole = is_start and last == date(
        first.year, last_month, monthrange(first.year, last_month)[1]
    )
    if not is_whole or as_of < last:
        raise _No(422, "unknown_period")


def _check_sums(figures: Json) -> None:
    if sum(figures["buckets"].values()) != figures["total"]:
        raise _No(422, "sums_wrong", "buckets")
    if figures["resolved_online"] > figures["resolved"]:
        raise _No(422, "sums_wrong", "resolved_online")


def _check_order(document: Json, last: Json | None) -> None:
    if document["revision"] != (last["revision"] + 1 if last is not None else 1):
        raise _No(409, "revision_out_of_order")
    restates = document["restates"]
    if (last is None) != (restates is None):
        raise _No(422, "restatement_wrong", "restates")
    if last is None:
        return
    if document["known_seq"] < last["known_seq"]:
        raise _No(409, "known_seq_turned_back")
    before, now = _flat(last["figures"]), _flat(document["figures"])
    changed = {
        one["figure"]: (one["before"], one["now"])
        for one in restates["changed"]
        if isinstance(one["figure"], str)
    }
    untrue = (
        (restates["revision"] != last["revision"], "revision"),
        (restates["figures"] != last["figures"], "figures"),
        (changed != {n: (before[n], now[n]) for n in now if now[n] != before[n]}, "changed"),
        (before == now, "nothing changed"),
        (not restates["reason"].strip(), "reason"),
    )
    for is_so, where in untrue:
        if is_so:
            raise _No(422, "restatement_wrong", where)


def _flat(figures: Json) -> dict[str, Any]:
    return {name: figures[name] for name in _PLAIN} | {
        f"buckets.{name}": figures["buckets"][name] for name in _BUCKETS
    }


def build(data: Path | None = None, options: dict[str, str] | None = None) -> Simulation:
    """The simulator; `data` is not used: it holds what it is told."""
    return _Portal(options or {}).simulation
