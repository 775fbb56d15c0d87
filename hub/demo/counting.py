"""The independent count: scripts/count_demo.py in a process of its own, beside the hub's work."""

import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Self

from msgspec import Struct

from canonical.errors import HubError
from canonical.reasons import Reason
from hub.demo.table import key_of

SCRIPT = Path(__file__).parents[2] / "scripts" / "count_demo.py"


class Counted(Struct, frozen=True):
    """What the script found.

    Attributes:
        counts: table.key_of -> figures of a period.
        rows: Connection -> rows in its department's file.
    """

    counts: Mapping[str, Any]
    rows: Mapping[str, int]


class Counter:
    """The script at work; nothing where the checkout's scripts/ is not at hand."""

    def __init__(self, folder: Path, script: Path = SCRIPT) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        if script.is_file():
            # Isolated: it must find nothing of ours even by accident.
            self._process = subprocess.Popen(  # noqa: S603 - our own script, our own folder
                [sys.executable, "-I", str(script), str(folder), "--json"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def result(self) -> Counted | None:
        """Its figures; None where there is no script.

        Raises:
            HubError: it failed; what it said stands on stderr.
        """
        if self._process is None:
            return None
        out, _ = self._process.communicate()
        if self._process.returncode != 0:
            raise HubError(Reason.CONFLICT, "scripts/count_demo.py failed")
        told = json.loads(out)
        counts = {
            key_of(one["agency"], _day(one["from"]), _day(one["to"])): one for one in told["counts"]
        }
        return Counted(counts, told["rows"])


def _day(text: str) -> date:
    return date.fromisoformat(text)
