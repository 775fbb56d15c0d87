"""`hub demo`: the founding interview's figures, on this machine alone."""

import sys
from typing import Annotated

import typer

from hub.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    once: Annotated[bool, typer.Option("--once", help="In xong thì dừng.")] = False,
) -> None:
    """Chạy thử cả trục với sáu hệ thống giả lập / the whole hub with six simulated departments."""
    from hub import logs
    from hub.commands import clients, connections, publications, receivers
    from hub.commands.catalogue_csv import merged_into
    from hub.demo.run import run
    from hub.demo.setup import Commands

    logs.install("WARNING")
    is_watched = sys.stdin.isatty() and sys.stdout.isatty()
    commands = Commands(
        merge_catalogue=merged_into,
        add_connection=connections.make,
        change_connection=connections.alter,
        add_client=clients.make,
        add_receiver=receivers.make,
        count_again=publications.count_again,
    )
    raise typer.Exit(run(load_settings(), commands, stays=is_watched and not once))
