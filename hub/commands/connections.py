"""`hub connections …`: the links to department systems."""

import json
from typing import Annotated, Any

import typer
from msgspec import structs

from canonical import clock
from canonical.agencies import Agency
from canonical.catalogue import CatalogueData
from canonical.codes import agency_code
from canonical.errors import HubError
from canonical.filing import procedures_of
from canonical.precedence import Role
from canonical.reasons import Reason
from hub import output
from hub.commands.opened import opened
from store import catalogue, connections, filing_cursors
from store.connections import ConnectionRow
from sync import plan as planning
from sync import wishes
from sync.context import Context

app = typer.Typer(help="Các kết nối tới hệ thống của sở, ngành.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="In một tài liệu JSON.")]


@app.command()
def add(
    connection_id: Annotated[str, typer.Argument(metavar="ID")],
    system: Annotated[str, typer.Option(help="Loại hệ thống, một thư mục của adapters/.")],
    namespace: Annotated[str, typer.Option(help="Không gian mã riêng; mặc định là ID.")] = "",
    endpoint: Annotated[str, typer.Option(help="Địa chỉ hoặc thư mục của hệ thống.")] = "",
    agency: Annotated[str, typer.Option(help="Ghi cơ quan này vào danh mục.")] = "",
    role: Annotated[
        str, typer.Option(help="desk | handling | money; mặc định theo hệ thống.")
    ] = "",
    settings: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE")] = None,
    tables: Annotated[
        list[str] | None, typer.Option("--table", metavar="TABLE.KEY=VALUE", help="Thêm mã ánh xạ.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Thêm một kết nối / add a connection."""
    with opened() as context:
        row = make(
            context,
            connection_id,
            system,
            namespace=namespace,
            endpoint=endpoint,
            agency=agency,
            role=role,
            settings=settings or [],
            tables=tables or [],
        )
        output.show(shown(row), as_json=as_json)


def make(
    context: Context,
    connection_id: str,
    system: str,
    *,
    namespace: str = "",
    endpoint: str = "",
    agency: str = "",
    role: str = "",
    settings: list[str],
    tables: list[str],
) -> ConnectionRow:
    """Add a connection to the store.

    Raises:
        HubError: an id that is taken or misspelt, a system or setting that does not exist.
    """
    if system not in context.systems:
        raise HubError(
            Reason.NOT_FOUND, f"no system {system!r}; there are {sorted(context.systems)}"
        )
    name = namespace or connection_id
    for text in (connection_id, name):
        if (
            not text
            or len(text) > 100
            or not text.replace("-", "").replace("_", "").replace(".", "").isalnum()
        ):
            raise HubError(Reason.FIELD_TYPE, f"{text!r}: letters, digits, -, _ and . only")
    manifest = context.systems[system].manifest
    options, secrets = split_settings(settings, manifest.options, manifest.secrets)
    row = ConnectionRow(
        id=connection_id,
        system=system,
        namespace=name,
        role=Role(role or manifest.role).value,
        endpoint=endpoint,
        state="enabled",
        options=options,
        sealed=context.vault.seal(json.dumps(secrets).encode()) if secrets else None,
        tables=_tables(tables),
        mapping_version=1,
    )
    document = context.systems[system].mapping_document
    at = clock.to_iso(context.now())

    def work(tx: Any) -> None:
        if connections.load_connection(tx, connection_id) is not None:
            raise HubError(Reason.CONFLICT, f"there is a connection {connection_id!r} already")
        connections.save_connection(tx, row, at)
        connections.ensure_mapping(tx, row, document, at)
        if manifest.files and procedures_of(options):
            filing_cursors.begin(tx, connection_id)
        if agency:
            catalogue.change_catalogue(tx, _with_agency(agency_code(agency)), "hub connections", at)

    context.store.in_write(work)
    return row


@app.command()
def change(
    connection_id: Annotated[str, typer.Argument(metavar="ID")],
    endpoint: Annotated[str | None, typer.Option(help="Địa chỉ mới.")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE")] = None,
    tables: Annotated[
        list[str] | None, typer.Option("--table", metavar="TABLE.KEY=VALUE", help="Thêm mã ánh xạ.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Sửa địa chỉ, thiết lập, mã ánh xạ / change an address, settings, code tables."""
    with opened() as context:
        row = alter(context, connection_id, endpoint, settings or [], tables or [])
        output.show(shown(row), as_json=as_json)


def alter(
    context: Context,
    connection_id: str,
    endpoint: str | None,
    settings: list[str],
    tables: list[str],
) -> ConnectionRow:
    """Change a connection; what is not named stays. New code tables are a new mapping version.

    Raises:
        HubError: no such connection or setting.
    """
    with context.store.read() as tx:
        held = connections.load_connection(tx, connection_id)
    if held is None:
        raise HubError(Reason.NOT_FOUND, f"no connection {connection_id!r}")
    system = context.systems[held.system]
    options, secrets = split_settings(settings, system.manifest.options, system.manifest.secrets)
    hidden = {**held.settings(context.vault).secrets, **secrets}
    merged = {name: dict(codes) for name, codes in held.tables.items()}
    for name, codes in _tables(tables).items():
        merged.setdefault(name, {}).update(codes)
    row = structs.replace(
        held,
        endpoint=held.endpoint if endpoint is None else endpoint,
        options={**held.options, **options},
        sealed=context.vault.seal(json.dumps(hidden).encode()) if hidden else None,
        tables=merged,
    )
    now = context.now()
    at = clock.to_iso(now)

    def work(tx: Any) -> None:
        connections.change_connection(tx, row)
        wishes.change(tx, row.id, planning.mended, now)
        if system.manifest.files and procedures_of(row.options):
            filing_cursors.begin(tx, row.id, anew=not procedures_of(held.options))
            filing_cursors.note_calls(tx, row.id, 0, None)  # what was mended is tried at once
        connections.ensure_mapping(tx, row, system.mapping_document, at)

    context.store.in_write(work)
    return row


def _with_agency(code: str) -> Any:
    def change(data: CatalogueData) -> CatalogueData:
        if any(held.code == code for held in data.agencies):
            return data
        made = Agency(code=code, name=code)
        return CatalogueData((*data.agencies, made), data.successions, data.procedures, data.days)

    return change


def split_settings(
    settings: list[str], options: dict[str, str], secrets: list[str]
) -> tuple[dict[str, str], dict[str, str]]:
    """KEY=VALUE settings as (plain, secret).

    Raises:
        HubError: one that is misspelt or unknown.
    """
    plain: dict[str, str] = {}
    hidden: dict[str, str] = {}
    for one in settings:
        name, mark, value = one.partition("=")
        if not mark:
            raise HubError(Reason.FIELD_TYPE, f"--set {name}: KEY=VALUE is wanted")
        if name in secrets:
            hidden[name] = value
        elif name in options:
            plain[name] = value
        else:
            known = sorted([*options, *secrets])
            raise HubError(Reason.FIELD_UNKNOWN, f"no setting {name!r}; there are {known}")
    return plain, hidden


def _tables(told: list[str]) -> dict[str, dict[str, Any]]:
    tables: dict[str, dict[str, Any]] = {}
    for one in told:
        place, mark, value = one.partition("=")
        name, dot, key = place.partition(".")
        if not (mark and dot):
            raise HubError(Reason.FIELD_TYPE, "--table: TABLE.KEY=VALUE is wanted")
        tables.setdefault(name, {})[key] = value
    return tables


def shown(row: ConnectionRow) -> dict[str, Any]:
    """A connection as it is printed: without its secrets."""
    return {
        "id": row.id,
        "system": row.system,
        "namespace": row.namespace,
        "role": row.role,
        "endpoint": row.endpoint,
        "state": row.state,
        "options": row.options,
    }
