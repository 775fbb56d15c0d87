"""The command `hub`: exit 0 done, 1 found something wrong, 2 cannot run (CONTRACT)."""

import sys

import typer
from pydantic import ValidationError

from canonical.errors import HubError
from canonical.reasons import sentence
from hub import output
from hub.commands import (
    alarms,
    backup,
    catalogue,
    clients,
    connection_drift,
    connection_exports,
    connection_life,
    connection_plans,
    connection_proofs,
    connection_trials,
    connections,
    deliveries,
    demo,
    filings,
    people,
    publications,
    quarantine,
    receivers,
    reconcile,
    replay_log,
    running,
    secrets,
    staff,
    work,
)

app = typer.Typer(
    name="hub",
    help="Trục liên thông một cửa điện tử / the one-stop integration hub.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
connection_plans.register(connections.app)
connection_life.register(connections.app)
connection_exports.register(connections.app)
connection_proofs.register(connections.app)
connection_trials.register(connections.app)
connection_drift.register(connections.app)
secrets.register(connections.app)
app.add_typer(connections.app, name="connections")
app.add_typer(clients.app, name="clients")
app.add_typer(staff.app, name="staff")
app.add_typer(catalogue.app, name="catalogue")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(receivers.app, name="receivers")
app.add_typer(deliveries.app, name="deliveries")
app.add_typer(publications.app, name="publications")
app.add_typer(filings.app, name="filings")
app.add_typer(alarms.app, name="alarms")
app.add_typer(secrets.app, name="secrets")
running.register(app)
backup.register(app)
demo.register(app)
work.register(app)
people.register(app)
replay_log.register(app)
reconcile.register(app)


def main() -> None:
    """Run one command and exit with its code."""
    try:
        code = app(standalone_mode=False)
    # Typer carries a click of its own: click's exceptions are not the ones it raises.
    except typer.Exit as stop:
        code = stop.exit_code
    except typer.Abort:
        code = output.CANNOT
    except typer.TyperException as error:
        # Called with nothing, help has been printed and there is no message.
        output.say(error.format_message() and f"{error.format_message()} (--help)")
        code = output.CANNOT
    except HubError as error:
        output.say(f"{error.reason}: {error.detail or sentence(error.reason)}")
        code = output.CANNOT
    except ValidationError as error:
        names = ", ".join(f"HUB_{'_'.join(map(str, e['loc'])).upper()}" for e in error.errors())
        output.say(f"Thiết lập không hợp lệ / setting not valid: {names}")
        code = output.CANNOT
    sys.exit(code if isinstance(code, int) else output.DONE)
