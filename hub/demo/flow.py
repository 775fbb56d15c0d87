"""The departments' data on its way into the hub: pushed, asked for, and asked for once more."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from adapters.city_one_stop import simulator as city_app
from canonical.errors import HubError, Unreachable
from canonical.reasons import Reason
from hub.demo.asking import Portal
from hub.demo.serving import Department
from hub.demo.setup import CITIES
from hub.demo.waiting import until
from store import plans
from store.clients import Credentials
from store.plans import RunRow
from sync import wishes
from sync.context import Context

PUSH_BATCH = 500
Say = Callable[[str], None]


async def everything_in(
    context: Context,
    base: str,
    files: Mapping[str, Path],
    doors: Mapping[str, Credentials],
    say: Say,
) -> None:
    """Both cities push while the other departments are asked.

    Raises:
        HubError: a department could not be asked, or a door could not be reached.
    """
    others = [name for name in files if name not in CITIES]
    cities = [
        _city(context, name, files[name], f"{base}/soap/v1/connections/{name}", doors[name], say)
        for name in CITIES
    ]
    await asyncio.gather(*cities, _asked(context, others, say))


async def _city(
    context: Context, name: str, file: Path, door: str, account: Credentials, say: Say
) -> None:
    """Its online registrations first, as they were there before the counter took them in."""
    await ask(context, name, say)
    data: dict[str, Any] = await asyncio.to_thread(_loaded, file)
    try:
        told = await city_app.push_all(
            data, door, account.client_id, account.client_secret, batch=PUSH_BATCH
        )
    except OSError as error:
        raise Unreachable(Reason.NET_REFUSED, type(error).__name__, system=name) from error
    calls = sum(one["calls"] for one in told.values())
    rows = sum(one["rows"] for one in told.values())
    refused = sum(len(one["errors"]) for one in told.values())
    say(f"{name} đã gọi cửa của trục {calls} lần, {rows} dòng; {refused} lời gọi có dòng bị trả")


def _loaded(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


async def _asked(context: Context, names: Sequence[str], say: Say) -> None:
    for name in names:
        await ask(context, name, say)


async def ask(context: Context, name: str, say: Say, *, after: int = 0) -> None:
    """Wait until the serving hub has asked a connection; a new one it asks at once by itself.

    Args:
        context: The hub's parts.
        name: The connection.
        say: Told what came.
        after: It is wished for, and a run with a higher number is waited for; 0 waits for the
            first run, which nobody has to wish for.

    Raises:
        HubError: its source failed.
    """
    if after:
        await asyncio.to_thread(wishes.run_now, context, name)
    run = await until(
        lambda: _ended(context, name, after), f"{name} to be asked", context.limits.run_s
    )
    if run.state == "failed":
        raise HubError(run.reason or Reason.CONFLICT, f"{name}: {run.detail}")
    say(f"Đã hỏi {name}: {run.pages} trang, {run.records} bản ghi")


def newest_run(context: Context, name: str) -> int:
    """The number of a connection's newest run; 0 where it was never asked."""
    with context.store.read() as tx:
        run = plans.newest_run(tx, name)
    return run.id if run is not None else 0


def _ended(context: Context, name: str, after: int) -> RunRow | None:
    with context.store.read() as tx:
        run = plans.newest_run(tx, name)
    return run if run is not None and run.id > after and run.state != "running" else None


async def asked_again(
    context: Context, portal: Portal, one_stop: Department, later: Path, say: Say
) -> list[dict[str, Any]]:
    """A night passes at the one-stop app, and it is asked again; what changed by that."""
    before = await portal.newest_seq()
    await portal.replace_data(one_stop.base, await asyncio.to_thread(_loaded, later))
    asked = await asyncio.to_thread(newest_run, context, one_stop.connection)
    await ask(context, one_stop.connection, say, after=asked)
    return await portal.changes(before)
