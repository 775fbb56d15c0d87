"""Alembic, run by the hub itself: an empty store is migrated by any command, a filled one never.

A filled store that is behind is left alone and said so; `hub migrate` moves it.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect
from sqlalchemy.exc import OperationalError

from canonical.errors import HubError, StoreUnavailable
from canonical.reasons import Reason
from store.engine import Store

_HERE = Path(__file__).parent / "migrations"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_HERE))
    return config


def head() -> str:
    """The newest revision this code knows."""
    found = ScriptDirectory.from_config(_config()).get_current_head()
    if found is None:
        raise AssertionError("there are no migrations")
    return found


def current(store: Store) -> str | None:
    """The revision the store is at; None where it is empty."""
    with store.engine.connect() as tx:
        return MigrationContext.configure(tx).get_current_revision()


def upgrade(store: Store) -> None:
    """Bring the store to the newest revision."""
    config = _config()
    with store.write() as tx:
        if not store.is_sqlite:  # two first starts at once must not both create the tables
            tx.exec_driver_sql("SELECT pg_advisory_xact_lock(7216053118)")
        config.attributes["connection"] = tx
        command.upgrade(config, "head")


def ensure(store: Store) -> None:
    """Migrate an empty store; check a filled one.

    Raises:
        HubError: CONFLICT where the store is at another revision than this code.
        StoreUnavailable: it cannot be reached.
    """
    try:
        _ensure(store)
    except OperationalError as error:
        raise StoreUnavailable(Reason.STORE_UNAVAILABLE, "the store cannot be reached") from error


def _ensure(store: Store) -> None:
    if current(store) is None and not inspect(store.engine).get_table_names():
        upgrade(store)
    found = current(store)
    if found != head():
        raise HubError(
            Reason.CONFLICT,
            f"the store is at revision {found}, this program wants {head()}: run `hub migrate`",
        )
