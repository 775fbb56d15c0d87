"""/console/…: an address that is no page of the console, said by a page."""

from fastapi import Request
from fastapi.responses import Response

from canonical.reasons import Reason
from gateway.console.door import desk_of, staff_router

router = staff_router()


@router.get("/console/{rest:path}")
async def nowhere(request: Request, rest: str) -> Response:
    """404."""
    return (await desk_of(request)).refuse(404, Reason.NOT_FOUND)
