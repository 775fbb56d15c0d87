"""Where the demo lives: a folder of its own below HUB_DATA_DIR, made anew each time."""

import contextlib
import fcntl
import shutil
from collections.abc import Iterator
from pathlib import Path

from canonical.errors import HubError
from canonical.reasons import Reason

_MARK = "hub-demo.txt"
_SAID = (
    "Thư mục của `hub demo`; mỗi lần chạy bị xoá và làm lại. Remade by every run of `hub demo`.\n"
)


@contextlib.contextmanager
def fresh(data_dir: Path) -> Iterator[Path]:
    """The emptied folder, held for one demo at a time.

    Raises:
        HubError: CONFLICT where another demo runs there, or the folder is not the demo's.
    """
    folder = data_dir / "demo"
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (data_dir / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise HubError(Reason.CONFLICT, f"another demo runs in {folder}") from error
        _empty(folder)
        yield folder


def _empty(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()) and not (folder / _MARK).is_file():
        raise HubError(Reason.CONFLICT, f"{folder} holds something that no demo wrote")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    (folder / _MARK).write_text(_SAID, "utf-8")
