"""`hub replay-log FILE`: a real intake log through the gateway, then held against the answers."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from hub import output

AsJson = Annotated[bool, typer.Option("--json", help="In một tài liệu JSON.")]
SHOWN = 10


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("replay-log")(replay_log)


def replay_log(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False)],
    chaos: Annotated[
        int | None,
        typer.Option(
            metavar="SEED",
            help="Xáo trộn, gửi hai lần, bỏ một phần hai mươi câu trả lời rồi gửi lại.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Phát lại một nhật ký tiếp nhận thật qua các cửa của trục, trên một kho tạm riêng.

    Exit 0 where nothing is lost, double or different; 1 otherwise.
    """
    from hub import logs
    from hub.replay.run import replay

    logs.install("WARNING")
    with _watched(quiet=as_json) as progress:
        report = replay(file, chaos, progress)
    if as_json:
        told = {name: getattr(report, name) for name in report.__struct_fields__ if name != "held"}
        output.show({"ok": report.ok, **told}, as_json=True)
    else:
        sys.stdout.write("\n".join(lines_of(report)) + "\n")
    if not report.ok:
        raise typer.Exit(output.FOUND_WRONG)


def lines_of(report: Any) -> list[str]:
    """A report for people; the first line is fixed, so that scripts may look for it."""
    records = report.records
    how = "theo thứ tự thời gian" if report.chaos is None else f"hỗn loạn, hạt giống {report.chaos}"
    whole = report.periods[0]
    lines = [
        f"{report.dossiers:,} dossiers, {report.events:,} events, {report.lost} lost,"
        f" {report.double} double, {report.different} different",
        f"Ghép từ cả hai hệ thống: {report.from_both} trên {report.dossiers} hồ sơ",
        f"Gửi ({how}): {report.calls} lần gọi, {records['sent']:,} bản ghi"
        f" ({records['distinct']:,} khác nhau), bỏ {report.answers_lost} câu trả lời rồi gửi lại;"
        f" {records.get('applied', 0):,} áp dụng, {records.get('superseded', 0):,} cũ hơn,"
        f" {records.get('duplicate', 0):,} trùng, {records.get('quarantined', 0):,} cách ly"
        + "".join(f" ({reason} {n})" for reason, n in report.refused.items()),
        f"Trùng thời điểm trong một hệ thống: {report.equal_times}",
        f"Kết thúc trước bước cuối: {report.ended_early} hồ sơ theo nhật ký",
        "Phát hiện (số hồ sơ): "
        + (", ".join(f"{reason} {n}" for reason, n in report.findings.items()) or "không"),
        f"Trễ hạn, ngày tính theo +07:00, xét tại {report.as_of}:"
        f" nhật ký {whole.log['late']}, trục {whole.hub['late']}",
    ]
    for period in report.periods:
        counts = " ".join(
            f"{name} {period.log[name]}{'=' if period.log[name] == n else '≠'}{n}"
            for name, n in period.hub.items()
            if n or period.log[name]
        )
        lines.append(f"  {'cả kỳ' if period is whole else period.name}: {counts}")
    wrong = [name for name, ok in report.verify.items() if not ok]
    lines.append(
        f"hub verify: {len(report.verify)} phép kiểm,"
        + (f" SAI {', '.join(wrong)}" if wrong else " đều đúng")
    )
    lines.append(f"Dấu của câu trả lời (bằng nhau khi như nhau): {report.picture}")
    lines += [f"  {one.what} {one.case}: {one.about}" for one in report.differences[:SHOWN]]
    if len(report.differences) > SHOWN:
        lines.append(f"  … và {len(report.differences) - SHOWN} điểm khác nữa (xem --json)")
    return [*lines, f"Mất {report.took_s:g} giây"]


@contextlib.contextmanager
def _watched(*, quiet: bool) -> Iterator[Any]:
    """A bar on stderr that a replay moves; None where nobody watches."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("Phát lại nhật ký")
        yield lambda done, total: bar.update(task, completed=done, total=total)
