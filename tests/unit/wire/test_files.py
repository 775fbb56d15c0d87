import asyncio
import os
import threading
from pathlib import Path

import pytest

from adapters.wire import files
from adapters.wire.files import Folder
from canonical.errors import Garbled, HubError, NotAllowed, Unreachable
from canonical.reasons import Reason


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_bytes(b"ours")
    drop = tmp_path / "drop"
    (drop / "day").mkdir(parents=True)
    (drop / "day" / "a.csv").write_bytes(b"abc")
    return drop


async def _reason(folder: Folder, *names: str) -> Reason:
    with pytest.raises(HubError) as failure:
        await folder.read(*names)
    assert failure.value.system == "plates"
    return failure.value.reason


async def test_names_come_sorted_and_files_whole(root):
    for name in ("20261123", "20261120", "zz"):
        (root / name).mkdir()
    folder = Folder(root)
    assert await folder.names() == ["20261120", "20261123", "day", "zz"]
    assert await folder.read("day", "a.csv") == b"abc"


async def test_what_is_not_there_is_none_and_not_an_error(root):
    folder = Folder(root)
    assert await folder.read("day", "b.csv") is None
    assert await folder.read("other", "a.csv") is None


@pytest.mark.parametrize(
    "names",
    [
        ("..", "secret"),
        ("day", "../../secret"),
        ("/etc/passwd",),
        ("day", ".hidden"),
        ("day", "a\0.csv"),
        ("day", ""),
        ("day", "a" * 201),
        ("day", "a.csv\n"),
    ],
)
async def test_no_name_leads_out_of_the_folder(root, names):
    assert await _reason(Folder(root, system="plates"), *names) is Reason.BODY_MALFORMED


async def test_links_are_not_followed_be_they_file_or_folder(root):
    (root / "day" / "link.csv").symlink_to(root.parent / "secret")
    (root / "away").symlink_to(root.parent)
    folder = Folder(root, system="plates")
    assert await _reason(folder, "day", "link.csv") is Reason.BODY_MALFORMED
    assert await _reason(folder, "away", "secret") is Reason.BODY_MALFORMED


async def test_the_root_itself_is_the_operators_word_and_may_be_a_link(root):
    link = root.parent / "mounted"
    link.symlink_to(root)
    assert await Folder(link).read("day", "a.csv") == b"abc"


async def test_a_pipe_and_a_folder_are_no_files_and_nobody_waits_for_them(root):
    os.mkfifo(root / "day" / "pipe")
    (root / "day" / "inner").mkdir()
    folder = Folder(root, system="plates", timeout_s=5)
    assert await _reason(folder, "day", "pipe") is Reason.BODY_MALFORMED
    assert await _reason(folder, "day", "inner") is Reason.BODY_MALFORMED
    assert await _reason(folder, "day", "a.csv", "x") is Reason.BODY_MALFORMED


async def test_a_file_at_the_limit_is_read_and_one_byte_more_is_not(root):
    assert await Folder(root, max_bytes=3).read("day", "a.csv") == b"abc"
    folder = Folder(root, max_bytes=2, system="plates")
    assert await _reason(folder, "day", "a.csv") is Reason.BODY_TOO_LARGE


async def test_a_folder_with_endless_names_is_refused(root, monkeypatch):
    monkeypatch.setattr(files, "MAX_NAMES", 3)
    for place in range(4):
        (root / str(place)).mkdir()
    with pytest.raises(Garbled) as failure:
        await Folder(root).names()
    assert failure.value.reason is Reason.BODY_TOO_LARGE


async def test_a_folder_that_is_not_there_is_unreachable_and_not_empty(root):
    with pytest.raises(Unreachable) as failure:
        await Folder(root / "unmounted").names()
    assert failure.value.reason is Reason.NET_REFUSED


async def test_a_mount_that_hangs_is_silence_within_the_deadline(root):
    released = threading.Event()
    folder = Folder(root, timeout_s=0.05)
    with pytest.raises(Unreachable) as failure:
        await folder._within_deadline(released.wait)
    assert failure.value.reason is Reason.TIMEOUT_TOTAL
    released.set()
    await asyncio.sleep(0.01)  # the late answer finds nobody, and harms nobody


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (PermissionError(13, "no"), NotAllowed, Reason.AUTH_DENIED),
        (OSError(5, "EIO"), Unreachable, Reason.NET_RESET),
        (OSError(116, "ESTALE"), Unreachable, Reason.NET_RESET),
    ],
)
async def test_what_the_file_system_says_is_told_in_the_hubs_words(root, error, kind, reason):
    def fail() -> None:
        raise error

    with pytest.raises(kind) as failure:
        await Folder(root)._within_deadline(fail)
    assert failure.value.reason is reason
