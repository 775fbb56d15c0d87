"""When the contract that a department serves was last looked at, and what was found."""

from msgspec import Struct
from sqlalchemy import select, text
from sqlalchemy.engine import Connection as Tx

from canonical.reasons import Reason
from store.tables import table
from store.work_tables import ContractLook


class Look(Struct, frozen=True):
    """The newest look at what one connection's department serves.

    Attributes:
        mapping_version: Of the connection when it was looked at: it says what was pinned then.
        fingerprint: Of the contract as it was served; None where it could not be had.
        reason: Why it could not be had.
    """

    connection_id: str
    looked_at: str
    mapping_version: int
    fingerprint: str | None = None
    reason: Reason | None = None


def list_looks(tx: Tx) -> dict[str, Look]:
    """The newest look at every connection that was looked at."""
    return {one.connection_id: one for one in _found(tx, select(table(ContractLook)))}


def load_look(tx: Tx, connection_id: str) -> Look | None:
    """The newest look at one connection; None where there was none."""
    held = table(ContractLook)
    found = _found(tx, select(held).where(held.c.connection_id == connection_id))
    return found[0] if found else None


def begin_look(
    tx: Tx, connection_id: str, mapping_version: int, at: str, before: str, behind: str
) -> bool:
    """Note that a look begins; whether it may: of all nodes one does.

    Args:
        tx: An open write transaction.
        connection_id: Which.
        mapping_version: Of the connection now; under another one it is looked at anew.
        at: Now, ISO at +07:00.
        before: A look before this moment is old enough for another.
        behind: A look behind this one stems from a clock that was wrong.
    """
    found = tx.execute(
        text(
            "INSERT INTO contract_look (connection_id, looked_at, mapping_version)"
            " VALUES (:id, :at, :version) ON CONFLICT (connection_id) DO UPDATE SET"
            " looked_at = excluded.looked_at, mapping_version = excluded.mapping_version"
            " WHERE contract_look.looked_at < :before OR contract_look.looked_at > :behind"
            " OR contract_look.mapping_version <> excluded.mapping_version"
        ),
        {"id": connection_id, "at": at, "version": mapping_version, "before": before}
        | {"behind": behind},
    )
    return found.rowcount > 0


def save_look(tx: Tx, look: Look) -> None:
    """Note what was found."""
    tx.execute(
        text(
            "INSERT INTO contract_look"
            " (connection_id, looked_at, mapping_version, fingerprint, reason)"
            " VALUES (:id, :at, :version, :fingerprint, :reason)"
            " ON CONFLICT (connection_id) DO UPDATE SET looked_at = excluded.looked_at,"
            " mapping_version = excluded.mapping_version, fingerprint = excluded.fingerprint,"
            " reason = excluded.reason"
        ),
        {
            "id": look.connection_id,
            "at": look.looked_at,
            "version": look.mapping_version,
            "fingerprint": look.fingerprint,
            "reason": look.reason.value if look.reason is not None else None,
        },
    )


def _found(tx: Tx, query: object) -> list[Look]:
    return [
        Look(
            row.connection_id,
            row.looked_at,
            row.mapping_version,
            row.fingerprint,
            Reason(row.reason) if row.reason is not None else None,
        )
        for row in tx.execute(query)  # type: ignore[call-overload] # a select of this table
    ]
