"""What a reading door has to know first, in one statement: who asks, and how far the feed is."""

from collections.abc import Iterable, Mapping

from msgspec import Struct
from sqlalchemy.engine import Connection as Tx

from store import bulk
from store.clients import Principal, principal_of


class Door(Struct, frozen=True):
    """How things stand at a reading door.

    Attributes:
        catalogue: The version in force.
        newest: The newest change.
        agencies: How many agency codes dossiers name; it only ever rises.
        principals: Client id -> who that is, without those revoked or unknown.
    """

    catalogue: int
    newest: int
    agencies: int
    principals: Mapping[str, Principal]


def load_door(tx: Tx, client_ids: Iterable[str]) -> Door:
    """How things stand for these clients."""
    # Nobody's, and PostgreSQL takes no NUL.
    wanted = sorted({client_id for client_id in client_ids if client_id.isprintable()})
    found = tx.execute(
        bulk.said(
            "SELECT feed.catalogue, feed.seq, (SELECT count(*) FROM agency_seen) AS agencies,"
            " client.id, client.name, client.scopes, client.connections, client.agencies AS granted"
            " FROM feed LEFT JOIN client ON client.revoked_at IS NULL"
            f" AND client.id IN ({bulk.texts_in(tx, 'clients')}) WHERE feed.id = 1"
        ),
        {"clients": bulk.pack(wanted)},
    ).all()
    principals = {
        row.id: principal_of(row.id, row.name, row.scopes, row.connections, row.granted)
        for row in found
        if row.id is not None
    }
    return Door(found[0].catalogue, found[0].seq, found[0].agencies, principals)
