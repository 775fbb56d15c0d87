"""Which command stands in which module: one command loads no more than it needs.

All modules together take a second of processor time, which a person at a terminal would wait for.
"""

import functools
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import typer

# A word that others follow, and the modules that know those.
GROUPS: dict[str, tuple[str, ...]] = {
    "connections": (
        "connections",
        "connection_plans",
        "connection_life",
        "connection_exports",
        "connection_proofs",
        "connection_trials",
        "connection_drift",
        "secrets",
    ),
    "clients": ("clients",),
    "staff": ("staff",),
    "catalogue": ("catalogue",),
    "quarantine": ("quarantine",),
    "receivers": ("receivers",),
    "deliveries": ("deliveries",),
    "publications": ("publications",),
    "filings": ("filings",),
    "alarms": ("alarms",),
    "secrets": ("secrets",),
}
SINGLES: dict[str, tuple[str, ...]] = {
    "running": ("serve", "worker", "migrate", "simulate"),
    "backup": ("backup", "restore"),
    "demo": ("demo",),
    "work": ("sync", "verify", "indicators"),
    "people": ("lookup", "company"),
    "replay_log": ("replay-log",),
    "reconcile": ("reconcile",),
}


def app_for(words: Sequence[str]) -> typer.Typer:
    """The application for a command line; with every command where its first word is none."""
    first = words[0] if words else ""
    if first in GROUPS:
        return _app([first], [])
    found = [module for module, names in SINGLES.items() if first in names]
    return _app([], found) if found else whole()


@functools.cache
def whole() -> typer.Typer:
    """The application with every command."""
    return _app(list(GROUPS), list(SINGLES))


def _app(groups: Sequence[str], singles: Sequence[str]) -> typer.Typer:
    app = typer.Typer(
        name="hub",
        help="Trục liên thông một cửa điện tử / the one-stop integration hub.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    app.callback()(_none)
    for name in groups:
        app.add_typer(_group(name), name=name)
    for name in singles:
        _module(name).register(app)
    return app


@functools.cache
def _group(name: str) -> typer.Typer:
    first, *others = GROUPS[name]
    app: typer.Typer = _module(first).app
    for other in others:
        _module(other).register(app)
    return app


def _module(name: str) -> Any:
    return import_module(f"hub.commands.{name}")


def _none() -> None:
    """Keeps an application of one command from being that command."""
