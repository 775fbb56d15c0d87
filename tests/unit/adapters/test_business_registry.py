"""The business registry's adapter (long because it has a feed and a look-up)."""

import json
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.business_registry import client as client_module
from adapters.business_registry import company, reader, simulator, transforms
from adapters.simulation import running
from adapters.wire import Wire
from canonical.clock import HCM
from canonical.errors import (
    Garbled,
    HubError,
    NotAllowed,
    NotOnFile,
    Refused,
    RequestRefused,
)
from canonical.mapping.compile import Unmapped, compile_mapping
from canonical.mapping.transforms import Bad
from canonical.ports import Ask, BadRow, Settings
from canonical.reasons import Reason
from canonical.record import Record, Rejected, to_record
from tests.patience import patience

FOLDER = Path(simulator.__file__).parent
NOW = datetime(2026, 11, 1, tzinfo=UTC)
MAPPING = compile_mapping(
    tomllib.loads((FOLDER / "mapping.toml").read_text("utf-8")), transforms.TRANSFORMS
)
BUILT_IN = json.loads((FOLDER / "simulator.json").read_text("utf-8"))
SAMPLES = sorted((FOLDER / "samples").glob("*.response.json"))


def everything(cursor=None, since=None, until=None):
    return Ask(since=since, until=until, cursor=cursor, open_codes=(), now=NOW)


def connection(endpoint, simulation, **options):
    return Settings("dkkd", endpoint, options, dict(simulation.secrets))


def connected(endpoint, simulation, **options):
    return client_module.connect(connection(endpoint, simulation, **options), Wire())


async def pages_of(client, ask=None):
    return [page async for page in client.pages(ask or everything())]


def codes_of(pages):
    return [row["MaHoSo"] for page in pages for row in json.loads(page.raw)["HoSo"]]


def records(raw):
    """What reading, mapping and checking give, in the form of the samples."""
    told = []
    for place, row in enumerate(reader.rows("dossiers", raw)):
        found = row
        if not isinstance(row, BadRow):
            shape = MAPPING.shapes[row.shape]
            found = shape.apply(row.values)
            if isinstance(found, dict):
                found = to_record(found, place, now=NOW, version_by=shape.version_by)
        told.append(found)
    return told


def reasons(raw):
    return [
        found.reason if isinstance(found, BadRow | Unmapped | Rejected) else None
        for found in records(raw)
    ]


# --- reading and mapping --------------------------------------------------------------------------


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name.partition(".")[0])
def test_a_sample_gives_what_is_written_beside_it(path):
    expected = json.loads(
        path.with_name(path.name.replace(".response.", ".expected.")).read_text("utf-8")
    )
    for found, wanted in zip(records(path.read_bytes()), expected, strict=True):
        if isinstance(found, Record):
            assert wanted == {
                "code": found.code,
                "part": found.part,
                "facet": found.facet.value,
                "updated_at": found.updated_at.isoformat(),
                "version": found.version,
                "says": found.says,
            }
        else:
            assert wanted == {"rejected": found.reason.value, "field": found.field}


def test_no_name_of_the_feed_is_new_to_the_mapping():
    known = MAPPING.shapes["dossiers"].known
    assert {name for row in BUILT_IN["HoSo"] for name in row} <= known


