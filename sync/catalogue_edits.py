"""The catalogue changed by a person, one thing at a time: days, and until when something is valid.

Every change is a new version of the whole (decision 0008), by the function an import ends in, with
author and reason. What it would move is said before.

A due date that a department promised stays. The legal one is computed by the hub whenever a dossier
is read, under the catalogue in force: it is another one from the moment a change is saved.
"""

from collections.abc import Callable
from datetime import date

from msgspec import Struct, structs
from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.agencies import Agency, CatalogueError
from canonical.calendar import read_override
from canonical.catalogue import Books, CatalogueData, ProcedureFacts
from canonical.errors import HubError
from canonical.reasons import Reason
from store import catalogue, open_dossiers
from sync.context import Context
from sync.deadlines import computed_due

LOOKED_AT = 2_000
Edit = Callable[[CatalogueData], CatalogueData]


class Before(Struct, frozen=True):
    """What a change would do, told before it is saved.

    Attributes:
        seen: The version in force, which it would be made of.
        is_news: Whether it changes anything.
        open: Dossiers that are not ended: all, or those of the agency or procedure it is about.
        looked_at: Of how many of them, the newest, the legal due date was computed both ways.
        moved: How many of those get another legal due day.
    """

    seen: int
    is_news: bool
    open: int
    looked_at: int = 0
    moved: int = 0


# ---------------------------------------------------------------------------------- edits


def with_days(days: dict[date, str | None]) -> Edit:
    """The province's own days changed: "off", "worked" or hours; None takes its own word away.

    Raises:
        HubError: FIELD_TYPE for what a day cannot be.
    """
    for said in days.values():
        try:
            if said is not None:
                read_override(said)
        except ValueError as error:
            raise HubError(Reason.FIELD_TYPE, str(error)) from error

    def edit(data: CatalogueData) -> CatalogueData:
        held = {**data.days, **{on: said for on, said in days.items() if said is not None}}
        gone = {on for on, said in days.items() if said is None}
        kept = {on: said for on, said in sorted(held.items()) if on not in gone}
        return structs.replace(data, days=kept)

    return edit


def with_agency_until(code: str, valid_from: date | None, until: date | None) -> Edit:
    """One row of an agency ended before a day, or open for good again."""

    def edit(data: CatalogueData) -> CatalogueData:
        found = [one for one in data.agencies if (one.code, one.valid_from) == (code, valid_from)]
        if not found:
            raise HubError(Reason.NOT_FOUND, f"no agency {code!r} from that day on")
        rows = tuple(_until(one, until) if one in found else one for one in data.agencies)
        return structs.replace(data, agencies=rows)

    return edit


def with_procedure_until(code: str, until: date | None) -> Edit:
    """A procedure that takes in no more dossiers from a day on, or does again."""

    def edit(data: CatalogueData) -> CatalogueData:
        if all(one.code != code for one in data.procedures):
            raise HubError(Reason.NOT_FOUND, f"no procedure {code!r}")
        rows = tuple(
            _procedure_until(one, until) if one.code == code else one for one in data.procedures
        )
        return structs.replace(data, procedures=rows)

    return edit


def _until(one: Agency, until: date | None) -> Agency:
    return structs.replace(one, valid_to=until)


def _procedure_until(one: ProcedureFacts, until: date | None) -> ProcedureFacts:
    if until is not None and one.valid_from is not None and until <= one.valid_from:
        raise HubError(Reason.FIELD_TYPE, f"{one.code}: it would end before it begins")
    return structs.replace(one, valid_to=until)


# ---------------------------------------------------------------------------------- both ways


def foreseen(
    context: Context, edit: Edit, *, agency: str | None = None, procedure: str | None = None
) -> Before:
    """What a change would move; nothing is changed.

    Args:
        context: The hub's parts.
        edit: From above.
        agency: The one it is about; with neither it is about days, and due dates are computed.
        procedure: The one it is about.

    Raises:
        HubError: NOT_FOUND; FIELD_TYPE: the new catalogue would contradict itself.
    """
    with context.store.read() as tx:
        held = context.books(tx)
        books = _made(held, edit)
        count = open_dossiers.count(tx, agency=agency, procedure=procedure)
        is_news = books.data != held.data
        if agency is not None or procedure is not None or not is_news:
            return Before(held.version, is_news, count)
        looked_at, moved = _moved(tx, held, books)
    return Before(held.version, is_news, count, looked_at, moved)


def _made(held: Books, edit: Edit) -> Books:
    books = Books(held.version + 1, edit(held.data))
    try:
        books.check()
    except (CatalogueError, ValueError) as error:
        raise HubError(Reason.FIELD_TYPE, str(error)) from error
    return books


def _moved(tx: Tx, held: Books, books: Books) -> tuple[int, int]:
    bodies = open_dossiers.newest_bodies(tx, LOOKED_AT)
    moved = 0
    for one in bodies:
        before, after = computed_due(held, one), computed_due(books, one)
        moved += _day(before) != _day(after)
    return len(bodies), moved


def _day(due: str | None) -> date | None:
    return clock.day_of(clock.from_iso(due)) if due is not None else None


def save(context: Context, edit: Edit, author: str, reason: str, seen: int) -> Books:
    """Save a change as the next version of the catalogue.

    Args:
        context: The hub's parts.
        edit: From above.
        author: Who.
        reason: Why, in that person's words.
        seen: The version that the page showed.

    Raises:
        HubError: CONFLICT where another one is in force meanwhile; else as `foreseen`.
    """
    at = clock.to_iso(context.now())

    def work(tx: Tx) -> Books:
        def change(data: CatalogueData) -> CatalogueData:
            # Under the lock that change_catalogue holds.
            if catalogue.current_version(tx) != seen:
                raise HubError(Reason.CONFLICT, "the catalogue was changed since it was shown")
            return edit(data)

        try:
            return catalogue.change_catalogue(tx, change, author, at, reason)
        except (CatalogueError, ValueError) as error:
            raise HubError(Reason.FIELD_TYPE, str(error)) from error

    return context.store.in_write(work)
