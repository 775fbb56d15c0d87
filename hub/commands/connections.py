"""`hub connections …`: the links to department systems."""

import json
import os
import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from canonical.errors import HubError
from canonical.reasons import Reason
from hub import output
from hub.commands.opened import opened
from store.connections import ConnectionRow, SecretFact
from sync import connection_edits
from sync.connecting import By
from sync.connection_edits import Change, New, Told
from sync.context import Context

app = typer.Typer(help="Các kết nối tới hệ thống của sở, ngành.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="In một tài liệu JSON.")]
Sets = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE")]
Tables = Annotated[
    list[str] | None, typer.Option("--table", metavar="TABLE.KEY=VALUE", help="Thêm mã ánh xạ.")
]
Declaration = Annotated[
    Path | None, typer.Option("--declaration", help="Tệp khai báo (TOML, JSON) của hệ thống.")
]
Files = Annotated[
    list[Path] | None, typer.Option("--file", help="Tệp hợp đồng mà khai báo nêu tên.")
]
Overlay = Annotated[
    Path | None, typer.Option("--overlay", help="Tệp phủ lên bảng ánh xạ (TOML, JSON).")
]
Reason_ = Annotated[str, typer.Option("--reason", help="Vì sao, để lưu vào lịch sử.")]
Actor = Annotated[str, typer.Option("--actor", help="Ai thay đổi; mặc định là người dùng máy.")]


@app.command()
def add(
    connection_id: Annotated[str, typer.Argument(metavar="ID")],
    system: Annotated[
        str,
        typer.Option(help="Một thư mục của adapters/; hoặc soap, rest, file kèm --declaration."),
    ],
    namespace: Annotated[str, typer.Option(help="Không gian mã riêng; mặc định là ID.")] = "",
    endpoint: Annotated[str, typer.Option(help="Địa chỉ hoặc thư mục của hệ thống.")] = "",
    agency: Annotated[str, typer.Option(help="Ghi cơ quan này vào danh mục.")] = "",
    role: Annotated[
        str, typer.Option(help="desk | handling | money; mặc định theo hệ thống.")
    ] = "",
    settings: Sets = None,
    tables: Tables = None,
    declaration: Declaration = None,
    files: Files = None,
    overlay: Overlay = None,
    draft: Annotated[
        bool, typer.Option("--draft", help="Chưa bật: không hỏi, cửa chưa nhận.")
    ] = False,
    reason: Reason_ = "",
    actor: Actor = "",
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
            told=read_told(declaration, files, overlay),
            is_draft=draft,
            by=said_by(actor, reason or "thêm kết nối"),
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
    told: Told | None = None,
    is_draft: bool = False,
    by: By | None = None,
) -> ConnectionRow:
    """Add a connection to the store; a declared one begins as a draft.

    Raises:
        HubError: an id that is taken or misspelt, a system or setting that does not exist.
    """
    wish = New(
        id=connection_id,
        system=system,
        namespace=namespace,
        endpoint=endpoint,
        agency=agency,
        role=role,
        settings=pairs(settings),
        tables=as_tables(tables),
        told=told or Told(),
        is_draft=is_draft,
    )
    return connection_edits.make(context, wish, by or said_by("", "thêm kết nối"))


@app.command()
def change(
    connection_id: Annotated[str, typer.Argument(metavar="ID")],
    endpoint: Annotated[str | None, typer.Option(help="Địa chỉ mới.")] = None,
    role: Annotated[str | None, typer.Option(help="Vai mới, khi chưa nhận gì.")] = None,
    settings: Sets = None,
    tables: Tables = None,
    declaration: Declaration = None,
    files: Files = None,
    overlay: Overlay = None,
    seen: Annotated[
        int | None, typer.Option("--seen", help="Từ chối nếu đã có phiên bản khác.")
    ] = None,
    reason: Reason_ = "",
    actor: Actor = "",
    as_json: AsJson = False,
) -> None:
    """Sửa địa chỉ, thiết lập, mã ánh xạ / change an address, settings, code tables."""
    with opened() as context:
        row = alter(
            context,
            connection_id,
            endpoint,
            settings or [],
            tables or [],
            role=role,
            told=read_told(declaration, files, overlay),
            by=said_by(actor, reason or "sửa kết nối", seen),
        )
        output.show(shown(row), as_json=as_json)


def alter(
    context: Context,
    connection_id: str,
    endpoint: str | None,
    settings: list[str],
    tables: list[str],
    *,
    role: str | None = None,
    told: Told | None = None,
    by: By | None = None,
) -> ConnectionRow:
    """Change a connection; what is not named stays. New code tables are a new mapping version.

    Raises:
        HubError: no such connection or setting.
    """
    wish = Change(
        endpoint=endpoint,
        role=role,
        settings=pairs(settings),
        tables=as_tables(tables),
        told=told or Told(),
    )
    return connection_edits.mend(context, connection_id, wish, by or said_by("", "sửa kết nối"))


def read_told(
    declaration: Path | None, files: list[Path] | None, overlay: Path | None
) -> Told | None:
    """What is told in files; None where nothing is.

    Raises:
        HubError: a file that cannot be read.
    """
    if declaration is None and not files and overlay is None:
        return None
    return Told(
        declaration=read_document(declaration) if declaration is not None else None,
        files={path.name: _bytes(path) for path in files or []},
        overlay=read_document(overlay) if overlay is not None else None,
    )


def read_document(path: Path) -> dict[str, Any]:
    """A TOML or JSON file as data. Raises HubError where it is neither."""
    raw = _bytes(path)
    try:
        text = raw.decode("utf-8-sig")
        told = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except ValueError as error:
        raise HubError(Reason.BODY_MALFORMED, f"{path.name}: {error}") from error
    if not isinstance(told, dict):
        raise HubError(Reason.BODY_MALFORMED, f"{path.name}: an object is wanted")
    return told


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise HubError(Reason.NOT_FOUND, f"{path}: {error.strerror}") from error


def said_by(actor: str, reason: str, seen: int | None = None) -> By:
    """Who changes something by a command."""
    return By(actor or os.environ.get("USER") or "hub", reason, seen)


def pairs(settings: list[str]) -> dict[str, str]:
    """KEY=VALUE settings by name. Raises HubError for one that is misspelt."""
    told = {}
    for one in settings:
        name, mark, value = one.partition("=")
        if not mark:
            raise HubError(Reason.FIELD_TYPE, f"--set {name}: KEY=VALUE is wanted")
        told[name] = value
    return told


def split_settings(
    settings: list[str], options: dict[str, str], secrets: list[str]
) -> tuple[dict[str, str], dict[str, str]]:
    """KEY=VALUE settings as (plain, secret).

    Raises:
        HubError: one that is misspelt or unknown.
    """
    return connection_edits.sorted_out(pairs(settings), options, secrets)


def as_tables(told: list[str]) -> dict[str, dict[str, Any]]:
    """TABLE.KEY=VALUE entries by table. Raises HubError for one that is misspelt."""
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
        "version": row.version,
        "options": row.options,
        "secrets": {name: _secret(fact) for name, fact in sorted(row.secret_facts.items())},
    }


def _secret(fact: SecretFact) -> str:
    """Whether a secret is there, and until when; never itself."""
    if not fact.digest:
        return "missing"
    return f"set, expires {fact.expires_at}" if fact.expires_at else "set"
