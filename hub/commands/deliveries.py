"""`hub deliveries …`: what is on its way to receivers, what was given up, telling again."""

from typing import Annotated, Any

import msgspec
import typer

from canonical.errors import HubError
from canonical.reasons import Reason, sentence
from hub import output
from hub.commands.opened import opened
from store import delivery_views, replays
from store.delivery_views import DeliveryView
from sync import deliver_acts
from sync.context import Context

app = typer.Typer(help="Các lần báo đang trên đường, và báo lại.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="In một tài liệu JSON.")]
Id = Annotated[int, typer.Argument(metavar="ID")]
ReplayId = Annotated[int, typer.Argument(metavar="REPLAY_ID")]
OfReceiver = Annotated[str | None, typer.Option(help="Chỉ nơi nhận này.")]
Actor = Annotated[str, typer.Option(help="Ai quyết định.")]
Why = Annotated[str, typer.Option(help="Vì sao; được lưu lại.")]


@app.command("list")
def list_all(
    dead: Annotated[bool, typer.Option("--dead", help="Chỉ những lần đã bỏ cuộc.")] = False,
    parked: Annotated[bool, typer.Option("--parked", help="Chỉ những lần đang thử lại.")] = False,
    receiver: OfReceiver = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Nhiều nhất.")] = 200,
    as_json: AsJson = False,
) -> None:
    """Liệt kê các lần báo chưa xong / list deliveries on their way."""
    only = "dead" if dead else "parked" if parked else ""
    with opened() as context, context.store.read() as tx:
        rows = delivery_views.list_deliveries(tx, only=only, receiver_id=receiver, limit=limit)
    shown = [msgspec.structs.asdict(row) for row in rows]
    if not as_json:
        shown = [_line(row) for row in rows]
    output.show(shown, as_json=as_json, title="Lần báo")
    if len(rows) == limit:
        output.say(f"Chỉ {limit} dòng đầu / the first {limit} only (--limit).")


def _line(row: DeliveryView) -> dict[str, Any]:
    """One delivery as a person reads it in a list."""
    return {
        "id": row.id,
        "receiver": row.receiver,
        "seq": row.seq,
        "kind": row.kind,
        "state": row.state if row.state == "dead" or not row.attempts else "parked",
        "attempts": row.attempts,
        "due_at": row.due_at,
        "behind": row.behind,
        "reason": row.reason,
        "detail": row.detail,
    }


@app.command()
def show(
    delivery_id: Id,
    raw: Annotated[bool, typer.Option("--raw", help="Kèm nội dung (dữ liệu cá nhân).")] = False,
    as_json: AsJson = False,
) -> None:
    """Một lần báo và vì sao chưa xong / one delivery and why it is not taken."""
    with opened() as context, context.store.read() as tx:
        found = delivery_views.load_delivery(tx, delivery_id)
        if found is None:
            raise HubError(Reason.NOT_FOUND, f"no delivery {delivery_id}")
        told = msgspec.structs.asdict(found[0])
        if found[0].reason is not None:
            told["vi"] = sentence(Reason(found[0].reason))
            told["en"] = sentence(Reason(found[0].reason), "en")
        if raw:
            told["raw"] = _body(context, found[1])
    output.show(told, as_json=as_json)


def _body(context: Context, sealed: bytes | None) -> str | None:
    if sealed is None:
        return None
    return context.vault.open(sealed).decode("utf-8", "backslashreplace")


@app.command()
def replay(
    ids: Annotated[list[int] | None, typer.Argument(metavar="[ID]...")] = None,
    dead: Annotated[bool, typer.Option("--dead", help="Mọi lần đã bỏ cuộc.")] = False,
    receiver: OfReceiver = None,
    from_seq: Annotated[int | None, typer.Option(min=1, help="Báo lại từ thay đổi này.")] = None,
    to_seq: Annotated[int | None, typer.Option(min=1, help="Đến hết thay đổi này.")] = None,
    dossier: Annotated[str | None, typer.Option(help="Chỉ hồ sơ này (id của trục).")] = None,
    actor: Actor = "cli",
    reason: Why = "",
    as_json: AsJson = False,
) -> None:
    """Thử lại lần đã bỏ cuộc, hoặc báo lại thay đổi đã báo / try again, or tell again."""
    asks_stretch = from_seq is not None or to_seq is not None or dossier is not None
    if sum((bool(ids), dead, asks_stretch)) != 1:
        raise HubError(
            Reason.FIELD_MISSING, "one of: ID…, --dead, or --receiver with --from-seq or --dossier"
        )
    with opened() as context:
        told: dict[str, Any]
        if asks_stretch:
            if receiver is None:
                raise HubError(Reason.FIELD_MISSING, "--receiver says who is told again")
            told = {
                "replay": deliver_acts.tell_again(
                    context, receiver, (from_seq, to_seq), dossier, actor, reason
                )
            }
        else:
            told = {"waiting": deliver_acts.try_again(context, ids or [], receiver, actor, reason)}
    output.show(told, as_json=as_json)


@app.command()
def drop(
    delivery_id: Id,
    reason: Why,
    actor: Actor = "cli",
    as_json: AsJson = False,
) -> None:
    """Bỏ hẳn một lần báo lỗi; các lần sau của hồ sơ đi tiếp / take one out for good."""
    with opened() as context:
        name = deliver_acts.drop(context, delivery_id, actor, reason)
    output.show({"dropped": name}, as_json=as_json)


@app.command("replays")
def list_replays(as_json: AsJson = False) -> None:
    """Liệt kê các đợt báo lại / list what is told again."""
    with opened() as context, context.store.read() as tx:
        rows = replays.list_replays(tx)
    output.show(rows, as_json=as_json, title="Đợt báo lại")


@app.command()
def pause(replay_id: ReplayId) -> None:
    """Tạm dừng một đợt báo lại / pause a replay."""
    _set(replay_id, "paused")


@app.command()
def resume(replay_id: ReplayId) -> None:
    """Cho một đợt báo lại chạy tiếp / let a replay go on."""
    _set(replay_id, "running")


def _set(replay_id: int, state: str) -> None:
    with opened() as context:
        deliver_acts.set_replay(context, replay_id, state)
