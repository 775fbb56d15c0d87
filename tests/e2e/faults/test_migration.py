"""A migration of a filled store killed on its way: begun again it ends, and nothing is lost."""

import os
import signal
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from sqlalchemy import MetaData, Table, func, insert, select

from hub import wiring
from store import migrate
from store.engine import Store, open_store
from tests.e2e.faults.forked import Troop, until
from tests.e2e.faults.stage import Stage, said, stage

FULL = os.environ.get("HUB_FAULTS") == "full"
BEFORE, AFTER = "0001", migrate.head()
# Moments of `hub migrate`; the table of acts is copied to another and renamed.
MOMENTS = [
    ("at", "CREATE TABLE alarm"),
    ("at", "INSERT INTO act "),
    ("at", "DROP TABLE act_before"),
    ("at", "UPDATE alembic_version"),
    ("before", "UPDATE alembic_version"),
    ("after", "UPDATE alembic_version"),
]
if FULL:
    names = ["receiver", "delivery", "replay", "filing", "reconciliation", "discrepancy"]
    MOMENTS += [("at", f"CREATE TABLE {name}") for name in names]
    MOMENTS += [("at", "ALTER TABLE act RENAME"), ("at", "ALTER TABLE run ADD")]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def address(request: pytest.FixtureRequest, kind: str, folder: Path) -> str:
    """Of an empty store."""
    if kind == "sqlite":
        folder.mkdir(parents=True)
        return f"sqlite:///{folder / 'hub.db'}"
    server: str = request.getfixturevalue("postgres_url")
    name = f"migration_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(server, autocommit=True) as tx:
        tx.execute(f'CREATE DATABASE "{name}"')
    return server.replace("/postgres?", f"/{name}?")


@pytest.fixture(scope="module")
def filled(request: pytest.FixtureRequest, kind: str) -> Iterator[Stage]:
    """A store at the newest revision with something in every table the older one had."""
    with tempfile.TemporaryDirectory(prefix="lienthong-filled-") as folder:
        url = "" if kind == "sqlite" else address(request, kind, Path(folder))
        with stage(Path(folder), url, ["serve"]) as made:
            made.ask("so", 15)
            made.take([said(number) for number in range(1, 31)])
            made.push([said(number, 2, status="?") for number in range(1, 11)])
            until(lambda: made.newest == 45, "it is asked")
            made.hubs.end()
            yield made


@pytest.fixture
def old(
    request: pytest.FixtureRequest, kind: str, filled: Stage, tmp_path: Path
) -> Iterator[tuple[Troop, Store]]:
    """The same as the older program would have left it."""
    url = address(request, kind, tmp_path / "data")
    store = open_store(url)
    to_revision(store, BEFORE)
    copy(filled.context.store, store)
    hubs = Troop(tmp_path, url, ["serve"])
    hubs.env["HUB_SECRET_KEY"] = filled.hubs.settings().key()
    assert migrate.current(store) == BEFORE
    yield hubs, store
    hubs.destroy()
    store.dispose()


def to_revision(store: Store, revision: str) -> None:
    config = migrate._config()
    with store.write() as tx:
        config.attributes["connection"] = tx
        command.upgrade(config, revision)


def tables(store: Store) -> dict[str, Table]:
    meta = MetaData()
    meta.reflect(store.engine)
    return {name: one for name, one in meta.tables.items() if name != "alembic_version"}


def copy(newer: Store, older: Store) -> None:
    """Every row, as far as the older one has room for it."""
    have = tables(newer)
    with newer.read() as source, older.write() as target:
        later = "PRAGMA defer_foreign_keys=ON", "SET session_replication_role = replica"
        target.exec_driver_sql(later[not older.is_sqlite])
        for name, one in tables(older).items():
            target.execute(one.delete())
            columns = [have[name].c[column.name] for column in one.c]
            rows = [tuple(row) for row in source.execute(select(*columns))]
            if rows:
                names = [column.name for column in columns]
                target.execute(insert(one), [dict(zip(names, row, strict=True)) for row in rows])
        if not older.is_sqlite:
            target.exec_driver_sql("SET session_replication_role = DEFAULT")


def held(store: Store, known: dict[str, Table]) -> dict[str, Any]:
    """What stands in the columns of these tables."""
    with store.read() as tx:
        return {
            name: sorted(map(repr, tx.execute(select(*one.c)).all())) for name, one in known.items()
        }


@pytest.mark.parametrize(("when", "what"), MOMENTS)
def test_a_migration_killed_on_its_way_is_as_if_not_begun_and_then_ends(
    old: tuple[Troop, Store], when: str, what: str
) -> None:
    hubs, store = old
    known = tables(store)
    before = held(store, known)
    assert before["record"]
    hubs.doom(when, what)
    assert hubs.command("migrate").returncode == -signal.SIGKILL
    hubs.struck()
    is_over = when == "after"
    until(lambda: migrate.current(store) == (AFTER if is_over else BEFORE), "its locks are free")
    if not is_over:
        assert held(store, known) == before
        assert hubs.command("serve").returncode == 2, "it does not work on a store that is behind"
    assert hubs.command("migrate").returncode == 0
    assert migrate.current(store) == AFTER == migrate.head()
    assert held(store, known) == before


def test_what_was_migrated_is_worked_with(old: tuple[Troop, Store]) -> None:
    hubs, store = old
    assert hubs.command("migrate").returncode == 0
    hubs.start("serve")
    hubs.wait()
    context = wiring.open_hub(hubs.settings())
    with context.store.read() as tx:
        count = tx.execute(select(func.count()).select_from(tables(store)["record"])).scalar()
    context.store.dispose()
    assert count == 55
    proof = hubs.told("verify")
    assert [check for check in proof["checks"] if not check["ok"]] == []
    assert hubs.end() == {"serve": 0}
