import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from adapters.simulation import MOODS, Simulation, running

BODY = {"hoSo": ["Đông Hà"] * 20}
SOAP_BODY = (
    b'<s:Envelope xmlns:s="x"><s:Header/>\n<s:Body>\n'
    b' <q:updateStatus xmlns:q="y"/></s:Body></s:Envelope>'
)


async def held(request: Request) -> Response:
    await request.body()
    return JSONResponse(BODY)


@pytest.fixture
def simulation() -> Simulation:
    return Simulation([Route("/x", held, methods=["GET", "POST"])])


@pytest.fixture
async def client(simulation: Simulation) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        running(simulation) as base,
        httpx.AsyncClient(base_url=base, trust_env=False, timeout=5) as client,
    ):
        yield client


async def test_the_mood_is_set_from_outside(
    simulation: Simulation, client: httpx.AsyncClient
) -> None:
    assert (await client.get("/__mood")).json()["mood"] == "well"
    assert (await client.post("/__mood", json={"mood": "html"})).status_code == 200
    assert simulation.mood == "html"
    assert (await client.get("/x")).headers["content-type"].startswith("text/html")
    for wrong in ({"mood": "cheerful"}, {}, []):
        assert (await client.post("/__mood", json=wrong)).status_code == 400
    assert simulation.mood == "html"


async def test_the_log_holds_the_contracts_requests_and_no_others(
    client: httpx.AsyncClient,
) -> None:
    await client.get("/x")
    await client.get("/__mood")
    await client.post("/x", content=SOAP_BODY, headers={"SOAPAction": '"http://tempuri.org/GetX"'})
    await client.post("/x", content=SOAP_BODY, headers={"SOAPAction": '""'})
    await client.post(
        "/x", headers={"Content-Type": 'application/soap+xml; action="urn:mau:TraCuu"'}
    )
    log = (await client.get("/__log")).json()
    assert [(entry["method"], entry["path"], entry["operation"]) for entry in log] == [
        ("GET", "/x", ""),
        ("POST", "/x", "GetX"),
        ("POST", "/x", "updateStatus"),
        ("POST", "/x", "TraCuu"),
    ]
    assert (await client.post("/__log")).json() == []
    assert (await client.get("/__log")).json() == []


async def test_a_simulator_names_an_operation_itself(client: httpx.AsyncClient) -> None:
    async def named(request: Request) -> Response:
        simulation.note(request, "danhsach")
        return Response("")

    simulation = Simulation([Route("/y", named)])
    async with running(simulation) as base:
        await client.get(base + "/y")
    assert simulation.log[0]["operation"] == "danhsach"


async def test_a_truncated_answer_declares_the_length_of_its_cut(
    simulation: Simulation, client: httpx.AsyncClient
) -> None:
    whole = (await client.get("/x")).content
    simulation.mood = "truncated"
    cut = await client.get("/x")
    assert cut.content == whole[: int(len(whole) * 0.6)]
    assert int(cut.headers["content-length"]) == len(cut.content)


@pytest.mark.parametrize("mood", ["fault", "fault12"])
async def test_a_fault_is_the_contracts_own_where_it_has_one(
    simulation: Simulation, client: httpx.AsyncClient, mood: str
) -> None:
    simulation.mood = mood
    plain = await client.get("/x")
    assert plain.status_code == 500
    assert ("2003/05" in plain.text) == (mood == "fault12")
    own = Simulation([], fault=lambda request: Response(f"own {request.url.path}", 500))
    own.mood = mood
    async with running(own) as base:
        assert (await client.get(base + "/z")).text == "own /z"


@pytest.mark.parametrize("mood", ["slow", "silent", "drip"])
async def test_who_hangs_up_sets_the_simulator_free(simulation: Simulation, mood: str) -> None:
    simulation.mood = mood
    began = time.monotonic()
    async with running(simulation) as base, httpx.AsyncClient(trust_env=False) as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await client.get(base + "/x")
    assert time.monotonic() - began < 1.5, "it waited for an answer nobody wanted"


async def test_a_busy_department_names_a_pause(
    simulation: Simulation, client: httpx.AsyncClient
) -> None:
    simulation.mood = "busy"
    told = await client.get("/x")
    assert (told.status_code, told.headers["retry-after"]) == (429, "7")


async def test_data_is_replaced_only_where_the_simulator_can(client: httpx.AsyncClient) -> None:
    assert (await client.post("/__data", json=[1])).status_code == 409
    taken: list[Any] = []
    async with running(Simulation([], on_data=taken.append)) as base:
        assert (await client.post(base + "/__data", json=[1])).status_code == 200
    assert taken == [[1]]


def test_rows_are_arranged_by_the_mood(simulation: Simulation) -> None:
    rows = list(range(9))
    arranged = {}
    for mood in MOODS:
        simulation.mood = mood
        arranged[mood] = simulation.arranged(rows)
        assert simulation.arranged(rows) == arranged[mood], "each time the same"
    assert arranged["empty"] == []
    assert arranged["duplicate"] == [n for n in rows for _ in range(2)]
    assert arranged["reordered"] != rows
    assert sorted(arranged["reordered"]) == rows
    assert arranged["well"] == arranged["mixed_dates"] == rows


def test_a_department_may_have_moods_of_its_own() -> None:
    moods: list[str] = []
    simulation = Simulation([], more_moods=["drift"], on_mood=moods.append)
    simulation.mood = "drift"
    assert moods == ["drift"]
    with pytest.raises(ValueError, match="no mood"):
        simulation.mood = "cheerful"
    with pytest.raises(ValueError, match="no mood"):
        Simulation([]).mood = "drift"
