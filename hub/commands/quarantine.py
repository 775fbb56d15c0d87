"""`hub quarantine …`: what was refused, why, and what is done about it."""

import sys
from typing import Annotated, Any

import typer
from msgspec import structs

from canonical.errors import HubError
from canonical.reasons import Reason, sentence
from hub import output
from hub.commands.opened import opened
from store import connections, intake, quarantine
from store.quarantine import Chosen, QuarantinedRecord
from sync.context import Context
from sync.resolve import resolve_as_new

app = typer.Typer(help="Khu cách ly: bản ghi không nhận được.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="In một tài liệu JSON.")]


@app.command("list")
def list_all(
    connection: Annotated[str | None, typer.Option(help="Chỉ kết nối này.")] = None,
    by_cause: Annotated[
        bool, typer.Option("--by-cause", help="Gộp mọi mã hồ sơ theo nguyên nhân.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Liệt kê theo nguyên nhân / list by cause."""
    with opened() as context:
        with context.store.read() as tx:
            rows: Any = (
                quarantine.list_causes(tx, connection)
                if by_cause
                else quarantine.list_quarantine(tx, connection)
            )
        owners = _owners(context)
    told = [structs.asdict(row) | {"owner": owners.get(row.connection)} for row in rows]
    if not as_json:
        told = [{**one, "why": sentence(Reason(one["reason"]))} for one in told]
    output.show(told, as_json=as_json, title="Khu cách ly")


def _owners(context: Context) -> dict[str, str]:
    """Connection -> whom to ring; nobody is known where a system's folder was removed."""
    with context.store.read() as tx:
        rows = connections.list_connections(tx)
    return {row.id: context.system_of(row).manifest.owner for row in rows if context.knows(row)}


@app.command()
def show(
    record_id: Annotated[int, typer.Argument(metavar="ID")],
    raw: Annotated[
        bool, typer.Option("--raw", help="Kèm bản ghi gốc, đánh dấu trường sai (dữ liệu cá nhân).")
    ] = False,
    body: Annotated[
        bool, typer.Option("--body", help="Kèm toàn bộ nội dung đã nhận (dữ liệu cá nhân).")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Một bản ghi bị cách ly, lý do bằng hai thứ tiếng / one record and why."""
    from sync import excerpt, shapes

    cut: excerpt.Excerpt | None = None
    with opened() as context:
        with context.store.read() as tx:
            row = quarantine.load_quarantined(tx, record_id)
            if row is None:
                raise HubError(Reason.NOT_FOUND, f"no quarantined record {record_id}")
            found = intake.load_raw(tx, context.vault, row.digest) if raw or body else b""
            held = connections.load_connection(tx, row.connection)
            receipt = intake.load_receipt(tx, row.receipt_id)
            kept = connections.load_mapping(tx, row.connection, receipt.mapping_version)
        told = _told(row, _owners(context).get(row.connection))
        if raw and not body and held is not None and context.knows(held):
            name = shapes.told(row.shape).name
            system = context.system_of(held)
            cut = excerpt.cut(system, kept["document"], name, found, row.position, row.field)
    if cut is not None:
        told |= {"raw": cut.text, "raw_of": "record" if cut.is_record else "body"}
        told["marked"] = list(cut.names)
    elif raw or body:
        told |= {"raw": found.decode("utf-8", "backslashreplace"), "raw_of": "body"}
    if as_json or cut is None:
        output.show(told, as_json=as_json)
        return
    output.show({k: v for k, v in told.items() if k not in ("raw", "marked")}, as_json=False)
    for is_marked, line in excerpt.marked(cut):
        sys.stdout.write(f"{'>> ' if is_marked else '   '}{line}\n")


def _told(row: QuarantinedRecord, owner: str | None) -> dict[str, Any]:
    return {
        "id": row.id,
        "connection": row.connection,
        "owner": owner,
        "code": row.code,
        "reason": row.reason,
        "field": row.field,
        "vi": sentence(Reason(row.reason)),
        "en": sentence(Reason(row.reason), "en"),
        "receipt": row.receipt,
        "position": row.position,
        "shape": row.shape,
        "resolved_by": row.resolved_by,
    }


@app.command()
def replay(
    record_ids: Annotated[list[int] | None, typer.Argument(metavar="ID…")] = None,
    connection: Annotated[str | None, typer.Option(help="Mọi bản ghi của kết nối này.")] = None,
    reason: Annotated[str | None, typer.Option(help="Mọi bản ghi có mã lý do này.")] = None,
    field: Annotated[str | None, typer.Option(help="Mọi bản ghi sai ở trường này.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Toàn bộ khu cách ly.")] = False,
    why: Annotated[str, typer.Option(help="Đã sửa gì; được lưu lại.")] = "",
    actor: Annotated[str, typer.Option(help="Ai quyết định.")] = "cli",
    as_json: AsJson = False,
) -> None:
    """Xử lý lại sau khi đã sửa / take records up again after a fix. Exit 1: some are still bad."""
    from hub.progress import counting
    from sync import quarantine_replay

    narrowed = [record_ids, connection, reason, field]
    if not any(narrowed) and not everything:
        raise HubError(
            Reason.FIELD_MISSING, "say which: ids, --connection, --reason, --field or --all"
        )
    if everything and any(narrowed):
        raise HubError(Reason.CONFLICT, "--all is everything: it goes with nothing else")
    if reason is not None and reason not in list(Reason):
        raise HubError(Reason.FIELD_TYPE, f"{reason!r} is no reason code")
    chosen = Chosen(connection, reason, field, tuple(record_ids) if record_ids else None)
    with opened() as context, counting("quarantine", quiet=as_json) as progress:
        summaries = quarantine_replay.replay(
            context, chosen, quarantine_replay.Why(actor, why), progress
        )
    told = [_summed(one) for one in summaries]
    output.show(told, as_json=as_json, title="Xử lý lại")
    if any(one.still for one in summaries):
        raise typer.Exit(output.FOUND_WRONG)


def _summed(one: Any) -> dict[str, Any]:
    still = [
        {"reason": reason, "field": field, "count": count}
        for (reason, field), count in one.still.most_common()
    ]
    return {
        "connection": one.connection,
        "tried": one.tried,
        "applied": one.applied,
        "superseded": one.superseded,
        "duplicate": one.duplicate,
        "still": still,
    }


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
