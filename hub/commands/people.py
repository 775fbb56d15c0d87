"""`hub lookup`, `dossiers`, `receipts`, `company`: what people ask about one case, on a terminal.

Whoever a dossier is of stays masked unless `--personal` is said: terminals are looked over, and
scrolled back.
"""

import asyncio
import sys
from datetime import date
from typing import Annotated, Any

import msgspec
import typer
from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.catalogue import Books
from canonical.errors import HubError
from canonical.masking import mask_name
from canonical.reasons import Reason
from canonical.standing import day
from canonical.states import ENDED, TEXT_VI, WAITING, Status
from hub import output
from hub.commands.opened import opened
from store import connections, indicators, reads, rights, shown_receipts
from store.reads import Filters, Shown
from sync.context import Context

AsJson = Annotated[bool, typer.Option("--json", help="In một tài liệu JSON.")]
Personal = Annotated[bool, typer.Option("--personal", help="Kèm dữ liệu cá nhân, không che.")]
Code = Annotated[
    str,
    typer.Argument(
        metavar="CODE", help="Mã quốc gia (hai dạng), số biên nhận, NAMESPACE:MÃ, hoặc id của trục."
    ),
]
dossiers = typer.Typer(help="Hồ sơ: xem, tìm, dòng thời gian.", no_args_is_help=True)
receipts = typer.Typer(help="Biên nhận của trục.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(lookup)
    app.command()(company)
    app.add_typer(dossiers, name="dossiers")
    app.add_typer(receipts, name="receipts")


def lookup(
    code: Annotated[str, typer.Argument(metavar="CODE")],
    pin: Annotated[str | None, typer.Option(help="PIN trên phiếu hẹn; hỏi khi không có.")] = None,
    as_json: AsJson = False,
) -> None:
    """Điều công dân thấy với mã và PIN / what a citizen is told."""
    from sync.lookup import look_up

    if pin is None:
        pin = typer.prompt("PIN", hide_input=sys.stdin.isatty(), err=True)
    with opened() as context:
        found = look_up(context, code.strip(), pin.strip())
    told: dict[str, Any] = msgspec.to_builtins(found)
    if as_json:
        output.show(told, as_json=True)
        return
    timeline = told.pop("timeline")
    output.show(told, as_json=False)
    output.show(timeline, as_json=False, title="Dòng thời gian")


@dossiers.command("show")
def show_dossier(code: Code, personal: Personal = False, as_json: AsJson = False) -> None:
    """Một hồ sơ, từ mọi hệ thống giữ nó / one dossier."""
    with opened() as context, context.store.read() as tx:
        told = _told(_one(tx, code), context.books(tx), personal=personal)
    if as_json:
        output.show(told, as_json=True)
        return
    legs, findings = told.pop("legs"), told.pop("findings")
    said = {name: value for name, value in told.items() if value not in (None, [], {})}
    output.show(said, as_json=False)
    output.show(legs, as_json=False, title="Các phần ở từng hệ thống")
    if findings:
        output.show(findings, as_json=False, title="Ghi nhận")


@dossiers.command("history")
def show_history(
    code: Code,
    known_at: Annotated[
        int | None, typer.Option(min=0, help="Như trục biết tại số thay đổi này.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Dòng thời gian của một hồ sơ, cũ nhất trước / its timeline."""
    with opened() as context, context.store.read() as tx:
        items = reads.load_timeline(tx, _one(tx, code).id, known_at)
    shown = items if as_json else [_step(item) for item in items]
    output.show(shown, as_json=as_json, title="Dòng thời gian")


def _step(item: reads.TimelineItem) -> dict[str, Any]:
    """One line of a timeline as a person reads it."""
    late = "đến muộn" if item.arrived_late else None
    gone = "nguồn đã gỡ" if item.retracted_by is not None else None
    return {
        "at": item.at,
        "text": TEXT_VI[Status(item.status)],
        "namespace": item.namespace,
        "unit": item.unit,
        "officer": item.officer,
        "note": item.note,
        "mark": ", ".join(filter(None, (late, gone))),
    }


@dossiers.command("list")
def list_dossiers(
    agency: Annotated[str | None, typer.Option(help="Cơ quan, gồm mọi đơn vị bên dưới.")] = None,
    status: Annotated[Status | None, typer.Option(help="Trạng thái.")] = None,
    overdue: Annotated[
        bool, typer.Option("--overdue", help="Đang giải quyết và hẹn trả trước hôm nay.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Nhiều nhất.")] = 50,
    personal: Personal = False,
    as_json: AsJson = False,
) -> None:
    """Liệt kê hồ sơ / list dossiers. Quá hạn: như `open_overdue` của chỉ số, xét hôm nay."""
    with opened() as context, context.store.read() as tx:
        found = _listed(context, tx, agency, status, limit, is_overdue=overdue)
        today = clock.day_of(context.now())
    rows = [_line(shown, today, personal=personal) for shown in found]
    if not as_json:  # a screen is narrow, and the code leads there as well as the id
        rows = [{k: v for k, v in row.items() if k not in ("id", "status")} for row in rows]
    output.show(rows, as_json=as_json, title="Hồ sơ quá hạn" if overdue else "Hồ sơ")
    if len(found) == limit:
        output.say(f"Chỉ {limit} hồ sơ đầu / the first {limit} only (--limit).")


@receipts.command("show")
def show_receipt(
    receipt_id: Annotated[str, typer.Argument(metavar="ID")], as_json: AsJson = False
) -> None:
    """Một lần gửi hoặc một trang lấy về, và kết quả từng bản ghi / one receipt."""
    with opened() as context, context.store.read() as tx:
        found = shown_receipts.load_shown_receipt(tx, receipt_id)
    if found is None:
        raise HubError(Reason.NOT_FOUND, f"no receipt {receipt_id!r}")
    told: dict[str, Any] = msgspec.to_builtins(found)
    if as_json:
        output.show(told, as_json=True)
        return
    records = told.pop("records")
    output.show(told, as_json=False)
    output.show(records, as_json=False, title="Bản ghi")


def company(
    connection_id: Annotated[str, typer.Argument(metavar="CONNECTION")],
    msdn: Annotated[str, typer.Argument(metavar="MSDN", help="Mã số doanh nghiệp.")],
    personal: Personal = False,
    as_json: AsJson = False,
) -> None:
    """Hỏi một doanh nghiệp ở Sở KH&ĐT / ask the business registry about a company."""
    with opened() as context:
        told = asyncio.run(_company(context, connection_id, msdn))
    if not personal:
        told["representatives"] = [mask_name(name) for name in told["representatives"]]
    output.show(told, as_json=as_json)


async def _company(context: Context, connection_id: str, msdn: str) -> dict[str, Any]:
    with context.store.read() as tx:
        row = connections.load_connection(tx, connection_id)
    if row is None:
        raise HubError(Reason.NOT_FOUND, f"no connection {connection_id!r}")
    connect = context.system_of(row).connect
    client = connect(row.settings(context.vault)) if connect is not None else None
    try:
        ask = getattr(client, "company", None)
        if ask is None:
            raise HubError(Reason.CONFLICT, f"{connection_id!r} knows no companies")
        told: dict[str, Any] = msgspec.to_builtins(await ask(msdn))
    finally:
        if client is not None:
            await client.close()
    return told


def _one(tx: Tx, code: str) -> Shown:
    """The one dossier a code leads to.

    Raises:
        HubError: NOT_FOUND, or CONFLICT where it leads to several.
    """
    found = reads.find_by_code(tx, code)
    if not found and (by_id := reads.load_dossier(tx, code)) is not None:
        found = [by_id]
    if not found:
        raise HubError(Reason.NOT_FOUND, f"no dossier {code!r}")
    if len(found) > 1:
        ids = ", ".join(shown.public_id for shown in found)
        raise HubError(Reason.CONFLICT, f"{code!r} leads to {len(found)} dossiers: {ids}")
    return found[0]


def _told(shown: Shown, books: Books, *, personal: bool) -> dict[str, Any]:
    """A dossier as the portal reads it, with the people in it masked."""
    from sync.shown import masked, render

    told: dict[str, Any] = msgspec.json.decode(render(shown, books, "vi"))
    return told if personal else masked(told)


def _listed(
    context: Context,
    tx: Tx,
    agency: str | None,
    status: Status | None,
    limit: int,
    *,
    is_overdue: bool,
) -> list[Shown]:
    today = clock.day_of(context.now())
    scope = None
    if agency is not None:
        scope = rights.of_agency(tx, context.books(tx).agencies, agency, today)
    filters = Filters(agency=scope, status=status.value if status is not None else None)
    seen = indicators.overdue_on(tx, today) if is_overdue else rights.EVERYTHING
    return reads.list_dossiers(tx, filters, seen, 0, limit)


def _line(shown: Shown, today: date, *, personal: bool) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.json.decode(shown.body)
    leg = told["legs"][0]
    name = (told["applicant"] or {}).get("name")
    due = told["judged_due_at"] or told["due_at"]
    status = told["status"]
    is_running = status not in ENDED and status not in WAITING
    return {
        "id": shown.public_id,
        "code": told["national_code"]
        or told["receipt_number"]
        or f"{leg['namespace']}:{leg['code']}",
        "status": status,
        "text": TEXT_VI[Status(status)] if status is not None else None,
        "agency": told["agency"],
        "procedure": shown.procedure_code,
        "applicant": name if personal or name is None else mask_name(name),
        "accepted": told["accepted_at"],
        "due": due,
        "days_past_due": max((today - day(due)).days, 0) if due and is_running else None,
    }
