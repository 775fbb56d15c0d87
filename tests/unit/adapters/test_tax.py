import base64
import json
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.simulation import running
from adapters.tax import client as client_module
from adapters.tax import reader, simulator
from adapters.wire import Wire
from canonical.clock import HCM
from canonical.errors import Garbled, HubError, NotAllowed, Refused, TryAgain
from canonical.mapping.compile import Unmapped, compile_mapping
from canonical.ports import Ask, BadRow, Row, Settings
from canonical.reasons import Reason
from canonical.record import Record, Rejected, to_record
from tests.patience import patience

FOLDER = Path(simulator.__file__).parent
NOW = datetime(2026, 11, 1, tzinfo=UTC)
DOCUMENT = tomllib.loads((FOLDER / "mapping.toml").read_text("utf-8"))
MAPPING = compile_mapping(DOCUMENT)
BUILT_IN = json.loads((FOLDER / "simulator.json").read_text("utf-8"))
SAMPLES = sorted((FOLDER / "samples").glob("*.response.json"))


def everything(since=None, until=None, now=NOW):
    return Ask(since=since, until=until, cursor=None, open_codes=(), now=now)


def connected(endpoint, simulation, **options):
    settings = Settings(
        "thue", endpoint, {**simulation.options, **options}, dict(simulation.secrets)
    )
    return client_module.connect(settings, Wire())


async def pages_of(client, ask=None):
    return [page async for page in client.pages(ask or everything())]


def codes_of(pages):
    return [row["MaThongBaoThue"] for page in pages for row in json.loads(page.raw)["result"]]


def records(raw, mapping=MAPPING):
    """What reading, mapping and checking give, in the form of the samples."""
    told = []
    for place, row in enumerate(reader.rows("notices", raw)):
        found = row
        if not isinstance(row, BadRow):
            shape = mapping.shapes[row.shape]
            assert set(row.values) <= shape.known
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


def notice(content, **changes):
    """One page with one notice whose file holds this content."""
    row = {
        "MaThongBaoThue": "TB-1",
        "HeThong": "MOTCUA",
        "MaHoSo": "MC-1",
        "SoBienNhan": "BN-1",
        "NgayCapNhat": "12-01-2016 09:15:00",
        "FileThongBaoThue": base64.b64encode(content).decode(),
        "TrangThaiThanhToan": 0,
        "ThoiGianThanhToan": "",
    } | changes
    return json.dumps({"error_code": 0, "message": "", "tongSo": 1, "result": [row]}).encode()


def file(dossier="MC-1", amount="1250000"):
    duty = f"<LIST><TEN_TIEUMUC>Lệ phí</TEN_TIEUMUC><SO_TIEN>{amount}</SO_TIEN></LIST>"
    return (
        f"<DATA><BODY><ROW_LIST><MA_HSO>{dossier}</MA_HSO>{duty}</ROW_LIST></BODY></DATA>".encode()
    )


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


def test_a_notice_says_what_is_owed_and_for_which_dossier():
    (found,) = records(notice(file()))
    assert found.says == {
        "status": "financial",
        "fees": [{"amount": 1_250_000, "name": "Lệ phí", "paid_at": None}],
        "links": [{"namespace": "one_stop", "code": "MC-1"}],
    }


@pytest.mark.parametrize("paid", [1, "1"])
def test_a_paid_notice_waits_for_nothing_any_more(paid):
    raw = notice(file(), TrangThaiThanhToan=paid, ThoiGianThanhToan="20160112091000")
    (found,) = records(raw)
    assert found.says["status"] == "in_progress"
    assert found.says["fees"][0]["paid_at"] == "2016-01-12T09:10:00+07:00"


def test_a_connection_may_name_its_desks_otherwise():
    mapping = compile_mapping(DOCUMENT, tables={"namespace": {"MOTCUA": "mot-cua-tinh"}})
    (found,) = records(notice(file()), mapping)
    assert found.says["links"] == [{"namespace": "mot-cua-tinh", "code": "MC-1"}]


