"""`hub alarms list`: what a person must look at, one line while it lasts."""

from typing import Annotated

import typer
from msgspec import structs

from hub import output
from hub.commands.opened import opened
from store import alarms

app = typer.Typer(help="Cảnh báo: việc cần người xem.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Cảnh báo / alarms."""


@app.command("list")
def list_all(
    past: Annotated[bool, typer.Option("--past", help="Cả những cảnh báo đã hết.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="In một tài liệu JSON.")] = False,
) -> None:
    """Liệt kê các cảnh báo / list alarms."""
    with opened() as context, context.store.read() as tx:
        rows = alarms.list_alarms(tx, with_past=past)
    output.show([structs.asdict(row) for row in rows], as_json=as_json, title="Cảnh báo")
