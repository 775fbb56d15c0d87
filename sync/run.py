"""One run of a connection: pages asked for, each taken in with its checkpoint, then acknowledged.

Every page commit asserts the lease. Where the next run begins is decided in sync.checkpoint, and
when it is due in sync.plan.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.errors import Garbled, HubError, LeaseLost, Refused, RequestRefused, Unreachable
from canonical.ports import Ask, Client, Page
from canonical.reasons import Reason
from canonical.text import Malformed
from store import connections, legs
from sync import checkpoint, drift, runbook
from sync.context import Context
from sync.intake import prepare, take_in
from sync.jobs import Stopping
from sync.leases import Lease
from sync.retry import in_step
from sync.runbook import Running, Summary, Way, Window
from sync.source import Source
from sync.taken import Outcome, Taken
from sync.threads import to_the_end

__all__ = ["Progress", "Summary", "Window", "run_wanted", "sync_connection"]
Progress = Callable[[Summary], None]


async def sync_connection(
    context: Context,
    connection_id: str,
    window: Window | None = None,
    holder: str = "hub sync",
    progress: Progress | None = None,
    *,
    cause: str = "command",
    stopping: Stopping | None = None,
) -> Summary:
    """Ask a connection's source once; what came of it, failures of the source included.

    Args:
        context: The hub's parts.
        connection_id: Which connection.
        window: What to cover; all that is new where None.
        holder: Who says so, for whoever looks at the lease.
        progress: Told after every page.
        cause: Why, one of store.tables.RUN_CAUSES.
        stopping: Ends the run between two pages.

    Raises:
        HubError: NOT_FOUND, or CONFLICT where the connection is paused, cannot be asked, or another
            run holds its lease; LeaseLost where another took it over.
    """
    window = window or Window()
    run = await to_the_end(runbook.begin, context, connection_id, window, holder, cause)
    return await _whole(context, run, window, progress, stopping)


async def run_wanted(
    context: Context, connection_id: str, holder: str, stopping: Stopping | None = None
) -> Summary | None:
    """Ask a connection's source if its plan wants that now; None where it does not.

    Raises:
        LeaseLost: another node took the run over.
    """
    run = await to_the_end(runbook.begin_wanted, context, connection_id, holder)
    return await _whole(context, run, Window(), None, stopping) if run is not None else None


async def _whole(
    context: Context,
    run: Running,
    window: Window,
    progress: Progress | None,
    stopping: Stopping | None,
) -> Summary:
    """A run that has begun, to its end, whatever that is."""
    client: Client | None = None
    # What the run's row says unless the run comes to an end of its own.
    way, error, detail = Way.STOPPED, None, "stopped before its end"
    try:
        client = _connect(context, run)
        ask = await to_the_end(_ask, context, run, window)
        source = Source(client, run.manifest, ask, in_step(context.limits), stopping)
        async with Lease(context, run.lease).kept():
            way = await _pages(context, run, source, progress, stopping)
    except HubError as failure:
        way, error = Way.FAILED, failure
        run.summary.error = {"reason": failure.reason.value, "detail": failure.detail}
    except Exception as failure:
        way, detail = Way.BROKEN, f"broke off: {type(failure).__name__}"
        raise
    finally:
        if client is not None:
            with contextlib.suppress(HubError):
                await client.close()
        await to_the_end(runbook.end, context, run, way, error, detail)
        await to_the_end(drift.settle, context, run.connection.id)
    if isinstance(error, LeaseLost):
        raise error
    return run.summary


def _connect(context: Context, run: Running) -> Client:
    connect = context.system_of(run.connection).connect
    if connect is None:
        raise HubError(Reason.CONFLICT, f"{run.connection.id!r} is not asked; it calls the hub")
    return connect(run.connection.settings(context.vault))


def _ask(context: Context, run: Running, window: Window) -> Ask:
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
    context: Context,
    run: Running,
    source: Source,
    progress: Progress | None,
    stopping: Stopping | None,
) -> Way:
    """Every page taken in; how that ended. Raises HubError."""
    until = asyncio.get_running_loop().time() + context.limits.run_s
    try:
        while not stopping:
            begun = source.begun
            page = await _next(run, source, until)
            if page is None:
                break
            if source.begun != begun:
                _begun_anew(run, source)
            _guard(run, page)
            outcome = await to_the_end(_take_page, context, run, page)
            source.was_taken(page)
            _count(run, page, outcome)
            if progress is not None:
                progress(run.summary)
            await source.acknowledge(page)
            if page.cursor is not None and _is_used_up(context, run, until):
                return _goes_on(run, source)
        else:
            return Way.STOPPED
    except _TimeIsOver:
        return _goes_on(run, source)
    finally:
        await source.close()
    total = run.summary.total
    if total is not None and run.summary.records < total:
        raise Garbled(
            Reason.PAGE_SHORT,
            f"{run.summary.records} of {total} declared records arrived",
            system=run.connection.id,
        )
    await to_the_end(_finish, context, run)
    return Way.DONE


class _TimeIsOver(Exception):
    """The run's own time passed while a page was waited for."""