def test_one_element_without_its_list_says_the_same_as_a_list_of_one():
    row = BUILT_IN["HoSo"][0]
    many = {**row, **{name: [row[name]] for name in ("NguoiNop", "LePhi")}}
    one = {**row, "LichSu": row["LichSu"][0]}
    one_in_list = {**row, "LichSu": row["LichSu"][:1]}
    found = records(
        json.dumps({"TongSo": 4, "Trang": 1, "HoSo": [row, many, one, one_in_list]}).encode()
    )
    assert found[0].says == found[1].says
    assert found[2].says == found[3].says


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'{"TongSo": 1, "Trang": 1, "HoSo": [{"MaHoSo": "A', Reason.BODY_TRUNCATED),
        (b'{"TongSo": 1, "Trang": 1, "HoSo": [{"MaHoSo": "A"}', Reason.BODY_TRUNCATED),
        (b'{"TongSo": 1, "Trang": tr', Reason.BODY_TRUNCATED),
        ('{"TongSo": 1, "ma": "Đ'.encode()[:-1], Reason.BODY_TRUNCATED),
        (b'{"TongSo": 1 "Trang": 1}', Reason.BODY_MALFORMED),
        (b'{"TongSo": 1, "TongSo": 1}', Reason.BODY_MALFORMED),
        (b"", Reason.BODY_MALFORMED),
        (b"[]", Reason.BODY_MALFORMED),
        (b'{"TongSo": "1", "Trang": 1, "HoSo": []}', Reason.BODY_MALFORMED),
        (b'{"TongSo": true, "Trang": 1, "HoSo": []}', Reason.BODY_MALFORMED),
        (b'{"TongSo": 1, "Trang": 1, "HoSo": {}}', Reason.BODY_MALFORMED),
    ],
)
def test_a_page_cut_short_is_told_from_one_outside_its_contract(raw, reason):
    with pytest.raises(Garbled) as failure:
        reader.rows("dossiers", raw)
    assert failure.value.reason is reason


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("9900000016", "9900000016"),
        (" 9900000016 ", "9900000016"),
        ("9900000030-001", "9900000030-001"),
        ("9900000030001", "9900000030-001"),
        ("043210", "043210"),
        ("32.02.000123/KD", "32.02.000123/KD"),  # a certificate before 2010
        (9900000016, "9900000016"),
    ],
)
def test_an_enterprise_number_is_kept_in_the_registers_own_form(told, kept):
    assert transforms.msdn(told) == kept


@pytest.mark.parametrize("told", ["9900000017", "9900000031-001", True, 1.5, ["9900000016"]])
def test_an_enterprise_number_with_a_wrong_check_digit_is_refused(told):
    with pytest.raises(Bad) as failure:
        transforms.msdn(told)
    assert failure.value.reason is Reason.FIELD_TYPE


# --- the feed over a socket -----------------------------------------------------------------------


async def test_a_run_brings_every_dossier_once_oldest_first_with_one_token():
    simulation = simulator.build()
    async with running(simulation) as base:
        client = connected(base, simulation, page_size="7")
        pages = await pages_of(client)
        await client.close()
    assert [page.count for page in pages] == [7, 7, 6]
    assert {page.total for page in pages} == {20}
    assert pages[-1].cursor is None
    updated = [row["NgayCapNhat"] for page in pages for row in json.loads(page.raw)["HoSo"]]
    assert updated == sorted(updated)
    assert sorted(codes_of(pages)) == sorted(row["MaHoSo"] for row in BUILT_IN["HoSo"])
    assert [entry["operation"] for entry in simulation.log] == ["token"] + ["danhSach"] * 3


async def test_the_window_includes_its_begin_and_not_its_end():
    simulation = simulator.build()
    async with running(simulation) as base:
        client = connected(base, simulation)
        ask = everything(
            since=datetime(2016, 1, 5, 2, 4, tzinfo=UTC),
            until=datetime(2016, 1, 6, 8, 15, tzinfo=HCM),
        )
        pages = await pages_of(client, ask)
        await client.close()
    assert codes_of(pages) == ["DKKD-2016-0004", "DKKD-2016-0005"]


async def test_an_interrupted_run_goes_on_where_it_stopped_and_in_its_own_window():
    simulation = simulator.build()
    async with running(simulation) as base:
        client = connected(base, simulation, page_size="7")
        whole = codes_of(await pages_of(client))
        run = client.pages(everything())
        first = await anext(run)
        await run.aclose()
        later = everything(cursor=first.cursor, since=datetime(2016, 1, 14, tzinfo=UTC))
        rest = await pages_of(client, later)
        await client.close()
    assert codes_of([first, *rest]) == whole


async def test_a_dossier_updated_during_the_run_makes_no_other_slip_through():
    simulation = simulator.build()
    now = datetime(2016, 2, 1, tzinfo=HCM)
    left = ("DKKD-2016-0004", "DKKD-2016-0005")
    ask = Ask(since=None, until=None, cursor=None, open_codes=(), now=now)
    # Two dossiers of the first page are updated after the run began: they leave its window.
    moved = [
        {**row, "NgayCapNhat": "2016-02-01T08:00:00"} if row["MaHoSo"] in left else row
        for row in BUILT_IN["HoSo"]
    ]
    async with running(simulation) as base:
        client = connected(base, simulation, page_size="5")
        run = client.pages(ask)
        pages = [await anext(run)]
        http = Wire().http("test")
        await http.call("POST", f"{base}/__data", json=moved)
        await http.close()
        pages += [page async for page in run]
        await client.close()
    assert set(codes_of(pages)) == {row["MaHoSo"] for row in BUILT_IN["HoSo"]}
    assert pages[-1].cursor is None


