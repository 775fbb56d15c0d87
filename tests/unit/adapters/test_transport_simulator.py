import json
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from lxml import etree

from adapters.simulation import running
from adapters.transport import reader, simulator
from canonical.clock import HCM
from canonical.errors import HubError
from canonical.reasons import Reason
from canonical.record import Record
from tests.unit.adapters.transport_words import (
    CODES,
    FOLDER,
    HOSO,
    SOAP_11,
    SOAP_12,
    asked,
    connected,
    drift,
    pages_of,
    records,
    refused,
)


def operations(name):
    tree = etree.parse(FOLDER / "contract" / name)
    wsdl = "{http://schemas.xmlsoap.org/wsdl/}"
    found = {}
    for binding in tree.findall(f"{wsdl}binding"):
        found[binding.get("name")] = {o.get("name") for o in binding.findall(f"{wsdl}operation")}
    return found


def test_the_published_wsdl_lacks_the_operation_the_callers_use() -> None:
    published = {"TaoMoiHoSo", "TaiAnhChanDung", "TaiAnhDinhKem", "GetTrangThaiHoSo"}
    assert operations("service-2014.wsdl") == {
        "ServiceSoap": published,
        "ServiceSoap12": published,
    }
    used = published | {"getHoSoMotCua"}
    assert operations("service-2014-used.wsdl") == {"ServiceSoap": used, "ServiceSoap12": used}


async def test_the_simulator_shows_the_published_wsdl_with_its_own_address() -> None:
    transport = httpx.ASGITransport(app=simulator.build().app)
    async with httpx.AsyncClient(transport=transport, base_url="http://gtvt.test") as http:
        shown = await http.get("/TichHopMotCua/Service.asmx?wsdl")
        assert shown.status_code == 200
        assert "getHoSoMotCua" not in shown.text.partition("<wsdl:definitions")[2]
        assert 'location="http://gtvt.test/TichHopMotCua/Service.asmx"' in shown.text
        assert (await http.get("/TichHopMotCua/Service.asmx")).status_code == 404


@pytest.mark.parametrize("version", ["1.1", "1.2"])
async def test_both_soap_versions_bring_the_same(version: str) -> None:
    async with running(simulator.build()) as base:
        client = connected(base, soap_version=version)
        pages = await pages_of(client, asked(codes=["khong-co", CODES[3]]))
        await client.close()
    assert [(page.shape, page.count) for page in pages] == [
        ("getHoSoMotCua", 40),
        ("GetTrangThaiHoSo", 0),
    ]
    assert refused(records(pages[0])) == [(Reason.STATUS_UNKNOWN, "TRANGTHAIXULY1")]
    assert drift(pages[0]) == set()


async def test_the_simulator_keeps_to_the_days_it_is_asked_for() -> None:
    simulation = simulator.build()
    async with running(simulation) as base:
        client = connected(base, state_batch="7")
        first, last = datetime(2016, 3, 10, tzinfo=HCM), datetime(2016, 3, 16, tzinfo=HCM)
        listed, *states = await pages_of(client, asked(first, last, codes=CODES))
        await client.close()
    kept = [record for record in records(listed) if isinstance(record, Record)]
    told = {record.updated_at.day for record in kept if record.facet == "reception"}
    assert told == {10, 11, 14, 15}
    assert [page.count for page in states] == [7, 7, 2]
    asked_for = [entry for entry in simulation.log if entry["operation"] == "GetTrangThaiHoSo"]
    assert len(asked_for) == 16


@pytest.mark.parametrize("mode", ["soap", "json"])
async def test_drift_is_noted_and_only_what_is_required_is_missed(mode: str) -> None:
    simulation = simulator.build()
    simulation.mood = "drift"
    async with running(simulation) as base:
        client = connected(base, mode=mode)
        (page,) = await pages_of(client)
        await client.close()
    required = {"soap": "MALOAIHOSO1", "json": "MaTTHC"}[mode]
    unheard = {"soap": "KENHNOP1", "json": "MaDinhDanhDienTu"}[mode]
    state = {"soap": "TRANGTHAIXULY1", "json": "TrangThaiHoSo"}[mode]
    found = records(page)
    assert drift(page) == {unheard}
    assert refused(found).count((Reason.FIELD_MISSING, required)) == 3
    assert set(refused(found)) == {
        (Reason.FIELD_MISSING, required),
        (Reason.STATUS_UNKNOWN, state),
    }
    kept = [record for record in found if isinstance(record, Record)]
    assert len(kept) == {"soap": 36, "json": 16}[mode]
    assert not any("applicant.address" in record.says for record in kept) or mode == "json"


