"""A SQLite store that another process holds: everybody waits once, side by side."""

import sqlite3
import threading
import time
from pathlib import Path

import pytest

from canonical.errors import StoreUnavailable
from store import engine, migrate
from store.engine import open_store


def test_writers_behind_a_lock_give_up_together_and_not_one_after_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_S", 1.0)
    store = open_store(f"sqlite:///{tmp_path / 'hub.db'}")
    migrate.ensure(store)
    other = sqlite3.connect(tmp_path / "hub.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    failed: list[BaseException] = []

    def write() -> None:
        try:
            store.in_write(lambda tx: tx.exec_driver_sql("UPDATE feed SET seq = seq"))
        except StoreUnavailable as error:
            failed.append(error)

    threads = [threading.Thread(target=write) for _ in range(8)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    took_s = time.monotonic() - began
    other.execute("ROLLBACK")
    other.close()
    assert len(failed) == 8
    assert took_s < 4.0  # and not eight seconds
    store.in_write(lambda tx: tx.exec_driver_sql("UPDATE feed SET seq = seq"))
    store.dispose()
