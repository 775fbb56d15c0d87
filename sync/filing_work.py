"""What every step of a filing needs, and how each of them ends in the store.

Every commit asserts the connection's lease and changes a filing only from the state it was seen in.
"""

import logging
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct, structs
from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.errors import HubError, NotAllowed
from canonical.filing import SHAPE, Note, PaperPlan, procedures_of, write_note
from canonical.ports import Filed, Files
from canonical.reasons import Reason
from store import alarms, connections, filing_cursors, filings
from store.connections import ConnectionRow
from store.filings import FilingRow
from sync.context import Context
from sync.intake import prepare, take_in
from sync.leases import Lease
from sync.retry import Decision, RetryIn, between_tries, decide, jitter_s
from sync.taken import Outcome, Taken
from sync.threads import to_the_end

logger = logging.getLogger(__name__)
ALARM = "filing"
CREDENTIALS = "credentials"


class Work(Struct):
    """One connection that is filing now.

    Attributes:
        failures: Calls that reached nobody, one after another.
        is_paused: Whether the department is to be left alone for a while.
        draw: Gives random numbers, 0 <= n < 1.
    """

    context: Context
    connection: ConnectionRow
    lease: Lease
    files: Files
    failures: int = 0
    is_paused: bool = False
    draw: Callable[[], float] = random.random

    def iso(self, wait_s: float = 0.0) -> str:
        """Now, or in so many seconds, ISO at +07:00."""
        return clock.to_iso(self.context.now() + timedelta(seconds=wait_s))

    def decision(self, error: HubError, attempt: int) -> Decision:
        """What to do after a call failed (sync.retry)."""
        return decide(error, attempt, between_tries(self.context.limits), self.draw())

    def pause_s(self, attempt: int) -> float:
        """How long to wait after so many tries that came to nothing."""
        return jitter_s(attempt, between_tries(self.context.limits), self.draw())

    async def change(self, row: FilingRow, **values: Any) -> FilingRow:
        """Commit a change of a filing; the row as it is then.

        Raises:
            LeaseLost: another files with this connection now.
            HubError: CONFLICT: the filing was changed meanwhile.
        """
        at = self.iso()

        def work(tx: Tx) -> None:
            self.lease.assert_in(tx)
            filings.move(tx, row, at, **values)
            tell_alarm(tx, self.connection.id, at)

        await to_the_end(self.context.store.in_write, work)
        return structs.replace(row, updated_at=at, **values)

    async def reached(self) -> None:
        """The department answered: what kept the hub from calling it is over."""
        if not self.failures:
            return
        self.failures = 0
        at = self.iso()

        def work(tx: Tx) -> None:
            self.lease.assert_in(tx)
            filing_cursors.note_calls(tx, self.connection.id, 0, None)
            alarms.end_alarm(tx, CREDENTIALS, f"{self.connection.id}/filing", at)

        await to_the_end(self.context.store.in_write, work)

    async def leave_alone(self, error: HubError, wait_s: float) -> None:
        """The department is not called for so long, whatever is due; this work ends."""
        self.failures += 1
        self.is_paused = True
        at, until = self.iso(), self.iso(wait_s)

        def work(tx: Tx) -> None:
            self.lease.assert_in(tx)
            filing_cursors.note_calls(tx, self.connection.id, self.failures, until)
            if isinstance(error, NotAllowed):
                alarms.raise_alarm(
                    tx, CREDENTIALS, f"{self.connection.id}/filing", error.reason.value, at
                )

        await to_the_end(self.context.store.in_write, work)
        logger.log(
            logging.WARNING if self.failures == 1 else logging.DEBUG,
            "Filings wait for a department",
            extra={
                "event": "filing.waits",
                "connection": self.connection.id,
                "reason": error.reason,
                "detail": error.detail,
            },
        )

    def wait_s(self, decision: Decision) -> float:
        """How long to leave the department alone: as decided, else as long as may be."""
        if isinstance(decision, RetryIn):
            return decision.seconds
        return self.context.limits.retry_cap_s


def tell_alarm(tx: Tx, connection_id: str, at: str) -> None:
    """Have the connection's alarm say how many filings wait for a person; end it where none does.

    One alarm per connection: a department that changed its mind about everything is one trouble.
    """
    waiting = filings.count_waiting(tx, connection_id)
    if waiting:
        detail = f"{waiting} filings wait for a person: hub filings list --waiting"
        alarms.raise_alarm(tx, ALARM, connection_id, detail, at)
    else:
        alarms.end_alarm(tx, ALARM, connection_id, at)


class Reporter(Struct, frozen=True):
    """Who says that a filing is with the department, and asserts that he may.

    Attributes:
        assert_in: Called in the transaction; raises where it may not be written.
    """

    context: Context
    connection: ConnectionRow
    assert_in: Callable[[Tx], None]


def note_filed(who: Reporter, row: FilingRow, filed: Filed, plans: list[PaperPlan]) -> Outcome:
    """Take in that a department has a filing, and mark it filed, in one transaction.

    What the hub learns by it goes the one way in: a receipt whose bytes are a note with the
    department's code and the desk's leg, so that the two are one dossier from then on.

    Raises:
        LeaseLost: another files with this connection now; nothing was kept.
        HubError: CONFLICT: the filing was changed meanwhile; nothing was kept.
    """
    now = clock.from_iso(clock.to_iso(who.context.now()))
    answer = filed.raw.decode("utf-8", "backslashreplace") if filed.raw else None
    note = Note(filed.code, row.number, row.namespace, row.code, answer)
    taken = Taken(
        connection=who.connection,
        shape=SHAPE,
        raw=write_note(note),
        received_at=now,
        keeps_duplicates=False,
    )
    found, mapping_version = prepare(who.context, taken)

    def within(tx: Tx, outcome: Outcome) -> None:
        who.assert_in(tx)
        refused = next((fate for fate in outcome.fates if fate.reason is not None), None)
        _mark_filed(tx, row, filed.code, plans, refused.reason if refused else None, now)

    outcome = take_in(who.context, taken, found, mapping_version, within)
    logger.info(
        "A dossier was filed",
        extra={"event": "filing.filed", "connection": row.connection_id, "filing": row.id},
    )
    return outcome


def _mark_filed(
    tx: Tx,
    row: FilingRow,
    code: str,
    plans: list[PaperPlan],
    reason: Reason | None,
    now: datetime,
) -> None:
    at = clock.to_iso(now)
    waiting = any(plan.state == "waiting" for plan in plans)
    filings.move(
        tx,
        row,
        at,
        state="filed",
        filed_code=code,
        due_at=at if waiting else None,
        looked_up=0,
        reason=reason,
        detail="its own record is in the quarantine" if reason is not None else None,
        **papers_told(plans),
    )
    filing_cursors.note_calls(tx, row.connection_id, 0, None)
    tell_alarm(tx, row.connection_id, at)


def papers_told(plans: list[PaperPlan]) -> dict[str, Any]:
    """The columns that say how far the papers of a filing are."""
    return {
        "papers": len(plans),
        "papers_sent": sum(plan.state == "sent" for plan in plans),
        "paper_list": filings.packed(plans),
    }


def load_connection(context: Context, connection_id: str) -> ConnectionRow | None:
    """A connection that files, or filed once, and is not paused; None where it is none."""
    with context.store.read() as tx:
        row = connections.load_connection(tx, connection_id)
        if row is None or row.state != "enabled":
            return None
        is_begun = filing_cursors.load_cursor(tx, connection_id) is not None
    return row if is_begun or procedures_of(row.options) else None
