"""`hub connections list|run-now|pause|resume|schedule`: when departments are asked."""

from typing import Annotated, Any

import typer

from canonical import clock
from canonical.errors import HubError
from canonical.reasons import Reason
from hub import output
from hub.commands.connections import shown
from hub.commands.opened import opened
from store import connections
from sync import wishes
from sync.wishes import Standing

AsJson = Annotated[bool, typer.Option("--json", help="In một tài liệu JSON.")]
Id = Annotated[str, typer.Argument(metavar="ID")]

_CONFIGURED = ("namespace", "role", "version", "options", "secrets")


def register(app: typer.Typer) -> None:
    """Add the commands to those of the connections."""
    app.command("list")(list_all)
    app.command("run-now")(run_now)
    app.command()(pause)
    app.command()(resume)
    app.command()(schedule)


def list_all(as_json: AsJson = False) -> None:
    """Liệt kê các kết nối, lịch và cầu dao / list connections, schedules, breakers."""
    with opened() as context, context.store.read() as tx:
        rows = connections.list_connections(tx)
        standings = wishes.standings(context, tx)
    told = [shown(row) | _standing(standings[row.id]) for row in rows]
    if not as_json:  # how it is configured, `--json` and `export` tell: a terminal has no room
        told = [{name: one[name] for name in one if name not in _CONFIGURED} for one in told]
    output.show(told, as_json=as_json, title="Kết nối")


def _standing(standing: Standing) -> dict[str, Any]:
    next_at = standing.next_at
    return {
        "schedule": standing.schedule,
        "next_at": clock.to_iso(next_at) if next_at is not None else None,
        "running": standing.is_running,
        "breaker": standing.breaker,
        "failures": standing.failures,
        "waits_for": standing.waits_for,
    }


def run_now(connection_id: Id) -> None:
    """Cho tiến trình nền hỏi ngay, kể cả khi cầu dao đang ngắt / have it asked at once."""
    with opened() as context:
        wishes.run_now(context, connection_id)


def pause(connection_id: Id) -> None:
    """Tạm dừng một kết nối / pause a connection."""
    with opened() as context:
        wishes.pause(context, connection_id)


def resume(connection_id: Id) -> None:
    """Cho chạy lại / resume a connection."""
    with opened() as context:
        wishes.resume(context, connection_id)


def schedule(
    connection_id: Id,
    cron: Annotated[
        str | None, typer.Argument(metavar="CRON", help='Ví dụ: "*/15 * * * *".')
    ] = None,
    default: Annotated[bool, typer.Option("--default", help="Theo lịch của hệ thống.")] = False,
) -> None:
    """Đặt lịch riêng, theo giờ Việt Nam / give it a schedule of its own."""
    if (cron is None) is not default:
        raise HubError(Reason.FIELD_MISSING, 'one of "CRON" and --default is wanted')
    with opened() as context:
        wishes.reschedule(context, connection_id, cron)
