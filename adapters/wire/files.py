"""A drop folder filled by others: read bounded, in a fixed order, and never out of the folder.

Whoever fills the folder is another organisation, so its content is as foreign as an answer over
HTTP. Every step below the root goes through an open directory handle without following links, so
that nothing swapped between looking and opening (a link to a secret of ours, a pipe that never
ends) is ever read. The root itself is the operator's word and may be a link.
"""

import asyncio
import errno
import os
import re
import stat
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from canonical.errors import Garbled, HubError, NotAllowed, Unreachable
from canonical.reasons import Reason

MAX_BYTES = 64 * 1024 * 1024
MAX_NAMES = 100_000
# One name of one level: no separator, no NUL, and no way to spell "..".
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}\Z")
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# Opening a pipe waits for a writer unless told not to.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_Found = TypeVar("_Found")


def is_plain_name(name: str) -> bool:
    """Whether a name told by others may be looked for: one level, no leading dot, at most 200."""
    return _NAME.match(name) is not None


class Folder:
    """One drop folder; every call has a total deadline, for a mount that hangs is silence.

    Attributes:
        system: Connection that a failure names.
    """

    def __init__(
        self, root: Path, *, system: str = "", timeout_s: float = 30.0, max_bytes: int = MAX_BYTES
    ) -> None:
        self.system = system
        self._root = root
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes

    async def names(self) -> list[str]:
        """Every name in the folder, sorted by code point.

        Raises:
            Unreachable: NET_REFUSED where the folder is not there, NET_RESET where reading it
                fails, TIMEOUT_TOTAL.
            NotAllowed: AUTH_DENIED: the hub's user may not read it.
            Garbled: BODY_TOO_LARGE: more than 100,000 names.
        """
        return await self._within_deadline(self._names)

    async def read(self, *names: str) -> bytes | None:
        """The bytes of one file below the folder; None where there is no such file or sub-folder.

        Args:
            names: The path, level by level.

        Raises:
            Unreachable, NotAllowed: as `names`.
            Garbled: BODY_MALFORMED for a name that could leave the folder and for anything that is
                no plain file (a link, a folder, a pipe); BODY_TOO_LARGE.
        """
        for name in names:
            if not is_plain_name(name):
                raise Garbled(Reason.BODY_MALFORMED, "a name with a path", system=self.system)
        return await self._within_deadline(lambda: self._read(names))

    async def modified_s(self, name: str) -> float | None:
        """When a plain file was last written, seconds since 1970; None where there is none.

        Raises:
            Unreachable, NotAllowed: as `names`.
        """
        return await self._within_deadline(lambda: self._modified_s(name))

    async def _within_deadline(self, work: Callable[[], _Found]) -> _Found:
        """What `work` gives, done in a thread of its own.

        A mount that hangs never gives its thread back. In the loop's small pool that would, run
        after run, starve everything else that uses it, and an ending process would wait for it.
        """
        found: Future[_Found] = Future()
        threading.Thread(target=_do, args=(work, found), name="drop-folder", daemon=True).start()
        try:
            async with asyncio.timeout(self._timeout_s):
                return await asyncio.wrap_future(found)
        except TimeoutError as error:
            raise Unreachable(Reason.TIMEOUT_TOTAL, "drop folder", system=self.system) from error
        except OSError as error:
            raise self._failure(error) from error

    def _names(self) -> list[str]:
        with self._opened_root() as root, os.scandir(root) as entries:
            found: list[str] = []
            for entry in entries:
                found.append(entry.name)
                if len(found) > MAX_NAMES:
                    raise Garbled(Reason.BODY_TOO_LARGE, "too many names", system=self.system)
        return sorted(found)

    def _read(self, names: tuple[str, ...]) -> bytes | None:
        *folders, last = names
        with self._opened_root() as root:
            try:
                with _descended(root, folders) as folder:
                    handle = os.open(last, _FILE, dir_fd=folder)
            except FileNotFoundError:
                return None
        try:
            return self._content(handle, last)
        finally:
            os.close(handle)

    def _modified_s(self, name: str) -> float | None:
        with self._opened_root() as root:
            try:
                told = os.stat(name, dir_fd=root, follow_symlinks=False)
            except FileNotFoundError:
                return None
        return told.st_mtime if stat.S_ISREG(told.st_mode) else None

    def _content(self, handle: int, name: str) -> bytes:
        told = os.fstat(handle)
        if not stat.S_ISREG(told.st_mode):
            raise Garbled(Reason.BODY_MALFORMED, f"{name}: not a file", system=self.system)
        raw = b""
        if told.st_size <= self._max_bytes:
            # It may grow while it is read: the limit holds for what is read, too.
            with os.fdopen(handle, "rb", closefd=False) as file:
                raw = file.read(self._max_bytes + 1)
        if max(told.st_size, len(raw)) > self._max_bytes:
            raise Garbled(Reason.BODY_TOO_LARGE, name, system=self.system)
        return raw

    @contextmanager
    def _opened_root(self) -> Iterator[int]:
        try:
            root = os.open(self._root, _DIRECTORY)
        except FileNotFoundError as error:
            raise Unreachable(
                Reason.NET_REFUSED, "the drop folder is not there", system=self.system
            ) from error
        try:
            yield root
        finally:
            os.close(root)

    def _failure(self, error: OSError) -> HubError:
        """What an error of the file system means for the caller."""
        name = errno.errorcode.get(error.errno or 0, "OSError")
        match error.errno:
            case errno.EACCES | errno.EPERM:
                return NotAllowed(Reason.AUTH_DENIED, f"drop folder: {name}", system=self.system)
            case errno.ELOOP | errno.ENOTDIR | errno.ENXIO:
                detail = f"a link, or not what its name says ({name})"
                return Garbled(Reason.BODY_MALFORMED, detail, system=self.system)
            case _:
                return Unreachable(Reason.NET_RESET, f"drop folder: {name}", system=self.system)


def _do(work: Callable[[], _Found], found: "Future[_Found]") -> None:
    if not found.set_running_or_notify_cancel():
        return
    try:
        found.set_result(work())
    except BaseException as error:  # noqa: BLE001 - raised again where `found` is awaited
        found.set_exception(error)


@contextmanager
def _descended(root: int, folders: list[str]) -> Iterator[int]:
    """A handle on a folder some levels down, no link followed on the way."""
    here = os.dup(root)
    try:
        for name in folders:
            below = os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
            os.close(here)
            here = below
        yield here
    finally:
        os.close(here)
