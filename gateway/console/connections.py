"""/console/connections: every link, which of them need somebody, and the way to a new one."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import Response
from msgspec import Struct

from gateway.console.desk import Desk
from gateway.console.door import needs, staff_router
from gateway.console.repairs import Repair, rank, repairs_of
from store import connections
from store.staff_rights import Right
from store.tables import CONNECTION_STATES
from sync import overview
from sync.overview import Link

router = staff_router()
PATH = "/console/connections"
_HEALTHS = ("good", "stopped", "failing", "silent", "off")


class Listed(Struct, frozen=True):
    """A link with what waits for a person."""

    link: Link
    repairs: list[Repair]


@router.get(PATH)
def show(
    desk: Annotated[Desk, needs(Right.WATCH)],
    q: Annotated[str, Query(max_length=200)] = "",
    state: str = "",
    health: str = "",
) -> Response:
    """The links that are looked for."""
    context = desk.context
    with context.store.read() as tx:
        seen = overview.look(context, tx)
        retired = [one for one in connections.list_connections(tx) if one.state == "retired"]
    listed = [Listed(link, repairs_of(link.row, link.standing, seen.alarms)) for link in seen.links]
    wanted = [one for one in listed if _fits(one.link, q, state, health)]
    ended = [
        (row, overview.who(context, row)[0])
        for row in retired
        if state in ("", "retired") and not health and _names(row.id, row.system, q)
    ]
    return desk.page(
        "connections.html",
        listed=wanted,
        ended=ended,
        total=len(seen.links),
        waiting=sorted(
            ((one.link, repair) for one in listed for repair in one.repairs),
            key=lambda pair: rank(pair[1]),
        ),
        states=CONNECTION_STATES,
        healths=_HEALTHS,
        asked={"q": q, "state": state, "health": health},
    )


def _fits(link: Link, q: str, state: str, health: str) -> bool:
    if (state and link.row.state != state) or (health and link.health != health):
        return False
    return _names(link.title, link.row.id, q) or _names(link.row.system, link.owner, q)


def _names(first: str, second: str, q: str) -> bool:
    wanted = q.strip().casefold()
    return wanted in first.casefold() or wanted in second.casefold()
