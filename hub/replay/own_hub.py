"""A hub of the replay's own: an empty temporary store, its doors on a free port of this machine."""

import contextlib
import secrets
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct
from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.agencies import Agency
from canonical.catalogue import CatalogueData, ProcedureFacts
from hub import serving, wiring
from hub.replay.mapping import Mapping
from hub.settings import Settings
from store import catalogue, clients, connections
from store.clients import Credentials
from store.connections import ConnectionRow
from sync.context import Context
from sync.reading import CANONICAL

LOOPBACK = "127.0.0.1"


class OwnHub(Struct, frozen=True):
    """A running hub.

    Attributes:
        address: http://127.0.0.1:PORT
        pushers: Connection id -> credentials that may push for it.
        reader: Credentials that may read everything.
    """

    address: str
    context: Context
    pushers: dict[str, Credentials]
    reader: Credentials


@contextlib.contextmanager
def own_hub(mapping: Mapping) -> Iterator[OwnHub]:
    """A hub with the mapping's connections; stopped and its store removed at the end."""
    with tempfile.TemporaryDirectory(prefix="hub-replay-") as folder:
        settings = Settings(
            data_dir=Path(folder),
            database_url="",
            host=LOOPBACK,
            port=0,
            secret_key=secrets.token_urlsafe(48),
        )
        context = wiring.open_hub(settings)
        try:
            pushers, reader = _prepare(context, mapping)
            with _serve(context, settings) as address:
                yield OwnHub(address, context, pushers, reader)
        finally:
            context.store.dispose()


def _prepare(context: Context, mapping: Mapping) -> tuple[dict[str, Credentials], Credentials]:
    data = CatalogueData(
        agencies=(Agency(code=mapping.agency, name=mapping.agency_name),),
        procedures=(
            ProcedureFacts(
                mapping.procedure.code, mapping.procedure.name, mapping.procedure.domain
            ),
        ),
    )
    return context.store.in_write(lambda tx: _write(context, tx, mapping, data))


def _write(
    context: Context, tx: Tx, mapping: Mapping, data: CatalogueData
) -> tuple[dict[str, Credentials], Credentials]:
    at = clock.to_iso(context.now())
    catalogue.change_catalogue(tx, lambda _: data, "hub replay-log", at)
    document = context.systems[CANONICAL].mapping_document
    pushers = {}
    for line in mapping.connection:
        row = ConnectionRow(
            id=line.id,
            system=CANONICAL,
            namespace=line.id,
            role=line.role.value,
            endpoint="",
            state="enabled",
            options={},
            sealed=None,
            tables={},
            mapping_version=1,
        )
        connections.save_connection(tx, row, at)
        connections.ensure_mapping(tx, row, document, at)
        pushers[line.id] = clients.add_client(
            tx, line.id, ["push"], [line.id], [mapping.agency], at
        )
    return pushers, clients.add_client(tx, "replay", ["read", "indicators"], [], [], at)


@contextlib.contextmanager
def _serve(context: Context, settings: Settings) -> Iterator[str]:
    # Listening before the server starts: who calls early waits instead of being refused.
    with socket.create_server((LOOPBACK, 0), backlog=128) as listener:
        server = serving.server(serving.build(context, settings), settings)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield f"http://{LOOPBACK}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(settings.stop_s + 5)
