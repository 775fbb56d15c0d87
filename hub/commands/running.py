"""`hub serve`, `hub worker`, `hub migrate`, `hub simulate`: processes."""

from pathlib import Path
from typing import Annotated

import typer

from canonical.errors import HubError
from canonical.reasons import Reason
from hub import output
from hub.commands.opened import opened
from hub.settings import load_settings
from sync import staff
from sync.staff import Made


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(serve)
    app.command()(worker)
    app.command()(migrate)
    app.command()(simulate)


def serve() -> None:
    """Mở các cửa của trục / open the hub's doors."""
    from hub import logs, serving

    settings = load_settings()
    with opened() as context:
        first = staff.add_first(context)
        if first is not None:  # told to the person who starts it, never to a log
            output.say(first_words(first))
        logs.install(settings.log_level)
        serving.serve(context, settings)


def first_words(made: Made) -> str:
    """What whoever starts a hub for the first time is told of its console."""
    return (
        f"Màn hình điều hành /console: tài khoản {made.name}, mật khẩu dùng một lần"
        f" {made.password} / console: account and one-time password, shown once;"
        " `hub staff reset` gives another"
    )


def worker() -> None:
    """Làm các việc tự chạy, không mở cửa / do the work that goes on by itself, without doors."""
    from hub import logs, serving

    settings = load_settings()
    with opened() as context:
        if context.store.is_sqlite:
            raise HubError(
                Reason.CONFLICT,
                "on SQLite the one `hub serve` does all the work; `hub worker` needs PostgreSQL",
            )
        logs.install(settings.log_level)
        serving.labour(context, settings)


def migrate() -> None:
    """Đưa kho dữ liệu lên lược đồ mới nhất / bring the store to the newest schema."""
    import asyncio

    from hub import wiring
    from store import migrate as migrations

    store = wiring.open_store_only(load_settings())
    before = migrations.current(store)
    migrations.upgrade(store)
    if not store.is_sqlite:
        from sync import engine

        asyncio.run(engine.install(store))
    output.say(f"{before or 'empty'} -> {migrations.current(store)}")
    store.dispose()


# Departments that exist nowhere, to learn with how a system is declared.
_SAMPLES = ("rest-sample", "soap-sample")


def simulate(
    system: str,
    port: Annotated[int, typer.Option(help="Cổng trên máy này.")] = 9000,
    data: Annotated[Path | None, typer.Option(help="Dữ liệu theo từ ngữ của hệ thống.")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE")] = None,
) -> None:
    """Chạy bộ giả lập của một hệ thống / run a department's simulator."""
    import importlib

    from adapters import registry, simulation

    if system in _SAMPLES:
        name = f"adapters.simulation.{system.replace('-', '_')}"
    else:
        name = f"adapters.{registry.folder_of(system).name}.simulator"
    module = importlib.import_module(name)
    options = dict(one.split("=", 1) for one in settings or [])
    simulation.serve(module.build(data, options), port=port)
