"""`hub sync`, `hub verify`, `hub indicators`: the hub's own work, by hand."""

import asyncio
import sys
from datetime import datetime
from typing import Annotated, Any

import typer

from canonical import clock
from canonical.errors import HubError
from canonical.reasons import Reason, sentence
from hub import output
from hub.commands.opened import opened

AsJson = Annotated[bool, typer.Option("--json", help="In một tài liệu JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(sync)
    app.command()(verify)
    app.command()(indicators)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return clock.local(datetime.fromisoformat(text))
    except ValueError as error:
        raise HubError(Reason.DATE_INVALID, f"{text!r} is not a date or time") from error


def sync(
    connection_id: Annotated[str, typer.Argument(metavar="ID")],
    since: Annotated[str | None, typer.Option(help="Từ thời điểm này.")] = None,
    until: Annotated[str | None, typer.Option(help="Đến trước thời điểm này.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Lấy lại toàn bộ.")] = False,
    as_json: AsJson = False,
) -> None:
    """Hỏi một hệ thống ngay bây giờ / ask a system now."""
    from hub.progress import watching
    from sync.run import Window, sync_connection

    window = Window(_moment(since), _moment(until), is_full=full)
    with opened() as context, watching(connection_id, quiet=as_json) as progress:
        summary = asyncio.run(sync_connection(context, connection_id, window, progress=progress))
    told = {
        "connection": summary.connection,
        "pages": summary.pages,
        "records": summary.records,
        "applied": summary.applied,
        "superseded": summary.superseded,
        "duplicate": summary.duplicate,
        "quarantined": summary.quarantined,
        "pending": summary.pending,
        "drift": summary.drift,
        "error": summary.error,
    }
    if as_json:
        output.show(told, as_json=True)
    else:
        sys.stdout.write(line_of(told) + "\n")
    if summary.error is not None:
        raise typer.Exit(output.FOUND_WRONG)


def line_of(told: dict[str, Any]) -> str:
    """One line that says what a run did."""
    counts = (
        f"{told['connection']}: {told['pages']} trang, {told['records']} bản ghi:"
        f" {told['applied']} áp dụng, {told['superseded']} cũ hơn, {told['duplicate']} trùng,"
        f" {told['quarantined']} cách ly"
    )
    if told["drift"]:
        counts += f"; trường lạ: {', '.join(told['drift'])}"
    if told["error"] is not None:
        reason = Reason(told["error"]["reason"])
        counts += f"; LỖI {reason}: {sentence(reason)} {told['error']['detail']}".rstrip()
    return counts


def verify(as_json: AsJson = False) -> None:
    """Chứng minh không mất, không trùng / prove that nothing was lost. Exit 1 where it fails."""
    from hub.progress import counting_once_told
    from sync.verify import verify as prove

    with opened() as context, counting_once_told("verify", quiet=as_json) as progress:
        report = prove(context, progress)
    if as_json:
        output.show(report, as_json=True)
    else:
        for check in report.checks:
            mark = "ok  " if check.ok else "FAIL"
            sys.stdout.write(f"{mark} {check.name}: {check.checked} {check.detail}\n")
    if not report.ok:
        raise typer.Exit(output.FOUND_WRONG)


def indicators(
    agency: Annotated[str, typer.Option(help="Mã cơ quan, gồm mọi đơn vị bên dưới.")],
    start: Annotated[str, typer.Option("--from", help="Ngày đầu kỳ, YYYY-MM-DD.")],
    end: Annotated[str, typer.Option("--to", help="Ngày cuối kỳ.")],
    as_of: Annotated[str | None, typer.Option(help="Xét tại cuối ngày này.")] = None,
    group_by: Annotated[str | None, typer.Option(help="agency | procedure | channel")] = None,
    as_json: AsJson = False,
) -> None:
    """Chỉ số giải quyết hồ sơ trong kỳ / indicators of a period."""
    from datetime import date

    from sync.indicators import Ask, answer

    try:
        ask = Ask(
            agency=agency,
            start=date.fromisoformat(start),
            end=date.fromisoformat(end),
            as_of=date.fromisoformat(as_of) if as_of else None,
            group_by=group_by,
        )
    except ValueError as error:
        raise HubError(Reason.DATE_INVALID, str(error)) from error
    with opened() as context, context.store.read() as tx:
        told = answer(tx, context.books(tx), ask, context.now(), context.scopes)
    output.show(told, as_json=as_json)
