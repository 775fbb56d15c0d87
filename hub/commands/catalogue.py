"""`hub catalogue …`: agencies, successions, procedures and the province's own days."""

from pathlib import Path
from typing import Annotated

import typer

from canonical import clock
from canonical.errors import HubError
from canonical.reasons import Reason
from hub import output
from hub.commands.catalogue_csv import CsvFault, merged_into
from hub.commands.opened import opened
from store import catalogue

app = typer.Typer(help="Danh mục cơ quan, thủ tục, ngày nghỉ.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="In một tài liệu JSON.")]


@app.command("import")
def import_csv(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", exists=True, dir_okay=False)],
    reason: Annotated[str, typer.Option("--reason", help="Vì sao, để lưu vào lịch sử.")] = "",
    actor: Annotated[str, typer.Option("--actor", help="Ai nạp.")] = "",
    as_json: AsJson = False,
) -> None:
    """Nạp danh mục từ CSV; cột `kind` cho biết loại dòng / load a catalogue from CSV."""
    try:
        text = file.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise HubError(Reason.ENC_INVALID, f"{file.name}: not UTF-8") from error
    with opened() as context:
        at = clock.to_iso(context.now())
        try:
            books = context.store.in_write(
                lambda tx: catalogue.change_catalogue(
                    tx,
                    lambda data: merged_into(data, text),
                    actor or "hub catalogue import",
                    at,
                    reason or None,
                )
            )
        except (CsvFault, ValueError) as error:
            raise HubError(Reason.FIELD_TYPE, f"{file.name}: {error}") from error
    told = {
        "version": books.version,
        "agencies": len(books.data.agencies),
        "successions": len(books.data.successions),
        "procedures": len(books.data.procedures),
        "days": len(books.data.days),
    }
    output.show(told, as_json=as_json)
