"""Indicators as they are published: figures, and how far they can be trusted."""

from datetime import date, datetime
from typing import Any

from msgspec import Struct
from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.catalogue import Books
from canonical.indicators import BUCKETS, Count
from store import indicators, reads, rights
from store.indicators import Question
from store.rights import Narrowed
from sync.scopes import Scopes


class Ask(Struct, frozen=True):
    """What is asked (CONTRACT, Indicators).

    Attributes:
        as_of: Judged at the end of this day; None for the last day of the period, or today.
        is_by_handling: For the agency that handles, instead of the one that received.
    """

    agency: str
    start: date
    end: date
    as_of: date | None = None
    procedure: str | None = None
    channel: str | None = None
    connection: str | None = None
    is_by_handling: bool = False
    group_by: str | None = None
    profile: str = "seed"


# Carried over to a successor: still open at the start of that day (canonical.agencies.Span).
_STILL_OPEN = "(j.closed_on IS NULL OR j.closed_on >= {on})"


def as_of_day(ask: Ask, now: datetime) -> date:
    """The day at whose end everything is judged."""
    return ask.as_of or min(ask.end, clock.day_of(now))


def question_of(
    tx: Tx, books: Books, ask: Ask, now: datetime, scopes: Scopes | None = None
) -> Question:
    """What is asked, in the store's words: who lies below the agency is looked up.

    Args:
        tx: An open transaction.
        books: The catalogue in force.
        ask: What is asked.
        now: The present moment.
        scopes: Where that is kept from one question to the next; None asks the catalogue.
    """
    scopes = scopes or Scopes()
    as_of = as_of_day(ask, now)
    column = "j.handling_agency" if ask.is_by_handling else "j.received_agency"
    seen = scopes.seen(tx)
    spans = scopes.below(books, ask.agency, seen, as_of)
    scope = Narrowed(f"{column} IS NOT NULL", {})
    if not rights.are_all(spans, len(seen)):
        scope = rights.in_scope(tx, spans, (column,), "j.accepted_on", _STILL_OPEN)
    return Question(
        scope=scope,
        start=ask.start,
        end=ask.end,
        as_of=as_of,
        procedure=ask.procedure,
        channel=ask.channel,
        connection=ask.connection,
        group_by=ask.group_by,
    )


def answer(tx: Tx, books: Books, ask: Ask, now: datetime, scopes: Scopes) -> dict[str, Any]:
    """The answer of CONTRACT, Indicators."""
    counts = indicators.count_seed(tx, question_of(tx, books, ask, now, scopes))
    sources = reads.freshness(tx, ask.connection)
    told: dict[str, Any] = {
        "profile": ask.profile,
        "agency": ask.agency,
        "from": ask.start.isoformat(),
        "to": ask.end.isoformat(),
        "as_of": as_of_day(ask, now).isoformat(),
        **_figures(_summed(list(counts.values()))),
        "complete": not any(source.suspect for source in sources),
        "sources": [
            {"connection": s.connection, "fresh_to": s.fresh_to, "suspect": s.suspect}
            for s in sources
        ],
    }
    if ask.group_by is not None:
        told["groups"] = [{ask.group_by: k, **_figures(c)} for k, c in counts.items()]
    return told


def _summed(counts: list[Count]) -> Count:
    if not counts:
        return Count(0, dict.fromkeys(BUCKETS, 0), 0, 0, 0)
    return Count(
        sum(c.total for c in counts),
        {name: sum(c.buckets[name] for c in counts) for name in counts[0].buckets},
        sum(c.carried_over for c in counts),
        sum(c.resolved for c in counts),
        sum(c.resolved_online for c in counts),
    )


def _figures(count: Count) -> dict[str, Any]:
    return {
        "total": count.total,
        "buckets": count.buckets,
        "carried_over": count.carried_over,
        "resolved": count.resolved,
        "resolved_online": count.resolved_online,
    }
