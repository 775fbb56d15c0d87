"""`hub connections test|preview|contract|draft`: a link set up and tried before it is live."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer
from msgspec import to_builtins

from canonical.errors import HubError
from canonical.linking import Contracts
from canonical.reasons import Reason
from hub import output
from hub.commands.connections import Actor, AsJson, said_by
from hub.commands.contract_paths import gathered, read_bytes
from hub.commands.opened import opened
from store import connections
from store.connections import ConnectionRow
from sync import preview as previewing
from sync import samples, toml_text, trying
from sync.context import Context
from sync.samples import Sampled
from sync.try_stages import Stage
from sync.try_texts import RESULTS

Id = Annotated[str, typer.Argument(metavar="ID")]
Sample = Annotated[
    Path | None, typer.Option("--sample", help="Tệp mẫu, như hệ thống của sở gửi hoặc trả lời.")
]
Shape = Annotated[str, typer.Option("--shape", help="Tên dạng để đọc mẫu; tự tìm nếu không nêu.")]
Paths = Annotated[
    list[Path], typer.Argument(metavar="FILE…", help="WSDL, XSD, OpenAPI; tệp, thư mục hoặc zip.")
]
Main = Annotated[str, typer.Option("--main", help="Tệp nào là hợp đồng, khi có nhiều.")]


def register(app: typer.Typer) -> None:
    """Add the commands to those of the connections."""
    app.command("test")(try_)
    app.command()(preview)
    app.command()(contract)
    app.command()(draft)


def try_(
    connection_id: Id,
    sample: Sample = None,
    shape: Shape = "",
    reason: Annotated[str, typer.Option("--reason", help="Vì sao, để lưu vào lịch sử.")] = "",
    actor: Actor = "",
    as_json: AsJson = False,
) -> None:
    """Thử một kết nối, từng chặng; không lưu gì ngoài dấu đã thử / try a link stage by stage."""
    raw = read_bytes(sample) if sample is not None else None
    with opened() as context:
        trial = asyncio.run(
            trying.try_link(
                context,
                connection_id,
                said_by(actor, reason or "thử kết nối"),
                sample=raw,
                shape=shape,
                said=None if as_json else _say,
            )
        )
    if as_json:
        output.show(trial, as_json=True)
    else:
        word = "đạt / passed" if trial.passed else "chưa đạt / not passed"
        output.say(f"{connection_id}: {word}; trạng thái / state: {trial.state}")
    if not trial.passed:
        raise typer.Exit(output.FOUND_WRONG)


def _say(stage: Stage) -> None:
    """One stage as a person reads it, while it happens."""
    vi, en = RESULTS[stage.result]
    print(f"{stage.title} / {stage.title_en}: {vi} / {en} ({stage.took_ms} ms)", flush=True)  # noqa: T201
    if stage.vi:
        print(f"    {stage.reason + ': ' if stage.reason else ''}{stage.vi}", flush=True)  # noqa: T201
    if stage.mend_vi:
        print(f"    → {stage.mend_vi}\n    → {stage.mend_en}", flush=True)  # noqa: T201


def preview(
    connection_id: Id,
    sample: Sample = None,
    receipt: Annotated[str | None, typer.Option("--receipt", help="Biên nhận làm mẫu.")] = None,
    stored: Annotated[
        bool, typer.Option("--stored", help="Lấy mẫu từ biên nhận mới nhất; không hỏi nguồn.")
    ] = False,
    shape: Shape = "",
    row: Annotated[int, typer.Option("--row", help="Bản ghi thứ mấy, từ 0.")] = 0,
    personal: Annotated[
        bool, typer.Option("--personal", help="Hiện dữ liệu cá nhân, mặc định che.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Một bản ghi mẫu và hồ sơ mà nó trở thành / a sample record beside what it becomes."""
    with opened() as context:
        held = _held(context, connection_id)
        found = _sampled(context, held, sample, shape, receipt, stored=stored)
        told = previewing.preview(context, held, found, place=row, personal=personal)
    if as_json:
        output.show(told, as_json=True)
    else:
        _print(told)
    if told.reason:
        raise typer.Exit(output.FOUND_WRONG)


