"""A small disk that can be filled and freed: a tmpfs, or a limit on the size of files."""

import contextlib
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_DISK_BYTES = 96 << 20
_LEFT_BYTES = 2 << 20


class Disk:
    """A disk with little room left."""

    how = "tmpfs"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self, pid: int) -> None:
        """Leave almost no room; `pid` is the process that writes there."""
        free = os.statvfs(self.folder)
        size = free.f_bavail * free.f_frsize - _LEFT_BYTES
        with self._ballast.open("wb") as file:
            while size > 0:
                size -= file.write(bytes(min(size, 1 << 20)))

    def free(self, pid: int) -> None:
        """Give the room back."""
        self._ballast.unlink()


class Limit(Disk):
    """Where nothing may be mounted: the process may not make any file larger than so much."""

    how = "RLIMIT_FSIZE"

    def fill(self, pid: int) -> None:
        largest = max(one.stat().st_size for one in self.folder.rglob("*") if one.is_file())
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (largest + _LEFT_BYTES, hard))

    def free(self, pid: int) -> None:
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Disk]:
    """A small disk at a folder that is there; it says which kind it is."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={_DISK_BYTES},mode=0700", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    disk = Disk(folder) if mounted else Limit(folder)
    sys.stdout.write(f"the disk is full by {disk.how}\n")
    try:
        yield disk
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=False)
