"""`hub connections coverage|preview-change`: what a mapping covers, and what a change would do."""

from typing import Any

import typer

from hub import output
from hub.commands.connection_life import Id
from hub.commands.connections import AsJson
from hub.commands.opened import opened
from hub.progress import counting
from sync import coverage
from sync.coverage import Coverage


def register(app: typer.Typer) -> None:
    """Add the commands to those of the connections."""
    app.command("coverage")(cover)


def cover(connection_id: Id, as_json: AsJson = False) -> None:
    """Mọi giá trị có đích chưa? Mã 1: còn thiếu / does every value have a target? Exit 1: not."""
    with opened() as context, counting("biên nhận", quiet=as_json) as progress:
        found = coverage.of(context, connection_id, progress)
    if as_json:
        output.show(found, as_json=True)
    else:
        _print(found)
    if not found.ok:
        raise typer.Exit(output.FOUND_WRONG)


def _print(found: Coverage) -> None:
    rows: list[dict[str, Any]] = [
        {
            "field": one.field,
            "bảng": one.rule,
            "giá trị": one.values,
            "có đích": one.mapped,
            "nêu tên": one.refused,
            "còn thiếu": one.uncovered,
        }
        for one in found.fields
    ]
    output.show(rows, as_json=False, title=f"{found.connection}: các trường mã")
    missing = [
        {
            "bảng": one.rule,
            "giá trị": one.value,
            "hồ sơ": one.dossiers,
            "còn cách ly": one.outside,
            "text": one.vi,
        }
        for one in found.uncovered
    ]
    if missing:
        output.show(missing, as_json=False, title="Chưa ánh xạ, chưa nêu tên")
    output.say(found.vi)