async def test_a_cursor_that_is_not_ours_is_lost():
    simulation = simulator.build()
    async with running(simulation) as base:
        client = connected(base, simulation)
        with pytest.raises(Refused) as failure:
            await pages_of(client, everything(cursor="7"))
        await client.close()
    assert failure.value.reason is Reason.CURSOR_LOST
    assert simulation.log == []


async def test_a_token_forgotten_in_the_middle_of_a_run_is_renewed_once_and_it_goes_on():
    simulation = simulator.build(options={"token_calls": "1"})
    async with running(simulation) as base:
        client = connected(base, simulation, page_size="7")
        pages = await pages_of(client)
        await client.close()
    assert sum(page.count for page in pages) == pages[0].total
    asked = [entry["operation"] for entry in simulation.log]
    assert asked.count("token") == len(pages), "each token is good for one call"


@pytest.mark.parametrize("asks_for", ["pages", "company"])
async def test_a_wrong_key_is_denied_and_not_asked_for_again(asks_for):
    simulation = simulator.build()
    async with running(simulation) as base:
        settings = Settings("dkkd", base, {}, {"consumer_key": "trial-key", "consumer_secret": "x"})
        client = client_module.connect(settings, Wire())
        with pytest.raises(NotAllowed) as failure:
            await (pages_of(client) if asks_for == "pages" else client.company("9900000016"))
        await client.close()
    assert failure.value.reason is Reason.AUTH_DENIED
    assert [entry["operation"] for entry in simulation.log] == ["token"]


@pytest.mark.parametrize(
    ("mood", "reason"),
    [
        ("silent", Reason.TIMEOUT_TOTAL),
        ("slow", Reason.TIMEOUT_TOTAL),
        ("refusing", Reason.AUTH_DENIED),
        ("html", Reason.CTYPE_UNEXPECTED),
        ("truncated", Reason.BODY_TRUNCATED),
        ("busy", Reason.RATE_LIMITED),
    ],
)
@pytest.mark.parametrize("has_token", [True, False])
async def test_a_mood_of_the_wire_has_one_reason(mood, reason, has_token):
    simulation = simulator.build()
    async with running(simulation) as base:
        # One that is to answer first is given longer, also where no answer comes then.
        limit_s = max(patience(mood), 3.0) if has_token else patience(mood)
        client = connected(base, simulation, timeout_s=str(limit_s))
        if has_token:
            await pages_of(client)
        simulation.mood = mood
        with pytest.raises(HubError) as failure:
            await pages_of(client)
        await client.close()
    assert failure.value.reason is reason
    assert failure.value.system in ("dkkd", "business_registry")


async def codes_in_mood(mood):
    simulation = simulator.build()
    simulation.mood = mood
    async with running(simulation) as base:
        client = connected(base, simulation, page_size="7")
        pages = await pages_of(client)
        await client.close()
    return pages


async def test_moods_of_the_data_change_no_dossier():
    well = await codes_in_mood("well")
    assert await codes_in_mood("empty") != []  # one page says that there is none
    assert codes_of(await codes_in_mood("empty")) == []
    assert codes_of(await codes_in_mood("duplicate")) == [
        code for code in codes_of(well) for _ in range(2)
    ]
    reordered = codes_of(await codes_in_mood("reordered"))
    assert reordered != codes_of(well)
    assert sorted(reordered) == sorted(codes_of(well))


@pytest.mark.parametrize(("mood", "least"), [("mixed_dates", 3), ("sentinel_dates", 2)])
async def test_a_date_in_another_form_costs_its_own_record_only(mood, least):
    well = [reason for page in await codes_in_mood("well") for reason in reasons(page.raw)]
    moody = [reason for page in await codes_in_mood(mood) for reason in reasons(page.raw)]
    hit = [reason for before, reason in zip(well, moody, strict=True) if reason is not before]
    assert len(hit) >= least
    assert set(hit) == {Reason.DATE_INVALID}


