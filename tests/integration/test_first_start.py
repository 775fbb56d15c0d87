"""A store as a command finds it: empty, being made by another, of another program, not there."""

import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import text

from canonical.errors import HubError, StoreUnavailable
from store import migrate
from store.engine import Store, open_store


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a store in which nothing is."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'hub.db'}"
        return
    server = request.getfixturevalue("postgres_url")
    with psycopg.connect(server, autocommit=True) as tx:
        tx.execute("CREATE DATABASE first_start")
    yield server.replace("/postgres?", "/first_start?")
    with psycopg.connect(server, autocommit=True) as tx:
        tx.execute("DROP DATABASE first_start WITH (FORCE)")


@pytest.fixture
def made(empty: str) -> Iterator[Store]:
    store = open_store(empty)
    migrate.ensure(store)
    yield store
    store.dispose()


def test_first_starts_at_once_end_with_one_store(empty: str) -> None:
    stores = [open_store(empty) for _ in range(3)]
    failed: list[Exception] = []

    def start(store: Store) -> None:
        try:
            migrate.ensure(store)
        except Exception as error:  # noqa: BLE001 - told below
            failed.append(error)

    threads = [threading.Thread(target=start, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    assert {migrate.current(store) for store in stores} == {migrate.head()}
    for store in stores:
        store.dispose()


@pytest.mark.parametrize(
    ("revision", "why"), [("'9999'", "made by a newer program"), ("NULL", "are not the hub's")]
)
def test_a_store_of_another_program_is_left_alone(made: Store, revision: str, why: str) -> None:
    with made.write() as tx:
        tx.execute(text("DELETE FROM alembic_version"))
        if revision != "NULL":
            tx.execute(text(f"INSERT INTO alembic_version VALUES ({revision})"))
    for act in (migrate.ensure, migrate.upgrade):
        with pytest.raises(HubError, match=why):
            act(made)


def test_a_store_that_is_not_there_is_unavailable() -> None:
    store = open_store("postgresql://nobody:secret@127.0.0.1:1/none")
    for act in (migrate.ensure, migrate.upgrade, migrate.current):
        with pytest.raises(StoreUnavailable):
            act(store)
    store.dispose()


@pytest.mark.parametrize("url", ["mysql://a:geheim@localhost/x", "geheim", "http://geheim@x/"])
def test_an_address_of_no_store_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(HubError, match="HUB_DATABASE_URL") as refused:
        open_store(url)
    assert "geheim" not in str(refused.value)


def test_the_newest_revision_is_the_one_that_alembic_ends_with() -> None:
    script = ScriptDirectory(str(Path(migrate.__file__).parent / "migrations"))
    assert script.get_heads() == [migrate.head()]
    assert {one.revision for one in script.walk_revisions()} == migrate._revisions()
