"""The system of a connection as it is to be: one of adapters/, or what its declaration says."""

from collections.abc import Mapping

from sqlalchemy.engine import Connection as Tx

from canonical.errors import HubError
from canonical.ports import System
from canonical.reasons import Reason
from store import connection_versions
from store.connections import ConnectionRow
from sync.context import DECLARED, Context


def system_wanted(
    context: Context, tx: Tx, row: ConnectionRow, files: Mapping[str, bytes] | None = None
) -> System:
    """The system of a connection as it is to be.

    Args:
        context: The hub's parts.
        tx: An open transaction.
        row: The connection.
        files: Its contract files, where they are not all pinned yet.

    Raises:
        HubError: NOT_FOUND, or a declaration that cannot be taken.
    """
    if row.system in DECLARED:
        if row.declaration is None:
            raise HubError(Reason.FIELD_MISSING, f"{row.system!r} wants a declaration")
        if files is None:
            files = connection_versions.load_files(tx, row.files)
        system = context.declared(row.declaration, files)
        if system.manifest.protocol != row.system:
            kind = system.manifest.protocol
            raise HubError(Reason.CONFLICT, f"the declaration is of a {kind}, not a {row.system}")
        return system
    if row.system not in context.systems:
        raise HubError(
            Reason.NOT_FOUND, f"no system {row.system!r}; there are {sorted(context.systems)}"
        )
    if row.declaration is not None or row.files:
        raise HubError(Reason.FIELD_UNKNOWN, f"{row.system!r} has code and takes no declaration")
    return context.systems[row.system]
