"""The versions of a connection: who changed what, any two compared, any one taken up again."""

from msgspec import Struct, structs

from canonical.errors import HubError
from canonical.reasons import Reason
from store import connection_versions, connections
from store.connection_versions import VersionRow
from store.connections import ConnectionRow
from sync import connecting
from sync.connecting import By, Wanted
from sync.connection_documents import Difference, differences
from sync.context import Context


class Step(Struct, frozen=True):
    """One version, and what it changed.

    Attributes:
        changes: Against the version before; empty for the first.
    """

    version: VersionRow
    changes: list[Difference]


def history(context: Context, connection_id: str) -> list[Step]:
    """Every version of a connection with what it changed, oldest first.

    Raises:
        HubError: NOT_FOUND.
    """
    with context.store.read() as tx:
        held = connections.load_connection(tx, connection_id)
        rows = connection_versions.list_versions(tx, connection_id)
    if held is None:
        raise HubError(Reason.NOT_FOUND, f"no connection {connection_id!r}")
    before = [None, *rows]
    return [
        Step(row, differences(old.document, row.document) if old is not None else [])
        for old, row in zip(before, rows, strict=False)
    ]


def compare(
    context: Context, connection_id: str, first: int | None = None, second: int | None = None
) -> tuple[int, int, list[Difference]]:
    """What differs between two versions: (first, second, fields).

    Args:
        context: The hub's parts.
        connection_id: Which.
        first: The one before the second where not said.
        second: The one in force where not said.

    Raises:
        HubError: NOT_FOUND: no such connection or version.
    """
    with context.store.read() as tx:
        held = connections.load_connection(tx, connection_id)
        if held is None:
            raise HubError(Reason.NOT_FOUND, f"no connection {connection_id!r}")
        second = held.version if second is None else second
        first = max(second - 1, 1) if first is None else first
        found = [connection_versions.load_version(tx, connection_id, n) for n in (first, second)]
    old, new = (_there(row, connection_id) for row in found)
    return first, second, differences(old.document, new.document)


def roll_back(context: Context, connection_id: str, version: int, by: By) -> ConnectionRow:
    """Configure a connection as a version of it was: the next version.

    Its state and its secrets stay: the first is its life, and old secrets are not kept.

    Raises:
        HubError: NOT_FOUND: no such connection or version; else as `connecting.change`.
    """
    with context.store.read() as tx:
        found = connection_versions.load_version(tx, connection_id, version)
        if found is None and connections.load_connection(tx, connection_id) is None:
            raise HubError(Reason.NOT_FOUND, f"no connection {connection_id!r}")
    told = _there(found, connection_id).document

    def edit(wanted: Wanted) -> Wanted:
        row = structs.replace(
            wanted.row,
            role=told["role"],
            endpoint=told["endpoint"],
            options=told["options"],
            tables=told["tables"],
            overlay=told["overlay"],
            declaration=told["declaration"],
            files=told["files"],
            tested=told["tested"] or "",
        )
        return structs.replace(wanted, row=row, schedule=told["schedule"])

    return connecting.change(context, connection_id, by, edit)


def _there(found: VersionRow | None, connection_id: str) -> VersionRow:
    if found is None:
        raise HubError(Reason.NOT_FOUND, f"{connection_id!r} has no such version")
    return found
