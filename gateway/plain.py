"""Questions in plain text: a control character in a parameter is refused before anyone looks.

No code or name holds one, and PostgreSQL takes no NUL where SQLite does: without this the same
question would be "not found" on one store and a failure on the other.
"""

import re
from datetime import date
from typing import Annotated, Any

from fastapi import Request
from pydantic import BeforeValidator

from canonical.errors import RequestRefused
from canonical.reasons import Reason
from canonical.text import Forbidden, clean

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _iso(told: Any) -> Any:
    """Pydantic alone takes `0` and `1425261600` for days: seconds since 1970 (TRAPS, FastAPI)."""
    if isinstance(told, str) and not _DAY.fullmatch(told):
        raise ValueError("not YYYY-MM-DD")
    return told


Day = Annotated[date, BeforeValidator(_iso)]


async def plain(request: Request) -> None:
    """A dependency of every door: query, path and Idempotency-Key hold no control character.

    Raises:
        RequestRefused: 422 CHAR_FORBIDDEN with the parameter's name.
    """
    asked = [*request.query_params.multi_items(), *request.path_params.items()]
    key = request.headers.get("idempotency-key")
    if key is not None:
        asked.append(("Idempotency-Key", key))
    for name, value in asked:
        try:
            clean(value)
        except Forbidden:
            field = name if name.isprintable() else None
            raise RequestRefused(Reason.CHAR_FORBIDDEN, 422, field=field) from None
