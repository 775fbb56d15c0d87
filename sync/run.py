"""One run of a connection: pages asked for, each taken in with its checkpoint, then acknowledged.

The watermark is inclusive, reaches back by the measured lateness of the source, and never moves
past now + 5 minutes; it advances when the whole window has arrived (DESIGN 3). Every page commit
asserts the lease.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.errors import Garbled, HubError, LeaseLost, Refused, RequestRefused, Unreachable
from canonical.ports import Ask, Client, Manifest, Page
from canonical.reasons import Reason
from canonical.record import Record
from store import connections, legs
from store.connections import ConnectionRow, LeaseToken
from sync.context import Context
from sync.intake import Outcome, Taken, prepare, take_in

logger = logging.getLogger(__name__)
Progress = Callable[["Summary"], None]
_LATEST_OVERLAP_S = 7 * 86_400.0


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
    """A run under way."""

    id: int
    connection: ConnectionRow
    manifest: Manifest
    lease: LeaseToken
    started_at: datetime
    point: dict[str, Any]
    summary: Summary
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
    run = await asyncio.to_thread(_start, context, connection_id, holder)
    system = context.systems[run.connection.system]
    if system.connect is None:
        raise HubError(Reason.CONFLICT, f"{connection_id!r} is not asked; it calls the hub")
    client = system.connect(run.connection.settings(context.vault))
    failure: HubError | None = None
    try:
        ask = await asyncio.to_thread(_ask, context, run, window)
        async with asyncio.timeout(context.limits.run_s):
            await _pages(context, run, client, ask, progress)
    except TimeoutError:
        failure = Unreachable(Reason.TIMEOUT_TOTAL, "the run's own time is over")
    except HubError as error:
        failure = error
    finally:
        with contextlib.suppress(HubError):
            await client.close()
        await asyncio.to_thread(_end, context, run, failure)
    if isinstance(failure, LeaseLost):
        raise failure
    return run.summary


def _start(context: Context, connection_id: str, holder: str) -> _Run:
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
        )

    return context.store.in_write(work)


def _ask(context: Context, run: _Run, window: Window) -> Ask:
    with context.store.read() as tx:
        codes = (
            legs.open_codes(tx, run.connection.namespace) if run.manifest.asks_open_codes else []
        )
    point = {} if window.is_full else run.point
    since = window.since
    watermark = point.get("watermark")
    if since is None and watermark is not None:
        reach = max(float(run.manifest.overlap_s), float(point.get("lateness_s", 0.0)))
        since = clock.from_iso(watermark) - timedelta(seconds=min(reach, _LATEST_OVERLAP_S))
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
    async for page in pages:
        _guard(run, page)
        outcome = await asyncio.to_thread(_take_page, context, run, page)
        _count(run, page, outcome)
        if progress is not None:
            progress(run.summary)
        if page.token:
            await client.acknowledge(page)
        if run.summary.pages >= context.limits.pages_per_run:
            return
    total = run.summary.total
    if total is not None and run.summary.records < total:
        raise Garbled(
            Reason.PAGE_SHORT,
            f"{run.summary.records} of {total} declared records arrived",
            system=run.connection.id,
        )
    await asyncio.to_thread(_finish, context, run)


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
    run.summary.drift = sorted({*run.summary.drift, *found.drift})
    newest = _newest(found.items, context)
    if newest is not None:
        run.newest = max(newest, run.newest or newest)
    point = _checkpoint(run, page, found.items)

    def within(tx: Tx, outcome: Outcome) -> None:
        connections.hold_lease(tx, run.lease, context.now(), context.limits.lease_s)
        connections.save_checkpoint(tx, run.connection.id, point, outcome.received_at)
        connections.note_page(tx, run.id, len(outcome.fates))

    outcome = take_in(context, taken, found, mapping_version, within)
    run.point = point
    return outcome


def _newest(items: Any, context: Context) -> datetime | None:
    """The newest update in a page, no further ahead than the clocks of two houses may differ."""
    moments = [i.updated_at for i in items if isinstance(i, Record) and i.updated_at is not None]
    if not moments:
        return None
    return min(max(moments), context.now() + timedelta(seconds=context.limits.ahead_s))


def _checkpoint(run: _Run, page: Page, items: Any) -> dict[str, Any]:
    """The checkpoint that is true once this page is durable."""
    point = dict(run.point)
    watermark = point.get("watermark")
    if watermark is not None:
        held = clock.from_iso(watermark)
        late = [
            (held - i.updated_at).total_seconds()
            for i in items
            if isinstance(i, Record) and i.updated_at is not None and i.updated_at < held
        ]
        # Only what the overlap itself let through can be measured; a run that was asked to go back
        # further tells nothing about lateness.
        reach = max(float(run.manifest.overlap_s), float(point.get("lateness_s", 0.0)))
        late = [seconds for seconds in late if seconds <= reach]
        if late and max(late) * 2 > reach:
            point["lateness_s"] = min(max(late) * 2, _LATEST_OVERLAP_S)
    if run.manifest.durable_cursor or run.manifest.ordered:
        point["cursor"] = page.cursor
    return point


def _forward(held: str | None, newest: datetime) -> str:
    moved = clock.to_iso(newest)
    return max(held, moved) if held is not None else moved


def _finish(context: Context, run: _Run) -> None:
    """The whole window arrived: the watermark may move to the newest moment seen."""
    point = dict(run.point)
    if run.manifest.durable_cursor:
        return
    point["cursor"] = None
    if run.newest is not None:
        point["watermark"] = _forward(point.get("watermark"), run.newest)

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


def _end(context: Context, run: _Run, failure: HubError | None) -> None:
    now = context.now()
    summary = run.summary
    if failure is not None:
        summary.error = {"reason": failure.reason.value, "detail": failure.detail}
        logger.warning(
            "A run failed",
            extra={
                "event": "run.failed",
                "connection": run.connection.id,
                "run": run.id,
                "reason": failure.reason.value,
            },
        )

    def work(tx: Tx) -> None:
        connections.end_run(
            tx,
            run.id,
            failure.reason if failure is not None else None,
            failure.detail if failure is not None else None,
            summary.drift,
            clock.to_iso(now),
        )
        connections.free_lease(tx, run.lease, now)

    context.store.in_write(work)
