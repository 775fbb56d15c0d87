"""The store fails: full, locked, killed, cut off. What was acknowledged is kept, once; the hub
finds the store again by itself. `make faults` runs longer forms of the same tests.
"""

import itertools
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from sqlalchemy import text

from hub import wiring
from tests.e2e.faults.disk import Disk, Limit, small_disk
from tests.e2e.faults.proxy import Cut, Line, cutting, did, once
from tests.e2e.fleet import Fleet, Load, fleet, pause
from tests.e2e.plain import HTTP
from tests.e2e.served import free_port
from tests.e2e.test_killed import proved, rows
from tests.trial import dossier

FULL = os.environ.get("HUB_FAULTS") == "full"
ANSWERS = {200, 202, 503}


def until(what: Callable[[], bool], within_s: float = 60.0) -> None:
    """Wait until it is so."""
    end = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < end, "it did not come to that"
        pause(0.05)


def database(postgres: Any, name: str, more: str = "") -> str:
    """A new database of the server."""
    with psycopg.connect(postgres.get_uri(), autocommit=True) as tx:
        tx.execute(f"CREATE DATABASE {name} {more}")
    return str(postgres.get_uri().replace("/postgres?", f"/{name}?"))


def grows(load: Load, answer: int, by: int = 5, within_s: float = 60.0) -> None:
    """Wait until an answer was given so many times more."""
    before = load.answers[answer]
    until(lambda: load.answers[answer] >= before + by, within_s)


# ------------------------------------------------------------------------------ the disk is full


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Iterator[tuple[Disk, str]]:
    folder = tmp_path / "data"
    folder.mkdir()
    with small_disk(folder) as disk:
        yield disk, ""


@pytest.fixture
def on_postgresql(postgres: Any) -> Iterator[tuple[Disk, str]]:
    """The tables alone lie on the small disk: a server whose own log has no room stops itself."""
    folder = Path(tempfile.mkdtemp(prefix="lienthong-ts-"))
    try:
        with small_disk(folder) as disk:
            if isinstance(disk, Limit):
                pytest.skip("nothing may be mounted here, and the server is not the hub's process")
            shutil.chown(folder, postgres.system_user)
            with psycopg.connect(postgres.get_uri(), autocommit=True) as tx:
                tx.execute(f"CREATE TABLESPACE small LOCATION '{folder}'")
            yield disk, database(postgres, "on_small", "TABLESPACE small")
            with psycopg.connect(postgres.get_uri(), autocommit=True) as tx:
                tx.execute("DROP DATABASE on_small WITH (FORCE)")
                tx.execute("DROP TABLESPACE small")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"] if FULL else ["sqlite"])