def test_the_dossiers_code_may_stand_as_attribute_and_in_several_row_lists():
    duty = "<LIST><TEN_TIEUMUC>Lệ phí</TEN_TIEUMUC><SO_TIEN>1</SO_TIEN></LIST>"
    row_list = f'<ROW_LIST MA_HSO="MC-1">{duty}</ROW_LIST>'
    (found,) = records(notice(f"<DATA><BODY>{row_list * 2}</BODY></DATA>".encode()))
    assert len(found.says["fees"]) == 2


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (file(dossier="MC-2"), Reason.MAPPING_ERROR),
        (file().replace(b"<MA_HSO>MC-1</MA_HSO>", b""), Reason.MAPPING_ERROR),
        (file()[:-20], Reason.MAPPING_ERROR),
        (b"<!DOCTYPE DATA []>" + file(), Reason.MAPPING_ERROR),
        (b"<html><body/></html>", Reason.MAPPING_ERROR),
        (b"<KETQUA/>", Reason.MAPPING_ERROR),
        (b"", Reason.FIELD_MISSING),  # base64 of nothing is no file
        (b"<DATA><BODY/></DATA>", Reason.FIELD_MISSING),
        (file(amount=""), Reason.FIELD_MISSING),
        (file(amount="1,5"), Reason.FIELD_TYPE),
    ],
)
def test_a_bad_file_costs_its_own_notice_only(content, reason):
    good = json.loads(notice(file()))
    bad = json.loads(notice(content))
    page = {**good, "tongSo": 2, "result": bad["result"] + good["result"]}
    assert reasons(json.dumps(page).encode()) == [reason, None]


@pytest.mark.parametrize("told", ["%PDF-1.4", "abc", "Ä"])
def test_a_file_that_is_not_base64_is_told_as_such(told):
    (row,) = reader.rows("notices", notice(b"", FileThongBaoThue=told))
    assert row == BadRow(Reason.ENC_INVALID, "FileThongBaoThue", "TB-1")


@pytest.mark.parametrize("dossier", [None, "", " "])
def test_a_notice_for_no_dossier_is_told_by_the_missing_field(dossier):
    (row,) = reader.rows("notices", notice(file(), MaHoSo=dossier))
    assert row == BadRow(Reason.FIELD_MISSING, "MaHoSo", "TB-1")


def test_reading_the_same_bytes_again_gives_the_same_rows():
    raw = notice(file())
    assert reader.rows("notices", raw) == reader.rows("notices", raw)
    assert isinstance(reader.rows("notices", raw)[0], Row)


@pytest.mark.parametrize(
    ("told", "kind", "reason"),
    [
        ({"error_code": -2, "message": "het phien"}, TryAgain, Reason.AUTH_EXPIRED),
        ({"error_code": "-2", "message": "het phien"}, TryAgain, Reason.AUTH_EXPIRED),
        ({"error_code": 5, "message": "loi"}, Refused, Reason.SOURCE_ERROR),
        ({"error_code": "hai"}, Garbled, Reason.BODY_MALFORMED),
        ({"error_code": True}, Garbled, Reason.BODY_MALFORMED),
        ({"tongSo": 0, "result": []}, Garbled, Reason.BODY_MALFORMED),
        ({"error_code": 0, "tongSo": "0", "result": []}, Garbled, Reason.BODY_MALFORMED),
        ({"error_code": 0, "tongSo": 0, "result": None}, Garbled, Reason.BODY_MALFORMED),
        ([], Garbled, Reason.BODY_MALFORMED),
    ],
)
def test_an_error_inside_http_200_is_told_by_its_code(told, kind, reason):
    with pytest.raises(kind) as failure:
        reader.rows("notices", json.dumps(told).encode())
    assert failure.value.reason is reason


@pytest.mark.parametrize("share", [0.1, 0.3, 0.6, 0.9])
def test_a_page_cut_short_is_truncated_and_not_malformed(share):
    raw = notice(file())
    with pytest.raises(Garbled) as failure:
        reader.rows("notices", raw[: int(len(raw) * share)])
    assert failure.value.reason is Reason.BODY_TRUNCATED


# --- over a socket --------------------------------------------------------------------------------


@pytest.mark.parametrize("text_codes", ["0", "1"])
async def test_a_run_brings_every_notice_once_with_one_login(text_codes):
    simulation = simulator.build(options={"text_codes": text_codes})
    async with running(simulation) as base:
        client = connected(base, simulation, page_size="9")
        pages = await pages_of(client)
        await client.close()
    assert [page.count for page in pages] == [9, 9, 2]
    assert {page.total for page in pages} == {20}
    assert pages[-1].cursor is None
    assert codes_of(pages) == [row["MaThongBaoThue"] for row in BUILT_IN]
    operations = [entry["operation"] for entry in simulation.log]
    assert operations == ["login"] + ["DanhSachThongBaoThue"] * 3