async def _next(run: Running, source: Source, until: float) -> Page | None:
    """The next page, within the run's own time."""
    try:
        async with asyncio.timeout_at(until):
            return await source.next()
    except TimeoutError:
        if run.summary.pages:
            raise _TimeIsOver from None
        raise Unreachable(
            Reason.TIMEOUT_TOTAL, "the run's own time is over", system=run.connection.id
        ) from None


def _begun_anew(run: Running, source: Source) -> None:
    """Pages come from their beginning, or from behind the last one; totals count from there."""
    run.before = run.summary.records
    if not source.keeps_place:
        run.cursors.clear()
        run.told.clear()


def _is_used_up(context: Context, run: Running, until: float) -> bool:
    has_pages = run.summary.pages < context.limits.pages_per_run
    return not has_pages or asyncio.get_running_loop().time() >= until


def _goes_on(run: Running, source: Source) -> Way:
    """A run may end before the source does only where the next one goes on behind it.

    Raises:
        Garbled: PAGE_SHORT where it would begin anew, and never come to an end.
    """
    if source.keeps_place and run.moves:
        return Way.GOES_ON
    raise Garbled(
        Reason.PAGE_SHORT,
        f"more than {run.summary.pages} pages or the time of a run, in no order to go on from",
        system=run.connection.id,
    )


def _guard(run: Running, page: Page) -> None:
    """Refuse paging that does not advance: it would ask for ever."""
    if page.cursor is None:
        return
    if page.cursor in run.cursors:
        raise Garbled(Reason.PAGE_LOOP, "the same cursor twice", system=run.connection.id)
    run.cursors.add(page.cursor)
    if not page.count:
        return
    # A source that does not look at what it is asked for gives one page for ever, and the place in
    # it that an adapter counts up by itself looks new each time.
    told = hashlib.sha256(page.raw).hexdigest()
    if told in run.told:
        raise Garbled(Reason.PAGE_LOOP, "the same page twice", system=run.connection.id)
    run.told.add(told)


def _take_page(context: Context, run: Running, page: Page) -> Outcome:
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
            run.point, run.manifest, page.cursor, found.items, outcome.fates, run.started_at
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


def _finish(context: Context, run: Running) -> None:
    """The whole window arrived: the watermark may move to the newest moment seen."""
    if run.manifest.durable_cursor or not run.moves:
        return
    point = checkpoint.after_window(run.point, run.newest)

    def work(tx: Tx) -> None:
        connections.hold_lease(tx, run.lease, context.now(), context.limits.lease_s)
        connections.save_checkpoint(tx, run.connection.id, point, clock.to_iso(context.now()))

    context.store.in_write(work)
    run.point = point


def _count(run: Running, page: Page, outcome: Outcome) -> None:
    summary = run.summary
    summary.pages += 1
    summary.records += len(outcome.fates)
    summary.applied += outcome.counts["applied"]
    summary.superseded += outcome.counts["superseded"]
    summary.duplicate += outcome.counts["duplicate"]
    summary.quarantined += outcome.counts["quarantined"]
    summary.pending += outcome.counts["pending"]
    if page.total is not None:
        summary.total = run.before + page.total
