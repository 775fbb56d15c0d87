"""Which bodies of a connection there are to look at."""

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.engine import Connection as Tx


class Body(Struct, frozen=True):
    """A receipt's body."""

    shape: str
    digest: str


def newest_body(tx: Tx, connection_id: str, receipt: str | None = None) -> Body | None:
    """The body of a receipt of a connection: the one named, else the newest that had records."""
    where = (
        "public_id = :receipt"
        if receipt is not None
        else "shape <> 'gone' AND applied + superseded + duplicate + quarantined + pending > 0"
    )
    row = tx.execute(
        text(
            f"SELECT shape, digest FROM receipt WHERE connection_id = :id AND {where}"
            " ORDER BY id DESC LIMIT 1"
        ),
        {"id": connection_id, "receipt": receipt},
    ).first()
    return Body(str(row[0]), str(row[1])) if row is not None else None


def body_shapes(tx: Tx, connection_id: str) -> list[str]:
    """By which names its newest bodies were read."""
    found = tx.execute(
        text(
            "SELECT DISTINCT shape FROM (SELECT shape FROM receipt WHERE connection_id = :id"
            " AND origin_id IS NULL ORDER BY id DESC LIMIT 200) AS newest ORDER BY shape"
        ),
        {"id": connection_id},
    )
    return [str(row[0]) for row in found]
