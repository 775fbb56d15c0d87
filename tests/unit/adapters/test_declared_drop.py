"""A declared drop folder: which files are settled, which are read, and in which words."""

import hashlib
import os
import time
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from adapters import declared
from adapters.wire import Wire
from canonical.errors import Garbled, HubError, Refused, Unreachable
from canonical.ports import Ask, BadRow, Page, Row, Settings, System
from canonical.reasons import Reason
from tests.contract.reading import NOW

MAPPING = {"shapes": {"record": {"rows": [{"target": "code", "source": "MA"}]}}}


def system_of(**drop: Any) -> System:
    told = {"kind": "file", "id": "tep", "title": "Tệp", "drop": drop, "mapping": MAPPING}
    return declared.build(told, {}, Wire())


async def run(folder: Path, system: System, cursor: str | None = None) -> list[Page]:
    assert system.connect is not None
    client = system.connect(Settings("tep", str(folder), {}, {}))
    ask = Ask(since=None, until=None, cursor=cursor, open_codes=(), now=NOW)
    async with aclosing(client.pages(ask)) as coming:
        return [page async for page in coming]


def codes(system: System, pages: list[Page]) -> list[str]:
    found = [row for page in pages for row in system.rows(page.shape, page.raw)]
    return [row.values["MA"] for row in found if isinstance(row, Row)]


def put(folder: Path, name: str, text: str, *, settled: bool = True) -> None:
    raw = text.encode()
    (folder / name).write_bytes(raw)
    if settled:
        (folder / f"{name}.sha256").write_text(hashlib.sha256(raw).hexdigest())


async def test_every_file_is_read_once_also_one_that_comes_late(tmp_path: Path) -> None:
    system = system_of(files="*.csv")
    put(tmp_path, "b.csv", "MA\nB1\nB2\n")
    put(tmp_path, "khac.txt", "MA\nX\n")
    put(tmp_path, "c.csv", "MA\nC1\n", settled=False)
    first = await run(tmp_path, system)
    assert codes(system, first) == ["B1", "B2"]
    assert await run(tmp_path, system, first[-1].cursor) == []
    put(tmp_path, "a.csv", "MA\nA1\n")
    put(tmp_path, "c.csv", "MA\nC1\n")
    second = await run(tmp_path, system, first[-1].cursor)
    assert codes(system, second) == ["A1", "C1"], "a.csv sorts before what was read"
    (tmp_path / "b.csv").unlink()
    put(tmp_path, "d.csv", "MA\nD1\n")
    third = await run(tmp_path, system, second[-1].cursor)
    assert codes(system, third) == ["D1"]
    assert len(third[-1].cursor or "") == 3 * 12, "what was cleared away is forgotten"


async def test_a_file_that_is_not_what_its_digest_says_was_cut(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", "MA\nA1\n")
    (tmp_path / "a.csv").write_text("MA\n")
    with pytest.raises(Garbled) as found:
        await run(tmp_path, system_of())
    assert found.value.reason is Reason.BODY_TRUNCATED


async def test_a_marker_or_age_settles_a_file_too(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", "MA\nA1\n", settled=False)
    marked = system_of(files="*.csv", settled="marker", suffix=".xong")
    assert await run(tmp_path, marked) == []
    (tmp_path / "a.csv.xong").touch()
    assert codes(marked, await run(tmp_path, marked)) == ["A1"]
    aged = system_of(files="*.csv", settled="age", age_s=60)
    assert await run(tmp_path, aged) == []
    long_ago = time.time() - 61
    os.utime(tmp_path / "a.csv", (long_ago, long_ago))
    assert codes(aged, await run(tmp_path, aged)) == ["A1"]


async def test_a_folder_that_is_not_there_is_silence(tmp_path: Path) -> None:
    with pytest.raises(Unreachable):
        await run(tmp_path / "none", system_of())
    with pytest.raises(Refused) as found:
        await run(tmp_path, system_of(), "khong-phai")
    assert found.value.reason is Reason.CURSOR_LOST


async def test_a_link_out_of_the_folder_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "bi-mat").write_text("MA\nX\n")
    inside = tmp_path / "vao"
    inside.mkdir()
    (inside / "a.csv").symlink_to(tmp_path / "bi-mat")
    (inside / "a.csv.sha256").write_text(hashlib.sha256(b"MA\nX\n").hexdigest())
    with pytest.raises(HubError):
        await run(inside, system_of())


@pytest.mark.parametrize(
    ("drop", "raw", "told"),
    [
        ({}, b'MA,TEN\nA,x\n\nB,"a, b"\n', ["A", "B"]),
        ({}, b"\xef\xbb\xbfMA,TEN\r\nA,x\r\n", ["A"]),
        ({"delimiter": ";"}, b"MA;TEN\nA;x\n", ["A"]),
        ({"delimiter": "\t", "quote": ""}, b'MA\tTEN\nA\t"x\n', ["A"]),
        ({"columns": ["MA", "TEN"]}, b"A,x\nB,y\n", ["A", "B"]),
        ({"encoding": "utf-16"}, "MA,TEN\nĐ,x\n".encode("utf-16"), ["Đ"]),
        ({"encoding": "windows-1258"}, "MA,TEN\nĐ,x\n".encode("cp1258"), ["Đ"]),
        (
            {},
            b"MA,TEN\nA,x\n\xff,y\nB,z\nC,z,z\n",
            ["A", "ENC_INVALID MA", "B", "BODY_MALFORMED 3 cells, 2 columns"],
        ),
        ({"format": "json", "records": "ds"}, b'{"ds": [{"MA": "A"}]}', ["A"]),
        ({"format": "json"}, b'[{"MA": "A"}, 5]', ["A", "FIELD_TYPE [1]"]),
        ({"format": "jsonl"}, b'{"MA": "A"}\nx\n\n{"MA": "B"}\n', ["A", "BODY_MALFORMED [1]", "B"]),
        ({"format": "xml", "records": "h"}, b"<d><h><MA>A</MA></h></d>", ["A"]),
    ],
)
def test_a_file_is_read_in_its_declared_form(
    drop: dict[str, Any], raw: bytes, told: list[str]
) -> None:
    found = [
        f"{row.reason} {row.field}" if isinstance(row, BadRow) else row.values["MA"]
        for row in system_of(**drop).rows("drop", raw)
        if isinstance(row, BadRow | Row)
    ]
    assert found == told


@pytest.mark.parametrize(
    ("drop", "raw", "reason"),
    [
        ({}, b"", Reason.BODY_MALFORMED),
        ({}, b"MA,MA\n", Reason.SCHEMA_DRIFT),
        ({}, b'MA\n"A', Reason.BODY_TRUNCATED),
        ({}, b"<html></html>", Reason.CTYPE_UNEXPECTED),
        ({"encoding": "utf-16"}, b"\xff\xfeM", Reason.ENC_INVALID),
        ({"format": "json"}, b'[{"MA": "A"', Reason.BODY_TRUNCATED),
        ({"format": "jsonl"}, b'{"MA": "A"}\n{"MA":', Reason.BODY_TRUNCATED),
        ({"format": "xml", "records": "h"}, b"<d><h>", Reason.BODY_TRUNCATED),
        ({"format": "xml", "records": "h/k"}, b"<d/>", Reason.BODY_MALFORMED),
    ],
)
def test_a_file_outside_its_form_is_refused_whole(
    drop: dict[str, Any], raw: bytes, reason: Reason
) -> None:
    with pytest.raises(Garbled) as found:
        system_of(**drop).rows("drop", raw)
    assert found.value.reason is reason
