"""Dossiers as a portal asks for them by id or by code: many questions in one look at the store."""

from collections.abc import Sequence

from fastapi import Request
from msgspec import Struct

from canonical.errors import RequestRefused
from canonical.reasons import Reason
from gateway.auth import allowed, context_of
from gateway.together import Together
from store import reads, rights
from store.doors import load_door
from store.reads import Shown
from sync.context import Context
from sync.shown import render


class Wanted(Struct, frozen=True):
    """One question: by id, or by code.

    Attributes:
        subject: Who asks, by a good token.
    """

    subject: str
    language: str
    public_id: str | None = None
    code: str | None = None


class Found(Struct, frozen=True):
    """What a question found: dossiers as they are shown, and the newest change then."""

    items: list[bytes]
    newest: int


def find(context: Context, wanted: Sequence[Wanted]) -> list[Found | Exception]:
    """The answer to each question, or why it is refused."""
    ids = [one.public_id for one in wanted if one.public_id is not None]
    codes = list(dict.fromkeys(one.code for one in wanted if one.code is not None))
    with context.store.glance() as tx:
        door = load_door(tx, [one.subject for one in wanted])
        books = context.books(tx, door.catalogue)
        by_id = reads.load_dossiers(tx, ids) if ids else {}
        by_code = dict(zip(codes, reads.find_by_codes(tx, codes), strict=True)) if codes else {}
    now = context.now()

    def answer(one: Wanted) -> Found | Exception:
        try:
            principal = allowed(door, one.subject, "read")
        except RequestRefused as refused:
            return refused
        if one.code is not None:
            shown: Sequence[Shown] = by_code[one.code]
        else:
            own = by_id.get(one.public_id or "")
            shown = [own] if own is not None else []
        seen = [
            s
            for s in shown
            if rights.may_see(principal, (s.agency, s.received_agency), books.agencies, now)
        ]
        if one.code is None and not seen:
            return RequestRefused(Reason.NOT_FOUND, 404)
        return Found([render(s, books, one.language) for s in seen], door.newest)

    return [answer(one) for one in wanted]


def together(context: Context) -> Together[Wanted, Found]:
    """Where an application's questions come together."""
    return Together(lambda wanted: find(context, wanted))


async def ask(request: Request, wanted: Wanted) -> Found:
    """The answer to one question.

    Raises:
        RequestRefused: 401, 403, or 404 where an id leads to nothing that may be seen.
    """
    state = request.app.state
    if not hasattr(state, "reading"):
        state.reading = together(context_of(request))
    asking: Together[Wanted, Found] = state.reading
    return await asking.ask(wanted)
