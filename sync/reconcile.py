"""`hub reconcile`: what a source itself says it holds, held against the hub, and healed.

Under the connection's own lease, so that no run overlaps. Where the source counts what it holds,
only what differs is listed; else its whole list is. A list that ends early, or whose rows cannot
be read, heals what it shows and says nothing of who is missing from it.
"""

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

from msgspec import Struct
from sqlalchemy.engine import Connection as Tx

from canonical import clock, leg
from canonical.errors import Garbled, HubError, LeaseLost, Unreachable
from canonical.ports import Ask, Begins, Client, Counts, Manifest, Page, Tally
from canonical.reasons import Reason
from store import alarms, connections, legs, reconciliations
from store.legs import LegRow
from store.reconciliations import Found
from sync import absence, census, comparing
from sync.comparing import Listing
from sync.context import Context
from sync.jobs import Stopping
from sync.leases import Lease
from sync.retry import in_step, repeated
from sync.source import Source
from sync.threads import to_the_end

logger = logging.getLogger(__name__)
ALARM = "reconciliation"
SHOWN = 200
Progress = Callable[[int, int | None], None]


class UnderWay(HubError):
    """A run holds the connection's lease: nothing was begun."""


class Wish(Struct, frozen=True):
    """How a reconciliation is wanted.

    Attributes:
        heals: Whether missing and stale rows are taken in and absences counted.
        is_full: List everything, also where the source counts.
        trusts: A person says the list is complete, however much it lacks.
    """

    heals: bool = True
    is_full: bool = False
    trusts: bool = False


class Reconciled(Struct):
    """What a reconciliation found.

    Attributes:
        by: census | pages.
        listed: Rows that the source listed.
        compared: Dossiers that were looked at.
        found: Kind of discrepancy -> how many.
        healed: How many of them agree now.
        left: How many do not.
        quarantined: Rows of the list that are in the quarantine.
        items: The first of them, those that are left before those that are healed.
    """

    connection: str
    reconciliation: int
    by: str = ""
    listed: int = 0
    compared: int = 0
    found: dict[str, int] = {}
    healed: int = 0
    left: int = 0
    quarantined: int = 0
    items: list[Found] = []
    error: dict[str, Any] | None = None


class _Work(Struct):
    """A reconciliation under way."""

    listing: Listing
    manifest: Manifest
    wish: Wish
    ask: Ask
    until_id: int
    told: Reconciled


async def reconcile(
    context: Context,
    connection_id: str,
    wish: Wish | None = None,
    holder: str = "hub reconcile",
    progress: Progress | None = None,
    stopping: Stopping | None = None,
) -> Reconciled:
    """Compare a source's own list with the hub; what came of it, failures of the source included.

    Args:
        context: The hub's parts.
        connection_id: Which connection.
        wish: How it is wanted.
        holder: Who says so, for whoever looks at the lease.
        progress: Told (rows listed, of how many) after every page.
        stopping: Ends it between two pages.

    Raises:
        HubError: NOT_FOUND, or CONFLICT where the connection is paused, has no list of its own, or
            a run holds its lease; LeaseLost where another took it over.
    """
    work = await to_the_end(_begin, context, connection_id, wish or Wish(), holder)
    client: Client | None = None
    error: HubError | None = None
    detail: str | None = "stopped before its end"
    try:
        client = _connect(context, work)
        async with Lease(context, work.listing.lease).kept(), _in_time(context, work):
            await _compare(context, work, client, progress, stopping)
        detail = None
    except HubError as failure:
        error, detail = failure, failure.detail
        work.told.error = {"reason": failure.reason.value, "detail": failure.detail}
    finally:
        if client is not None:
            with contextlib.suppress(HubError):
                await client.close()
        await to_the_end(_end, context, work, error, detail)
    if isinstance(error, LeaseLost):
        raise error
    return work.told


