"""One id per request, given at the door and told in every answer."""

import random

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Correlate:
    """ASGI middleware: sets `request.state.correlation_id` and the header X-Correlation-Id."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its id."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # No secret; and asking the system for chance lets another thread have the interpreter.
        told = f"{random.getrandbits(128):032x}"
        scope.setdefault("state", {})["correlation_id"] = told

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Correlation-Id"] = told
            await send(message)

        await self._app(scope, receive, send_with_id)
