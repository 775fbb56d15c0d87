"""A filing whose answer was lost is found again, and what the simulated Department makes of one."""

import json
from typing import Any

import httpx
import pytest

from adapters.simulation import running
from adapters.transport import matching, reader, simulator
from adapters.wire import Wire
from canonical.errors import Garbled, HubError, NotAllowed, OutcomeUnknown, Refused, TryAgain
from canonical.ports import Paper
from tests.unit.adapters.transport_filings import BODY, NUMBER, fault, filer, http, told
from tests.unit.adapters.transport_words import HOSO, list_of
from tests.unit.wire.conftest import raw_server

LISTED = {
    "MaDK1": "45012-20260302-101530123",
    "MALOAIHOSO1": "1 ",
    "HOTENNGUOINOP1": "NGUYỄN VĂN THỬ",
    "SOCMND1": "045000000001",
    "NGAYSINH1": "04/03/1985",
    "NGAYNOPHOSO1": "02/03/2026 10:15:30",
}


def fitting(*listed: dict[str, Any], others: tuple[str, ...] = ()) -> matching.Fitting:
    return matching.fitting(matching.sought(filer().render(NUMBER, BODY)), listed, others)


def test_the_one_that_fits_is_it() -> None:
    found = fitting(HOSO, LISTED)
    assert (found.found, found.is_doubtful) == (LISTED, False)
    assert fitting(LISTED, LISTED).found == LISTED, "a list may repeat itself"
    assert fitting({**LISTED, "NGAYNOPHOSO1": "2026-03-02T10:15:30"}).found is not None


@pytest.mark.parametrize(
    "over",
    [
        {"SOCMND1": "045000000002"},
        {"MALOAIHOSO1": "2"},
        {"NGAYNOPHOSO1": "01/03/2026 10:15:30"},
        {"SOCMND1": "", "HOTENNGUOINOP1": "LÊ VĂN KHÁC"},
        {"SOCMND1": "", "NGAYSINH1": "05/03/1985"},
    ],
)
def test_another_is_not_it(over: dict[str, str]) -> None:
    assert fitting({**LISTED, **over}) == matching.Fitting(None, 0, is_doubtful=False)


@pytest.mark.parametrize(
    "over",
    [
        {"SOCMND1": ""},
        {"NGAYSINH1": "hôm qua"},
        {"NGAYSINH1": "05/03/1985"},  # the same number, another birth: a slip of somebody's
        {"HOTENNGUOINOP1": "NGUYEN VAN THU"},
        {"MALOAIHOSO1": None},
        {"NGAYNOPHOSO1": "03/03/2026 08:00:00"},
        {"NGAYNOPHOSO1": ""},
        {"MaDK1": ""},
    ],
)
def test_what_may_be_it_is_for_a_person_to_say(over: dict[str, Any]) -> None:
    assert fitting({**LISTED, **over}).is_doubtful


def test_two_that_fit_are_for_a_person_and_known_ones_are_left_out() -> None:
    second = {**LISTED, "MaDK1": "45012-20260302-101530999"}
    assert fitting(LISTED, second).is_doubtful
    found = fitting(LISTED, second, others=(LISTED["MaDK1"],))
    assert (found.found, found.is_doubtful) == (second, False)
    assert fitting(LISTED, others=(LISTED["MaDK1"],)).found is None


async def looked_up(raw: bytes, **options: str) -> Any:
    wire = Wire()
    try:
        async with raw_server(raw) as server:
            one = filer(server.address, wire, **options)
            return await one.find_receipt(one.render(NUMBER, BODY), ())
    except HubError as error:
        return type(error)
    finally:
        await wire.close()


async def test_looking_up_says_found_absent_or_that_nobody_knows() -> None:
    found = await looked_up(http(list_of(LISTED)))
    assert found.code == LISTED["MaDK1"]
    assert json.loads(found.raw)["SOCMND1"] == LISTED["SOCMND1"]
    assert await looked_up(http(list_of())) is None
    assert await looked_up(http(list_of(LISTED, {**LISTED, "MaDK1": "x"}))) is OutcomeUnknown
    assert await looked_up(http(fault("s:Client"), "500 X")) is OutcomeUnknown
    assert await looked_up(http(list_of(LISTED)), files_lookup="none") is OutcomeUnknown
    assert await looked_up(http(list_of(LISTED)[:-30])) is Garbled
    assert await looked_up(http(b"", "502 X")) is TryAgain
    assert await looked_up(http(b"", "401 X")) is NotAllowed


# ------------------------------------------------------------------ the simulated Department


@pytest.mark.parametrize("version", ["1.1", "1.2"])
async def test_the_simulator_takes_what_is_rendered_and_lists_it(version: str) -> None:
    department = simulator.build()
    async with running(department.app) as base:
        one = filer(base, soap_version=version)
        rendered = one.render(NUMBER, BODY)
        made = await one.submit(rendered)
        found = await one.find_receipt(rendered, ())
        assert found is not None
        assert found.code == made.code
        await one.send_paper(made.code, Paper("cmnd.pdf", "pdf", b"PDF"))
        await one.send_paper(made.code, Paper("cmnd.pdf", "pdf", b"PDF 2"))
        await one.send_paper(made.code, Paper("anh.jpg", "jpg", b"JPEG", is_portrait=True))
        async with httpx.AsyncClient(base_url=base) as asking:
            [entry] = (await asking.get("/__ledger")).json()
        await one.close()
    assert (entry["SoHoSo1"], entry["MaDK"], entry["why"]) == (NUMBER, made.code, "")
    assert [(p["name"], p["portrait"]) for p in entry["papers"]] == [
        ("cmnd.pdf", False),
        ("", True),
    ]
    assert reader.filed_code(made.raw) == made.code


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HoVaTenIn1", "x" * 26),
        ("NoiTT1", "x" * 51),
        ("NgayNhanHSo1", "2026-03-02"),
        ("NgayHenTra1", "2/3/2026"),
        ("MaDVNhanHSo1", "45999"),
        ("TT_XuLy1", "02"),
        ("GioiTinh1", "Nam"),
        ("SoCMT1", ""),
    ],
)
async def test_the_simulator_answers_nothing_to_what_breaks_the_contract(
    name: str, value: str
) -> None:
    department = simulator.build()
    good = told(filer().render(NUMBER, BODY))
    raw = filer().render(NUMBER, BODY).decode()
    broken = raw.replace(f"<ns0:{name}>{good[name]}<", f"<ns0:{name}>{value}<").encode()
    assert broken != raw.encode()
    async with running(department.app) as base:
        one = filer(base)
        with pytest.raises(Refused):
            await one.submit(broken)
        await one.close()
    [entry] = department.filings.ledger  # type: ignore[attr-defined]
    assert (entry["MaDK"], entry["why"]) == ("", name)
