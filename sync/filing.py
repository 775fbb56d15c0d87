"""Dossiers handed on to a department by themselves: which are due, and who does it.

A connection files what its option `files_procedures` names, from the moment it was told so: it
follows the change feed, and a dossier that a desk has accepted becomes a row of `filing`, one per
desk's leg for ever. What is done with the row is in sync.filing_steps; all of it under the lease
`file:<connection>`, so that one alone files, on any number of nodes.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.errors import HubError
from canonical.filing import DeskLeg, desk_leg, desk_legs, number_of, plan_papers, procedures_of
from canonical.ports import Files
from store import connections, filing_cursors, filings
from store.connections import ConnectionRow
from store.filing_cursors import Case
from store.filings import FilingRow
from sync import leases
from sync.context import Context
from sync.filing_steps import step
from sync.filing_work import Work, load_connection, papers_told, tell_alarm
from sync.jobs import Job, Kind, Stopping
from sync.leases import Lease
from sync.threads import to_the_end

logger = logging.getLogger(__name__)
KIND = "file"
_HOLDER = "hub file"
_AT_ONCE = 500  # changes looked at in one transaction


def due(context: Context, now: datetime) -> Sequence[Job]:
    """Connections with a filing that is due, or changes to be looked at."""
    with context.store.read() as tx:
        # One that files no more may still have something to look up.
        begun = filing_cursors.list_begun(tx)
        wanted = [
            row.id
            for row in connections.list_connections(tx)
            if row.state == "enabled" and (row.id in begun or procedures_of(row.options))
        ]
        if not wanted:
            return []
        found = filing_cursors.with_work(tx, wanted, clock.to_iso(now), _ahead(context, now))
    return [Job(KIND, connection_id) for connection_id in found]


def _ahead(context: Context, now: datetime) -> str:
    limits = context.limits
    longest_s = limits.retry_cap_s + limits.settle_s + limits.lease_s
    return clock.to_iso(now + timedelta(seconds=longest_s))


async def perform(context: Context, job: Job, stopping: Stopping) -> None:
    """File what is due of one connection, until nothing is or the department does not answer.

    Raises:
        LeaseLost: another took over; what was not committed is looked up by it.
        HubError: the connection's settings cannot be used.
    """
    connection = await to_the_end(load_connection, context, job.key)
    if connection is None:
        return
    lease = await leases.take(context, filing_cursors.lease_name(connection.id), _HOLDER)
    if lease is None:
        return
    try:
        async with lease.kept():
            await _file(context, connection, lease, stopping)
    finally:
        await lease.free()


async def _file(
    context: Context, connection: ConnectionRow, lease: Lease, stopping: Stopping
) -> None:
    build = context.system_of(connection).file
    if build is None:
        return
    try:
        files: Files = build(connection.settings(context.vault))
    except HubError as error:
        await to_the_end(_unusable, context, connection, lease, error)
        return
    try:
        work = Work(context, connection, lease, files)
        await to_the_end(_begin, work)
        while not stopping and await to_the_end(_follow, work):
            pass
        while not stopping and not work.is_paused:
            row = await to_the_end(_next, work)
            if row is None:
                return
            await step(work, row)
    finally:
        await files.close()


def _unusable(context: Context, connection: ConnectionRow, lease: Lease, error: HubError) -> None:
    """Settings with which nothing can be filed: said now and then, until somebody mends them."""
    limits = context.limits
    until = clock.to_iso(context.now() + timedelta(seconds=limits.retry_cap_s))

    def work(tx: Tx) -> None:
        lease.assert_in(tx)
        filing_cursors.begin(tx, connection.id)
        filing_cursors.note_calls(tx, connection.id, 1, until)

    context.store.in_write(work)
    logger.warning(
        "Nothing can be filed with these settings",
        extra={
            "event": "filing.unusable",
            "connection": connection.id,
            "reason": error.reason,
            "detail": error.detail,
        },
    )


def _begin(work: Work) -> None:
    """What was being sent when its sender fell silent is unknown from now on."""
    at = work.iso()

    def begin(tx: Tx) -> list[int]:
        work.lease.assert_in(tx)
        filing_cursors.begin(tx, work.connection.id)
        cursor = filing_cursors.load_cursor(tx, work.connection.id)
        if cursor is not None:
            work.failures = cursor.failures
            work.is_paused = filing_cursors.is_ahead(
                cursor.retry_at, at, _ahead(work.context, work.context.now())
            )
        return filings.forsake(tx, work.connection.id, at)

    for filing_id in work.context.store.in_write(begin):
        logger.warning(
            "A filing was broken off; the department is asked whether it has it",
            extra={
                "event": "filing.forsaken",
                "connection": work.connection.id,
                "filing": filing_id,
            },
        )


def _next(work: Work) -> FilingRow | None:
    now = work.context.now()
    with work.context.store.read() as tx:
        return filings.next_due(
            tx, work.connection.id, clock.to_iso(now), _ahead(work.context, now)
        )


def _follow(work: Work) -> bool:
    """Look at the next changes of the feed; whether there were any."""
    at = work.iso()

    def follow(tx: Tx) -> bool:
        work.lease.assert_in(tx)
        cursor = filing_cursors.load_cursor(tx, work.connection.id)
        if cursor is None:
            return False
        changes = filing_cursors.changes_after(tx, cursor.seq, _AT_ONCE)
        if not changes:
            return False
        for case in filing_cursors.load_cases(tx, {dossier_id for _, dossier_id in changes}):
            if case.created_seq > cursor.from_seq:
                _consider(tx, work, case, cursor.doubt_until, at)
        filing_cursors.note_followed(tx, work.connection.id, changes[-1][0])
        return True

    return work.context.store.in_write(follow)


def _consider(tx: Tx, work: Work, case: Case, doubt_until: str | None, at: str) -> None:
    """A dossier that changed: to be filed, filed already, or nothing to this department."""
    held = filings.list_of_legs(tx, work.connection.id, desk_legs(case.body))
    desk = desk_leg(case.body, work.connection.namespace, procedures_of(work.connection.options))
    live = [row for row in held if row.state != "cancelled"]
    for row in live:
        _consider_again(tx, work, case, row, at, is_wanted=desk is not None)
    if live or desk is None:
        return
    given_up = [r for r in held if DeskLeg(r.namespace, r.code, r.generation) == desk]
    if not given_up:
        number = number_of(work.connection.id, desk)
        is_doubtful = doubt_until is not None and case.body["accepted_at"] < doubt_until
        state = "unknown" if is_doubtful else "due"
        filings.add(tx, work.connection.id, case.id, desk, number, at=at, state=state)
    for row in given_up:  # withdrawn by mistake, joined and split again
        if row.sent_at is None:
            filings.move(tx, row, at, state="due", due_at=at)


def _consider_again(
    tx: Tx, work: Work, case: Case, row: FilingRow, at: str, *, is_wanted: bool
) -> None:
    """A filed dossier may have new papers; one that could not be said may say what was missing."""
    if row.state == "filed":
        held = row.plans
        plans = plan_papers(case.body, work.files.form, held)
        if len(plans) > len(held):
            filings.move(tx, row, at, due_at=at, **papers_told(plans))
            tell_alarm(tx, work.connection.id, at)
    elif (
        row.state == "refused"
        and row.sent_at is None
        and is_wanted
        and not filings.is_decided(tx, row)
    ):
        filings.move(tx, row, at, state="due", due_at=at)
        tell_alarm(tx, work.connection.id, at)


FILING = Kind(KIND, due, perform)
