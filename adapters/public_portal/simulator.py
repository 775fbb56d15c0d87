"""Stands in for the public portal: takes events as contract/events.md says, and keeps book.

GET /__ledger: {"taken": [{"seq", "id", "dossier", "kind", "into", "status", "time"}], each event
once in the order it was taken; "again": how often one it had came again; "violations": events of a
dossier out of order; "differing": ids that came with another body; "refused": [[status, why]]}.

POST /__data {"broken": [dossier ids], "refuse": [dossier ids], "lose_answers": n, "keys": [key…],
"retry_after_s": n, "forget": true}: from now on those dossiers give 500, or 422; the next n events
are taken and the connection is cut; these keys are known; that is asked for in the mood "busy_for";
the ledger is emptied.

Moods of its own: `down` (503 to everyone), `failing` (500 to everyone), `gone` (410), `nowhere`
(404), `answer_lost` (takes each event, but cuts the connection the first time), `random` (30 % of
the calls fail in one of these ways, by seeded dice), `busy_for` (429 with the Retry-After of
/__data).

Options: `key`: what it knows at first; `seed`: of the dice; `tolerance_s`: of the timestamp.
"""

import base64
import hashlib
import hmac
import json
import random
import time
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from adapters.public_portal.simulator_checks import fault_of
from adapters.simulation import Simulation

KEY = "whsec_" + base64.b64encode(b"invented-key-of-the-public-portal").decode()
_SCHEMA = json.loads((Path(__file__).parent / "contract" / "event.schema.json").read_text("utf-8"))
_PLACE = "/webhooks/dossiers"
_FAILS_OF_100 = 30
_MOODS = ("down", "failing", "gone", "nowhere", "answer_lost", "random", "busy_for")
_STATUS = {"down": 503, "failing": 500, "gone": 410, "nowhere": 404}
Json = dict[str, Any]


