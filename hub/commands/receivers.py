"""`hub receivers …`: who is told of changes, or of figures."""

import base64
import json
import secrets as dice
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from msgspec import structs
from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.codes import agency_code
from canonical.errors import HubError
from canonical.ports import Manifest
from canonical.reasons import Reason
from hub import output
from hub.commands.connections import split_settings
from hub.commands.opened import opened
from store import delivery_views, reads, receivers
from store.receivers import ReceiverRow
from sync import deliver_acts, deliver_parking, trusted
from sync.context import Context

_CONFIGURED = ("endpoint", "options", "agencies", "not_before", "shards")
app = typer.Typer(help="Nơi nhận: ai được báo thay đổi hoặc chỉ số.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="In một tài liệu JSON.")]
Id = Annotated[str, typer.Argument(metavar="ID")]
Sets = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE")]
KEY, PREVIOUS, UNTIL = "key", "previous_key", "previous_key_until"


@app.command()
def add(
    receiver_id: Id,
    system: Annotated[str, typer.Option(help="Loại hệ thống, một thư mục của adapters/.")],
    endpoint: Annotated[str, typer.Option(help="Địa chỉ của nơi nhận.")] = "",
    settings: Sets = None,
    secrets: Annotated[
        list[str] | None, typer.Option("--secret", metavar="KEY=VALUE", help="Như --set.")
    ] = None,
    not_before: Annotated[
        str, typer.Option(help="Báo cả thay đổi cũ từ lúc này; mặc định: từ bây giờ.")
    ] = "now",
    shards: Annotated[int, typer.Option(min=1, max=64, help="Số nhánh gửi song song.")] = 4,
    agency: Annotated[list[str] | None, typer.Option(help="Chỉ hồ sơ của các cơ quan này.")] = None,
    as_json: AsJson = False,
) -> None:
    """Thêm một nơi nhận; khóa tạo mới chỉ hiện một lần / add a receiver."""
    with opened() as context:
        told = make(
            context,
            receiver_id,
            system,
            endpoint=endpoint,
            settings=[*(settings or []), *(secrets or [])],
            not_before=not_before,
            shards=shards,
            agencies=agency or [],
        )
    output.show(told, as_json=as_json)


def make(
    context: Context,
    receiver_id: str,
    system: str,
    *,
    endpoint: str = "",
    settings: list[str] | None = None,
    not_before: str = "now",
    shards: int = 4,
    agencies: list[str] | None = None,
) -> dict[str, Any]:
    """Add a receiver to the store; what is shown of it, a key that was made included.

    Raises:
        HubError: an id that is taken or misspelt, a system or setting that does not exist or is
            told nothing.
    """
    manifest = _manifest(context, system)
    _check_id(receiver_id)
    options, hidden = split_settings(settings or [], manifest.options, manifest.secrets)
    made = KEY if KEY in manifest.secrets and PREVIOUS in manifest.secrets else ""
    made = "" if KEY in hidden else made
    if made:
        hidden[KEY] = new_key()
    now = context.now()
    since = _since(not_before)

    def work(tx: Tx) -> ReceiverRow:
        if receivers.load_receiver(tx, receiver_id) is not None:
            raise HubError(Reason.CONFLICT, f"there is a receiver {receiver_id!r} already")
        newest = reads.newest_seq(tx)
        row = ReceiverRow(
            id=receiver_id,
            system=system,
            endpoint=endpoint,
            options=options,
            sealed=_sealed(context, hidden),
            agencies=tuple(agency_code(code) for code in agencies or []),
            state="enabled",
            not_before=clock.to_iso(since or now),
            shards=shards if manifest.receives == "changes" else 0,
            live_from=newest,
            failures=0,
            breaker="closed",
            retry_at=None,
            waits_for=None,
            created_at=clock.to_iso(now),
        )
        start = newest
        if since is not None:
            start = receivers.backlog_start(tx, clock.to_iso(since), newest)
        receivers.add_receiver(tx, row, start)
        return row

    row = context.store.in_write(work)
    return _shown(row) | ({KEY: hidden[KEY]} if made else {})


def new_key() -> str:
    """A key as Standard Webhooks has them: 32 random bytes."""
    return f"whsec_{base64.b64encode(dice.token_bytes(32)).decode()}"


def _manifest(context: Context, system: str) -> Manifest:
    if system not in context.systems:
        raise HubError(Reason.NOT_FOUND, f"no system {system!r}")
    manifest = context.systems[system].manifest
    if not manifest.receives:
        raise HubError(Reason.CONFLICT, f"{system!r} is told nothing; it is no receiver")
    return manifest


def _check_id(receiver_id: str) -> None:
    plain = receiver_id.replace("-", "").replace("_", "").replace(".", "")
    if len(receiver_id) > 100 or not plain.isalnum():
        raise HubError(Reason.FIELD_TYPE, f"{receiver_id!r}: letters, digits, -, _ and . only")


def _since(text: str) -> datetime | None:
    if text == "now":
        return None
    try:
        return clock.local(datetime.fromisoformat(text))
    except ValueError as error:
        raise HubError(Reason.DATE_INVALID, f"{text!r} is not a date or time") from error


def _sealed(context: Context, hidden: dict[str, str]) -> bytes | None:
    return context.vault.seal(json.dumps(hidden).encode()) if hidden else None


@app.command()
def change(
    receiver_id: Id,
    endpoint: Annotated[str | None, typer.Option(help="Địa chỉ mới.")] = None,
    settings: Sets = None,
    as_json: AsJson = False,
) -> None:
    """Sửa địa chỉ, thiết lập, bí mật / change an address, settings, secrets."""
    with opened() as context:
        told = alter(context, receiver_id, endpoint, settings or [])
    output.show(told, as_json=as_json)


def alter(
    context: Context, receiver_id: str, endpoint: str | None, settings: list[str]
) -> dict[str, Any]:
    """Change a receiver; what is not named stays.

    Raises:
        HubError: no such receiver or setting.
    """

    def work(tx: Tx) -> ReceiverRow:
        row = deliver_acts.known(tx, receiver_id)
        manifest = _manifest(context, row.system)
        options, hidden = split_settings(settings, manifest.options, manifest.secrets)
        hidden = {**row.settings(context.vault).secrets, **hidden}
        changed = structs.replace(
            row,
            endpoint=row.endpoint if endpoint is None else endpoint,
            options={**row.options, **options},
            sealed=_sealed(context, hidden),
        )
        receivers.change_receiver(tx, changed)
        return changed

    return _shown(context.store.in_write(work))


@app.command("rotate-secret")
def rotate_secret(
    receiver_id: Id,
    overlap_h: Annotated[float, typer.Option(min=0, help="Số giờ còn ký cả bằng khóa cũ.")] = 24.0,
    as_json: AsJson = False,
) -> None:
    """Đổi khóa ký; khóa mới chỉ hiện một lần / a new key, shown once; both sign for a while."""
    with opened() as context:
        told = rotate(context, receiver_id, overlap_h)
    output.show(told, as_json=as_json)


def rotate(context: Context, receiver_id: str, overlap_h: float) -> dict[str, str]:
    """Give a receiver a new key; the one before signs as well until the overlap is over.

    Raises:
        HubError: no such receiver, or one of a system that signs nothing.
    """
    until = clock.to_iso(context.now() + timedelta(hours=overlap_h))

    def work(tx: Tx) -> dict[str, str]:
        row = deliver_acts.known(tx, receiver_id)
        known = _manifest(context, row.system).secrets
        if KEY not in known or PREVIOUS not in known:
            raise HubError(Reason.CONFLICT, f"{row.system!r} has no key that is rotated")
        held = row.settings(context.vault).secrets
        hidden = {**held, KEY: new_key(), PREVIOUS: held.get(KEY, ""), UNTIL: until}
        receivers.change_receiver(tx, structs.replace(row, sealed=_sealed(context, hidden)))
        return {"id": receiver_id, KEY: hidden[KEY], UNTIL: until}

    return context.store.in_write(work)


@app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """Liệt kê nơi nhận và việc còn chờ / list receivers and how they fare."""
    with opened() as context:
        shown = listed(context)
    if not as_json:  # how it is configured, `--json` tells: a terminal has no room
        shown = [{name: one[name] for name in one if name not in _CONFIGURED} for one in shown]
    output.show(shown, as_json=as_json, title="Nơi nhận")


def listed(context: Context) -> list[dict[str, Any]]:
    """Every receiver; those of changes with how they fare."""
    with context.store.read() as tx:
        rows = receivers.list_receivers(tx)
        fares = {fare.receiver: fare for fare in delivery_views.list_fares(tx)}
    shown = []
    for row in rows:
        one = _shown(row)
        fare = fares.get(row.id)
        if fare is not None:
            one |= {k: v for k, v in structs.asdict(fare).items() if k not in ("receiver",)}
        shown.append(one)
    return shown


def _shown(row: ReceiverRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "system": row.system,
        "endpoint": row.endpoint,
        "options": trusted.shown_options(row.options),
        "agencies": list(row.agencies),
        "not_before": row.not_before,
        "shards": row.shards,
        "state": row.state,
        "breaker": row.breaker,
        "failures": row.failures,
        "retry_at": row.retry_at,
        "waits_for": row.waits_for,
    }


@app.command()
def pause(receiver_id: Id) -> None:
    """Ngừng báo cho một nơi nhận; không mất gì / pause a receiver, nothing is lost."""
    with opened() as context:

        def work(tx: Tx) -> None:
            receivers.set_state(tx, deliver_acts.known(tx, receiver_id).id, "paused")

        context.store.in_write(work)


@app.command()
def resume(receiver_id: Id) -> None:
    """Báo lại, kể cả khi đang chờ người xử lý / resume, also where a person was waited for."""
    with opened() as context:
        context.store.in_write(
            lambda tx: deliver_parking.resume(context, tx, deliver_acts.known(tx, receiver_id))
        )
