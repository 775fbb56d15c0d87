"""Backup and restore: one file, whole, of one moment, from either store into either."""

import json
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
import zstandard
from sqlalchemy import inspect, text

from canonical import clock
from canonical.errors import HubError
from hub import logs, main
from store import backup, backup_file, connections, restore
from store.backup_file import Header, Manifest
from store.engine import Store, open_store
from sync.verify import verify
from tests.conftest import Shelf
from tests.everything import AT, fill, under_way
from tests.trial import Trial, dossier, trial_over


def made(hub: Trial, folder: Path) -> tuple[Path, Header, Manifest]:
    path = folder / "a.backup"
    key = hub.context.vault.fingerprint
    header, manifest = backup.back_up(
        hub.store, path, program="0.1.0", made_at=clock.to_iso(hub.clock.at), key=key
    )
    return path, header, manifest


@pytest.fixture(scope="module")
def other_server_store(
    postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shelf]:
    """A second database of the same server."""
    with psycopg.connect(postgres_url, autocommit=True) as tx:
        tx.execute("CREATE DATABASE restored")
    folder = tmp_path_factory.mktemp("restored")
    shelf = Shelf("postgresql", folder, postgres_url.replace("/postgres?", "/restored?"))
    yield shelf
    shelf.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request: pytest.FixtureRequest, tmp_path: Path, sqlite_shelf: Shelf) -> Iterator[Store]:
    """An empty, migrated store beside the one that is backed up."""
    is_sqlite = request.param == "sqlite"
    shelf = sqlite_shelf if is_sqlite else request.getfixturevalue("other_server_store")
    store = shelf.fresh(_folder(tmp_path, "target"))
    yield store
    shelf.give_back(store)


def _folder(parent: Path, name: str) -> Path:
    made_here = parent / name
    made_here.mkdir()
    return made_here


async def test_a_backup_of_either_store_is_restored_into_either(
    hub: Trial, target: Store, tmp_path: Path
) -> None:
    await fill(hub)
    newest = await hub.seq()
    path, header, manifest = made(hub, tmp_path)
    backup_file.check_bytes(path)
    done = restore.restore(target, path)
    assert done.sums == manifest.tables
    assert header.seq == newest

    again = trial_over(target)
    again.clock.at = hub.clock.at
    again.known = hub.known
    assert verify(again.context).ok
    assert (await again.push(dossier(1))).fate == "duplicate"
    assert (await again.push(dossier(60))).fate == "applied"
    assert [item["seq"] for item in await again.feed()] == list(range(1, header.seq + 2))
    assert verify(again.context).ok
    await again.close()


@pytest.mark.unproved  # the rows of the work under way are made up
async def test_after_a_restore_nobody_waits_and_nothing_is_sent_by_itself(
    hub: Trial, target: Store, tmp_path: Path
) -> None:
    await fill(hub)
    under_way(hub)
    path, _, manifest = made(hub, tmp_path)
    done = restore.restore(target, path)
    assert done.sums == manifest.tables
    for name in ("plan", "delivery", "publication", "filing", "absence", "timeline", "lease"):
        assert manifest.tables[name].rows > 0
    assert done.paused == ["connection desk", "receiver cong"]
    assert done.doubtful == 1
    with target.write() as tx:
        taken = connections.take_lease(tx, "run:x", "me", hub.clock.at, 60)
        assert taken is not None
        assert (
            taken.token > 1_000_000
        )  # what a process of the lost store holds is never given again
        states = tx.execute(text("SELECT state FROM filing UNION ALL SELECT state FROM receiver"))
        assert [row[0] for row in states] == ["unknown", "paused"]


@pytest.mark.unproved
async def test_a_store_that_moved_goes_on_as_it_stood(
    hub: Trial, target: Store, tmp_path: Path
) -> None:
    await fill(hub)
    under_way(hub)
    done = restore.restore(target, made(hub, tmp_path)[0], is_moved=True)
    assert (done.paused, done.doubtful) == ([], 0)


async def test_two_stores_with_the_same_content_have_the_same_digests(
    hubs: list[Trial], tmp_path: Path
) -> None:
    for hub in hubs:
        await hub.take(dossier(1))
    first, second = (made(hub, _folder(tmp_path, str(n)))[1:] for n, hub in enumerate(hubs))
    # Keys, ids and what is sealed are drawn at random; what follows from the records is not.
    same = (
        "leg",
        "dossier",
        "claim",
        "member",
        "timeline",
        "judgement",
        "change",
        "feed",
        "record",
    )
    assert {n: first[1].tables[n] for n in same} == {n: second[1].tables[n] for n in same}
    assert first[0].columns == second[0].columns


