"""A portal's view of a filled store: the hub served on it, and who may read."""

import json
import time
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from bench.postgres import Postgres
from bench.product import Product

PORTAL = "portal"


class Portal(Product):
    """The hub on a store that is there already; with a client of the whole province."""

    def __init__(self, url: str, folder: Path) -> None:
        told = urlsplit(url)
        self.database = told.path.strip("/")
        with psycopg.connect(url) as at:
            backend = at.execute("SELECT pg_backend_pid()").fetchone()
            stat = Path(f"/proc/{backend[0] if backend else 0}/stat").read_text("utf-8")
        server = int(stat.rpartition(")")[2].split()[1])  # the parent of a backend
        self.postgres = Postgres(told.port or 5432, server, folder / "log")
        self.folder = folder
        self.clients: dict[str, dict[str, str]] = {}
        folder.mkdir(parents=True, exist_ok=True)
        scopes = f"clients add {PORTAL}-{time.time_ns()} --scope read --scope indicators --json"
        self.clients[PORTAL] = json.loads(self.command(scopes, database=self.database))
