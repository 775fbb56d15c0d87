"""Alembic, run by the hub itself: an empty store is migrated by any command, a filled one never.

A filled store that is behind is left alone and said so; `hub migrate` moves it.
"""

from pathlib import Path
from typing import Any

from sqlalchemy import inspect, text

from canonical.errors import HubError
from canonical.reasons import Reason
from store.engine import Store, outages_said

_HERE = Path(__file__).parent / "migrations"


def _config() -> Any:
    from alembic.config import Config  # a quarter of a second that only a migration needs

    config = Config()
    config.set_main_option("script_location", str(_HERE))
    return config


def head() -> str:
    """The newest revision this code knows: files are named by their revisions, which follow."""
    return max(_revisions())


def _revisions() -> set[str]:
    return {path.name.partition("_")[0] for path in (_HERE / "versions").glob("[0-9]*.py")}


def current(store: Store) -> str | None:
    """The revision the store is at; None where it is empty.

    Raises:
        StoreUnavailable: it cannot be reached.
    """
    with outages_said(), store.engine.connect() as tx:
        if not inspect(tx).has_table("alembic_version"):
            return None
        found: str | None = tx.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return found


def upgrade(store: Store) -> None:
    """Bring the store to the newest revision.

    Raises:
        HubError: CONFLICT where what stands there was not made by this program or an older one.
        StoreUnavailable: it cannot be reached.
    """
    from alembic import command

    found, config = current(store), _config()
    if not _is_known(found) or (found is None and _has_tables(store)):
        raise HubError(Reason.CONFLICT, _not_ours(found))
    with outages_said(), store.write() as tx:
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
    if current(store) is None and not _has_tables(store):
        try:
            upgrade(store)
        except HubError:
            if not _has_tables(store):  # else another first start was faster
                raise
    found = current(store)
    if found != head():
        told = f"the store is at revision {found}, this program wants {head()}: run `hub migrate`"
        is_behind = found is not None and _is_known(found)
        raise HubError(Reason.CONFLICT, told if is_behind else _not_ours(found))


def _has_tables(store: Store) -> bool:
    with outages_said():
        return bool(inspect(store.engine).get_table_names())


def _is_known(revision: str | None) -> bool:
    return revision is None or revision in _revisions()


def _not_ours(revision: str | None) -> str:
    if revision is None:
        return "the store holds tables that are not the hub's"
    return f"the store is at revision {revision}, made by a newer program than this one"