def _begin(context: Context, connection_id: str, wish: Wish, holder: str) -> _Work:
    now = context.now()

    def work(tx: Tx) -> _Work:
        row = connections.load_connection(tx, connection_id)
        if row is None:
            raise HubError(Reason.NOT_FOUND, f"no connection {connection_id!r}")
        manifest = context.system_of(row, tx=tx).manifest
        if not manifest.lists:
            raise HubError(Reason.CONFLICT, f"{connection_id!r} {why_not(manifest)}")
        if row.state != "enabled":
            raise HubError(Reason.CONFLICT, f"{connection_id!r} is {row.state}")
        lease = connections.take_lease(
            tx, f"run:{connection_id}", holder, now, context.limits.lease_s
        )
        if lease is None:
            raise UnderWay(Reason.CONFLICT, f"a run of {connection_id!r} is under way")
        number = reconciliations.start(tx, connection_id, clock.to_iso(now))
        codes = legs.open_codes(tx, row.namespace) if manifest.asks_open_codes else []
        return _Work(
            listing=Listing(number, row, lease, wish.heals),
            manifest=manifest,
            wish=wish,
            ask=Ask(since=None, until=None, cursor=None, open_codes=codes, now=now),
            until_id=reconciliations.newest_leg_id(tx),
            told=Reconciled(connection_id, number),
        )

    return context.store.in_write(work)


def why_not(manifest: Manifest) -> str:
    """Why a system without a list cannot be compared, in a sentence about its connection."""
    if not manifest.pulls:
        return "calls the hub and cannot be asked what it holds"
    if manifest.durable_cursor:
        return "hands over files of what changed, and no list of what it holds"
    return "gives only what waits to be fetched, and has no list of what it holds"


def _connect(context: Context, work: _Work) -> Client:
    connection = work.listing.connection
    connect = context.system_of(connection).connect
    if connect is None:
        raise HubError(Reason.CONFLICT, f"{connection.id!r} is not asked; it calls the hub")
    return connect(connection.settings(context.vault))


@contextlib.asynccontextmanager
async def _in_time(context: Context, work: _Work) -> AsyncIterator[None]:
    """Polls of the connection wait meanwhile: no longer than one run may last."""
    try:
        async with asyncio.timeout(context.limits.run_s):
            yield
    except TimeoutError:
        raise Unreachable(
            Reason.TIMEOUT_TOTAL, "the time of a run is over", system=work.listing.connection.id
        ) from None


async def _compare(
    context: Context,
    work: _Work,
    client: Client,
    progress: Progress | None,
    stopping: Stopping | None,
) -> None:
    listing, told = work.listing, work.told
    is_meant: absence.IsMeant = _within(client)
    differs: census.Differing | None = None
    if isinstance(client, Counts) and not work.wish.is_full:
        tallies = await repeated(client.census, in_step(context.limits), stopping)
        differs = await to_the_end(
            census.differing, context, listing.connection, client, tallies, work.until_id
        )
    if isinstance(client, Counts) and differs is not None and not differs.is_most:
        told.by = "census"
        for tally in differs.tallies:
            part = _Listed(client, tally)
            await _list(context, work, part, progress, stopping)
        groups = differs.groups
        is_meant = lambda row: census.group_of(row) in groups  # noqa: E731 - one line says it
    else:
        told.by = "pages"
        await _list(context, work, client, progress, stopping)
    await to_the_end(comparing.note_ahead, context, listing)
    told.compared = await to_the_end(
        absence.settle_missed,
        context,
        listing,
        work.until_id,
        is_meant,
        trusts=work.wish.trusts,
    )


def _within(client: Client) -> absence.IsMeant:
    """Whether the list would tell of a leg, were it there: not of what is older than the list."""
    first = client.listed_from if isinstance(client, Begins) else None
    if first is None:
        return lambda _: True

    def is_meant(row: LegRow) -> bool:
        accepted = census.accepted_on(leg.decode(row.fold))
        return accepted is not None and accepted >= first

    return is_meant


