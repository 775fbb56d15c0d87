"""A hub that reads everything as what was told anew has it: by the newest mapping, from the start.

A record that is told anew stands where it first came in (decision 0014). Who computes legs from the
beginning therefore reads first words by the mapping of the last telling, and leaves the rest out.
"""

from collections.abc import Mapping

from sqlalchemy.engine import Connection as Tx
from typing_extensions import override

from canonical.mapping import Mapping as CompiledMapping
from canonical.ports import System
from store.connections import ConnectionRow
from sync.context import Context, Linked


class InForce(Context):
    """The hub's parts, but that no mapping older than these is used.

    Attributes:
        newest: Connection -> the oldest mapping version by which its records are read.
    """

    retells = True

    def __init__(self, context: Context, newest: Mapping[str, int]) -> None:
        super().__init__(
            context.store,
            context.vault,
            context.systems,
            context.limits,
            context.now,
            context.declare,
        )
        self.newest = newest

    def version_of(self, connection_id: str, version: int) -> int:
        """By which mapping version a receipt is read that was read by this one."""
        return max(version, self.newest.get(connection_id, 0))

    @override
    def system_of(self, linked: Linked, version: int | None = None, tx: Tx | None = None) -> System:
        if version is not None:
            version = self.version_of(linked.id, version)
        return super().system_of(linked, version, tx)

    @override
    def mapping(self, tx: Tx, connection: ConnectionRow, version: int) -> CompiledMapping:
        return super().mapping(tx, connection, self.version_of(connection.id, version))