async def test_every_table_of_the_store_is_in_it(hub: Trial, tmp_path: Path) -> None:
    _, header, _ = made(hub, tmp_path)
    there = set(inspect(hub.store.engine).get_table_names()) - {"alembic_version"}
    assert set(header.columns) == there


async def test_what_is_committed_meanwhile_is_not_in_it(hub: Trial, tmp_path: Path) -> None:
    await fill(hub)
    path, held = tmp_path / "a.backup", []
    seen, go_on = threading.Event(), threading.Event()

    def slowly(done: int) -> None:
        seen.set()
        assert go_on.wait(30)
        held.append(done)

    def run() -> None:
        backup.back_up(hub.store, path, program="1", made_at=AT, key=None, progress=slowly)

    thread = threading.Thread(target=run)
    thread.start()
    assert seen.wait(30)
    await hub.take(dossier(70))  # the hub goes on meanwhile
    go_on.set()
    thread.join(30)
    header = next(backup_file.read(path))
    assert isinstance(header, Header)
    assert header.seq == await hub.seq() - 1
    assert held


async def test_a_file_that_is_there_is_not_overwritten(hub: Trial, tmp_path: Path) -> None:
    path, _, _ = made(hub, tmp_path)
    before = path.read_bytes()
    with pytest.raises(HubError, match="not overwritten"):
        made(hub, tmp_path)
    assert path.read_bytes() == before
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.with_name(f".a.backup.{os.getpid()}.part").exists()


