"""Catalogue versions: loaded, and a new one saved when something in it changes."""

from collections.abc import Callable

from sqlalchemy import select, text
from sqlalchemy.engine import Connection as Tx

from canonical import catalogue
from canonical.catalogue import Books, CatalogueData
from store import bulk
from store.tables import CatalogueVersion, table


def current_version(tx: Tx) -> int:
    """The number of the version in force."""
    return int(tx.execute(bulk.said("SELECT catalogue FROM feed WHERE id = 1")).scalar_one())


def load_books(tx: Tx, version: int) -> Books:
    """One version, ready to be asked."""
    if version == 0:
        return catalogue.EMPTY
    versions = table(CatalogueVersion)
    body = tx.execute(select(versions.c.body).where(versions.c.version == version)).scalar_one()
    return Books(version, catalogue.decode(body))


def change_catalogue(
    tx: Tx,
    change: Callable[[CatalogueData], CatalogueData],
    actor: str,
    at: str,
    reason: str | None = None,
) -> Books:
    """Save a new version made from the one in force; the version itself where nothing changed.

    Args:
        tx: An open write transaction.
        change: Makes the new catalogue; nobody else changes it meanwhile.
        actor: Who.
        at: Now, ISO at +07:00.
        reason: Why, in that person's words.

    Raises:
        CatalogueError: the new catalogue contradicts itself; nothing is saved.
    """
    lock = "" if tx.dialect.name == "sqlite" else " FOR UPDATE"
    version = int(tx.execute(text(f"SELECT catalogue FROM feed WHERE id = 1{lock}")).scalar_one())
    held = load_books(tx, version)
    data = change(held.data)
    if data == held.data:
        return held
    books = Books(version + 1, data)
    books.check()
    tx.execute(
        table(CatalogueVersion)
        .insert()
        .values(
            version=version + 1,
            body=catalogue.encode(data),
            actor=actor,
            created_at=at,
            reason=reason,
        )
    )
    tx.execute(text("UPDATE feed SET catalogue = :v WHERE id = 1"), {"v": version + 1})
    return books


def newest_change(tx: Tx) -> tuple[str, str, str] | None:
    """Who made the version in force, when and why ("" where nobody said); None for the first."""
    versions = table(CatalogueVersion)
    row = tx.execute(
        select(versions.c.actor, versions.c.created_at, versions.c.reason)
        .order_by(versions.c.version.desc())
        .limit(1)
    ).first()
    return (row.actor, row.created_at, row.reason or "") if row is not None else None
