"""`hub staff …`: who may sign in to the console."""

from typing import Annotated

import typer

from hub import output
from hub.commands.opened import opened
from store import staff as accounts
from sync import staff

app = typer.Typer(help="Tài khoản của màn hình điều hành / accounts of the console.")
AsJson = Annotated[bool, typer.Option("--json", help="In một tài liệu JSON.")]


@app.command()
def add(
    name: str,
    role: Annotated[str, typer.Option(help="administrator | operator | viewer")],
    agency: Annotated[
        list[str] | None, typer.Option(help="Chỉ hồ sơ của các cơ quan này và cấp dưới.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tạo tài khoản; mật khẩu dùng một lần chỉ hiện một lần / add one, its password shown once."""
    with opened() as context:
        made = staff.add(context, name, role, agency or [])
    output.show(made, as_json=as_json)


@app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """Liệt kê tài khoản / list accounts."""
    with opened() as context, context.store.read() as tx:
        rows = accounts.list_members(tx)
    shown = [
        {
            "name": row.name,
            "role": row.role,
            "agencies": sorted(row.agencies),
            "state": _state(row),
            "created_at": row.created_at,
        }
        for row in rows
    ]
    output.show(shown, as_json=as_json, title="Tài khoản màn hình điều hành")


@app.command()
def reset(name: str, as_json: AsJson = False) -> None:
    """Cấp lại mật khẩu dùng một lần; tài khoản đã khóa được mở / a new one-time password."""
    with opened() as context:
        made = staff.reset(context, name)
    output.show(made, as_json=as_json)


@app.command()
def disable(name: str) -> None:
    """Khóa tài khoản ngay / let somebody in no more, at once."""
    with opened() as context:
        staff.disable(context, name)


def _state(row: accounts.Member) -> str:
    if row.disabled_at is not None:
        return "disabled"
    return "new" if row.must_change else "active"
