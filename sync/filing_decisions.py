"""What a person decides about a filing nobody can tell the outcome of: kept as an act, once.

It needs no lease: whoever files by himself never touches a filing that waits for a person, and a
decision changes a filing only from the state it was seen in.
"""

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct, structs
from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.errors import HubError
from canonical.filing import PaperPlan
from canonical.ports import Filed
from canonical.reasons import Reason
from canonical.text import Forbidden, clean
from store import acts, connections, filings
from store.filings import FilingRow
from sync.context import Context
from sync.filing_work import Reporter, note_filed, papers_told, tell_alarm

_LONGEST_CODE = 200
_LONGEST_REASON = 1000


class Decision(StrEnum):
    """What a person says of a filing.

    FILED: the department has it, under a code. SEND_AGAIN: it has not; file it (again). REFUSED:
    it has not, and it is not to be filed. PAPERS: hand in again the papers it could not be given.
    """

    FILED = "filed"
    SEND_AGAIN = "send_again"
    REFUSED = "refused"
    PAPERS = "papers"


# What may be decided about a filing in a state; a filing that goes on by itself is left to itself.
CHOICES: dict[str, tuple[Decision, ...]] = {
    "person": (Decision.FILED, Decision.SEND_AGAIN, Decision.REFUSED),
    "refused": (Decision.FILED, Decision.SEND_AGAIN, Decision.REFUSED),
    "filed": (Decision.PAPERS,),
}


class Said(Struct, frozen=True):
    """A decision, who takes it and why.

    Attributes:
        code: The department's code; with FILED alone.
        seen_at: `updated_at` of the filing as the person saw it; None does not look.
    """

    decision: Decision
    actor: str
    reason: str
    code: str | None = None
    seen_at: str | None = None


def decide_filing(context: Context, filing_id: int, said: Said) -> FilingRow:
    """Do what a person decided; the filing as it is then.

    Raises:
        HubError: NOT_FOUND; FIELD_MISSING without actor, reason or code; CONFLICT where it was
            changed since it was seen, goes on by itself, or another filing bears that code.
    """
    said = _checked(said)
    with context.store.read() as tx:
        row = filings.load(tx, filing_id)
    if row is None:
        raise HubError(Reason.NOT_FOUND, f"no filing {filing_id}")
    if said.decision not in CHOICES.get(row.state, ()):
        raise HubError(Reason.CONFLICT, f"filing {filing_id} is {row.state}: {_MAY.get(row.state)}")
    if said.seen_at is not None and said.seen_at != row.updated_at:
        raise HubError(Reason.CONFLICT, f"filing {filing_id} was changed meanwhile")
    if said.decision is Decision.FILED:
        _filed(context, row, said)
    else:
        context.store.in_write(lambda tx: _change(context, tx, row, said))
    with context.store.read() as tx:
        return filings.load(tx, filing_id) or row


_MAY = {
    "due": "it will be sent by itself",
    "sending": "it is being sent",
    "unknown": "the department is still being asked",
    "filed": "only its papers can be handed in again",
    "cancelled": "it was not to be filed any more",
}


def _checked(said: Said) -> Said:
    for name, told, longest in (
        ("actor", said.actor, 200),
        ("reason", said.reason, _LONGEST_REASON),
        ("code", said.code or "", _LONGEST_CODE),
    ):
        if not told.strip() and (name != "code" or said.decision is Decision.FILED):
            raise HubError(Reason.FIELD_MISSING, name)
        try:
            clean(told)
        except Forbidden:
            raise HubError(Reason.CHAR_FORBIDDEN, name) from None
        if len(told) > longest:
            raise HubError(Reason.FIELD_TOO_LONG, name)
    code = said.code.strip() if said.code is not None else None
    return structs.replace(said, actor=said.actor.strip(), reason=said.reason.strip(), code=code)


def _act(tx: Tx, row: FilingRow, said: Said, at: str) -> None:
    reason = f"{said.decision}: {said.reason}"
    acts.save_act(tx, "decide_filing", None, said.actor, reason, at, subject_of(row.id))


def subject_of(filing_id: int) -> str:
    """The subject of the acts about a filing."""
    return f"filing:{filing_id}"


def _filed(context: Context, row: FilingRow, said: Said) -> None:
    """The department has it: what is known goes the way an answer of its own would."""
    code = said.code or ""
    with context.store.read() as tx:
        connection = connections.load_connection(tx, row.connection_id)
    if connection is None:
        raise HubError(Reason.NOT_FOUND, f"no connection {row.connection_id!r}")
    at = clock.to_iso(context.now())

    def told(tx: Tx) -> None:
        if filings.has_filed(tx, row.connection_id, code, row.id):
            raise HubError(Reason.CONFLICT, "another filing bears that code")
        _act(tx, row, said, at)

    note_filed(Reporter(context, connection, told), row, Filed(code, b""), row.plans)


def _change(context: Context, tx: Tx, row: FilingRow, said: Said) -> None:
    at = clock.to_iso(context.now())
    if said.decision is Decision.SEND_AGAIN:
        filings.move(tx, row, at, state="due", due_at=at, sent_at=None, looked_up=0)
    elif said.decision is Decision.PAPERS:
        plans = _again(row.plans)
        filings.move(tx, row, at, due_at=at, looked_up=0, reason=None, **papers_told(plans))
    else:
        filings.move(tx, row, at, state="refused", due_at=None)
    _act(tx, row, said, at)
    tell_alarm(tx, row.connection_id, at)


def _again(plans: Sequence[PaperPlan]) -> list[PaperPlan]:
    """The papers with those that failed waiting once more."""
    return [
        structs.replace(plan, state="waiting", reason=None) if plan.state == "failed" else plan
        for plan in plans
    ]
