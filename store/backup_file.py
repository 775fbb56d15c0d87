r"""The form of a backup: one file that says what it holds, and that shows by itself it is whole.

    lienthong backup 1\n             who wrote it, for `head -1`
    one zstd frame                   lengths and msgpack: Header, Rows …, Manifest
    \nsha256:<64 hex digits>\n       of every byte before this line

Rows say what the columns mean (moments as ISO text at +07:00, days as ISO text), not how one kind
of store spells it, so a backup of one kind can be restored into the other. A table's digest is a
sum over its rows, so that it does not depend on their order and needs no sorting.
"""

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import msgspec
import zstandard
from msgspec import Struct

from canonical.errors import HubError
from canonical.reasons import Reason

MAGIC = b"lienthong backup 1\n"
_TRAILER = b"\nsha256:"
_TRAILER_BYTES = len(_TRAILER) + 64 + 1
_LENGTH_BYTES = 4
_FRAME_BYTES = 1 << 20
_FRAME_ROWS = 1_000
_LEVEL = 3
_MOST = 2**256

Progress = Callable[[int], None]


class TableSum(Struct, frozen=True):
    """What a table holds: how many rows, and the sum of their digests."""

    rows: int
    digest: str


class Header(Struct, frozen=True, tag="header"):
    """What was backed up.

    Attributes:
        revision: Of the schema; restored by a program of the same revision alone.
        program: Version of the program that wrote it.
        made_at: The moment of the snapshot, ISO at +07:00.
        store: `sqlite` or `postgresql`.
        seq: The newest change.
        key: Fingerprint of the secret key that opens what is sealed; None where it was not known.
        columns: Table -> its columns, in the order of the rows' values; tables in the order in
            which they can be filled.
        rows: Table -> how many there are.
    """

    revision: str
    program: str
    made_at: str
    store: str
    seq: int
    key: str | None
    columns: dict[str, list[str]]
    rows: dict[str, int]


class Rows(Struct, frozen=True, tag="rows"):
    """Some rows of a table, each as msgpack."""

    table: str
    rows: list[bytes]


class Manifest(Struct, frozen=True, tag="manifest"):
    """What the file holds in all; the last that stands in it."""

    tables: dict[str, TableSum]


class Tally:
    """Adds up a table's rows."""

    def __init__(self) -> None:
        self._rows = 0
        self._sum = 0

    def add(self, raw: bytes) -> None:
        """Count one row."""
        self._rows += 1
        self._sum += int.from_bytes(hashlib.blake2b(raw, digest_size=32).digest())

    def told(self) -> TableSum:
        """What was counted so far."""
        return TableSum(self._rows, f"{self._sum % _MOST:064x}")


def damaged(why: str) -> HubError:
    """What is raised of a file that cannot be trusted; `why` holds nothing of its rows."""
    return HubError(Reason.BODY_MALFORMED, f"the backup is damaged: {why}")


