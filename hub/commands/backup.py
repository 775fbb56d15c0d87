"""`hub backup`, `hub restore`: the whole store into one file, and back into an empty one."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy.engine import make_url

from canonical import clock
from canonical.errors import HubError
from canonical.reasons import Reason
from hub import output
from hub.settings import Settings, load_settings
from store.backup_file import Header, Manifest
from store.engine import Store

AsJson = Annotated[bool, typer.Option("--json", help="In một tài liệu JSON.")]
Bar = Callable[[int, int], None] | None
_NOT_INSIDE = (
    "secret.key (HUB_SECRET_KEY) KHÔNG nằm trong tệp này: giữ nó ở nơi khác."
    " / the secret key is NOT in this file: keep it elsewhere."
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(backup)
    app.command()(restore)


def backup(
    target: Annotated[Path, typer.Argument(metavar="FILE|FOLDER")],
    as_json: AsJson = False,
) -> None:
    """Sao lưu kho vào một tệp, khi trục đang chạy / back the store up while the hub runs.

    Exit 1: the file is good, but the secret key in use does not open what the store holds.
    """
    from hub.progress import counting
    from store import backup as backups
    from store import backup_file
    from sync.context import utc_now

    settings = load_settings()
    made_at = clock.to_iso(utc_now())
    path = _named(target, made_at)
    with _existing(settings) as store, counting("backup", quiet=as_json) as bar, _disk_said():
        key, is_other = _key_of(settings, store)
        rows = backups.count_rows(store)
        header, manifest = backups.back_up(
            store,
            path,
            program=version("lienthong"),
            made_at=made_at,
            key=key,
            progress=_of(bar, rows),
        )
        digest = backup_file.check_bytes(path)
    _tell(_told(path, header, manifest, digest), as_json=as_json)
    output.say(_NOT_INSIDE)
    if is_other:
        output.say(
            "CẢNH BÁO: khóa đang dùng không mở được nội dung trong kho."
            " / WARNING: the key in use does not open what the store holds."
        )
        raise typer.Exit(output.FOUND_WRONG)


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    check: Annotated[bool, typer.Option("--check", help="Chỉ kiểm tra tệp.")] = False,
    moved: Annotated[
        bool,
        typer.Option("--moved", help="Trục đã dừng trước khi sao lưu: không tạm dừng gì."),
    ] = False,
    key_lost: Annotated[
        bool, typer.Option("--key-lost", help="Khôi phục dù không còn đúng khóa bí mật.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Khôi phục một bản sao lưu vào kho trống / restore a backup into an empty store."""
    from hub.progress import counting
    from store import backup_file, kept_keys
    from store import restore as restoring

    settings = load_settings()
    with _disk_said(), counting("restore", quiet=as_json) as bar:
        digest = backup_file.check_bytes(file)
        header, manifest = _looked_through(file, bar)
        told = _told(file, header, manifest, digest)
        told["key_fits"] = _fits(settings, header)
        if check:
            _tell(told, as_json=as_json)
            return
        restoring.check_revision(header)
        if told["key_fits"] is False and not key_lost:
            raise HubError(Reason.CONFLICT, _KEY_FIRST)
        with _empty(settings) as store:
            done = restoring.restore(
                store, file, is_moved=moved, progress=_of(bar, 2 * sum(header.rows.values()))
            )
            if told["key_fits"] is False:
                store.in_write(kept_keys.forget)  # they would keep the hub from starting
    told |= {"restored": True, "paused": done.paused, "filings_to_look_up": done.doubtful}
    _tell(told, as_json=as_json)
    output.say(_NEXT.format(seq=header.seq))


_KEY_FIRST = (
    "the secret key here is not the one of the backup: put secret.key into HUB_DATA_DIR, or set"
    " HUB_SECRET_KEY; --key-lost restores without it (raw bytes, PINs and passwords stay closed)"
)
_NEXT = (
    "Việc tiếp theo / next: 1. `hub verify` 2. `hub sync ID --since …` cho mỗi kết nối / for each"
    " connection 3. nơi đọc dòng thay đổi đọc tiếp từ / readers of the change feed go on from"
    " after={seq} 4. mở lại những gì đã tạm dừng / resume what was paused."
)