def test_a_full_disk_acknowledges_nothing_and_is_found_free_by_itself(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    disk, url = request.getfixturevalue(f"on_{kind}")
    with fleet(tmp_path, url, 1) as hubs:
        load = Load(hubs, writers=6, followers=1)
        with load.running():
            for _ in range(3 if FULL else 1):
                grows(load, 200)
                disk.fill(hubs.processes[0].pid)
                grows(load, 503)
                assert HTTP.get(f"{hubs.base(0)}/livez").status_code == 200
                disk.free(hubs.processes[0].pid)
                grows(load, 200, by=20)
        assert set(load.answers) <= ANSWERS
        proved(hubs, load)


# ----------------------------------------------------------------------------- SQLite is locked

_HOLD = """
import sqlite3, sys, time
tx = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
tx.execute("BEGIN IMMEDIATE")
print("held", flush=True)
time.sleep(float(sys.argv[2]))
tx.execute("ROLLBACK")
"""


def test_a_lock_held_by_another_process_delays_and_loses_nothing(tmp_path: Path) -> None:
    held_s = 45.0 if FULL else 2.0  # a writer waits for 30 s
    with fleet(tmp_path, "", 1) as hubs:
        load = Load(hubs, writers=6, followers=1)
        with load.running():
            grows(load, 200)
            file = hubs.settings.data_dir / "hub.db"
            with subprocess.Popen(
                [sys.executable, "-c", _HOLD, str(file), str(held_s)], stdout=subprocess.PIPE
            ) as holder:
                assert holder.stdout is not None
                assert holder.stdout.readline() == b"held\n"
                for path in ("livez", "readyz", "metrics"):  # who reads does not wait
                    said = HTTP.get(f"{hubs.base(0)}/{path}", timeout=5)
                    assert said.status_code == 200
                before = load.answers[200]
                if FULL:
                    # All of them at about the same time, not one after another.
                    grows(load, 503, by=load.writers, within_s=42)
            assert load.answers[200] - before <= load.writers  # answered as the lock was let go
            grows(load, 200, by=20)
        assert set(load.answers) <= ANSWERS
        proved(hubs, load)


# ------------------------------------------------------------------- PostgreSQL dies, many times


def test_a_server_killed_again_and_again_costs_nothing_that_was_acknowledged(
    postgres: Any, tmp_path: Path
) -> None:
    stop = [postgres.bin_path / "pg_ctl", "-D", postgres.pgdata, "stop", "-m", "immediate"]
    with fleet(tmp_path, database(postgres, "killed"), 2 if FULL else 1) as hubs:
        load = Load(hubs, writers=6, followers=1)
        with load.running():
            for _ in range(10 if FULL else 3):
                grows(load, 200)
                subprocess.run(stop, check=True, capture_output=True, user=postgres.system_user)
                grows(load, 503, by=1)
                postgres.start()
            grows(load, 200)
        assert set(load.answers) <= ANSWERS
        proved(hubs, load)


# ------------------------------------------------------------------------------ the line is cut


def push(hubs: Fleet, record: dict[str, Any], key: str | None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {hubs.token('desk')}"}
    if key is not None:
        headers["Idempotency-Key"] = key
    address = f"{hubs.base(0)}/api/v1/dossiers"
    return HTTP.post(address, json=record, headers=headers, timeout=60)


def told_of(hubs: Fleet, code: str) -> tuple[int, int, int]:
    """(records, timeline entries, changes) of one local code."""
    store = wiring.open_store_only(hubs.settings)
    with store.read() as tx:
        found = tx.execute(
            text(
                "SELECT (SELECT count(*) FROM record WHERE code = :code), (SELECT count(*) FROM"
                " timeline t JOIN leg ON leg.id = t.leg_id WHERE leg.code = :code), (SELECT"
                " count(*) FROM change c JOIN leg ON leg.id = c.dossier_id WHERE leg.code = :code)"
            ),
            {"code": code},
        ).one()
    store.dispose()
    return int(found[0]), int(found[1]), int(found[2])


@pytest.fixture(scope="module")
def cut_off(
    postgres: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Line, Fleet]]:
    """A hub whose line to its server can be cut."""
    url, folder = database(postgres, "cut_off"), tmp_path_factory.mktemp("cut_off")
    with cutting(url) as line, fleet(folder, url, 1, HUB_DATABASE_URL=line.uri) as hubs:
        yield line, hubs


def test_a_line_cut_at_the_commit_of_a_push_is_no_acknowledgement_and_no_second_effect(
    cut_off: tuple[Line, Fleet],
) -> None:
    line, hubs = cut_off
    cases = list(itertools.product(Cut, (None, "k"), range(3 if FULL else 1)))
    for number, (cut, key, _) in enumerate(cases, 1):
        record = dossier(number, national_code=...)
        own_key = f"{key}{number}" if key is not None else None
        line.decide = once(cut, 'INSERT INTO "receipt"')
        said = push(hubs, record, own_key)
        assert (said.status_code, said.json()["reason"]) == (503, "STORE_UNAVAILABLE")
        assert said.headers["retry-after"]
        assert len(line.cuts) == number
        again = [push(hubs, record, own_key) for _ in range(2)]
        assert [one.status_code for one in again] == [200, 200]
        fates = [one.json()["records"][0]["disposition"] for one in again]
        if key is not None:  # the answer once decided on, and only then given
            assert fates == ["applied", "applied"]
            assert again[0].json() == again[1].json()
        else:
            assert fates == ["duplicate" if cut is Cut.AFTER else "applied", "duplicate"]
        assert told_of(hubs, record["code"]) == (1, 1, 1)


def synced(hubs: Fleet, what: str) -> dict[str, Any]:
    """A run that ended well; the serving hub may be asking the same department just now."""
    while (said := hubs.command(f"sync {what} --json")).returncode != 0:
        assert "CONFLICT" in said.stderr, said.stderr
        pause(0.5)
    told: dict[str, Any] = json.loads(said.stdout)
    return told


@pytest.mark.skipif(not FULL, reason="runs in make faults")
@pytest.mark.parametrize("cut", list(Cut))
def test_a_line_cut_at_the_commit_of_a_page_is_asked_for_again_and_counted_once(
    cut_off: tuple[Line, Fleet], tmp_path: Path, cut: Cut
) -> None:
    line, hubs = cut_off
    data, port, name = tmp_path / "rows.json", free_port(), f"mot-cua-{cut.value}"
    data.write_text(json.dumps(rows(600)), "utf-8")
    source = hubs.spawn(f"simulate one_stop --port {port} --data {data}")
    try:
        added = hubs.command(
            f"connections add {name} --system one_stop --endpoint http://127.0.0.1:{port}"
            " --set client_id=truc-lien-thong --set client_secret=mo-phong-khong-phai-that"
        )
        assert added.returncode == 0, added.stderr
        line.decide = once(cut, "INTO checkpoint")
        said = hubs.command(f"sync {name} --json")
        assert (said.returncode, "STORE_UNAVAILABLE" in said.stdout + said.stderr) != (0, False)
        assert line.cuts[-1][0] is cut
        synced(hubs, name)
        again = synced(hubs, f"{name} --full")
        assert (again["records"], again["duplicate"]) == (600, 600)
    finally:
        source.kill()
        source.wait(10)


def test_lines_cut_at_commits_of_every_kind_under_load_lose_and_double_nothing(
    cut_off: tuple[Line, Fleet],
) -> None:
    line, hubs = cut_off
    rng = random.Random(7)

    def decide(told: Any) -> Cut | None:
        # Whoever only reads has nothing to lose. Pushes that wait share a commit, so these are few.
        is_writing = did(told, "INSERT") or did(told, "UPDATE") or did(told, "DELETE")
        return rng.choice(list(Cut)) if is_writing and rng.random() < 0.35 else None

    load = Load(hubs, writers=6, followers=1)
    with load.running():
        grows(load, 200)
        line.decide = decide
        enough = len(line.cuts) + (80 if FULL else 10)
        until(lambda: len(line.cuts) >= enough, 180.0)
        line.decide = lambda _: None
        grows(load, 200)
    assert {cut for cut, _ in line.cuts} == set(Cut)
    assert set(load.answers) <= ANSWERS
    proved(hubs, load)
