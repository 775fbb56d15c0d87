"""What every simulator shares: moods of the wire, a request log, and how both are set.

Moods of the data (empty, duplicate, reordered, mixed_dates, sentinel_dates) and the refusal of
credentials are the simulator's own, in its contract's words; it looks at `simulation.mood`.
"""

import random
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.simulation.moods import apart_from_well, html_page, soap_fault

MOODS = (
    "well",
    "slow",  # answers after 30 s
    "silent",  # accepts and never answers
    "refusing",  # simulator: its credentials check says no, in its contract's words
    "html",  # 200 with a page, as a captive portal or a load balancer gives
    "fault",  # SOAP 1.1
    "fault12",  # SOAP 1.2, also where the binding is 1.1
    "truncated",  # cut at 60 %, Content-Length as long as the cut
    "drip",  # a byte at a time, each within any per-chunk timeout
    "busy",  # 429 with Retry-After: 7
    "empty",  # simulator: no rows
    "duplicate",  # simulator: every row twice
    "reordered",  # simulator: rows in another order, always the same one
    "mixed_dates",  # simulator: some rows with a date in another of the formats
    "sentinel_dates",  # simulator: 99991231, 0000-00-00, 0001-01-01 and the like
)
T = TypeVar("T")


class Simulation:
    """A simulator: its ASGI app with moods and a log.

    Attributes:
        app: To serve (`running` in tests and demo, `serve` for a command).
        mood: One of MOODS or of its own; also set by POST /__mood {"mood": "..."}.
        log: One dict per request at the contract's routes: method, path, operation, at. Also
            GET /__log; POST /__log empties it.
        endpoint: What a connection's endpoint is: a path below the server ("/ws/hoso"), or the
            folder of a file drop (then there are no routes).
        options: Plain settings a connection to this simulator needs.
        secrets: Secret settings a connection to this simulator needs; invented.
    """

    def __init__(
        self,
        routes: Sequence[BaseRoute],
        *,
        fault: Callable[[Request], Response] | None = None,
        endpoint: str = "",
        options: dict[str, str] | None = None,
        secrets: dict[str, str] | None = None,
        more_moods: Sequence[str] = (),
        on_mood: Callable[[str], None] | None = None,
        on_data: Callable[[Any], None] | None = None,
    ) -> None:
        """A simulation.

        Args:
            routes: The contract's routes.
            fault: The contract's own fault for the moods "fault" and "fault12"; a plain one where
                None. Look at `simulation.mood` for the version.
            endpoint: See the class.
            options: See the class.
            secrets: See the class.
            more_moods: Moods of this department only, e.g. "drift"; the simulator acts on them.
            on_mood: Told of each new mood: a file drop writes its folder anew.
            on_data: Takes the JSON of POST /__data, where the simulator can replace its data.
        """
        self.endpoint = endpoint
        self.options = options or {}
        self.secrets = secrets or {}
        self.log: list[dict[str, str]] = []
        self._fault = fault
        self._mood = "well"
        self._moods = (*MOODS, *more_moods)
        self._on_mood = on_mood
        self._on_data = on_data
        self._inner = Starlette(routes=[*routes, *self._control()])

    @property
    def mood(self) -> str:
        """The present mood."""
        return self._mood

    @mood.setter
    def mood(self, mood: str) -> None:
        if mood not in self._moods:
            raise ValueError(f"no mood {mood!r}")
        self._mood = mood
        if self._on_mood is not None:
            self._on_mood(mood)

    def arranged(self, rows: Sequence[T], seed: int = 7) -> list[T]:
        """The rows as the mood has them: none, each twice, in another order, or as they are."""
        if self.mood == "empty":
            return []
        if self.mood == "duplicate":
            return [row for row in rows for _ in range(2)]
        arranged = list(rows)
        if self.mood == "reordered":
            random.Random(seed).shuffle(arranged)
        return arranged

    def note(self, request: Request, operation: str) -> None:
        """Name the contract's operation of this request in the log, where no SOAP action does."""
        entry = request.scope.get("simulation.entry")
        if entry is not None:
            entry["operation"] = operation

    @property
    def app(self) -> ASGIApp:
        """The ASGI app: the simulation itself."""
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, as ASGI has it."""
        if scope["type"] != "http" or scope["path"].startswith("/__"):
            await self._inner(scope, receive, send)
            return
        body = await _whole(receive)
        if body is None:
            return  # the caller went away in the middle of a word
        entry = {
            "method": scope["method"],
            "path": scope["path"],
            "operation": _operation(scope, body),
            "at": datetime.now(UTC).isoformat(),
        }
        self.log.append(entry)
        scope["simulation.entry"] = entry
        again = _Replay(body, receive)
        mood = self.mood
        if mood == "html":
            await html_page()(scope, again, send)
        elif mood in ("fault", "fault12"):
            response = self._fault(Request(scope, again)) if self._fault else soap_fault(mood)
            await response(scope, again, send)
        else:
            await apart_from_well(mood, self._inner, scope, again, send, receive)

    def _control(self) -> list[Route]:
        async def set_mood(request: Request) -> Response:
            told = await request.json()
            try:
                self.mood = told["mood"]
            except (KeyError, TypeError, ValueError) as error:
                return JSONResponse({"error": str(error), "moods": self._moods}, status_code=400)
            return JSONResponse({"mood": self.mood})

        async def tell_mood(_: Request) -> Response:
            return JSONResponse({"mood": self.mood, "moods": self._moods})

        async def tell_settings(_: Request) -> Response:
            told = {"endpoint": self.endpoint, "options": self.options, "secrets": self.secrets}
            return JSONResponse(told)

        async def tell_log(_: Request) -> Response:
            return JSONResponse(self.log)

        async def empty_log(_: Request) -> Response:
            self.log.clear()
            return JSONResponse([])

        async def set_data(request: Request) -> Response:
            if self._on_data is None:
                return JSONResponse({"error": "its data cannot be replaced"}, status_code=409)
            self._on_data(await request.json())
            return JSONResponse({"taken": True})

        return [
            Route("/__mood", set_mood, methods=["POST"]),
            Route("/__mood", tell_mood, methods=["GET"]),
            Route("/__settings", tell_settings, methods=["GET"]),
            Route("/__log", tell_log, methods=["GET"]),
            Route("/__log", empty_log, methods=["POST"]),
            Route("/__data", set_data, methods=["POST"]),
        ]


class _Replay:
    """A receive channel that gives a body already read once more, then what really comes."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        return await self._receive()


async def _whole(receive: Receive) -> bytes | None:
    """The request's body; None where the caller hung up before its end."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


_ACTION = re.compile(r'action="?([^";]+)')
_FIRST_IN_BODY = re.compile(rb"<(?:[\w.-]+:)?Body\b[^>]*>\s*<(?:[\w.-]+:)?([\w.-]+)")


def _operation(scope: Scope, body: bytes) -> str:
    """The operation of a SOAP call: its action's last part, else the first element of its Body."""
    headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
    action = headers.get(b"soapaction", "").strip().strip('"')
    if not action:
        found = _ACTION.search(headers.get(b"content-type", ""))
        action = found.group(1) if found else ""
    if action:
        return re.split(r"[/#:]", action)[-1]
    first = _FIRST_IN_BODY.search(body)
    return first.group(1).decode("ascii", "replace") if first else ""
