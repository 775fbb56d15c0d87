"""Questions in plain text: a control character in a parameter is refused before anyone looks.

No code or name holds one, and PostgreSQL takes no NUL where SQLite does: without this the same
question would be "not found" on one store and a failure on the other.
"""

from fastapi import Request

from canonical.errors import RequestRefused
from canonical.reasons import Reason
from canonical.text import Forbidden, clean


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
