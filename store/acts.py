"""Acts: what a person decided, kept as records of their own."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.engine import Connection as Tx

from canonical.decide import Disposition
from canonical.ports import Fate
from canonical.record import Record
from store import bulk, intake
from store.connections import ConnectionRow
from store.tables import Act, table


def save_act(
    tx: Tx,
    kind: str,
    record_id: int | None,
    actor: str,
    reason: str,
    at: str,
    subject: str | None = None,
) -> int:
    """Keep an act; its id.

    Args:
        tx: An open write transaction.
        kind: One of store.tables.ACT_KINDS.
        record_id: The record it is about; None where `subject` names what it is about.
        actor: Who decided.
        reason: Why, in that person's words.
        at: Now, ISO at +07:00.
        subject: What else it is about, "receipt:12".
    """
    row = tx.execute(
        table(Act)
        .insert()
        .values(kind=kind, record_id=record_id, subject=subject, actor=actor, reason=reason, at=at)
        .returning(table(Act).c.id)
    ).one()
    return int(row[0])


def mark_resolved(tx: Tx, record_id: int, act_id: int) -> None:
    """Say on a quarantined record which act settled it."""
    tx.execute(
        text("UPDATE record SET resolved_by = :act WHERE id = :id"),
        {"act": act_id, "id": record_id},
    )


def of_replay(receipt_id: int) -> str:
    """The subject of the act behind a receipt that takes up records from the quarantine again."""
    return f"receipt:{receipt_id}"


def of_remap(note_id: int) -> str:
    """The subject of the act behind a note of legs that are told anew."""
    return f"retold:{note_id}"


def mark_retold(tx: Tx, act_id: int, taken: Sequence[int], refused: Sequence[int]) -> None:
    """Say on records that they are told anew.

    Args:
        tx: An open write transaction.
        act_id: The act behind it.
        taken: Records that were applied or superseded.
        refused: Others; those of them that are in the quarantine and not settled are settled by it.
    """
    for ids, which in ((taken, "<>"), (refused, "=")):
        tx.execute(
            text(
                "UPDATE record SET resolved_by = :act WHERE resolved_by IS NULL"
                f" AND disposition {which} 'quarantined' AND id IN ({bulk.ids_in(tx, 'ids')})"
            ),
            {"act": act_id, "ids": bulk.pack(ids)},
        )


def mark_replayed(tx: Tx, receipt_id: int, origin_id: int, fates: Sequence[Fate]) -> None:
    """Say on the quarantined records which act settled them: all that a replay did not refuse.

    Args:
        tx: An open write transaction.
        receipt_id: The receipt of the replay; its act must be there.
        origin_id: The receipt the records came in.
        fates: What became of them now.
    """
    settled = [
        intake.record_id(origin_id, fate.position)
        for fate in fates
        if fate.disposition != Disposition.QUARANTINED
    ]
    tx.execute(
        text(
            "UPDATE record SET resolved_by = act.id FROM act"
            " WHERE act.kind = 'replay' AND act.subject = :subject"
            " AND record.disposition = 'quarantined'"
            f" AND record.id IN ({bulk.ids_in(tx, 'ids')})"
        ),
        {"subject": of_replay(receipt_id), "ids": bulk.pack(settled)},
    )


def misplaced(tx: Tx) -> tuple[int, list[str]]:
    """How many acts there are, and those that do not name the one thing they are about.

    What makes a reused code new is about a record that names it in turn; every other names a
    subject in words.
    """
    found = tx.execute(
        text(
            "SELECT act.id FROM act LEFT JOIN record ON record.id = act.record_id"
            " AND record.resolved_by = act.id WHERE CASE WHEN act.kind = 'resolve_as_new'"
            " THEN record.id IS NULL OR act.subject IS NOT NULL"
            " ELSE act.record_id IS NOT NULL OR act.subject IS NULL END ORDER BY act.id"
        )
    )
    wrong = [f"act {row[0]} is not about one thing" for row in found]
    count = tx.execute(text("SELECT count(*) FROM act")).scalar_one()
    return int(count), wrong


def open_generation(tx: Tx, connection: ConnectionRow, record: Record) -> None:
    """Begin the next generation of a record's leg, so that it is the newest."""
    namespace = f"{connection.namespace}.{record.part}" if record.part else connection.namespace
    tx.execute(
        text(
            "INSERT INTO leg (namespace, code, generation, connection_id, fold, same_time)"
            " SELECT namespace, code, max(generation) + 1, :connection, '', :no FROM leg"
            " WHERE namespace = :namespace AND code = :code GROUP BY namespace, code"
        ),
        {
            "connection": connection.id,
            "namespace": namespace,
            "code": record.code,
            "no": False,
        },
    )
