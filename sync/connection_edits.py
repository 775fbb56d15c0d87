"""What people and scripts do to a connection's configuration: make one, mend one."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, structs
from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.agencies import Agency
from canonical.catalogue import CatalogueData
from canonical.codes import agency_code
from canonical.errors import HubError
from canonical.reasons import Reason
from store import catalogue, connection_versions, filing_cursors
from store.connections import ConnectionRow
from sync import connecting, connection_systems, wishes
from sync import plan as planning
from sync.connecting import By, Wanted
from sync.connection_documents import is_json
from sync.context import DECLARED, Context
from sync.gates import in_write


class Told(Struct, frozen=True):
    """What comes in files; what is None or empty stays as it is.

    Attributes:
        declaration: Of a system without code.
        files: Name -> bytes of what the declaration's contract consists of.
        overlay: What is laid over the mapping; {} takes it away.
    """

    declaration: dict[str, Any] | None = None
    files: Mapping[str, bytes] = {}
    overlay: dict[str, Any] | None = None


class New(Struct, frozen=True, kw_only=True):
    """A connection that is to be.

    Attributes:
        namespace: The id unless said.
        agency: Registered in the catalogue where it is not.
        role: As the system's manifest says unless said.
        settings: Plain ones and secrets, by name.
        is_draft: Whether it is not enabled at once; a declared one never is.
    """

    id: str
    system: str
    namespace: str = ""
    endpoint: str = ""
    agency: str = ""
    role: str = ""
    settings: Mapping[str, str] = {}
    tables: Mapping[str, Mapping[str, Any]] = {}
    told: Told = Told()
    is_draft: bool = False


class Change(Struct, frozen=True, kw_only=True):
    """What is to change of a connection; what is None or not named stays.

    Attributes:
        settings: Plain ones and secrets, by name.
        cleared: Plain settings that are taken away.
        tables: Entries that are added.
        own_tables: All its additions to code tables, instead of those it has.
    """

    endpoint: str | None = None
    role: str | None = None
    settings: Mapping[str, str] = {}
    cleared: tuple[str, ...] = ()
    tables: Mapping[str, Mapping[str, Any]] = {}
    own_tables: Mapping[str, Mapping[str, Any]] | None = None
    told: Told = Told()


def make(context: Context, new: New, by: By) -> ConnectionRow:
    """Add a connection.

    Raises:
        HubError: an id that is taken or misspelt, a system or setting that does not exist, a
            declaration or overlay that cannot be taken.
    """
    now = context.now()
    is_draft = new.is_draft or new.system in DECLARED

    def work(tx: Tx) -> ConnectionRow:
        bare = ConnectionRow(
            id=new.id,
            system=new.system,
            namespace=new.namespace or new.id,
            role="",
            endpoint=new.endpoint,
            state="draft" if is_draft else "enabled",
            options={},
            sealed=None,
            tables={name: dict(codes) for name, codes in new.tables.items()},
            mapping_version=1,
        )
        wanted = _with_told(Wanted(bare), new.told)
        connection_versions.save_files(tx, wanted.files, clock.to_iso(now))
        manifest = connection_systems.system_wanted(context, tx, wanted.row).manifest
        options, secrets = sorted_out(new.settings, manifest.options, manifest.secrets)
        role = new.role or manifest.role
        row = structs.replace(wanted.row, options=options, role=role)
        wanted = structs.replace(wanted, row=row, secrets=secrets)
        made = connecting.add(context, tx, wanted, by, now)
        if new.agency:
            changed = _with_agency(agency_code(new.agency))
            catalogue.change_catalogue(tx, changed, "hub connections", clock.to_iso(now))
        return made

    return in_write(context, work)


def mend(context: Context, connection_id: str, change: Change, by: By) -> ConnectionRow:
    """Change a connection; what is mended is tried at once. New code tables are a new mapping.

    Raises:
        HubError: as `connecting.change`, or no such setting.
    """
    now = context.now()

    def work(tx: Tx) -> ConnectionRow:
        def edit(wanted: Wanted) -> Wanted:
            return _changed(context, tx, wanted, change, clock.to_iso(now))

        row = connecting.change_in(context, tx, connection_id, by, edit, now)
        tried_at_once(context, tx, row)
        return row

    return in_write(context, work)


def tried_at_once(context: Context, tx: Tx, row: ConnectionRow) -> None:
    """What a person has mended is not waited for; one that is not enabled has no plan to change."""
    if row.state not in ("enabled", "paused"):
        return
    wishes.change(tx, row.id, planning.mended, context.now())
    if filing_cursors.load_cursor(tx, row.id) is not None:
        filing_cursors.note_calls(tx, row.id, 0, None)


def _changed(context: Context, tx: Tx, wanted: Wanted, change: Change, at: str) -> Wanted:
    wanted = _with_told(wanted, change.told)
    connection_versions.save_files(tx, wanted.files, at)
    manifest = connection_systems.system_wanted(context, tx, wanted.row).manifest
    options, secrets = sorted_out(change.settings, manifest.options, manifest.secrets)
    held = wanted.row
    told = held.tables if change.own_tables is None else change.own_tables
    tables = {name: dict(codes) for name, codes in told.items()}
    for name, codes in change.tables.items():
        tables.setdefault(name, {}).update(codes)
    row = structs.replace(
        held,
        endpoint=held.endpoint if change.endpoint is None else change.endpoint,
        role=held.role if change.role is None else change.role,
        options=_less(held.options, change.cleared) | options,
        tables=tables,
    )
    return structs.replace(wanted, row=row, secrets=secrets)


def _less(options: Mapping[str, str], cleared: tuple[str, ...]) -> dict[str, str]:
    return {name: value for name, value in options.items() if name not in cleared}


def _with_told(wanted: Wanted, told: Told) -> Wanted:
    row = wanted.row
    if told.declaration is not None:
        is_json(told.declaration, "declaration")
        row = structs.replace(row, declaration=told.declaration)
    if told.overlay is not None:
        is_json(told.overlay, "overlay")
        row = structs.replace(row, overlay=told.overlay)
    if told.files:
        digests = {name: connection_versions.digest_of(data) for name, data in told.files.items()}
        row = structs.replace(row, files={**row.files, **digests})
    return structs.replace(wanted, row=row, files=tuple(told.files.values()))


def sorted_out(
    settings: Mapping[str, str], options: Mapping[str, str], secrets: list[str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Settings as (plain, secret). Raises HubError for one that is unknown, without its value."""
    for name in settings:
        if name not in options and name not in secrets:
            known = sorted([*options, *secrets])
            raise HubError(Reason.FIELD_UNKNOWN, f"no setting {name!r}; there are {known}")
    hidden = {name: value for name, value in settings.items() if name in secrets}
    return {n: v for n, v in settings.items() if n not in hidden}, hidden


def _with_agency(code: str) -> Any:
    def change(data: CatalogueData) -> CatalogueData:
        if any(held.code == code for held in data.agencies):
            return data
        made = Agency(code=code, name=code)
        return CatalogueData((*data.agencies, made), data.successions, data.procedures, data.days)

    return change
