"""`hub connections enable|retire|history|diff|rollback`: the life of a connection, its versions."""

from typing import Annotated, Any

import typer
from msgspec import to_builtins

from hub import output
from hub.commands.connections import Actor, AsJson, said_by, shown
from hub.commands.opened import opened
from sync import connection_history, wishes
from sync.connection_documents import Difference
from sync.whatif import promoting
from sync.whatif.promoting import Promoted

Id = Annotated[str, typer.Argument(metavar="ID")]
Seen = Annotated[int | None, typer.Option("--seen", help="Từ chối nếu đã có phiên bản khác.")]
Why = Annotated[str, typer.Option("--reason", help="Vì sao, để lưu vào lịch sử.")]
LABELS = {"secrets": "bí mật", "set": "đã đặt", "missing": "còn thiếu", "another value": "đã đổi"}


def register(app: typer.Typer) -> None:
    """Add the commands to those of the connections."""
    app.command()(enable)
    app.command()(retire)
    app.command()(history)
    app.command()(diff)
    app.command()(rollback)


def enable(
    connection_id: Id, reason: Why = "đưa vào hoạt động", actor: Actor = "", seen: Seen = None
) -> None:
    """Đưa một kết nối vào hoạt động / let a connection begin."""
    with opened() as context:
        wishes.enable(context, connection_id, said_by(actor, reason, seen))


def retire(
    connection_id: Id,
    reason: Annotated[str, typer.Option("--reason", help="Vì sao, để lưu vào lịch sử.")],
    actor: Actor = "",
    seen: Seen = None,
) -> None:
    """Ngừng hẳn một kết nối; dữ liệu vẫn còn / end a connection for good; what it brought stays."""
    with opened() as context:
        wishes.retire(context, connection_id, said_by(actor, reason, seen))


def history(connection_id: Id, as_json: AsJson = False) -> None:
    """Các phiên bản cấu hình / who changed what, when and why."""
    with opened() as context:
        steps = connection_history.history(context, connection_id)
        promoted = promoting.reports(context, connection_id)
    told: list[dict[str, Any]] = [
        {
            "version": step.version.version,
            "at": step.version.at,
            "actor": step.version.author,
            "reason": step.version.reason,
            "mapping_version": step.version.mapping_version,
            "fields": [one.field for one in step.changes],
            "report": _report(promoted.get(step.version.version)),
        }
        for step in steps
    ]
    if not as_json:
        told = [_line(one) for one in told]
    output.show(told, as_json=as_json, title="Phiên bản")


def _line(told: dict[str, Any]) -> dict[str, Any]:
    """As a person reads it: what the reason is here is a sentence, and no code of the list."""
    return {
        "phiên bản": told["version"],
        "at": told["at"],
        "người đổi": told["actor"],
        "why": told["reason"],
        "ánh xạ": told["mapping_version"],
        "đổi": ", ".join(told["fields"]),
        "báo cáo": told["report"]["vi"] if told["report"] else "",
    }


def _report(found: Promoted | None) -> dict[str, Any] | None:
    """What was foreseen of a version, and how far its replay is."""
    return to_builtins(found) if found is not None else None


def diff(
    connection_id: Id,
    first: Annotated[int | None, typer.Argument(metavar="[A]")] = None,
    second: Annotated[int | None, typer.Argument(metavar="[B]")] = None,
    as_json: AsJson = False,
) -> None:
    """So hai phiên bản, từng trường / two versions, field by field."""
    with opened() as context:
        old, new, found = connection_history.compare(context, connection_id, first, second)
    if as_json:
        output.show({"from": old, "to": new, "fields": found}, as_json=True)
        return
    output.show(lines_of(found), as_json=False, title=f"{connection_id}: {old} → {new}")


def lines_of(found: list[Difference]) -> list[dict[str, str]]:
    """Differences as a person reads them."""
    return [
        {"field": one.field, "trước": _said(one, one.before), "sau": _said(one, one.after)}
        for one in found
    ]


def _said(one: Difference, value: Any) -> str:
    if one.field.startswith("secrets.") and isinstance(value, str):
        return LABELS.get(value, value)
    return "–" if value is None else output.cell(value)


def rollback(
    connection_id: Id,
    version: Annotated[int, typer.Argument(metavar="VERSION")],
    reason: Annotated[str, typer.Option("--reason", help="Vì sao, để lưu vào lịch sử.")],
    actor: Actor = "",
    seen: Seen = None,
    as_json: AsJson = False,
) -> None:
    """Quay lại cấu hình của một phiên bản / configure it as a version of it was."""
    with opened() as context:
        by = said_by(actor, reason, seen)
        row = connection_history.roll_back(context, connection_id, version, by)
    output.show(shown(row), as_json=as_json)
