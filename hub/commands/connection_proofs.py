"""`hub connections coverage|preview-change|promote|replay`: a mapping proved before it is live."""

from pathlib import Path
from typing import Annotated, Any

import typer
from msgspec import to_builtins

from canonical.errors import HubError
from canonical.reasons import Reason
from hub import output
from hub.commands.connection_life import Id
from hub.commands.connections import (
    Actor,
    AsJson,
    Declaration,
    Files,
    Overlay,
    Reason_,
    Tables,
    as_tables,
    read_told,
    said_by,
    shown,
)
from hub.commands.opened import opened
from hub.progress import counting, counting_once_told
from store.connections import load_connection
from sync import coverage, promotion_replay
from sync.coverage import Coverage
from sync.whatif import promoting
from sync.whatif.candidate import Candidate
from sync.whatif.report import WhatIf
from sync.whatif.shadow import preview

_KINDS = {"changed": "đổi", "appears": "xuất hiện", "goes": "mất đi"}
_MOST_SHOWN = 50


def register(app: typer.Typer) -> None:
    """Add the commands to those of the connections."""
    app.command("coverage")(cover)
    app.command("preview-change")(preview_change)
    app.command()(promote)
    app.command()(replay)


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


def preview_change(
    connection_id: Id,
    overlay: Overlay = None,
    tables: Tables = None,
    declaration: Declaration = None,
    files: Files = None,
    report: Annotated[
        Path | None, typer.Option("--report", help="Ghi báo cáo vào tệp này, để đưa vào áp dụng.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Đổi ánh xạ thì hồ sơ, chỉ tiêu nào đổi? / what a change of the mapping would change."""
    told = read_told(declaration, files, overlay)
    with opened() as context:
        own = None
        if tables:
            with context.store.read() as tx:
                held = load_connection(tx, connection_id)
            own = {n: dict(codes) for n, codes in held.tables.items()} if held is not None else {}
            for name, codes in as_tables(tables).items():
                own.setdefault(name, {}).update(codes)
        if told is None and own is None:
            raise HubError(Reason.FIELD_MISSING, "--overlay, --table or --declaration: one of them")
        candidate = Candidate(
            told.overlay if told is not None else None,
            own,
            told.declaration if told is not None else None,
            told.files if told is not None else {},
        )
        with counting_once_told("biên nhận", quiet=as_json) as progress:
            found = preview(context, connection_id, candidate, progress)
        sealed = promoting.seal(context, found)
    if report is not None:
        _write(report, sealed)
    if as_json:
        output.show(sealed, as_json=True)
    else:
        _print_what_if(found)


def _write(path: Path, sealed: promoting.Sealed) -> None:
    try:
        path.write_bytes(promoting.encoded(sealed))
    except OSError as error:
        raise HubError(Reason.NOT_FOUND, f"{path}: {error.strerror}") from error


def _print_what_if(found: WhatIf) -> None:
    changed: list[dict[str, Any]] = [
        {
            "hồ sơ": ", ".join(one.codes),
            "thay đổi": _KINDS[one.kind],
            "trường": "; ".join(
                f"{f.field}: {output.cell(f.before)} → {output.cell(f.after)}" for f in one.fields
            ),
        }
        for one in found.dossiers[:_MOST_SHOWN]
    ]
    if changed:
        output.show(changed, as_json=False, title=f"{found.changed} hồ sơ đổi")
    ends: list[dict[str, Any]] = [
        {"kết quả": way, "bản ghi": count} for way, count in found.outcomes.items()
    ]
    if ends:
        output.show(ends, as_json=False, title="Bản ghi đổi kết quả")
    figures: list[dict[str, Any]] = [
        {
            "agency": one.agency,
            "năm": one.start.year,
            "trước": _figures(one.before),
            "sau": _figures(one.after),
        }
        for one in found.figures
    ]
    if figures:
        output.show(figures, as_json=False, title="Chỉ tiêu trước và sau")
    output.say(found.vi)


def _figures(told: Any) -> str:
    buckets = ", ".join(f"{name} {count}" for name, count in told.buckets.items() if count)
    return f"{told.total} ({buckets}); giải quyết {told.resolved}; tồn đầu {told.carried_over}"


def promote(
    connection_id: Id,
    report: Annotated[Path, typer.Argument(metavar="REPORT")],
    files: Files = None,
    reason: Reason_ = "",
    actor: Actor = "",
    as_json: AsJson = False,
) -> None:
    """Áp dụng đúng bản đã xem trước / put into force exactly what was previewed."""
    try:
        told = report.read_bytes()
        own = {path.name: path.read_bytes() for path in files or []}
    except OSError as error:
        raise HubError(Reason.NOT_FOUND, f"{report}: {error.strerror}") from error
    with opened() as context:
        by = said_by(actor, reason or "áp dụng ánh xạ đã xem trước")
        row = promoting.promote(context, connection_id, told, by, own)
    output.show(shown(row), as_json=as_json)


def replay(
    connection_id: Id,
    is_paused: Annotated[bool, typer.Option("--pause", help="Tạm dừng.")] = False,
    is_resumed: Annotated[bool, typer.Option("--resume", help="Chạy tiếp.")] = False,
    status: Annotated[bool, typer.Option("--status", help="Chỉ xem.")] = False,
    reason: Reason_ = "",
    actor: Actor = "",
    as_json: AsJson = False,
) -> None:
    """Xử lý lại phần cách ly theo ánh xạ vừa áp dụng / take up what a promotion lets in."""
    if is_paused + is_resumed + status > 1:
        raise HubError(Reason.FIELD_TYPE, "--pause, --resume, --status: one of them")
    with opened() as context:
        if is_paused:
            row = promotion_replay.pause(context, connection_id)
        elif is_resumed:
            row = promotion_replay.resume(context, connection_id)
        elif status:
            row = promotion_replay.standing(context, connection_id)
        else:
            by = said_by(actor, reason or "xử lý lại theo ánh xạ mới")
            row = promotion_replay.begin(context, connection_id, by)
    told = to_builtins(row)
    if not as_json:  # a sentence of a person, and no code of the list
        told["why"] = told.pop("reason")
    output.show(told, as_json=as_json)