class _Out:
    """Writes and hashes."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.hash = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.hash.update(data)
        return self._file.write(data)


def write(
    path: Path,
    header: Header,
    tables: Iterable[tuple[str, Iterable[bytes]]],
    progress: Progress | None = None,
) -> Manifest:
    """Write a backup, mode 0600; it bears its name only once it is whole and on disk.

    Args:
        path: Where; nothing may be there.
        header: What is backed up.
        tables: Every table's rows, each as msgpack.
        progress: Told how many rows are written, now and then.

    Raises:
        HubError: CONFLICT where something is there already.
        OSError: it cannot be written; nothing is left behind.
    """
    if path.exists():
        raise HubError(Reason.CONFLICT, f"{path} exists and is not overwritten")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            manifest = _write(_Out(file), header, tables, progress)
            file.flush()
            os.fsync(file.fileno())
        _give_name(part, path)
    finally:
        part.unlink(missing_ok=True)
    _sync_folder(path.parent)
    return manifest


def _write(
    out: _Out,
    header: Header,
    tables: Iterable[tuple[str, Iterable[bytes]]],
    progress: Progress | None,
) -> Manifest:
    sums: dict[str, TableSum] = {}
    done = 0
    out.write(MAGIC)
    packer = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
    with packer.stream_writer(out, closefd=False) as stream:  # type: ignore[arg-type] # has write
        _frame(stream, header)
        for name, rows in tables:
            tally = Tally()
            for some in _batches(rows, tally):
                _frame(stream, Rows(name, some))
                done += len(some)
                if progress is not None:
                    progress(done)
            sums[name] = tally.told()
        manifest = Manifest(sums)
        _frame(stream, manifest)
    out.write(_TRAILER + out.hash.hexdigest().encode() + b"\n")
    return manifest


def _batches(rows: Iterable[bytes], tally: Tally) -> Iterator[list[bytes]]:
    """By number and by size: a row may hold a body of many megabytes."""
    held: list[bytes] = []
    size = 0
    for raw in rows:
        tally.add(raw)
        held.append(raw)
        size += len(raw)
        if len(held) == _FRAME_ROWS or size >= _FRAME_BYTES:
            yield held
            held, size = [], 0
    if held:
        yield held


def _frame(stream: Any, told: Header | Rows | Manifest) -> None:
    raw = msgspec.msgpack.encode(told)
    stream.write(len(raw).to_bytes(_LENGTH_BYTES))
    stream.write(raw)


def _give_name(part: Path, path: Path) -> None:
    """A link refuses what has come there meanwhile; a file system without links is renamed on."""
    try:
        os.link(part, path)
    except FileExistsError:
        raise HubError(Reason.CONFLICT, f"{path} exists and is not overwritten") from None
    except OSError:
        part.rename(path)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network file systems cannot
            os.fsync(handle)
    finally:
        os.close(handle)


def check_bytes(path: Path) -> str:
    """The digest of a backup, every byte of it looked at.

    Raises:
        HubError: it is no backup, was cut short or changed.
        OSError: it cannot be read.
    """
    left = path.stat().st_size - _TRAILER_BYTES
    hashed = hashlib.sha256()
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise HubError(Reason.CONFLICT, f"{path} is not a backup that this program can read")
        hashed.update(MAGIC)
        left -= len(MAGIC)
        while left > 0 and (data := file.read(min(left, 1 << 20))):
            hashed.update(data)
            left -= len(data)
        told = file.read()
    if not told.startswith(_TRAILER) or not told.endswith(b"\n"):
        raise HubError(Reason.BODY_TRUNCATED, "the backup is cut short: its end is missing")
    if told[len(_TRAILER) : -1] != hashed.hexdigest().encode():
        raise damaged("its bytes are not those that were written")
    return hashed.hexdigest()


class _Part:
    """So many bytes of a file, and no further: behind the packed part stands a digest."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self._left = size

    def read(self, size: int) -> bytes:
        data = self._file.read(min(size, self._left))
        self._left -= len(data)
        return data


_DECODER = msgspec.msgpack.Decoder(Header | Rows | Manifest)


def read(path: Path) -> Iterator[Header | Rows | Manifest]:
    """What a backup holds, in order: the header, rows table by table, the manifest.

    The rows are held against header and manifest on the way.

    Raises:
        HubError: it is not whole.
    """
    with path.open("rb") as file:
        file.seek(len(MAGIC))
        packed = _Part(file, path.stat().st_size - len(MAGIC) - _TRAILER_BYTES)
        stream = zstandard.ZstdDecompressor().stream_reader(packed)  # type: ignore[arg-type] # reads
        try:
            yield from _proved(_frames(stream))
        except (zstandard.ZstdError, msgspec.MsgspecError) as error:
            raise damaged("it cannot be unpacked") from error


def _frames(stream: Any) -> Iterator[Header | Rows | Manifest]:
    while told := _exactly(stream, _LENGTH_BYTES):
        yield _DECODER.decode(_exactly(stream, int.from_bytes(told)))


def _exactly(stream: Any, size: int) -> bytes:
    """So many bytes; none at the end."""
    held = bytearray()
    while len(held) < size and (data := stream.read(size - len(held))):
        held += data
    if held and len(held) < size:
        raise damaged("it ends in the middle")
    return bytes(held)


def _proved(
    frames: Iterator[Header | Rows | Manifest],
) -> Iterator[Header | Rows | Manifest]:
    header = next(frames, None)
    if not isinstance(header, Header):
        raise damaged("it does not say what it holds")
    yield header
    tallies = {name: Tally() for name in header.columns}
    for told in frames:
        match told:
            case Rows():
                tally = tallies.get(told.table)
                if tally is None:
                    raise damaged(f"it holds rows of {told.table!r}, of which it does not say")
                for raw in told.rows:
                    tally.add(raw)
                yield told
            case Manifest():
                _same(header, told, {name: tally.told() for name, tally in tallies.items()})
                yield told
                return
            case _:
                raise damaged("it begins twice")
    raise damaged("its manifest is missing")


def _same(header: Header, manifest: Manifest, found: dict[str, TableSum]) -> None:
    if found != manifest.tables or {n: t.rows for n, t in found.items()} != header.rows:
        wrong = next((n for n in found if found[n] != manifest.tables.get(n)), "")
        raise damaged(f"its rows are not those that its manifest counts ({wrong or 'header'})")
