"""The command `hub`: exit 0 done, 1 found something wrong, 2 cannot run (CONTRACT)."""

import sys

import typer
from pydantic import ValidationError

from canonical.errors import HubError
from canonical.reasons import sentence
from hub import output
from hub.commands.listed import app_for


def main() -> None:
    """Run one command and exit with its code."""
    try:
        code = app_for(sys.argv[1:])(standalone_mode=False)
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
