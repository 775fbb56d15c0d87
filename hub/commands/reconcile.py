"""`hub reconcile`: a source's own list held against the hub, and healed."""

import asyncio
import sys
from typing import Annotated, Any

import typer
from msgspec import structs

from canonical.reasons import Reason, sentence
from hub import output
from hub.commands.opened import opened

_KINDS = {
    "missing": "thiếu ở trục",
    "stale": "trục giữ bản cũ",
    "diverged": "khác nội dung",
    "extra": "nguồn không còn nêu",
    "deleted": "đã mất ở nguồn",
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(reconcile)


def reconcile(
    connection_id: Annotated[str, typer.Argument(metavar="ID")],
    heal: Annotated[
        bool, typer.Option("--heal/--no-heal", help="Lấy lại phần thiếu và cũ; hay chỉ so sánh.")
    ] = True,
    full: Annotated[
        bool, typer.Option("--full", help="So toàn bộ danh sách, dù nguồn có số đếm.")
    ] = False,
    trust_list: Annotated[
        bool,
        typer.Option("--trust-list", help="Danh sách là đủ, dù thiếu hơn nửa số hồ sơ đang giữ."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="In một tài liệu JSON.")] = False,
) -> None:
    """Đối soát với danh sách của nguồn / compare with the source's own list. Exit 1: differ."""
    from hub.progress import counting
    from sync.reconcile import Wish
    from sync.reconcile import reconcile as compare

    wish = Wish(heals=heal, is_full=full, trusts=trust_list)
    with opened() as context, counting(connection_id, quiet=as_json) as bar:
        found = asyncio.run(
            compare(context, connection_id, wish, progress=_moving(bar) if bar else None)
        )
    if as_json:
        output.show(found, as_json=True)
    else:
        _print(structs.asdict(found))
    if found.left or found.error is not None:
        raise typer.Exit(output.FOUND_WRONG)


def _moving(bar: Any) -> Any:
    return lambda done, total: bar(done, total or done)


def _print(told: dict[str, Any]) -> None:
    how = {"census": "theo số đếm của nguồn", "pages": "theo toàn bộ danh sách"}
    found = ", ".join(f"{number} {_KINDS[kind]}" for kind, number in sorted(told["found"].items()))
    sys.stdout.write(
        f"{told['connection']} ({how.get(told['by'], '-')}): {told['compared']} hồ sơ,"
        f" {told['listed']} dòng nhận về: {found or 'khớp'};"
        f" đã sửa {told['healed']}, còn {told['left']}, trong khu cách ly {told['quarantined']}\n"
    )
    if told["error"] is not None:
        reason = Reason(told["error"]["reason"])
        line = f"LỖI {reason}: {sentence(reason)} {told['error']['detail'] or ''}"
        sys.stdout.write(f"{line.rstrip()}\n")
    left = [one for one in told["items"] if not one.healed]
    if left:
        rows = [
            {
                "kind": _KINDS[one.kind],
                "code": f"{one.part}:{one.code}".lstrip(":"),
                "facet": one.facet,
            }
            for one in left
        ]
        output.show(rows, as_json=False, title="Còn khác")
