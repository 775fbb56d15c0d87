"""`hub connections drift`: what has changed in what a department sends, and taking it as known."""

from typing import Annotated

import typer

from hub import output
from hub.commands.connections import Actor, AsJson, said_by
from hub.commands.opened import opened
from sync import drift as drifting
from sync.drift import DriftShown

KINDS = {
    "new": "trường mới",
    "lost": "mất trường",
    "renamed": "đổi tên",
    "retyped": "đổi kiểu",
    "value": "giá trị mới",
    "date_form": "đổi dạng ngày",
    "contract": "đổi hợp đồng",
}
ENDS = {"accepted": "đã chấp nhận", "gone": "nguồn đã như cũ", "mapped": "ánh xạ đã biết"}


def register(app: typer.Typer) -> None:
    """Add the command to those of the connections."""
    app.command()(drift)


def drift(
    connection_id: Annotated[str, typer.Argument(metavar="ID")],
    accept: Annotated[
        bool, typer.Option("--accept", help="Coi dạng mới là đã biết; tắt cảnh báo.")
    ] = False,
    only: Annotated[
        list[int] | None, typer.Option("--only", metavar="SỐ", help="Chỉ những thay đổi này.")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="Vì sao chấp nhận.")] = "",
    actor: Actor = "",
    past: Annotated[bool, typer.Option("--past", help="Kèm những thay đổi đã xong.")] = False,
    shapes: Annotated[bool, typer.Option("--shapes", help="Kèm dạng đã biết.")] = False,
    as_json: AsJson = False,
) -> None:
    """Dữ liệu của sở đã khác trước chỗ nào / how a department's records have changed."""
    with opened() as context:
        if accept:
            by = said_by(actor, reason)
            done = drifting.accept(context, connection_id, by, only)
            if not as_json:
                output.show(_lines(done), as_json=False, title="Đã chấp nhận")
        told = drifting.drift_of(context, connection_id, with_past=past, with_shapes=shapes)
    if as_json:
        output.show(told, as_json=True)
    else:
        _print(told)
    if told.findings and not accept:
        raise typer.Exit(output.FOUND_WRONG)


def _print(told: drifting.Drifting) -> None:
    output.show(_lines(told.findings), as_json=False, title=f"{told.connection}: thay đổi")
    for one in told.findings:
        output.say(f"{one.id}: {one.vi}\n   {one.en}")
    if told.past:
        output.show(_lines(told.past), as_json=False, title="Đã xong")
    for shape in told.shapes:
        output.show(
            [
                {
                    "trường": path,
                    "có mặt": f"{seen['present']}/{shape.rows}",
                    "kiểu": ", ".join(seen["kinds"]),
                    "dạng": ", ".join(seen["forms"]),
                }
                for path, seen in shape.fields.items()
            ],
            as_json=False,
            title=f"{shape.shape}, thủ tục {shape.procedure or 'tất cả'}",
        )
    if told.fingerprint:
        output.say(f"hợp đồng / contract: {told.fingerprint}")


def _lines(found: list[DriftShown]) -> list[dict[str, str]]:
    return [
        {
            "số": str(one.id),
            "thay đổi": KINDS[one.kind],
            "trường": f"{one.field} → {one.to}" if one.to else one.field,
            "dòng ánh xạ": ", ".join(one.places),
            "thủ tục": ", ".join(one.procedures),
            "từ lúc": one.since,
            "kết thúc": ENDS.get(one.ended_by or "", ""),
        }
        for one in found
    ]