def _sampled(
    context: Context,
    row: ConnectionRow,
    sample: Path | None,
    shape: str,
    receipt: str | None,
    *,
    stored: bool,
) -> Sampled:
    """The body that is looked into: a file, a receipt, a page, or what was invented."""
    if sample is not None:
        return samples.from_file(context, row, read_bytes(sample), shape)
    found = None
    if receipt is None and not stored:
        found = asyncio.run(samples.fetched(context, row))
    found = found or samples.stored(context, row, receipt)
    if found is None and not stored:
        found = samples.made(context.system_of(row))
    if found is None:
        raise HubError(Reason.NOT_FOUND, "nothing to look at yet; give --sample FILE")
    return found


def _print(told: previewing.Preview) -> None:
    output.show(
        [
            {
                "dòng": one.place,
                "trường đích": one.target,
                "nguồn": one.source,
                "giá trị nguồn": one.wire,
                "hồ sơ": one.value if one.says else "–",
                "lỗi": one.vi,
            }
            for one in told.fields
        ],
        as_json=False,
        title=f"{told.connection}: bản ghi {told.row + 1}/{told.rows}, mã {told.code or '–'}",
    )
    if told.unread:
        output.say(f"chưa dòng nào đọc / read by no row: {', '.join(told.unread)}")
    output.say(
        (told.vi and f"cách ly / quarantined: {told.vi}") or "sẽ được áp dụng / would be applied"
    )


def contract(files: Paths, main: Main = "", as_json: AsJson = False) -> None:
    """Hợp đồng nói gì, và dấu vân tay / what a contract says, with its fingerprint."""
    told = _reader().describe(gathered(files), main)
    if as_json:
        output.show(told, as_json=True)
        return
    head = {"loại": told.kind, "tệp": told.main, "tên": told.title, "dấu vân tay": told.fingerprint}
    output.show(head, as_json=False)
    for port in told.ports:
        output.say(f"cổng / port: {port}")
    for note in told.notes:
        output.say(f"ghi chú / note: {note}")
    for one in told.operations:
        for way, fields in (("gửi", one.sent), ("trả lời", one.answered)):
            told_fields = [
                {
                    "trường": field.path,
                    "kiểu": field.type,
                    "bắt buộc": "có" if field.is_required else "",
                    "nhiều": "có" if field.is_many else "",
                    "giá trị": ", ".join(field.values[:12]),
                }
                for field in fields
            ]
            output.show(told_fields, as_json=False, title=f"{one.name}: {way}")


def draft(
    files: Paths,
    operation: Annotated[str, typer.Option("--operation", help="Thao tác của hợp đồng.")],
    push: Annotated[bool, typer.Option("--push", help="Sở gọi trục bằng thao tác này.")] = False,
    main: Main = "",
    out: Annotated[Path | None, typer.Option("--out", help="Ghi khai báo vào tệp này.")] = None,
    as_json: AsJson = False,
) -> None:
    """Đề xuất một khai báo từ hợp đồng; không đoán / a declaration proposed from a contract."""
    told = _reader().draft(gathered(files), operation, is_push=push, main=main)
    text = toml_text.write(told.declaration)
    if out is not None:
        out.write_text(text, "utf-8")
    if as_json:
        plain: dict[str, Any] = to_builtins(told)
        output.show({**plain, "files": sorted(told.files)}, as_json=True)
    elif out is None:
        print(text, end="")  # noqa: T201 - the file itself
    for one in told.undecided:
        output.say(f"cần quyết định / to decide: {one}")
    for one in told.unmatched:
        output.say(f"chưa ánh xạ / unmatched: {one}")


def _reader() -> Contracts:
    from hub.wiring import Contracts as Reader

    return Reader()


def _held(context: Context, connection_id: str) -> ConnectionRow:
    with context.store.read() as tx:
        row = connections.load_connection(tx, connection_id)
    if row is None:
        raise HubError(Reason.NOT_FOUND, f"no connection {connection_id!r}")
    return row
