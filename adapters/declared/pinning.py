"""Files of a contract as they were handed in: a file, a folder or a zip, read within bounds.

Whoever hands in a zip may be wrong or worse: nothing is written anywhere, no name may leave the
bundle, and what unpacks to more than its bounds is refused before it is unpacked.
"""

import io
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

from adapters.declared.contracts import ContractFault

MAX_FILES = 200
MAX_FILE_BYTES = 8 * 1024 * 1024
MAX_ALL_BYTES = 32 * 1024 * 1024
MAX_RATIO = 200
_ENDINGS = (".wsdl", ".xsd", ".xml", ".json")
_NAME = re.compile(r"[^\x00-\x1f\\:]{1,200}\Z")
_READ_AT_ONCE = 1 << 16


def pin(path: Path) -> dict[str, bytes]:
    """The files of a contract on disk: one file, a zip, or a folder with all below it.

    Raises:
        ContractFault: too much, no such file, or a zip that is not what it says.
    """
    if path.is_dir():
        found: dict[str, bytes] = {}
        for one in sorted(path.rglob("*")):
            if one.is_symlink() or not one.is_file() or one.suffix.lower() not in _ENDINGS:
                continue
            found[one.relative_to(path).as_posix()] = _read(one)
            _check_bounds(found)
        return unpacked(found)
    if not path.is_file():
        raise ContractFault(path.name, 0, "không có tệp này", "there is no such file")
    return unpacked({path.name: _read(path)})


def unpacked(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The same files, zips among them unpacked in memory; names checked, everything bounded.

    Raises:
        ContractFault: as `pin`.
    """
    found: dict[str, bytes] = {}
    for name, raw in files.items():
        inner = _of_zip(name, raw) if raw[:4] == b"PK\x03\x04" else {_plain(name, name): raw}
        for one, content in inner.items():
            if one in found:
                raise ContractFault(one, 0, "có hai tệp cùng tên", "two files have this name")
            found[one] = content
        _check_bounds(found)
    if not found:
        raise ContractFault("", 0, "không có tệp hợp đồng nào", "there is no contract file")
    return found


def _read(path: Path) -> bytes:
    if path.stat().st_size > MAX_FILE_BYTES:
        raise _too_large(path.name)
    return path.read_bytes()


def _of_zip(name: str, raw: bytes) -> dict[str, bytes]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(raw))
        entries = [one for one in archive.infolist() if not one.is_dir()]
        if len(entries) > MAX_FILES * 5:
            raise ContractFault(name, 0, "quá nhiều tệp", "too many files in it")
        wanted = [one for one in entries if one.filename.lower().endswith(_ENDINGS)]
        found: dict[str, bytes] = {}
        for one in wanted:
            found[_plain(one.filename, name)] = _inflated(archive, one, name)
            _check_bounds(found)
        return _below_one_folder(found)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise ContractFault(
            name,
            0,
            "tệp zip hỏng hoặc có mật khẩu",
            f"the zip is broken or needs a password ({type(error).__name__})",
        ) from None


def _inflated(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> bytes:
    """One entry, unpacked no further than its bounds: its declared size may lie."""
    room = min(MAX_FILE_BYTES, max(1 << 20, entry.compress_size * MAX_RATIO))
    parts: list[bytes] = []
    size = 0
    with archive.open(entry) as stream:
        while part := stream.read(_READ_AT_ONCE):
            size += len(part)
            if size > room:
                raise _too_large(f"{name}/{entry.filename}"[:200])
            parts.append(part)
    return b"".join(parts)


def _plain(name: str, where: str) -> str:
    """A name that cannot lead out of the bundle."""
    parts = name.split("/")
    if not _NAME.match(name) or name.startswith("/") or ".." in parts or "" in parts:
        raise ContractFault(
            where, 0, "có tên tệp dẫn ra ngoài", "a file name in it leads outside the bundle"
        )
    return name


def _below_one_folder(found: dict[str, bytes]) -> dict[str, bytes]:
    """Names without the one folder a packer put above all of them."""
    heads = {name.partition("/")[0] for name in found}
    if len(heads) == 1 and all("/" in name for name in found):
        return {name.partition("/")[2]: raw for name, raw in found.items()}
    return found


def _check_bounds(found: Mapping[str, bytes]) -> None:
    if len(found) > MAX_FILES:
        raise ContractFault("", 0, f"quá {MAX_FILES} tệp", f"more than {MAX_FILES} files")
    for name, raw in found.items():
        if len(raw) > MAX_FILE_BYTES:
            raise _too_large(name)
    if sum(map(len, found.values())) > MAX_ALL_BYTES:
        raise ContractFault("", 0, "các tệp quá lớn", "the files together are too large")


def _too_large(name: str) -> ContractFault:
    return ContractFault(name, 0, "tệp quá lớn", "the file is too large")
