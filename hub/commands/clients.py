"""`hub clients …`: who may use the doors."""

from datetime import datetime, timedelta
from typing import Annotated

import typer

from canonical import clock
from canonical.codes import agency_code
from canonical.errors import HubError
from canonical.reasons import Reason
from hub import output
from hub.commands.opened import opened
from store import clients, connections
from store.clients import Credentials
from sync.context import Context

app = typer.Typer(help="Tài khoản máy được dùng các cửa.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="In một tài liệu JSON.")]


@app.command()
def add(
    name: str,
    scope: Annotated[list[str], typer.Option(help="push | read | indicators | admin")],
    connection: Annotated[list[str] | None, typer.Option(help="Kết nối được gửi.")] = None,
    agency: Annotated[list[str] | None, typer.Option(help="Chỉ các cơ quan này.")] = None,
    as_json: AsJson = False,
) -> None:
    """Tạo tài khoản; mã bí mật chỉ hiện một lần / add a client, its secret shown once."""
    with opened() as context:
        made = make(context, name, scope, connection or [], agency or [])
    output.show(made, as_json=as_json)


def make(
    context: Context, name: str, scopes: list[str], connection: list[str], agencies: list[str]
) -> Credentials:
    """Add a client to the store.

    Raises:
        HubError: a scope or connection that does not exist, a name that is taken.
    """
    for scope in scopes:
        if scope not in clients.SCOPES:
            raise HubError(Reason.FIELD_TYPE, f"no scope {scope!r}; there are {clients.SCOPES}")
    with context.store.read() as tx:
        for one in connection:
            if connections.load_connection(tx, one) is None:
                raise HubError(Reason.NOT_FOUND, f"no connection {one!r}")
        if any(held.name == name for held in clients.list_clients(tx)):
            raise HubError(Reason.CONFLICT, f"there is a client {name!r} already")
    codes = [agency_code(code) for code in agencies]
    at = clock.to_iso(context.now())
    return context.store.in_write(
        lambda tx: clients.add_client(tx, name, scopes, connection, codes, at)
    )


@app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """Liệt kê tài khoản / list clients."""
    with opened() as context, context.store.read() as tx:
        rows = clients.list_clients(tx)
    shown = [
        {
            "name": row.name,
            "client_id": row.id,
            "scopes": sorted(row.scopes),
            "connections": list(row.connections),
            "agencies": sorted(row.agencies),
        }
        for row in rows
    ]
    output.show(shown, as_json=as_json, title="Tài khoản")


@app.command("renew-secret")
def renew_secret(
    name: str,
    overlap_h: Annotated[
        float, typer.Option(min=0, help="Số giờ mã bí mật cũ còn dùng được.")
    ] = 24.0,
    expires: Annotated[str, typer.Option("--expires", help="Ngày hết hạn, yyyy-mm-dd.")] = "",
    as_json: AsJson = False,
) -> None:
    """Đổi mã bí mật; mã mới chỉ hiện một lần / a new secret, shown once; both work for a while."""
    with opened() as context:
        told = renew(context, name, overlap_h, expires)
    output.show(told, as_json=as_json)


def renew(context: Context, name: str, overlap_h: float, expires: str = "") -> Credentials:
    """Give a client a new secret; the one before is let in until the overlap is over.

    Raises:
        HubError: no such client, or no date.
    """
    try:
        until = clock.local(datetime.fromisoformat(expires)) if expires else None
    except ValueError as error:
        raise HubError(Reason.DATE_INVALID, f"{expires!r} is no date") from error
    earlier = clock.to_iso(context.now() + timedelta(hours=overlap_h))
    later = clock.to_iso(until) if until is not None else None
    made = context.store.in_write(lambda tx: clients.renew_secret(tx, name, earlier, later))
    if made is None:
        raise HubError(Reason.NOT_FOUND, f"no client {name!r}")
    return made


@app.command()
def revoke(name: str) -> None:
    """Thu hồi tài khoản ngay / revoke a client at once."""
    with opened() as context:
        at = clock.to_iso(context.now())
        if not context.store.in_write(lambda tx: clients.revoke_client(tx, name, at)):
            raise HubError(Reason.NOT_FOUND, f"no client {name!r}")
