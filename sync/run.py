"""One run of a connection: pages asked for, each taken in with its checkpoint, then acknowledged.

Every page commit asserts the lease. Where the next run begins is decided in sync.checkpoint.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.errors import Garbled, HubError, LeaseLost, Refused, RequestRefused, Unreachable
from canonical.ports import Ask, Client, Manifest, Page
from canonical.reasons import Reason
from canonical.text import Malformed
from store import connections, legs
from store.connections import ConnectionRow, LeaseToken
from sync import checkpoint
from sync.context import Context
from sync.intake import Outcome, Taken, prepare, take_in

logger = logging.getLogger(__name__)
Progress = Callable[["Summary"], None]


class Window(Struct, frozen=True):
    """What a run is asked to cover, where not simply what is new.

    Attributes:
        is_full: Everything, whatever the checkpoint says.
    """

    since: datetime | None = None
    until: datetime | None = None
    is_full: bool = False


class Summary(Struct):
    """What a run did (CONTRACT, `hub sync`)."""

    connection: str
    pages: int = 0
    records: int = 0
    applied: int = 0
    superseded: int = 0
    duplicate: int = 0
    quarantined: int = 0
    pending: int = 0
    total: int | None = None
    drift: list[str] = []
    error: dict[str, str] | None = None


class _Run(Struct):
    """A run under way.

    Attributes:
        point: The checkpoint as it is in the store.
        moves: Whether it may move the checkpoint. A window asked for by hand may not: what lies
            between the checkpoint and that window would never be asked for again.
        newest: The newest update seen.
        cursors: Every cursor seen.
    """

    id: int
    connection: ConnectionRow
    manifest: Manifest
    lease: LeaseToken
    started_at: datetime
    point: dict[str, Any]
    summary: Summary
    moves: bool
    newest: datetime | None = None
    cursors: set[str] = set()


async def sync_connection(
    context: Context,
    connection_id: str,
    window: Window | None = None,
    holder: str = "hub sync",
    progress: Progress | None = None,
) -> Summary:
    """Ask a connection's source once; what came of it, failures of the source included.

    Raises:
        HubError: NOT_FOUND, or CONFLICT where the connection is paused, cannot be asked, or another
            run holds its lease.
    """
    window = window or Window()
    run = await asyncio.to_thread(_start, context, connection_id, window, holder)
    client: Client | None = None
    # What the run's row says unless the run comes to an end of its own.
    failure: HubError | str | None = "stopped before its end"
    try:
        client = _connect(context, run)
        ask = await asyncio.to_thread(_ask, context, run, window)
        async with asyncio.timeout(context.limits.run_s):
            await _pages(context, run, client, ask, progress)
        failure = None
    except TimeoutError:
        failure = Unreachable(Reason.TIMEOUT_TOTAL, "the run's own time is over")
    except HubError as error:
        failure = error
    finally:
        if client is not None:
            with contextlib.suppress(HubError):
                await client.close()
        await asyncio.to_thread(_end, context, run, failure)
    if isinstance(failure, LeaseLost):
        raise failure
    return run.summary


def _connect(context: Context, run: _Run) -> Client:
    connect = context.systems[run.connection.system].connect
    if connect is None:
        raise HubError(Reason.CONFLICT, f"{run.connection.id!r} is not asked; it calls the hub")
    return connect(run.connection.settings(context.vault))


def _start(context: Context, connection_id: str, window: Window, holder: str) -> _Run:
    now = context.now()

    def work(tx: Tx) -> _Run:
        row = connections.load_connection(tx, connection_id)
        if row is None:
            raise HubError(Reason.NOT_FOUND, f"no connection {connection_id!r}")
        manifest = context.systems[row.system].manifest
        if row.state != "enabled":
            raise HubError(Reason.CONFLICT, f"{connection_id!r} is paused")
        if not manifest.pulls:
            raise HubError(Reason.CONFLICT, f"{connection_id!r} is not asked; it calls the hub")
        lease = connections.take_lease(
            tx, f"run:{connection_id}", holder, now, context.limits.lease_s
        )
        if lease is None:
            raise HubError(Reason.CONFLICT, f"another run of {connection_id!r} is under way")
        return _Run(
            id=connections.start_run(tx, connection_id, clock.to_iso(now)),
            connection=row,
            manifest=manifest,
            lease=lease,
            started_at=now,
            point=connections.load_checkpoint(tx, connection_id),
            summary=Summary(connection_id),
            moves=window.since is None,
        )

    return context.store.in_write(work)


def _ask(context: Context, run: _Run, window: Window) -> Ask:
    with context.store.read() as tx:
        codes = (
            legs.open_codes(tx, run.connection.namespace) if run.manifest.asks_open_codes else []
        )
    point = {} if window.is_full else run.point
    since = window.since if window.since is not None else checkpoint.since(point, run.manifest)
    keeps_cursor = run.manifest.ordered or run.manifest.durable_cursor
    return Ask(
        since=since,
        until=window.until,
        cursor=point.get("cursor") if keeps_cursor and window.since is None else None,
        open_codes=codes,
        now=run.started_at,
    )


async def _pages(
    context: Context, run: _Run, client: Client, ask: Ask, progress: Progress | None
) -> None:
    pages: AsyncIterator[Page] = client.pages(ask)
    try:
        async for page in pages:
            _guard(run, page)
            outcome = await asyncio.to_thread(_take_page, context, run, page)
            _count(run, page, outcome)
            if progress is not None:
                progress(run.summary)
            if page.token:
                await client.acknowledge(page)
            if page.cursor is not None and run.summary.pages >= context.limits.pages_per_run:
                _check_next_goes_on(run, page)
                return
    finally:
        if isinstance(pages, AsyncGenerator):
            await pages.aclose()
    total = run.summary.total
    if total is not None and run.summary.records < total:
        raise Garbled(
            Reason.PAGE_SHORT,
            f"{run.summary.records} of {total} declared records arrived",
            system=run.connection.id,
        )
    await asyncio.to_thread(_finish, context, run)


def _check_next_goes_on(run: _Run, page: Page) -> None:
    """A run may end before the source does only where the next one goes on behind it."""
    if run.manifest.ordered or run.manifest.durable_cursor or page.token:
        return
    raise Garbled(
        Reason.PAGE_SHORT,
        f"more than {run.summary.pages} pages, in no order to go on from",
        system=run.connection.id,
    )


def _guard(run: _Run, page: Page) -> None:
    """Refuse paging that does not advance: it would ask for ever."""
    if page.cursor is None:
        return
    if page.cursor in run.cursors:
        raise Garbled(Reason.PAGE_LOOP, "the same cursor twice", system=run.connection.id)
    run.cursors.add(page.cursor)


def _take_page(context: Context, run: _Run, page: Page) -> Outcome:
    """One page with its checkpoint, in one commit, under the lease."""
    taken = Taken(
        connection=run.connection,
        shape=page.shape,
        raw=page.raw,
        received_at=page.observed_at,
        run_id=run.id,
        keeps_duplicates=False,
    )
    try:
        found, mapping_version = prepare(context, taken)
    except RequestRefused as error:
        raise Refused(error.reason, system=run.connection.id) from error
    except Malformed as error:
        raise Garbled(Reason.BODY_MALFORMED, system=run.connection.id) from error
    run.summary.drift = sorted({*run.summary.drift, *found.drift})
    latest = context.now() + timedelta(seconds=context.limits.ahead_s)
    newest = checkpoint.newest(found.items, latest, run.started_at)
    if newest is not None:
        run.newest = max(newest, run.newest or newest)

    def moved(outcome: Outcome) -> dict[str, Any]:
        if not run.moves:
            return run.point
        return checkpoint.after_page(
            run.point, run.manifest, page.cursor, found.items, outcome.fates
        )

    def within(tx: Tx, outcome: Outcome) -> None:
        connections.hold_lease(tx, run.lease, context.now(), context.limits.lease_s)
        if run.moves:
            point = moved(outcome)
            connections.save_checkpoint(tx, run.connection.id, point, outcome.received_at)
        connections.note_page(tx, run.id, len(outcome.fates))

    outcome = take_in(context, taken, found, mapping_version, within)
    run.point = moved(outcome)
    return outcome


def _finish(context: Context, run: _Run) -> None:
    """The whole window arrived: the watermark may move to the newest moment seen."""
    if run.manifest.durable_cursor or not run.moves:
        return
    point = checkpoint.after_window(run.point, run.newest)

    def work(tx: Tx) -> None:
        connections.hold_lease(tx, run.lease, context.now(), context.limits.lease_s)
        connections.save_checkpoint(tx, run.connection.id, point, clock.to_iso(context.now()))

    context.store.in_write(work)
    run.point = point


def _count(run: _Run, page: Page, outcome: Outcome) -> None:
    summary = run.summary
    summary.pages += 1
    summary.records += len(outcome.fates)
    summary.applied += outcome.counts["applied"]
    summary.superseded += outcome.counts["superseded"]
    summary.duplicate += outcome.counts["duplicate"]
    summary.quarantined += outcome.counts["quarantined"]
    summary.pending += outcome.counts["pending"]
    if page.total is not None:
        summary.total = page.total


def _end(context: Context, run: _Run, failure: HubError | str | None) -> None:
    now = context.now()
    summary = run.summary
    reason, detail = None, failure if isinstance(failure, str) else None
    if isinstance(failure, HubError):
        reason, detail = failure.reason, failure.detail
        summary.error = {"reason": reason.value, "detail": detail}
    if failure is not None:
        logger.warning(
            "A run failed",
            extra={
                "event": "run.failed",
                "connection": run.connection.id,
                "run": run.id,
                "reason": reason.value if reason is not None else None,
            },
        )

    def work(tx: Tx) -> None:
        if reason is Reason.CURSOR_LOST and connections.is_held(tx, run.lease):
            _give_up_place(context, tx, run)
        connections.end_run(tx, run.id, reason, detail, summary.drift, clock.to_iso(now))
        connections.free_lease(tx, run.lease, now)

    context.store.in_write(work)


def _give_up_place(context: Context, tx: Tx, run: _Run) -> None:
    """Let the next run begin the window anew: the source no longer knows the place inside it.

    The place of a drop is kept, since a gap there is for a person to look at.
    """
    if run.manifest.durable_cursor or not run.moves:
        return
    point = {**run.point, "cursor": None}
    connections.save_checkpoint(tx, run.connection.id, point, clock.to_iso(context.now()))