class _Wrong(Exception):
    """A call outside the contract: the status it gets, and why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


class _Portal:
    """The portal: its keys, what it took, what it refused."""

    def __init__(self, options: dict[str, str]) -> None:
        key = options.get("key", KEY)
        self._keys = [key]
        self._tolerance_s = float(options.get("tolerance_s", "300"))
        self._dice = random.Random(options.get("seed", "7"))
        self._broken: set[str] = set()
        self._refuse: set[str] = set()
        self._to_lose = 0
        self._retry_after_s = 1
        self._forget()
        self.simulation = Simulation(
            [
                Route(_PLACE, self.take, methods=["POST"]),
                Route("/__ledger", self.ledger, methods=["GET"]),
            ],
            endpoint=_PLACE,
            options={},
            secrets={"key": key},
            more_moods=_MOODS,
            on_data=self.told,
        )

    def _forget(self) -> None:
        self._taken: list[Json] = []
        self._bodies: dict[str, bytes] = {}
        self._last: dict[str, int] = {}
        self._again = 0
        self._violations: list[str] = []
        self._differing: list[str] = []
        self._refused: list[tuple[int, str]] = []

    def told(self, data: Json) -> None:
        """POST /__data; see the module."""
        self._broken = set(data.get("broken", self._broken))
        self._refuse = set(data.get("refuse", self._refuse))
        self._to_lose = int(data.get("lose_answers", self._to_lose))
        self._keys = list(data.get("keys", self._keys))
        self._retry_after_s = int(data.get("retry_after_s", self._retry_after_s))
        if data.get("forget"):
            self._forget()

    async def ledger(self, _: Request) -> Response:
        """What it was told."""
        return JSONResponse(
            {
                "taken": self._taken,
                "again": self._again,
                "violations": self._violations,
                "differing": self._differing,
                "refused": self._refused,
            }
        )

    async def take(self, request: Request) -> Response:
        """One event."""
        mood = self.simulation.mood
        self.simulation.note(request, "event")
        if mood == "random":
            is_well = self._dice.randrange(100) >= _FAILS_OF_100
            mood = "well" if is_well else self._dice.choice(("down", "failing", "answer_lost"))
        if mood in _STATUS:
            return Response(status_code=_STATUS[mood])
        if mood == "busy_for":
            return Response(status_code=429, headers={"retry-after": str(self._retry_after_s)})
        raw = await request.body()
        try:
            event = self._checked(request, raw)
        except _Wrong as wrong:
            self._refused.append((wrong.status, wrong.why))
            return JSONResponse({"error": wrong.why}, status_code=wrong.status)
        if event["subject"] in self._broken:
            return Response(status_code=500)
        if event["subject"] in self._refuse:
            return JSONResponse({"error": "not wanted"}, status_code=422)
        is_new = self._book(event, raw)
        if (mood == "answer_lost" and is_new) or self._to_lose > 0:
            self._to_lose = max(self._to_lose - 1, 0)
            return _Cut()
        return Response(status_code=204)

    def _book(self, event: Json, raw: bytes) -> bool:
        """Write down an event that is taken; whether it is new."""
        if event["id"] in self._bodies:
            self._again += 1
            if self._bodies[event["id"]] != raw:
                self._differing.append(event["id"])
            return False
        self._bodies[event["id"]] = raw
        data = event["data"]
        last = self._last.get(data["dossier"], 0)
        if data["seq"] <= last:
            self._violations.append(f"{data['dossier']}: {data['seq']} after {last}")
        self._last[data["dossier"]] = max(data["seq"], last)
        line = {name: data[name] for name in ("seq", "dossier", "kind", "into")}
        status = data["body"]["status"] if "body" in data else None
        self._taken.append({**line, "id": event["id"], "status": status, "time": event["time"]})
        return True

    def _checked(self, request: Request, raw: bytes) -> Json:
        """The event, once everything about the call is as the contract says."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        self._check_signature(request, raw)
        if kind != "application/cloudevents+json":
            raise _Wrong(415, f"content-type {kind!r}")
        try:
            event = json.loads(raw.decode("utf-8"), object_pairs_hook=_once)
        except ValueError as error:
            raise _Wrong(400, f"body: {error}") from error
        why = fault_of(_SCHEMA, event, "event")
        if why:
            raise _Wrong(422, why)
        if event["id"] != request.headers["webhook-id"]:
            raise _Wrong(422, "webhook-id is not the event's id")
        data = event["data"]
        if event["subject"] != data["dossier"] or event["type"].rpartition(".")[2] != data["kind"]:
            raise _Wrong(422, "subject or type is not what data says")
        if (data["kind"] == "joined") != (data["into"] is not None):
            raise _Wrong(422, "into does not fit the kind")
        if "pin" in data.get("body", {}):
            raise _Wrong(422, "a PIN")
        return dict(event)

    def _check_signature(self, request: Request, raw: bytes) -> None:
        headers = request.headers
        name, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        if self.simulation.mood == "refusing":
            raise _Wrong(401, "refusing")
        if not name or not at.isdecimal() or abs(time.time() - int(at)) > self._tolerance_s:
            raise _Wrong(401, "webhook-id or webhook-timestamp")
        good = {_signature(key, f"{name}.{at}.".encode() + raw) for key in self._keys}
        given = headers.get("webhook-signature", "").split(" ")
        if not any(hmac.compare_digest(one, known) for one in given for known in good):
            raise _Wrong(401, "webhook-signature")


class _Cut(Response):
    """An answer that breaks off before it is whole: the caller knows nothing."""

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-length", b"100"), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})


def _signature(key: str, signed: bytes) -> str:
    secret = base64.b64decode(key.removeprefix("whsec_"))
    told = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    return f"v1,{told}"


def _once(pairs: list[tuple[str, Any]]) -> Json:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice in one object")
    return found


def build(data: Path | None = None, options: dict[str, str] | None = None) -> Simulation:
    """The simulator; `data` is what POST /__data takes."""
    portal = _Portal(options or {})
    if data is not None:
        portal.told(json.loads(data.read_text("utf-8")))
    return portal.simulation