async def test_the_built_in_notices_hold_the_bad_ones_they_promise():
    simulation = simulator.build()
    async with running(simulation) as base:
        client = connected(base, simulation)
        (page,) = await pages_of(client)
        await client.close()
    bad = {r for r in reasons(page.raw) if r is not None}
    assert bad == {
        Reason.STATUS_UNKNOWN,
        Reason.REF_UNKNOWN,
        Reason.MAPPING_ERROR,
        Reason.ENC_INVALID,
        Reason.FIELD_MISSING,
    }
    assert reasons(page.raw).count(None) == 14


async def test_the_window_counts_whole_days_at_home():
    simulation = simulator.build()
    async with running(simulation) as base:
        client = connected(base, simulation)
        # 17:00 UTC on the 3rd is the 4th here; an end at midnight leaves the day after out.
        ask = everything(
            since=datetime(2016, 1, 3, 17, tzinfo=UTC), until=datetime(2016, 1, 6, tzinfo=HCM)
        )
        pages = await pages_of(client, ask)
        await client.close()
    assert codes_of(pages) == ["TB-QTR-2016-00003", "TB-QTR-2016-00009"]


async def test_a_notice_withdrawn_during_the_run_makes_no_other_slip_through():
    simulation = simulator.build()
    async with running(simulation) as base:
        client = connected(base, simulation, page_size="5")
        run = client.pages(everything())
        pages = [await anext(run)]
        http = Wire().http("test")
        await http.call("POST", f"{base}/__data", json=BUILT_IN[2:])
        await http.close()
        pages += [page async for page in run]
        await client.close()
    assert set(codes_of(pages)) == {row["MaThongBaoThue"] for row in BUILT_IN}
    assert pages[-1].cursor is None


async def test_a_session_forgotten_in_the_middle_of_a_run_is_renewed_once_and_it_goes_on():
    simulation = simulator.build(options={"session_calls": "1"})
    async with running(simulation) as base:
        client = connected(base, simulation, page_size="9")
        pages = await pages_of(client)
        await client.close()
    assert set(codes_of(pages)) == {row["MaThongBaoThue"] for row in BUILT_IN}
    asked = [entry["operation"] for entry in simulation.log]
    assert asked.count("login") == len(pages), "each session is good for one call"


async def test_a_wrong_password_is_denied_although_http_says_200():
    simulation = simulator.build()
    async with running(simulation) as base:
        settings = Settings("thue", base, dict(simulation.options), {"password": "x"})
        client = client_module.connect(settings, Wire())
        with pytest.raises(NotAllowed) as failure:
            await pages_of(client)
        await client.close()
    assert failure.value.reason is Reason.AUTH_DENIED
    assert [entry["operation"] for entry in simulation.log] == ["login"]


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
@pytest.mark.parametrize("has_session", [True, False])
async def test_a_mood_of_the_wire_has_one_reason(mood, reason, has_session):
    simulation = simulator.build()
    async with running(simulation) as base:
        # One that is to answer first is given longer, also where no answer comes then.
        limit_s = max(patience(mood), 3.0) if has_session else patience(mood)
        client = connected(base, simulation, timeout_s=str(limit_s))
        if has_session:
            await pages_of(client)
        simulation.mood = mood
        with pytest.raises(HubError) as failure:
            await pages_of(client)
        await client.close()
    assert failure.value.reason is reason


async def pages_in_mood(mood):
    simulation = simulator.build()
    simulation.mood = mood
    async with running(simulation) as base:
        client = connected(base, simulation, page_size="9")
        pages = await pages_of(client)
        await client.close()
    return pages


async def test_moods_of_the_data_change_no_notice():
    well = codes_of(await pages_in_mood("well"))
    assert codes_of(await pages_in_mood("empty")) == []
    assert codes_of(await pages_in_mood("duplicate")) == [code for code in well for _ in range(2)]
    reordered = codes_of(await pages_in_mood("reordered"))
    assert reordered != well
    assert sorted(reordered) == sorted(well)


@pytest.mark.parametrize("mood", ["mixed_dates", "sentinel_dates"])
async def test_a_date_in_another_form_costs_its_own_notice_only(mood):
    well = [reason for page in await pages_in_mood("well") for reason in reasons(page.raw)]
    moody = [reason for page in await pages_in_mood(mood) for reason in reasons(page.raw)]
    hit = [reason for before, reason in zip(well, moody, strict=True) if reason is not before]
    assert len(hit) >= 2
    assert set(hit) == {Reason.DATE_INVALID}
