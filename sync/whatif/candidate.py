"""A candidate: a connection as it might be configured, and a hub that takes it to be so."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, json, structs
from sqlalchemy.engine import Connection as Tx
from typing_extensions import override

from canonical.errors import HubError
from canonical.mapping import Mapping as CompiledMapping
from canonical.mapping import compile_mapping
from canonical.mapping.compile import MappingFault
from canonical.mapping.overlay import OverlayFault
from canonical.ports import System
from canonical.reasons import Reason
from store.connection_versions import digest_of, load_files
from store.connections import ConnectionRow
from sync.connection_documents import effective, is_json
from sync.connection_systems import system_wanted
from sync.context import Context, Linked


class Candidate(Struct, frozen=True):
    """What of a connection would be another; what is None stays.

    Attributes:
        overlay: What is laid over the mapping; {} takes it away.
        tables: The connection's own code tables, whole.
        declaration: Of a system without code.
        files: Name -> bytes of contract files that the declaration names anew.
    """

    overlay: dict[str, Any] | None = None
    tables: dict[str, dict[str, Any]] | None = None
    declaration: dict[str, Any] | None = None
    files: Mapping[str, bytes] = {}

    def of(self, row: ConnectionRow) -> ConnectionRow:
        """The connection as it would be. Raises HubError where it is no data."""
        told: dict[str, Any] = {}
        for name in ("overlay", "tables", "declaration"):
            value = getattr(self, name)
            if value is not None:
                is_json(value, name)
                told[name] = value
        if self.files:
            own = {name: digest_of(data) for name, data in self.files.items()}
            told["files"] = {**row.files, **own}
        return structs.replace(row, **told)


class Supposed(Struct, frozen=True):
    """A candidate that can be taken.

    Attributes:
        row: The connection as it would be.
        digest: Of everything that decides how raw bytes are read.
    """

    row: ConnectionRow
    system: System
    mapping: CompiledMapping
    digest: str


def suppose(context: Context, tx: Tx, held: ConnectionRow, candidate: Candidate) -> Supposed:
    """The connection under its candidate.

    Raises:
        HubError: CONFLICT where it speaks canonical words; FIELD_TYPE where the candidate cannot be
            compiled.
    """
    row = candidate.of(held)
    files = None
    if candidate.files:
        kept = _kept_files(tx, held, candidate)
        files = {**kept, **candidate.files}
    system = system_wanted(context, tx, row, files)
    try:
        document = effective(system, row)
        if document is None:
            raise HubError(Reason.CONFLICT, f"{row.id!r} speaks the hub's own words, unmapped")
        mapping = compile_mapping(document, system.transforms, row.tables)
    except (OverlayFault, MappingFault) as error:
        raise HubError(Reason.FIELD_TYPE, str(error)) from error
    told = json.encode([document, row.tables, row.declaration, row.files], order="sorted")
    return Supposed(row, system, mapping, digest_of(told))


def _kept_files(tx: Tx, held: ConnectionRow, candidate: Candidate) -> Mapping[str, bytes]:
    return load_files(tx, {n: d for n, d in held.files.items() if n not in candidate.files})


class Supposing(Context):
    """The hub's parts, but that every receipt of one connection is read by its candidate."""

    def __init__(self, context: Context, supposed: Supposed) -> None:
        super().__init__(
            context.store,
            context.vault,
            context.systems,
            context.limits,
            context.now,
            context.declare,
        )
        self.supposed = supposed

    @override
    def system_of(self, linked: Linked, version: int | None = None, tx: Tx | None = None) -> System:
        """As of a hub; of the one connection the candidate's, whatever the version."""
        if linked.id == self.supposed.row.id:
            return self.supposed.system
        return super().system_of(linked, version, tx)

    @override
    def mapping(self, tx: Tx, connection: ConnectionRow, version: int) -> CompiledMapping:
        """As of a hub; of the one connection the candidate's, whatever the version."""
        if connection.id == self.supposed.row.id:
            return self.supposed.mapping
        return super().mapping(tx, connection, version)
