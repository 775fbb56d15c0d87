"""Filings: dossiers handed on to a department, and what is due of them.

A filing changes state only from a state the caller saw it in (`move`): whoever comes second finds
that nothing changed and keeps nothing of its transaction.
"""

from collections.abc import Collection, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import or_, select, text
from sqlalchemy.engine import Connection as Tx

from canonical.errors import HubError
from canonical.filing import DeskLeg, PaperPlan
from canonical.reasons import Reason
from store.rights import EVERYTHING, Narrowed
from store.tables import table
from store.work_tables import Filing, FilingCursor


class FilingRow(Struct, frozen=True):
    """One filing; see store.work_tables.Filing for what its columns say."""

    id: int
    connection_id: str
    dossier_id: int
    namespace: str
    code: str
    generation: int
    number: str
    state: str
    body: bytes | None
    attempts: int
    looked_up: int
    sent_at: str | None
    due_at: str | None
    filed_code: str | None
    papers: int
    papers_sent: int
    paper_list: str
    reason: str | None
    detail: str | None
    created_at: str
    updated_at: str

    @property
    def plans(self) -> list[PaperPlan]:
        """Its papers and what became of them."""
        return msgspec.json.decode(self.paper_list, type=list[PaperPlan])


def packed(plans: Sequence[PaperPlan]) -> str:
    """Papers as `FilingRow.plans` reads them."""
    return msgspec.json.encode(plans).decode()


def doubt(tx: Tx, at: str) -> int:
    """Have whatever may have been filed already looked up before it is filed; how much is due.

    For a store that is put back to what it was once: what left since then is not known here.
    """
    held = table(Filing)
    cursors = table(FilingCursor)
    tx.execute(cursors.update().values(doubt_until=at))
    found = tx.execute(
        held.update()
        .where(held.c.state.in_(("due", "sending")))
        .values(state="unknown", looked_up=0, due_at=at, updated_at=at)
    )
    return int(found.rowcount)


def add(
    tx: Tx,
    connection_id: str,
    dossier_id: int,
    desk: DeskLeg,
    number: str,
    *,
    at: str,
    state: str = "due",
) -> int | None:
    """A filing to be sent, or looked up, now; None where its desk's leg has one already."""
    found = tx.execute(
        text(
            "INSERT INTO filing (connection_id, dossier_id, namespace, code, generation, number,"
            " state, attempts, looked_up, due_at, papers, papers_sent, paper_list, created_at,"
            " updated_at) VALUES (:connection, :dossier, :namespace, :code, :generation, :number,"
            " :state, 0, 0, :at, 0, 0, '[]', :at, :at) ON CONFLICT DO NOTHING RETURNING id"
        ),
        {
            "connection": connection_id,
            "dossier": dossier_id,
            "number": number,
            "state": state,
            "at": at,
            **msgspec.structs.asdict(desk),
        },
    ).first()
    return int(found[0]) if found is not None else None


def load(tx: Tx, filing_id: int) -> FilingRow | None:
    """A filing by id."""
    held = table(Filing)
    found = tx.execute(select(held).where(held.c.id == filing_id)).mappings().first()
    return FilingRow(**found) if found is not None else None


def list_of_legs(tx: Tx, connection_id: str, desks: Sequence[DeskLeg]) -> list[FilingRow]:
    """A connection's filings of any of these legs."""
    if not desks:
        return []
    held = table(Filing)
    found = tx.execute(
        select(held)
        .where(held.c.connection_id == connection_id, held.c.code.in_([d.code for d in desks]))
        .order_by(held.c.id)
    ).mappings()
    rows = [FilingRow(**row) for row in found]
    return [r for r in rows if DeskLeg(r.namespace, r.code, r.generation) in desks]


def list_filings(
    tx: Tx, states: Collection[str] = (), connection_id: str | None = None, limit: int = 1000
) -> list[FilingRow]:
    """Filings, the newest first; of these states and this connection where they are told."""
    held = table(Filing)
    query = select(held).order_by(held.c.id.desc()).limit(limit)
    if states:
        query = query.where(held.c.state.in_(states))
    if connection_id is not None:
        query = query.where(held.c.connection_id == connection_id)
    return [FilingRow(**row) for row in tx.execute(query).mappings()]


def has_come(now: str, ahead: str) -> Any:
    """The condition that a filing is due."""
    due_at = table(Filing).c.due_at
    return or_(due_at <= now, due_at > ahead)


def next_due(tx: Tx, connection_id: str, now: str, ahead: str) -> FilingRow | None:
    """The filing of a connection that has been due longest."""
    held = table(Filing)
    found = tx.execute(
        select(held)
        .where(held.c.connection_id == connection_id, has_come(now, ahead))
        .order_by(held.c.due_at, held.c.id)
        .limit(1)
    ).mappings()
    row = found.first()
    return FilingRow(**row) if row is not None else None


