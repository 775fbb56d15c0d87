"""`hub filings …`: dossiers handed on to departments, and what a person must say about some."""

from typing import Annotated, Any

import typer

from canonical.errors import HubError
from canonical.filing import STATE_TEXT_VI
from canonical.reasons import Reason, sentence
from hub import output
from hub.commands.opened import opened
from store import filings
from store.filings import FilingRow
from store.work_tables import FILING_STATES
from sync.filing_decisions import Decision, Said, decide_filing

app = typer.Typer(help="Hồ sơ trục nộp thay cho bộ phận một cửa.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="In một tài liệu JSON.")]


@app.command("list")
def list_all(
    state: Annotated[list[str] | None, typer.Option(help=" | ".join(FILING_STATES))] = None,
    connection: Annotated[str | None, typer.Option(help="Chỉ kết nối này.")] = None,
    waiting: Annotated[bool, typer.Option("--waiting", help="Chỉ những hồ sơ chờ người.")] = False,
    as_json: AsJson = False,
) -> None:
    """Liệt kê, mới nhất trước / list, newest first."""
    strange = set(state or ()) - set(FILING_STATES)
    if strange:
        raise HubError(Reason.FIELD_TYPE, f"--state: one of {', '.join(FILING_STATES)}")
    with opened() as context, context.store.read() as tx:
        if waiting:
            rows = [row for row, _ in filings.list_waiting(tx)]
        else:
            rows = filings.list_filings(tx, state or (), connection)
    told = [_line(row) for row in rows if connection in (None, row.connection_id)]
    output.show(told, as_json=as_json, title="Hồ sơ nộp thay")


@app.command()
def show(
    filing_id: Annotated[int, typer.Argument(metavar="ID")],
    raw: Annotated[bool, typer.Option("--raw", help="Kèm nội dung đã gửi (dữ liệu cá nhân).")] = (
        False
    ),
    as_json: AsJson = False,
) -> None:
    """Một hồ sơ nộp thay / one filing."""
    with opened() as context, context.store.read() as tx:
        row = filings.load(tx, filing_id)
        if row is None:
            raise HubError(Reason.NOT_FOUND, f"no filing {filing_id}")
        told = _whole(row)
        if raw and row.body is not None:
            told["raw"] = context.vault.open(row.body).decode("utf-8", "backslashreplace")
    output.show(told, as_json=as_json)


@app.command()
def decide(
    filing_id: Annotated[int, typer.Argument(metavar="ID")],
    reason: Annotated[str, typer.Option(help="Vì sao; được lưu lại.")],
    actor: Annotated[str, typer.Option(help="Ai quyết định.")],
    filed: Annotated[
        str | None, typer.Option("--filed", metavar="CODE", help="Sở đã có, với mã này.")
    ] = None,
    send_again: Annotated[bool, typer.Option("--send-again", help="Sở không có; nộp lại.")] = False,
    refused: Annotated[bool, typer.Option("--refused", help="Sở không nhận; thôi.")] = False,
    papers: Annotated[
        bool, typer.Option("--papers", help="Gửi lại các giấy tờ chưa gửi được.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Quyết định của người về một hồ sơ / settle a filing by hand."""
    told = {
        Decision.FILED: filed is not None,
        Decision.SEND_AGAIN: send_again,
        Decision.REFUSED: refused,
        Decision.PAPERS: papers,
    }
    chosen = [decision for decision, is_so in told.items() if is_so]
    if len(chosen) != 1:
        raise HubError(
            Reason.FIELD_MISSING, "one of --filed CODE, --send-again, --refused, --papers"
        )
    with opened() as context:
        row = decide_filing(context, filing_id, Said(chosen[0], actor, reason, filed))
    output.show(_line(row), as_json=as_json)


def _line(row: FilingRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "connection": row.connection_id,
        "code": f"{row.namespace}:{row.code}",
        "number": row.number,
        "state": row.state,
        "text": STATE_TEXT_VI[row.state],
        "filed_code": row.filed_code,
        "sent_at": row.sent_at,
        "attempts": row.attempts,
        "papers": f"{row.papers_sent}/{row.papers}",
        "reason": row.reason,
    }


def _whole(row: FilingRow) -> dict[str, Any]:
    why = sentence(Reason(row.reason)) if row.reason is not None else None
    return {
        **_line(row),
        "why": why,
        "detail": row.detail,
        "due_at": row.due_at,
        "looked_up": row.looked_up,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "paper_list": [
            {"name": plan.name, "state": plan.state, "reason": plan.reason} for plan in row.plans
        ],
    }
