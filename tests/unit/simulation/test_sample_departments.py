"""The departments to learn with: what they say when all is well, and when it is not."""

import importlib
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.simulation import Simulation, rest_sample, soap_sample
from hub.commands import running


async def call(simulation: Simulation, method: str, path: str, **more: Any) -> httpx.Response:
    wire = httpx.ASGITransport(app=simulation.app)
    async with httpx.AsyncClient(transport=wire, base_url="http://so.test") as client:
        return await client.request(method, path, **more)


@pytest.mark.parametrize("name", running._SAMPLES)
def test_every_sample_that_the_command_knows_is_there(name: str) -> None:
    module = importlib.import_module(f"adapters.simulation.{name.replace('-', '_')}")
    simulation = module.build(None, None)
    assert simulation.options
    assert simulation.secrets


async def log_in(simulation: Simulation) -> dict[str, str]:
    shown = {"taiKhoan": rest_sample.ACCOUNT, "matKhau": rest_sample.PASSWORD}
    said = (await call(simulation, "POST", "/api/dang-nhap", json=shown)).json()
    return {"X-Phien": said.get("phien", "")}


async def test_rest_asks_for_a_session_and_gives_pages() -> None:
    simulation = rest_sample.build(options={"phien_lan": "2"})
    assert (await call(simulation, "GET", "/api/ho-so")).json()["maLoi"] == 2
    session = await log_in(simulation)
    told = {"trang": "2", "soDong": "10", "tuLuc": "01/01/2026 00:00:00"}
    page = (await call(simulation, "GET", "/api/ho-so", params=told, headers=session)).json()
    assert (page["maLoi"], page["tongSo"], len(page["duLieu"]["hoSo"])) == (0, 25, 10)
    await call(simulation, "GET", "/api/ho-so", headers=session)
    ended = await call(simulation, "GET", "/api/ho-so", headers=session)
    assert ended.json()["maLoi"] == 2, "a session ends after its calls"


@pytest.mark.parametrize(
    ("mood", "code"), [("error", 9), ("refusing", 2), ("drift", 0), ("well", 0)]
)
async def test_rest_has_moods_of_its_own(mood: str, code: int) -> None:
    simulation = rest_sample.build()
    simulation.mood = mood
    session = await log_in(simulation)
    page = (await call(simulation, "GET", "/api/ho-so", headers=session)).json()
    assert page["maLoi"] == code
    if code == 0:
        assert ("ngayHenTraKetQua" in page["duLieu"]["hoSo"][0]) == (mood == "drift")


async def test_its_rows_can_be_others(tmp_path: Path) -> None:
    data = tmp_path / "ho-so.json"
    data.write_text(json.dumps([{"maHoSo": "X", "capNhatLuc": "02/03/2026 08:00:00"}]))
    simulation = rest_sample.build(data)
    page = (await call(simulation, "GET", "/api/ho-so", headers=await log_in(simulation))).json()
    assert [row["maHoSo"] for row in page["duLieu"]["hoSo"]] == ["X"]


async def test_soap_serves_its_contract_with_its_address() -> None:
    served = await call(soap_sample.build(), "GET", "/ho-so?wsdl")
    assert b'location="http://so.test/ho-so"' in served.content
    assert b"127.0.0.1:9" not in served.content