def move(tx: Tx, row: FilingRow, at: str, **values: Any) -> None:
    """Change a filing that is still as the caller saw it.

    Raises:
        HubError: CONFLICT: somebody changed it meanwhile; nothing of this transaction may be kept.
    """
    held = table(Filing)
    found = tx.execute(
        held.update()
        .where(
            held.c.id == row.id,
            held.c.state == row.state,
            held.c.attempts == row.attempts,
            held.c.looked_up == row.looked_up,
        )
        .values(updated_at=at, **values)
    )
    if found.rowcount != 1:
        raise HubError(Reason.CONFLICT, f"filing {row.id} was changed meanwhile")


def forsake(tx: Tx, connection_id: str, at: str) -> list[int]:
    """Filings that were being sent when their sender fell silent: nobody knows what became of them.

    Only whoever holds the connection's lease may ask: then nobody is sending.
    """
    held = table(Filing)
    found = tx.execute(
        held.update()
        .where(held.c.connection_id == connection_id, held.c.state == "sending")
        .values(state="unknown", due_at=at, looked_up=0, updated_at=at)
        .returning(held.c.id)
    )
    return [int(row[0]) for row in found]


def codes_of_others(tx: Tx, row: FilingRow, namespace: str) -> set[str]:
    """The department's codes that are known to be other dossiers' than a filing's.

    Those of its other filings, and those of dossiers accepted on the same day that hold more than
    the department's own leg.
    """
    held = table(Filing)
    found = tx.execute(
        select(held.c.filed_code).where(
            held.c.connection_id == row.connection_id,
            held.c.id != row.id,
            held.c.filed_code.is_not(None),
        )
    )
    codes = {one[0] for one in found}
    tied = tx.execute(
        text(
            "SELECT leg.code FROM member own JOIN dossier mine ON mine.id = own.dossier_id"
            " JOIN dossier other ON other.accepted_on = mine.accepted_on AND other.id <> mine.id"
            " AND other.merged_into IS NULL JOIN member ON member.dossier_id = other.id"
            " JOIN leg ON leg.id = member.leg_id AND leg.namespace = :namespace"
            " WHERE own.leg_id = :leg AND EXISTS (SELECT 1 FROM member more"
            " JOIN leg theirs ON theirs.id = more.leg_id AND theirs.namespace <> :namespace"
            " WHERE more.dossier_id = other.id)"
        ),
        {"namespace": namespace, "leg": row.dossier_id},
    )
    return codes | {one[0] for one in tied}


def has_filed(tx: Tx, connection_id: str, code: str, but: int) -> bool:
    """Whether another filing of a connection bears the department's code already."""
    held = table(Filing)
    found = tx.execute(
        select(held.c.id).where(
            held.c.connection_id == connection_id,
            held.c.filed_code == code,
            held.c.id != but,
        )
    )
    return found.first() is not None


def is_decided(tx: Tx, row: FilingRow) -> bool:
    """Whether a person has decided about a filing as it is now."""
    found = tx.execute(
        text("SELECT 1 FROM act WHERE subject = :subject AND at >= :at"),
        {"subject": f"filing:{row.id}", "at": row.updated_at},
    )
    return found.first() is not None


def list_waiting(tx: Tx, seen: Narrowed = EVERYTHING) -> list[tuple[FilingRow, str]]:
    """Filings that wait for a person, the oldest first, each with its dossier's public id."""
    found = tx.execute(
        text(
            "SELECT filing.id, dossier.public_id FROM filing"
            " JOIN member ON member.leg_id = filing.dossier_id"
            " JOIN dossier ON dossier.id = member.dossier_id"
            f" WHERE {_WAITING} AND {seen.condition} ORDER BY filing.id"
        ),
        seen.parameters,
    ).all()
    rows = ((load(tx, int(one[0])), str(one[1])) for one in found)
    return [(row, public_id) for row, public_id in rows if row is not None]


# Unclear; or refused, and nobody has said so; or filed, and its papers or its own record were not
# taken.
_WAITING = (
    "(filing.state = 'person' OR (filing.state = 'refused' AND NOT EXISTS (SELECT 1 FROM act WHERE"
    " act.subject = 'filing:' || filing.id AND act.at >= filing.updated_at))"
    " OR (filing.state = 'filed' AND due_at IS NULL"
    " AND (papers_sent < papers OR reason IS NOT NULL)))"
)


def count_waiting(tx: Tx, connection_id: str) -> int:
    """How many of a connection's filings wait for a person."""
    found = tx.execute(
        text(f"SELECT count(*) FROM filing WHERE connection_id = :id AND {_WAITING}"),
        {"id": connection_id},
    )
    return int(found.scalar_one())
