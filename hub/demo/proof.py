"""`hub verify` on the demo's store, as a person would type it: in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from canonical.errors import HubError
from canonical.reasons import Reason

PATH = Path(sys.executable).parent  # where the command `hub` was installed
_HUB = "from hub.main import main; main()"
_SAID_CHARS = 500


class Proof:
    """The proof under way, beside whatever else is asked of the hub meanwhile."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own command, our own folder
            [sys.executable, "-I", "-c", _HUB, "verify", "--json"],
            env=environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def result(self) -> Mapping[str, Any]:
        """The report (sync.verify.Report); it may say that something is wrong.

        Raises:
            HubError: it could not be run.
        """
        out, said = self._process.communicate()
        if self._process.returncode not in (0, 1):
            told = said.decode("utf-8", "backslashreplace").strip()[-_SAID_CHARS:]
            raise HubError(Reason.CONFLICT, f"hub verify: {told}")
        report: Mapping[str, Any] = json.loads(out)
        return report


def environment(folder: Path) -> dict[str, str]:
    """The environment of a command on the demo's store."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("HUB_DATABASE_URL")}
    return kept | {"HUB_DATA_DIR": str(folder.absolute())}
