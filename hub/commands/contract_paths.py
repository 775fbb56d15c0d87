"""Contract files named on a command line: files, zips, and folders with all below them."""

from collections.abc import Iterable
from pathlib import Path

from canonical.errors import HubError
from canonical.reasons import Reason

_ENDINGS = (".wsdl", ".xsd", ".xml", ".json", ".zip")


def gathered(paths: Iterable[Path]) -> dict[str, bytes]:
    """Files as they were named; a folder's with their paths below it.

    Raises:
        HubError: NOT_FOUND: one cannot be read.
    """
    found: dict[str, bytes] = {}
    for path in paths:
        if path.is_dir():
            for one in sorted(path.rglob("*")):
                if one.is_file() and not one.is_symlink() and one.suffix.lower() in _ENDINGS:
                    found[one.relative_to(path).as_posix()] = read_bytes(one)
        else:
            found[path.name] = read_bytes(path)
    return found


def read_bytes(path: Path) -> bytes:
    """A file's bytes. Raises HubError: NOT_FOUND where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise HubError(Reason.NOT_FOUND, f"{path}: {error.strerror}") from error
