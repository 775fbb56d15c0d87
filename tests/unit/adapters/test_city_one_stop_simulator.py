import json

import pytest
import zeep
from city_kit import NS, PUSHED, RESULT, SOAP, STEP, asked, call, records, run
from lxml import etree
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.city_one_stop import client as client_module
from adapters.city_one_stop import reader, simulator
from adapters.city_one_stop.door import DOOR
from adapters.simulation import Simulation, running
from adapters.wire import Wire
from canonical.errors import Garbled
from canonical.ports import Fate
from canonical.reasons import Reason


class Hub:
    """A door with a gateway's manners and no store: whatever maps is applied."""

    def __init__(self):
        self.records = []

    async def answer(self, request: Request) -> Response:
        raw = await request.body()
        try:
            made = DOOR.call(raw, "text/xml", request.headers.get("soapaction", ""))
            if (made.user, made.password) != ("mot_cua", "bi & mat"):
                answer = DOOR.refusal(made, Reason.UNAUTHENTICATED, "")
            else:
                answer = DOOR.answer(made, self._fates(made, raw))
        except Garbled as error:
            answer = DOOR.refusal(None, error.reason, error.detail)
        return Response(answer.body, answer.status, {"content-type": answer.content_type})

    def _fates(self, made, raw):
        told = records(made.shape, raw)
        self.records += [r for r in told if "says" in r]
        return [
            Fate(n, r["code"], "applied")
            if "says" in r
            else Fate(n, None, "quarantined", Reason(r["rejected"]), r["field"])
            for n, r in enumerate(told)
        ]


DATA = {
    "calls": [
        {"op": "pushDocument", "rows": [PUSHED | {"maSoHoSo": f"DH-{n} <&>"} for n in range(5)]},
        {"op": "updateStatus", "rows": [STEP | {"maSoHoSo": "DH-0 <&>"}]},
        {"op": "pushDocument", "rows": [PUSHED | {"maSoHoSo": "DH-9", "maLoaiHoSo": "ZZ"}]},
        {"op": "updateResult", "rows": [RESULT | {"maSoHoSo": "DH-0 <&>", "lePhiHoSo": 10000}]},
    ]
}


async def test_the_app_pushes_in_order_and_notes_every_complaint(tmp_path):
    hub, seen = Hub(), []
    file = tmp_path / "data.json"
    file.write_text(json.dumps(DATA), "utf-8")
    door = Simulation([Route("/door", hub.answer, methods=["POST"])])
    async with running(door) as base:
        told = await simulator.push_all(
            file, f"{base}/door", "mot_cua", "bi & mat", batch=2, progress=seen.append
        )
        refused = await simulator.push_all(DATA, f"{base}/door", "mot_cua", "wrong")
    assert seen == [2, 2, 1, 1, 1, 1]
    assert [r["code"] for r in hub.records] == [f"DH-{n} <&>" for n in range(5)] + ["DH-0 <&>"] * 3
    assert {k: (v["calls"], v["rows"], v["accepted"]) for k, v in told.items()} == {
        "pushDocument": (4, 6, 5),
        "updateStatus": (1, 1, 1),
        "updateResult": (1, 1, 1),
    }
    (error,) = told["pushDocument"]["errors"]
    assert (error["first_row"], error["rows"], error["errCode"]) == (5, 1, "99")
    assert error["errMsg"].startswith("ERR_1:")
    assert {e["errCode"] for v in refused.values() for e in v["errors"]} == {"3"}


async def test_the_app_notes_a_fault_and_a_page_as_well():
    async def page(_):
        return Response("<p>hello", media_type="text/html")

    hub = Hub()
    door = Simulation(
        [Route("/door", hub.answer, methods=["POST"]), Route("/page", page, methods=["POST"])]
    )
    async with running(door) as base:
        door.mood = "fault"
        fault = await simulator.push_all(DATA, f"{base}/door", "a", "b")
        door.mood = "well"
        html = await simulator.push_all(DATA, f"{base}/page", "a", "b")
    assert {(e["status"], e["errCode"]) for v in fault.values() for e in v["errors"]} == {
        (500, None)
    }
    assert {e["errMsg"] for v in html.values() for e in v["errors"]} == {"no XML"}


def test_a_row_outside_the_contract_is_not_sent():
    with pytest.raises(ValueError, match="not in the contract"):
        call("pushDocument", PUSHED | {"maHoSo": "x"})
    with pytest.raises(ValueError, match="trangThaiKeTiep"):
        call("updateStatus", {"maSoHoSo": "x"})


def test_the_apps_requests_fit_the_contract():
    """Field by field and in the schema's order: zeep reads back what the app wrote."""
    contract = zeep.Client(str(client_module.CONTRACT))
    for operation, row in (
        ("pushDocument", PUSHED),
        ("updateStatus", STEP),
        ("updateResult", RESULT),
    ):
        message = etree.fromstring(call(operation, row)).find(f"{{{SOAP}}}Body")[0]
        element = contract.get_element(f"{{{NS}}}{operation}")
        read = element.parse(message, contract.wsdl.types)
        (told,) = read["arg0"][reader.LISTS[operation]]
        assert {name: told[name] for name in row} == row


async def test_a_data_file_and_new_data_replace_the_built_in_set(tmp_path):
    rows = [{"onlineId": n, "maLoaiHoSo": "HT01", "ngayDangKyHoSo": "01/03/2016"} for n in (1, 2)]
    file = tmp_path / "data.json"
    file.write_text(json.dumps({"online": rows}), "utf-8")
    simulation = simulator.build(file, {"maDonViTiepNhan": "VL"})
    async with running(simulation) as base:
        first = await run(asked(simulation, base))
        simulation._on_data({"online": rows[:1]})
        second = await run(asked(simulation, base))
    assert [p.count for p in first + second] == [2, 1]


async def test_the_app_counts_what_waits():
    simulation = simulator.build()
    async with running(simulation) as base:
        soap = Wire().soap(client_module.CONTRACT, base + simulator.PATH, system="dong-ha")
        who = {"userName": "truc_lien_thong", "password": "Thu-Nghiem-1", "maDonViTiepNhan": "DH"}
        told = soap.reply("countDocument", await soap.call("countDocument", arg0=who))
        await soap.close()
    assert (told["errCode"], told["countDocument"]) == (None, 25)
