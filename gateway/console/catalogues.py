"""/console/calendar, agencies, procedures, codes: what the hub goes by."""

import unicodedata
from datetime import date
from typing import Annotated

from fastapi import Query
from fastapi.responses import Response

from canonical import clock
from canonical.agencies import Agency
from canonical.calendar import LAST_YEAR
from canonical.text import folded
from gateway.console.desk import Desk
from gateway.console.door import needs, staff_router
from gateway.console.dossiers import Text
from gateway.plain import Day
from store import connections
from store.staff_rights import Right
from sync import calendar_pages, overview

router = staff_router()
PAGE = 100
_FIRST_YEAR = 2015
Row = Annotated[int, Query(ge=0, lt=2**31)]


@router.get("/console/calendar")
def calendar(
    desk: Annotated[Desk, needs(Right.DOSSIERS)],
    year: Annotated[int | None, Query(ge=_FIRST_YEAR, le=LAST_YEAR)] = None,
) -> Response:
    """A year: working days, holidays, swap days."""
    today = clock.day_of(desk.context.now())
    number = year or today.year
    with desk.context.store.read() as tx:
        books = desk.context.books(tx)
    months = calendar_pages.year(books, number)
    return desk.page(
        "calendar.html",
        year=number,
        months=months,
        special=calendar_pages.special(months),
        is_known=calendar_pages.is_known(number),
        today=today,
        first_year=_FIRST_YEAR,
        last_year=LAST_YEAR,
    )


@router.get("/console/agencies")
def agencies(
    desk: Annotated[Desk, needs(Right.DOSSIERS)],
    q: Text = "",
    on: Day | None = None,
    begin: Row = 0,
) -> Response:
    """Agencies with their validity, and who took over from whom."""
    with desk.context.store.read() as tx:
        data = desk.context.books(tx).data
    wanted = _searched(q)
    rows = [
        one
        for one in sorted(data.agencies, key=lambda one: (one.code, one.valid_from or date.min))
        if (not wanted or wanted in _searched(f"{one.code} {one.name}"))
        and (on is None or _holds(one, on))
    ]
    return desk.page(
        "agencies.html",
        rows=rows[begin : begin + PAGE],
        count=len(rows),
        successions=data.successions if not begin else (),
        names={one.code: one.name for one in data.agencies},
        q=q,
        on=on,
        begin=begin,
        more=begin + PAGE if len(rows) > begin + PAGE else None,
    )


def _searched(text: str) -> str:
    """As it is searched: `dong ha` finds `Đông Hà`."""
    apart = unicodedata.normalize("NFD", folded(text).replace("đ", "d"))
    return "".join(one for one in apart if not unicodedata.combining(one))


def _holds(one: Agency, on: date) -> bool:
    begins, ends = one.valid_from, one.valid_to
    return (begins is None or begins <= on) and (ends is None or on < ends)


@router.get("/console/procedures")
def procedures(
    desk: Annotated[Desk, needs(Right.DOSSIERS)], q: Text = "", begin: Row = 0
) -> Response:
    """Procedures and how long each may take."""
    with desk.context.store.read() as tx:
        books = desk.context.books(tx)
    wanted = _searched(q)
    rows = [
        one
        for one in sorted(books.data.procedures, key=lambda one: one.code)
        if not wanted or wanted in _searched(f"{one.code} {one.name} {one.domain}")
    ]
    return desk.page(
        "procedures.html",
        rows=rows[begin : begin + PAGE],
        count=len(rows),
        version=books.version,
        q=q,
        begin=begin,
        more=begin + PAGE if len(rows) > begin + PAGE else None,
    )


@router.get("/console/codes")
def codes(desk: Annotated[Desk, needs(Right.WATCH)], connection: Text = "") -> Response:
    """The code tables of one connection: those of its mapping, and what was added to them."""
    with desk.context.store.read() as tx:
        links = connections.list_connections(tx)
        chosen = next((row for row in links if row.id == connection), links[0] if links else None)
        tables, added = {}, {}
        if chosen is not None:
            kept = connections.load_mapping(tx, chosen.id, chosen.mapping_version)
            tables = (kept["document"] or {}).get("tables", {})
            added = kept["tables"]
    return desk.page(
        "codes.html",
        links=links,
        chosen=chosen,
        title=overview.who(desk.context, chosen)[0] if chosen is not None else "",
        tables={
            name: {**tables.get(name, {}), **added.get(name, {})}
            for name in sorted({*tables, *added})
        },
        added=added,
    )
