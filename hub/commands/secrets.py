"""`hub connections secret` and `hub secrets rotate`: what is set and never shown."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from canonical import clock
from canonical.errors import HubError
from canonical.reasons import Reason
from hub import output
from hub.commands.connections import Actor, AsJson, said_by, shown
from hub.commands.opened import opened
from hub.progress import counting
from store import kept_keys
from sync import secret_renewal

app = typer.Typer(help="Khóa bí mật của trục.", no_args_is_help=True)


def register(connections: typer.Typer) -> None:
    """Add the command to those of the connections."""
    connections.command()(secret)


def secret(
    connection_id: Annotated[str, typer.Argument(metavar="ID")],
    name: Annotated[str, typer.Argument(metavar="NAME")],
    file: Annotated[
        Path | None, typer.Option("--file", help="Đọc giá trị từ tệp; mặc định là từ stdin.")
    ] = None,
    expires: Annotated[str, typer.Option("--expires", help="Ngày hết hạn, yyyy-mm-dd.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Vì sao, để lưu vào lịch sử.")] = "",
    actor: Actor = "",
    as_json: AsJson = False,
) -> None:
    """Đặt một bí mật từ stdin hoặc tệp, không bao giờ hiện lại / set a secret, never shown."""
    until = _day(expires) if expires else None
    value = _read(file)
    with opened() as context:
        by = said_by(actor, reason or f"đặt bí mật {name}")
        row = secret_renewal.set_secret(context, connection_id, name, value, by, until)
    output.show(shown(row), as_json=as_json)


def _read(file: Path | None) -> str:
    """One value; the line end that an editor or echo put after it is none of it."""
    try:
        if file is not None:
            return file.read_text("utf-8").rstrip("\r\n")
        if sys.stdin.isatty():
            output.say("Nhập giá trị rồi Ctrl-D / type the value, then Ctrl-D")
        return sys.stdin.read().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise HubError(Reason.NOT_FOUND, "the value cannot be read") from error


def _day(text: str) -> datetime:
    try:
        return clock.local(datetime.fromisoformat(text))
    except ValueError as error:
        raise HubError(Reason.DATE_INVALID, f"{text!r} is no date") from error


@app.command()
def rotate(as_json: AsJson = False) -> None:
    """Mã hóa lại mọi thứ bằng khóa mới nhất / put everything sealed under the newest key."""
    with opened() as context, counting("rotate", quiet=as_json) as bar:
        context.store.in_write(lambda tx: kept_keys.keep(tx, context.vault))
        total = kept_keys.count_sealed(context.store)
        done = kept_keys.reseal(
            context.store,
            context.vault,
            None if bar is None else lambda number: bar(number, total),
        )
    output.show(done, as_json=as_json)
