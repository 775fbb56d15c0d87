"""`hub quarantine …`: what was refused, and why."""

from typing import Annotated

import msgspec
import typer

from canonical.errors import HubError
from canonical.reasons import Reason, sentence
from hub import output
from hub.commands.opened import opened
from store import intake, quarantine
from sync.resolve import resolve_as_new

app = typer.Typer(help="Khu cách ly: bản ghi không nhận được.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="In một tài liệu JSON.")]


@app.command("list")
def list_all(
    connection: Annotated[str | None, typer.Option(help="Chỉ kết nối này.")] = None,
    as_json: AsJson = False,
) -> None:
    """Liệt kê theo nguyên nhân / list by cause."""
    with opened() as context, context.store.read() as tx:
        rows = quarantine.list_quarantine(tx, connection)
    told = [msgspec.structs.asdict(row) for row in rows]
    if not as_json:
        told = [{**one, "why": sentence(Reason(one["reason"]))} for one in told]
    output.show(told, as_json=as_json, title="Khu cách ly")


@app.command()
def show(
    record_id: Annotated[int, typer.Argument(metavar="ID")],
    raw: Annotated[bool, typer.Option("--raw", help="Kèm nội dung gốc (dữ liệu cá nhân).")] = False,
    as_json: AsJson = False,
) -> None:
    """Một bản ghi bị cách ly, lý do bằng hai thứ tiếng / one record and why."""
    with opened() as context, context.store.read() as tx:
        row = quarantine.load_quarantined(tx, record_id)
        if row is None:
            raise HubError(Reason.NOT_FOUND, f"no quarantined record {record_id}")
        told = {
            "id": row.id,
            "connection": row.connection,
            "code": row.code,
            "reason": row.reason,
            "field": row.field,
            "vi": sentence(Reason(row.reason)),
            "en": sentence(Reason(row.reason), "en"),
            "receipt": row.receipt,
            "position": row.position,
            "shape": row.shape,
        }
        if raw:
            found = intake.load_raw(tx, context.vault, row.digest)
            told["raw"] = found.decode("utf-8", "backslashreplace")
    output.show(told, as_json=as_json)


@app.command()
def resolve(
    record_id: Annotated[int, typer.Argument(metavar="ID")],
    as_new: Annotated[bool, typer.Option("--as-new", help="Mã dùng lại: mở hồ sơ mới.")],
    reason: Annotated[str, typer.Option(help="Vì sao; được lưu lại.")],
    actor: Annotated[str, typer.Option(help="Ai quyết định.")] = "cli",
    as_json: AsJson = False,
) -> None:
    """Quyết định của người về một bản ghi / settle a record by hand."""
    if not as_new:
        raise HubError(Reason.FIELD_MISSING, "--as-new is the one way to settle a record by hand")
    with opened() as context:
        outcome = resolve_as_new(context, record_id, actor, reason)
    output.show(outcome, as_json=as_json)