class _Listed:
    """A client whose pages are those of one tally."""

    def __init__(self, client: Counts, tally: Tally) -> None:
        self._client = client
        self._tally = tally

    def pages(self, ask: Ask) -> AsyncIterator[Page]:
        """The pages of the tally's dossiers."""
        return self._client.listing(self._tally, ask)

    async def acknowledge(self, page: Page) -> None:
        """Nothing is fetched for good."""

    async def close(self) -> None:
        """The client itself is closed at the end."""


async def _list(
    context: Context,
    work: _Work,
    client: Client,
    progress: Progress | None,
    stopping: Stopping | None,
) -> None:
    """Every page of a list, compared. Raises HubError where it is not whole."""
    listing = work.listing
    source = Source(client, work.manifest, work.ask, in_step(context.limits), stopping)
    total: int | None = None
    rows, begun = 0, 0
    known: set[str] = set()
    try:
        while (page := await source.next()) is not None:
            if stopping:
                raise HubError(Reason.TIMEOUT_TOTAL, "the hub is ending")
            if source.begun != begun:
                begun, rows = source.begun, rows if source.keeps_place else 0
                known = known if source.keeps_place else set()
            _guard(listing, known, page)
            before = listing.rows
            await to_the_end(comparing.compare_page, context, listing, page)
            source.was_taken(page)
            rows += listing.rows - before
            total = page.total if page.total is not None else total
            if progress is not None:
                progress(rows, total)
    finally:
        await source.close()
    if total is not None and rows < total:
        raise Garbled(
            Reason.PAGE_SHORT,
            f"{rows} of {total} declared rows arrived",
            system=listing.connection.id,
        )


def _guard(listing: Listing, known: set[str], page: Page) -> None:
    """Refuse paging that does not advance: it would ask for ever."""
    told = {hashlib.sha256(page.raw).hexdigest()} if page.count and page.cursor else set()
    told |= {page.cursor} if page.cursor is not None else set()
    if told & known:
        raise Garbled(Reason.PAGE_LOOP, "the same page twice", system=listing.connection.id)
    known |= told


def _end(context: Context, work: _Work, error: HubError | None, detail: str | None) -> None:
    listing, told = work.listing, work.told
    at = clock.to_iso(context.now())
    news: list[str] = []

    def close(tx: Tx) -> None:
        news.clear()
        found, healed = reconciliations.count_found(tx, listing.id)
        told.listed, told.quarantined = listing.rows, listing.set_apart
        told.found, told.healed = found, sum(healed.values())
        told.left = sum(found.values()) - told.healed
        told.items = reconciliations.list_found(tx, listing.id, SHOWN)
        reconciliations.end(
            tx,
            listing.id,
            compared=told.compared,
            counts=found,
            healed=told.healed,
            reason=error.reason if error is not None else None,
            detail=detail,
            at=at,
        )
        if connections.is_held(tx, listing.lease):
            news.extend(_alarm(tx, work, found, healed, error, at))
        connections.free_lease(tx, listing.lease, context.now())

    context.store.in_write(close)
    for sentence in news:
        logger.warning(
            sentence,
            extra={
                "event": "reconcile.ended",
                "connection": listing.connection.id,
                "reconciliation": listing.id,
                "left": told.left,
                "reason": error.reason.value if error is not None else None,
            },
        )


def _alarm(
    tx: Tx,
    work: _Work,
    found: dict[str, int],
    healed: dict[str, int],
    error: HubError | None,
    at: str,
) -> list[str]:
    """Raise what a person must look at; what was seen missing once settles itself next time."""
    key = work.listing.connection.id
    left = {
        kind: number - healed[kind]
        for kind, number in found.items()
        if kind != absence.EXTRA and number > healed[kind]
    }
    said = ", ".join(f"{number} {kind}" for kind, number in sorted(left.items()))
    if error is not None and error.reason is Reason.PAGE_SHORT:
        said = f"{said}; {error.detail}".lstrip("; ")
    if said:
        is_new = alarms.raise_alarm(tx, ALARM, key, said, at)
        return ["A source's own list and the hub do not agree"] if is_new else []
    if error is None and alarms.end_alarm(tx, ALARM, key, at):
        return ["A source's own list and the hub agree again"]
    return []
