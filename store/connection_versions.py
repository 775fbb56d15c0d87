"""The versions of a connection's configuration, and the contract files they name.

A version is the whole document as it was from then on: any two can be compared, any one rolled
back to. What is in it says sync.connection_documents; no secret is.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct
from sqlalchemy import select, text
from sqlalchemy.engine import Connection as Tx

from canonical.errors import HubError
from canonical.reasons import Reason
from store.tables import ConnectionVersion, ContractFile, table


class VersionRow(Struct, frozen=True):
    """One version.

    Attributes:
        version: 1 for the first; counted without a gap.
        mapping_version: The mapping in force from then on, by which receipts are proved.
        document: What the connection was configured as.
        author: Who changed it.
        reason: Why, in that person's words.
        at: When, ISO at +07:00.
    """

    connection_id: str
    version: int
    mapping_version: int
    document: dict[str, Any]
    author: str
    reason: str
    at: str


def append_version(tx: Tx, row: VersionRow) -> None:
    """Keep one more version of a connection that `lock_connection` gave."""
    tx.execute(
        table(ConnectionVersion)
        .insert()
        .values(
            connection_id=row.connection_id,
            version=row.version,
            mapping_version=row.mapping_version,
            body=json.dumps(row.document, ensure_ascii=False, sort_keys=True),
            author=row.author,
            reason=row.reason,
            created_at=row.at,
        )
    )


def list_versions(tx: Tx, connection_id: str) -> list[VersionRow]:
    """Every version of a connection, oldest first."""
    held = table(ConnectionVersion)
    found = tx.execute(
        select(held).where(held.c.connection_id == connection_id).order_by(held.c.version)
    )
    return [_version(row) for row in found]


def load_version(tx: Tx, connection_id: str, version: int) -> VersionRow | None:
    """One version; None where there is none."""
    held = table(ConnectionVersion)
    row = tx.execute(
        select(held).where(held.c.connection_id == connection_id, held.c.version == version)
    ).first()
    return _version(row) if row is not None else None


def newest_documents(tx: Tx) -> dict[str, dict[str, Any]]:
    """Connection -> what its newest version says; those that have none are left out."""
    found = tx.execute(
        text(
            "SELECT held.connection_id, held.body FROM connection_version held JOIN connection"
            " ON connection.id = held.connection_id AND connection.version = held.version"
        )
    )
    return {row[0]: json.loads(row[1]) for row in found}


def _version(row: Any) -> VersionRow:
    return VersionRow(
        row.connection_id,
        row.version,
        row.mapping_version,
        json.loads(row.body),
        row.author,
        row.reason,
        row.created_at,
    )


def wrong_versions(tx: Tx) -> tuple[int, list[str]]:
    """How many versions there are, and connections whose versions have a gap or a wrong end."""
    found = tx.execute(
        text(
            "SELECT connection.id, connection.version, count(held.version),"
            " coalesce(min(held.version), 1), coalesce(max(held.version), 0)"
            " FROM connection LEFT JOIN connection_version held"
            " ON held.connection_id = connection.id"
            " GROUP BY connection.id, connection.version ORDER BY connection.id"
        )
    )
    checked, wrong = 0, []
    for connection, version, count, least, most in found:
        checked += int(count)
        if not (least == 1 and count == most == version):
            wrong.append(f"connection_version {connection}: {count} up to {most}, not {version}")
    return checked, wrong


def digest_of(data: bytes) -> str:
    """By which a contract file is known."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def save_files(tx: Tx, files: Iterable[bytes], at: str) -> None:
    """Pin files; one that is held already is not written again."""
    for data in files:
        tx.execute(
            text(
                "INSERT INTO contract_file (digest, data, created_at) VALUES (:digest, :data, :at)"
                " ON CONFLICT (digest) DO NOTHING"
            ),
            {"digest": digest_of(data), "data": data, "at": at},
        )


def load_files(tx: Tx, files: Mapping[str, str]) -> dict[str, bytes]:
    """Name -> bytes of pinned files.

    Args:
        tx: An open transaction.
        files: Name -> digest.

    Raises:
        HubError: CONFLICT where one is missing or is not what its digest says.
    """
    held = table(ContractFile)
    rows = tx.execute(select(held.c.digest, held.c.data).where(held.c.digest.in_(files.values())))
    found = {row.digest: bytes(row.data) for row in rows}
    for name, digest in files.items():
        if digest not in found or digest_of(found[digest]) != digest:
            raise HubError(Reason.CONFLICT, f"contract file {name!r} is not held as it was pinned")
    return {name: found[digest] for name, digest in files.items()}
