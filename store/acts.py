"""Acts: what a person decided, kept as records of their own."""

from sqlalchemy import text
from sqlalchemy.engine import Connection as Tx

from canonical.record import Record
from store.connections import ConnectionRow
from store.tables import Act, table


def save_act(tx: Tx, kind: str, record_id: int, actor: str, reason: str, at: str) -> int:
    """Keep an act; its id."""
    row = tx.execute(
        table(Act)
        .insert()
        .values(kind=kind, record_id=record_id, actor=actor, reason=reason, at=at)
        .returning(table(Act).c.id)
    ).one()
    return int(row[0])


def mark_resolved(tx: Tx, record_id: int, act_id: int) -> None:
    """Say on a quarantined record which act settled it."""
    tx.execute(
        text("UPDATE record SET resolved_by = :act WHERE id = :id"),
        {"act": act_id, "id": record_id},
    )


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
