"""Whatever bytes a declared department sends: rows, or one of the hub's errors; never a crash."""

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from lxml import etree

from adapters import declared
from adapters.simulation import sample_rows
from adapters.wire import Wire
from canonical.errors import Garbled, HubError
from canonical.mapping import Mapping
from canonical.ports import System
from canonical.reasons import Reason
from canonical.text import Malformed
from tests.contract import reading
from tests.contract.declared.department import FILES, declaration
from tests.contract.test_bad_bytes import CUT, ODD, TEXTS, _odd_json, _odd_xml, _paths, _some

ROWS = sample_rows.invented()[:3]
JSON = json.dumps({"maLoi": 0, "tongSo": 3, "duLieu": {"hoSo": ROWS}}, ensure_ascii=False).encode()


def soap(operation: str, inner: str) -> bytes:
    return (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
        f'<{operation} xmlns="urn:so-mau:ho-so">{inner}</{operation}></e:Body></e:Envelope>'
    ).encode()


def fields(row: dict[str, Any]) -> str:
    return "".join(
        f"<{k}>{fields(v) if isinstance(v, dict) else v or ''}</{k}>" for k, v in row.items()
    )


LISTED = "".join(f"<hoSo>{fields(row)}</hoSo>" for row in ROWS)
PAGE = soap(
    "layDanhSachResponse",
    f"<ketQua><maLoi>0</maLoi></ketQua><conTiep>0</conTiep><danhSach>{LISTED}</danhSach>",
)
PUSHED = soap("guiHoSo", f"<taiKhoan>a</taiKhoan><matKhau>b</matKhau>{LISTED}")
TABLE = "maHoSo;lanSua;capNhatLuc\nA;1;02/03/2026 08:00:00\nB;2;x\n".encode("cp1258")
BODIES = {
    "rest": ("rest.toml", "pull", JSON),
    "soap": ("soap.toml", "pull", PAGE),
    "door": ("soap.toml", "door.guiHoSo", PUSHED),
    "native": ("soap.toml", "push", json.dumps(ROWS).encode()),
    "drop": ("drop.toml", "drop", TABLE),
}
by_body = pytest.mark.parametrize("body", sorted(BODIES))


def system_of(body: str) -> tuple[System, Mapping, str, bytes]:
    name, shape, raw = BODIES[body]
    system = declared.build(declaration(name), FILES, Wire())
    return system, reading.mapping_of(system), shape, raw


def reads(body: str, raws: Iterator[bytes]) -> Iterator[tuple[bytes, Any]]:
    system, mapping, shape, _ = system_of(body)
    for raw in raws:
        try:
            yield raw, reading.read(system, mapping, shape, raw)
        except HubError as error:
            yield raw, error
        except Malformed:
            yield raw, Garbled(Reason.BODY_MALFORMED)


@by_body
def test_the_body_itself_is_read(body: str) -> None:
    [(_, found)] = reads(body, iter([BODIES[body][2]]))
    assert len(found) == (2 if body == "drop" else 3)
    if body != "drop":
        assert {getattr(one, "code", None) for one in found} == {r["maHoSo"] for r in ROWS}


@by_body
def test_a_body_cut_anywhere_is_never_taken_for_a_whole_one(body: str) -> None:
    if body == "drop":
        pytest.skip("a table has no end of its own; the digest beside it says how much there is")
    raw = BODIES[body][2]
    cuts = sorted({len(raw) * n // 60 for n in range(1, 60)} | {len(raw) - 1, 1})
    for cut, found in reads(body, (raw[:place] for place in cuts)):
        assert isinstance(found, Garbled), f"taken, though cut after {len(cut)} bytes"
        assert found.reason in CUT, found


@by_body
def test_damaged_bytes_are_refused_or_read_and_nothing_else(body: str) -> None:
    raw = BODIES[body][2]
    dice = random.Random(len(raw))

    def damaged() -> Iterator[bytes]:
        for _ in range(150):
            broken = bytearray(raw)
            for _ in range(dice.randrange(1, 4)):
                place = dice.randrange(len(broken))
                broken[place : place + dice.randrange(3)] = dice.randbytes(dice.randrange(3))
            yield bytes(broken)
        yield from (b"", b"\xff\xfe", b"null", b"[]", b"{}", b"0", b"<a/>", b"[" * 5000, raw + raw)

    for _ in reads(body, damaged()):
        pass


@by_body
def test_an_odd_value_anywhere_is_read_or_refused_and_nothing_else(body: str) -> None:
    raw = BODIES[body][2]
    if body in ("rest", "native"):
        told = json.loads(raw)
        changes: list[Any] = [(path, odd) for path in _paths(told) for odd in ODD]
        raws = (_odd_json(told, path, odd) for path, odd in _some(changes))
    elif body == "drop":
        cells = [odd.replace("\n", " ") for odd in TEXTS]
        raws = (TABLE.replace(b"A;", f"{odd};".encode("cp1258", "replace")) for odd in cells)
    else:
        root = etree.fromstring(raw)
        spots = range(len(list(root.iter())))
        changes = [(spot, odd) for spot in spots for odd in (*TEXTS, "gone", "twice", "child")]
        raws = (_odd_xml(root, spot, odd) for spot, odd in _some(changes))
    for _ in reads(body, raws):
        pass


def test_a_door_answers_whatever_is_thrown_at_it() -> None:
    door = system_of("door")[0].door
    assert door is not None
    root = etree.fromstring(PUSHED)
    spots = range(len(list(root.iter())))
    changes = [(spot, odd) for spot in spots for odd in (*TEXTS, "gone", "twice", "child")]
    raws = [_odd_xml(root, spot, odd) for spot, odd in _some(changes)]
    called = 0
    for raw in (*raws, b"", b"<a/>", JSON, PUSHED[:-9], PUSHED + PUSHED):
        try:
            call = door.call(raw, "text/xml", "")
        except HubError as error:
            said = door.refusal(None, error.reason, "")
        else:
            called += 1
            said = door.refusal(call, Reason.FORBIDDEN, "")
        etree.fromstring(said.body)
    assert called > len(raws) / 2
