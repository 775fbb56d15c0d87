"""`hub connections export|apply`: connections as one file that can be compared."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from msgspec import to_builtins

from canonical.errors import HubError
from canonical.reasons import Reason
from hub import output
from hub.commands.connection_life import lines_of
from hub.commands.connections import Actor, AsJson, said_by
from hub.commands.opened import opened
from sync import connection_exports
from sync.connection_exports import Step

ACTS = {"create": "thêm", "change": "sửa", "nothing": "giữ nguyên"}


def register(app: typer.Typer) -> None:
    """Add the commands to those of the connections."""
    app.command()(export)
    app.command()(apply)


def export(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]…")] = None,
) -> None:
    """Xuất các kết nối ra TOML; không có bí mật / connections as TOML, without any secret."""
    with opened() as context:
        text = connection_exports.export(context, ids or [])
    sys.stdout.write(text)


def apply(
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    only_plan: Annotated[bool, typer.Option("--plan", help="Chỉ in việc sẽ làm.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Không hỏi lại.")] = False,
    reason: Annotated[str, typer.Option("--reason", help="Vì sao, để lưu vào lịch sử.")] = "",
    actor: Actor = "",
    as_json: AsJson = False,
) -> None:
    """Đưa một tệp vào: in việc sẽ làm rồi làm tất cả hoặc không làm gì / take a file, whole."""
    try:
        told = connection_exports.read(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise HubError(Reason.NOT_FOUND, f"{file}: cannot be read") from error
    with opened() as context:
        steps = connection_exports.plan(context, told)
        if not as_json:
            _print(steps)
        is_news = any(step.act != "nothing" for step in steps)
        is_done = is_news and not only_plan
        if is_done:
            if not yes:
                typer.confirm("Thực hiện? / go on?", abort=True, err=True)
            by = said_by(actor, reason or f"hub connections apply {file.name}")
            seen = {step.connection: step.seen for step in steps}
            steps = connection_exports.apply(context, told, by, seen)
    if as_json:
        plain: list[dict[str, Any]] = [to_builtins(step) for step in steps]
        output.show({"applied": is_done, "connections": plain}, as_json=True)
    for step in steps:
        for name in step.missing:
            output.say(
                f"còn thiếu bí mật / missing: hub connections secret {step.connection} {name}"
            )


def _print(steps: list[Step]) -> None:
    for step in steps:
        title = f"{step.connection}: {ACTS[step.act]} / {step.act}"
        if step.changes:
            output.show(lines_of(step.changes), as_json=False, title=title)
        else:
            output.say(title)