def _named(target: Path, made_at: str) -> Path:
    """The file itself, or one named after its moment in a folder."""
    if not target.is_dir():
        if not target.absolute().parent.is_dir():
            raise HubError(Reason.CONFLICT, f"there is no folder {target.absolute().parent}")
        return target
    moment = "".join(one for one in made_at[:19] if one.isdigit())
    return target / f"hub-{moment[:8]}-{moment[8:]}.backup"


@contextmanager
def _existing(settings: Settings) -> Iterator[Store]:
    """The store as it stands; none is made, none is migrated."""
    from hub import wiring
    from store import migrate

    url = make_url(settings.store_url())
    if url.drivername.startswith("sqlite") and not Path(url.database or "").exists():
        raise HubError(Reason.NOT_FOUND, f"there is no store at {url.database}: HUB_DATA_DIR?")
    store = wiring.open_store_only(settings)
    try:
        if migrate.current(store) is None:
            raise HubError(Reason.NOT_FOUND, "the store is empty: HUB_DATABASE_URL?")
        migrate.ensure(store)
        yield store
    finally:
        store.dispose()


@contextmanager
def _empty(settings: Settings) -> Iterator[Store]:
    from hub import wiring
    from store import migrate

    store = wiring.open_store_only(settings)
    try:
        migrate.ensure(store)
        yield store
    finally:
        store.dispose()


@contextmanager
def _disk_said() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise HubError(Reason.CONFLICT, f"{error.filename or 'disk'}: {error.strerror}") from error


def _key_of(settings: Settings, store: Store) -> tuple[str | None, bool]:
    """The fingerprint of the store's key, and whether the key here is another one."""
    from store import backup as backups

    if settings.held_key() is None:
        output.say("secret.key: không có ở đây / not here")
        return None, False
    vault = settings.vault()
    is_other = not backups.is_opened_by(store, vault)
    return (None if is_other else vault.fingerprint), is_other


def _fits(settings: Settings, header: Header) -> bool | None:
    """Whether the key here is the backup's; None where the backup does not know its own.

    No key here fits nothing: the first start would make a new one.
    """
    if settings.held_key() is None:
        return False
    return settings.vault().fingerprint == header.key if header.key is not None else None


def _looked_through(file: Path, bar: Bar) -> tuple[Header, Manifest]:
    """Every row held against the manifest, before a store is touched."""
    from store import backup_file

    header: Header | None = None
    done = 0
    for told in backup_file.read(file):
        match told:
            case Header():
                header = told
            case Manifest():
                if header is not None:
                    return header, told
            case _:
                done += len(told.rows)
                if bar is not None and header is not None:
                    bar(done, sum(header.rows.values()))
    raise AssertionError("a backup is read to its manifest")


def _of(bar: Bar, total: int) -> Callable[[int], None] | None:
    return None if bar is None else lambda done: bar(done, total)


def _told(path: Path, header: Header, manifest: Manifest, digest: str) -> dict[str, Any]:
    return {
        "file": str(path),
        "size_bytes": path.stat().st_size,
        "sha256": digest,
        "made_at": header.made_at,
        "program": header.program,
        "store": header.store,
        "revision": header.revision,
        "seq": header.seq,
        "rows": sum(one.rows for one in manifest.tables.values()),
        "tables": {
            name: {"rows": one.rows, "digest": one.digest} for name, one in manifest.tables.items()
        },
    }


def _tell(told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        output.show(told, as_json=True)
        return
    tables = [
        {"table": name, "rows": one["rows"], "digest": one["digest"]}
        for name, one in told["tables"].items()
        if one["rows"]
    ]
    output.show({name: value for name, value in told.items() if name != "tables"}, as_json=False)
    output.show(tables, as_json=False)
    sys.stdout.flush()