async def test_a_byte_changed_or_missing_anywhere_is_found(hub: Trial, tmp_path: Path) -> None:
    await hub.take(dossier(1))
    path, _, _ = made(hub, tmp_path)
    whole = path.read_bytes()
    places = [*range(0, len(whole), max(1, len(whole) // 120)), len(whole) - 1]
    for place in places:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(HubError):
            backup_file.check_bytes(path)
        path.write_bytes(whole[:place])
        with pytest.raises(HubError):
            backup_file.check_bytes(path)
    path.write_bytes(whole + b"\n")
    with pytest.raises(HubError):
        backup_file.check_bytes(path)


def _written(path: Path, change: Any) -> Path:
    """The same backup, its frames changed, its checksums right: as nobody but a program does."""
    raw = path.read_bytes()
    body = zstandard.ZstdDecompressor().decompressobj().decompress(raw[len(backup_file.MAGIC) :])
    told, at = [], 0
    while at < len(body):
        size = int.from_bytes(body[at : at + 4])
        told.append(msgspec.msgpack.decode(body[at + 4 : at + 4 + size]))
        at += 4 + size
    changed = path.with_suffix(".changed")
    with changed.open("wb") as file:
        out = backup_file._Out(file)
        out.write(backup_file.MAGIC)
        with zstandard.ZstdCompressor().stream_writer(out, closefd=False) as stream:
            for frame in change(told):
                one = msgspec.msgpack.encode(frame)
                stream.write(len(one).to_bytes(4) + one)
        out.write(b"\nsha256:" + out.hash.hexdigest().encode() + b"\n")
    backup_file.check_bytes(changed)
    return changed


def _older(told: list[Any]) -> list[Any]:
    return [told[0] | {"revision": "9999"}, *told[1:]]


def _without_rows(told: list[Any]) -> list[Any]:
    return [one for one in told if one.get("table") != "change"]


def _with_a_stranger(told: list[Any]) -> list[Any]:
    return [*told[:-1], {"type": "rows", "table": "nobody", "rows": [b""]}, told[-1]]


UNFIT: list[tuple[Any, str]] = [
    (_older, "revision 9999"),
    (_without_rows, "rows are not those"),
    (_with_a_stranger, "'nobody'"),
    (lambda told: told[:-1], "manifest is missing"),
    (lambda told: told[1:], "does not say"),
    (lambda told: [told[0], *told], "begins twice"),
]


async def test_a_backup_that_does_not_fit_leaves_the_store_empty(
    hub: Trial, target: Store, tmp_path: Path
) -> None:
    await hub.take(dossier(1))
    whole, _, _ = made(hub, tmp_path)
    for change, why in UNFIT:
        path = _written(whole, change)
        with pytest.raises(HubError, match=why):
            restore.restore(target, path)
        assert backup.count_rows(target) == 1  # the feed's


async def test_a_store_that_holds_something_is_not_restored_into(
    hub: Trial, tmp_path: Path
) -> None:
    await hub.take(dossier(1))
    path, _, _ = made(hub, tmp_path)
    with pytest.raises(HubError, match="not empty"):
        restore.restore(hub.store, path)


# --------------------------------------------------------------------------- the commands


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Any:
    """`hub …` in this process over a data directory; (exit code, stdout, stderr)."""
    monkeypatch.setattr(logs, "install", lambda _: None)  # it would replace the test run's own

    def run(data: str, *words: str) -> tuple[int, str, str]:
        monkeypatch.setenv("HUB_DATA_DIR", str(tmp_path / data))
        monkeypatch.setattr("sys.argv", ["hub", *words])
        with pytest.raises(SystemExit) as stop:
            main.main()
        told = capsys.readouterr()
        return int(stop.value.code or 0), told.out, told.err

    return run


def test_the_commands_say_what_they_did_and_what_is_next(command: Any, tmp_path: Path) -> None:
    assert command("old", "connections", "add", "desk", "--system", "canonical")[0] == 0
    code, out, err = command("old", "backup", str(tmp_path), "--json")
    told = json.loads(out)
    file = Path(told["file"])
    assert (code, told["tables"]["connection"]["rows"], file.parent) == (0, 1, tmp_path)
    assert "NOT in this file" in err

    # On a new machine the first start would make another key: the right one comes first.
    code, _, err = command("new", "restore", str(file))
    assert (code, "secret.key" in err) == (2, True)
    assert not (tmp_path / "new" / "secret.key").exists()
    assert not (tmp_path / "new" / "hub.db").exists()

    (tmp_path / "new").mkdir(exist_ok=True)
    (tmp_path / "new" / "secret.key").write_bytes((tmp_path / "old" / "secret.key").read_bytes())
    code, out, _ = command("new", "restore", str(file), "--check", "--json")
    assert (code, json.loads(out)["key_fits"]) == (0, True)
    assert not (tmp_path / "new" / "hub.db").exists()
    code, out, err = command("new", "restore", str(file), "--json")
    assert (code, json.loads(out)["tables"]) == (0, told["tables"])
    assert "hub verify" in err
    assert command("new", "verify")[0] == 0
    assert command("new", "connections", "list", "--json")[1].count('"desk"') >= 1

    assert command("new", "restore", str(file))[0] == 2  # no longer empty
    assert command("old", "backup", str(file))[0] == 2  # not overwritten
    file.write_bytes(file.read_bytes()[:-100])
    assert command("third", "restore", str(file), "--key-lost")[0] == 2


def test_a_restore_without_the_key_has_to_be_said(command: Any, tmp_path: Path) -> None:
    command("old", "connections", "add", "desk", "--system", "canonical")
    file = tmp_path / "one.backup"
    assert command("old", "backup", str(file))[0] == 0
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "secret.key").write_text("another-" + "k" * 40)
    assert command("new", "restore", str(file))[0] == 2
    assert command("new", "restore", str(file), "--key-lost")[0] == 0


def test_a_key_that_does_not_open_the_store_is_told_at_every_backup(
    command: Any, tmp_path: Path
) -> None:
    command("old", "connections", "add", "desk", "--system", "canonical")
    store = open_store(f"sqlite:///{tmp_path / 'old' / 'hub.db'}")
    with store.write() as tx:
        tx.execute(text("INSERT INTO blob VALUES ('sha256:0', 1, :data)"), {"data": b"\0" * 40})
    store.dispose()
    code, _, err = command("old", "backup", str(tmp_path / "one.backup"))
    assert (code, "WARNING" in err) == (1, True)
    assert (tmp_path / "one.backup").exists()


def test_there_is_nothing_to_back_up_where_no_store_is(command: Any, tmp_path: Path) -> None:
    code, _, err = command("nowhere", "backup", str(tmp_path / "one.backup"))
    assert (code, "there is no store" in err) == (2, True)
    assert list(tmp_path.iterdir()) == []
    command("old", "connections", "list")
    assert command("old", "backup", str(tmp_path / "no" / "folder"))[0] == 2
    assert command("old", "restore", str(tmp_path / "none"))[0] == 2