@pytest.mark.parametrize(
    ("mood", "options", "reason"),
    [
        ("refusing", {}, Reason.AUTH_DENIED),
        ("well", {"api_key": "khac"}, Reason.AUTH_DENIED),
        ("well", {"ma_don_vi": "H50.20"}, Reason.SOURCE_ERROR),
        ("html", {}, Reason.CTYPE_UNEXPECTED),
        ("truncated", {}, Reason.BODY_TRUNCATED),
        ("silent", {"timeout_s": "0.3"}, Reason.TIMEOUT_TOTAL),
    ],
)
async def test_the_list_that_fails_brings_no_page(mood: str, options, reason: Reason) -> None:
    simulation = simulator.build()
    simulation.mood = mood
    async with running(simulation) as base:
        client = connected(base, mode="json", **options)
        with pytest.raises(HubError) as failure:
            await anext(client.pages(asked()))
        await client.close()
    assert failure.value.reason is reason
    assert "khoa" not in str(failure.value)
    assert len(simulation.log) == 1


async def test_the_service_knows_no_credentials_to_refuse() -> None:
    simulation = simulator.build()
    simulation.mood = "refusing"
    async with running(simulation) as base:
        client = connected(base)
        (page,) = await pages_of(client)
        await client.close()
    assert page.count == 40


@pytest.mark.parametrize(
    ("mood", "content_type", "namespace"),
    [("fault", "text/xml", SOAP_11), ("fault12", "application/soap+xml", SOAP_12)],
)
async def test_a_fault_comes_in_the_version_its_mood_says(mood, content_type, namespace) -> None:
    simulation = simulator.build()
    simulation.mood = mood
    transport = httpx.ASGITransport(app=simulation.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://gtvt.test") as http:
        told = await http.post("/TichHopMotCua/Service.asmx", content=b"<a/>")
    assert told.status_code == 500
    assert told.headers["content-type"].startswith(content_type)
    assert f'"{namespace}"' in told.text


@pytest.mark.parametrize(
    ("query", "headers", "code"),
    [
        ({"APIKey": "khoa-thu-nghiem"}, {}, -300),
        ({"GovAgencyCode": "H50.19"}, {}, -301),
        ({"GovAgencyCode": "H50.19", "APIKey": "sai"}, {}, -302),
        ({"GovAgencyCode": "H50.20", "APIKey": "khoa-thu-nghiem"}, {}, -303),
        (
            {"GovAgencyCode": "H50.19", "APIKey": "khoa-thu-nghiem"},
            {"MaDonVi": "H50.19", "ApiKey": "sai", "Authorization": "Bearer khoa-thu-nghiem"},
            -304,
        ),
    ],
)
async def test_the_simulators_errors_are_the_contracts(query, headers, code: int) -> None:
    transport = httpx.ASGITransport(app=simulator.build().app)
    async with httpx.AsyncClient(transport=transport, base_url="http://gtvt.test") as http:
        told = await http.get("/apiGTVT/danhsachhoso", params=query, headers=headers)
    assert (told.status_code, told.json()["error_code"]) == (200, code)


async def test_a_data_file_in_the_departments_words_is_served(tmp_path: Path) -> None:
    file = tmp_path / "gtvt.json"
    rows = [HOSO | {"MaDK1": f"45001-20260105-{n:09d}", "SOCMND1": None} for n in range(3)]
    file.write_text(json.dumps({"hoso": rows}, ensure_ascii=False), "utf-8")
    async with running(simulator.build(file)) as base:
        client = connected(base)
        (page,) = await pages_of(client)
        await client.close()
    assert page.count == 6
    assert not any("SOCMND1" in row.values for row in reader.rows(page.shape, page.raw))