# --- the company look-up --------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_a_company_is_told_as_the_register_holds_it(version):
    simulation = simulator.build()
    async with running(simulation) as base:
        client = connected(base, simulation, company_api=version)
        found = await client.company(" 9900000023 ")
        await client.close()
    assert found == company.Company(
        msdn="9900000023",
        registration_number=None,
        name="CÔNG TY TNHH CÁT VÀNG CỬA VIỆT",
        short_name=None,
        foreign_name="CUA VIET GOLDEN SAND COMPANY LIMITED",
        status_code="1",
        status="Đang hoạt động",
        type="Công ty trách nhiệm hữu hạn hai thành viên trở lên",
        founded_at=datetime(2016, 1, 7, tzinfo=HCM),
        amended_at=datetime(2016, 3, 1, tzinfo=HCM),
        changes=2,
        address="Thị trấn Cửa Việt, huyện Gio Linh, tỉnh Quảng Trị",
        representatives=("HOÀNG THỊ DIỆU", "HOÀNG VĂN DUY"),
        activities=(company.Activity("0810", "Khai thác đá, cát, sỏi, đất sét"),),
    )
    assert simulation.log[-1]["path"] == f"/apiCSDLDKDN/{version}/chiTietDoanhNghiep"


@pytest.mark.parametrize(
    ("asked", "name", "representatives"),
    [
        ("9900000016", "CÔNG TY TNHH MTV SAO MAI HƯỚNG HÓA", ("NGUYỄN VĂN AN",)),  # one object
        ("9900000030001", "CHI NHÁNH CÔNG TY TNHH GỖ ĐÁ BẠC TẠI LAO BẢO", ("VÕ MINH ĐỨC",)),
        ("043210", "DOANH NGHIỆP TƯ NHÂN THẠCH HÃN XƯA", ("ĐỖ QUANG HƯNG",)),  # before 2010
    ],
)
async def test_branches_and_old_numbers_are_found_too(asked, name, representatives):
    simulation = simulator.build()
    async with running(simulation) as base:
        client = connected(base, simulation)
        found = await client.company(asked)
        await client.close()
    assert (found.name, found.representatives) == (name, representatives)


async def test_a_company_the_register_does_not_hold_is_not_on_file():
    simulation = simulator.build()
    async with running(simulation) as base:
        client = connected(base, simulation)
        with pytest.raises(NotOnFile):
            await client.company("9900000175")
        await client.close()


@pytest.mark.parametrize(
    ("asked", "reason"),
    [("9900000017", Reason.FIELD_TYPE), ("  ", Reason.FIELD_MISSING)],
)
async def test_a_mistyped_number_is_told_before_anyone_is_asked(asked, reason):
    simulation = simulator.build()
    async with running(simulation) as base:
        client = connected(base, simulation)
        with pytest.raises(RequestRefused) as failure:
            await client.company(asked)
        await client.close()
    assert (failure.value.reason, failure.value.field) == (reason, "msdn")
    assert simulation.log == []


@pytest.mark.parametrize("data", [None, {}, {"MainInformation": None}])
def test_an_empty_answer_is_not_on_file(data):
    with pytest.raises(NotOnFile):
        company.read(json.dumps({"Data": data}).encode(), "9900000016")


@pytest.mark.parametrize(
    "change",
    [
        {"ENTERPRISE_GDT_CODE": "9900000023"},  # another company
        {"ENTERPRISE_GDT_CODE": None},
        {"NAME": ""},
        {"NAME": 7},
        {"FOUNDING_DATE": "07/01/2016"},
        {"NUMBER_CHANGES": "hai"},
    ],
)
def test_an_answer_outside_the_contract_is_garbled_and_never_half_a_company(change):
    data = dict(BUILT_IN["DoanhNghiep"][0])
    data["MainInformation"] = {**data["MainInformation"], **change}
    with pytest.raises(Garbled) as failure:
        company.read(json.dumps({"Data": data}).encode(), "9900000016")
    assert failure.value.reason is Reason.BODY_MALFORMED
