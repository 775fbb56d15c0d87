"""The contract a department serves is no longer the pinned one: found, told, over by itself."""

from pathlib import Path
from typing import Any

import pytest

from adapters.simulation import Simulation, rest_sample, running, soap_sample
from store import contract_looks
from sync import contract_looks as looks
from sync import drift, wishes
from sync.connection_edits import Change, New, Told, make, mend
from tests.contract.declared.department import FILES, declaration
from tests.integration.test_drift import ME, lasting, synced
from tests.integration.test_trying import ready, results, try_
from tests.trial import Trial

__all__ = ["ready"]  # a fixture
pytestmark = pytest.mark.unproved
API = {"rest.json": rest_sample.CONTRACT.read_bytes()}
DUE = {"rename": "ngayHenTra:ngayHenTraKetQua"}


def soap(hub: Trial, endpoint: str, simulation: Simulation, **over: Any) -> None:
    told = declaration("soap.toml")
    told["soap"] |= {"served": "?wsdl", **over}
    del told["push"]
    link(hub, "soap", endpoint, simulation, Told(declaration=told, files=FILES))


def link(hub: Trial, system: str, endpoint: str, simulation: Simulation, told: Told) -> None:
    settings = {**simulation.options, **simulation.secrets}
    new = New(id="so-mau", system=system, endpoint=endpoint, settings=settings, told=told)
    make(hub.context, new, ME)


def rest_told() -> dict[str, Any]:
    told = declaration("rest.toml")
    told["openapi"] = {"contract": "rest.json", "served": "/openapi.json"}
    return told


async def looked(hub: Trial) -> list[str]:
    """What a look a day later leaves to be said."""
    hub.clock.forward(hours=25)
    assert await looks.look_at(hub.context, "so-mau") is not None
    return [one.vi for one in drift.drift_of(hub.context, "so-mau").findings]


async def test_a_served_wsdl_that_changed_is_told_and_over_by_itself(ready: Trial) -> None:
    simulation = soap_sample.build(None, DUE)
    async with running(simulation.app) as base:
        soap(ready, base + simulation.endpoint, simulation)
        tried = await try_(ready)
        assert (tried.passed, results(tried)["contract"]) == (True, "ok")
        assert "là bản đã ghim" in tried.stages[4].vi
        wishes.enable(ready.context, "so-mau", ME)
        await synced(ready)
        assert await looked(ready) == []
        # Once a day at the most.
        assert await looks.look_at(ready.context, "so-mau") is None

        simulation.mood = "drift"
        [lost, new] = await looked(ready)
        assert "không còn layDanhSach: danhSach.hoSo.ngayHenTra" in lost
        assert "dòng ánh xạ: record.rows[13] due_at" in lost
        assert "thủ tục: 1.001612, 2.000889" in lost
        assert "thêm layDanhSach: danhSach.hoSo.ngayHenTraKetQua" in new
        [alarm] = lasting(ready)
        assert "ngayHenTra" in alarm
        [first, second] = drift.drift_of(ready.context, "so-mau").findings
        assert {first.kind, second.kind} == {"contract"}
        # The look of the next day finds the same, and the trial says it too.
        assert len(await looked(ready)) == 2
        tried = await try_(ready)
        stage = tried.stages[4]
        assert (stage.result, stage.reason) == ("failed", "SCHEMA_DRIFT")
        assert "record.rows[13] due_at" in stage.vi
        assert stage.told["changes"][0]["places"] == ["record.rows[13] due_at"]

        simulation.mood = "well"
        assert (await looked(ready), lasting(ready)) == ([], [])
        past = drift.drift_of(ready.context, "so-mau", with_past=True).past
        assert {one.ended_by for one in past} == {"gone"}


async def test_a_new_contract_that_is_pinned_ends_it_and_one_that_is_known_stays_quiet(
    ready: Trial, tmp_path: Path
) -> None:
    contract = tmp_path / "served.json"
    contract.write_bytes(rest_sample.CONTRACT.read_bytes())
    simulation = rest_sample.build(None, {**DUE, "hop_dong": str(contract)})
    async with running(simulation.app) as base:
        link(ready, "rest", base, simulation, Told(declaration=rest_told(), files=API))
        assert (await try_(ready)).passed
        wishes.enable(ready.context, "so-mau", ME)
        await synced(ready)
        assert await looked(ready) == []
        simulation.mood = "drift"
        assert len(await looked(ready)) == 2
        drift.accept(ready.context, "so-mau", ME)
        assert (await looked(ready), lasting(ready)) == ([], [])
        # Something else of it changes: that alone is new.
        served = rest_sample.CONTRACT.read_bytes()
        more = served.replace(b'"TU_CHOI"', b'"TU_CHOI", "CHO_DUYET"')
        assert more != served
        contract.write_bytes(more)
        simulation.mood = "well"
        [told] = await looked(ready)
        assert "thêm giá trị CHO_DUYET" in told
        assert "record.rows[7] status" in told
        # It is pinned, and mapped: over, at the next look, which comes at once.
        mended = rest_told()
        mended["mapping"]["tables"]["status"]["CHO_DUYET"] = "in_progress"
        change = Change(told=Told(declaration=mended, files={"rest.json": more}))
        mend(ready.context, "so-mau", change, ME)
        assert (await try_(ready)).passed
        wishes.enable(ready.context, "so-mau", ME)
        assert await looks.look_at(ready.context, "so-mau") is not None
        assert (drift.drift_of(ready.context, "so-mau").findings, lasting(ready)) == ([], [])
        [newest, *_] = drift.drift_of(ready.context, "so-mau", with_past=True).past
        assert newest.ended_by == "mapped"


async def test_what_cannot_be_had_is_a_warning_and_no_alarm(ready: Trial) -> None:
    simulation = soap_sample.build()
    async with running(simulation.app) as base:
        soap(ready, base + simulation.endpoint, simulation, served=f"{base}/khong-co")
        tried = await try_(ready)
        assert (tried.passed, results(tried)["contract"]) == (True, "warning")
        assert "HTTP_4XX" in tried.stages[4].vi
        wishes.enable(ready.context, "so-mau", ME)
        await synced(ready)
        assert (await looked(ready), lasting(ready)) == ([], [])
        told = drift.drift_of(ready.context, "so-mau").served
        assert told is not None
        assert (told.address, told.reason) == (f"{base}/khong-co", "HTTP_4XX")
        # Only what may be called is called.
        change = Change(settings={"contract_at": "http://10.1.2.3/ho-so?wsdl"})
        mend(ready.context, "so-mau", change, ME)
        assert "EGRESS_DENIED" in (await try_(ready)).stages[4].vi
        mend(ready.context, "so-mau", Change(settings={"contract_at": "off"}), ME)
        assert results(await try_(ready))["contract"] == "ok"
        assert drift.drift_of(ready.context, "so-mau").served is None


async def test_a_look_is_due_once_a_day_for_what_runs_well(ready: Trial) -> None:
    simulation = soap_sample.build()
    async with running(simulation.app) as base:
        soap(ready, base + simulation.endpoint, simulation)
        await try_(ready)
        wishes.enable(ready.context, "so-mau", ME)

        def due() -> list[str]:
            return [job.key for job in looks.KIND.due(ready.context, ready.context.now())]

        assert due() == [], "nothing has run yet"
        await synced(ready)
        assert due() == ["so-mau"]
        await looks.look_at(ready.context, "so-mau")
        assert due() == []
        ready.clock.forward(hours=25)
        assert due() == ["so-mau"]
        with ready.store.read() as tx:
            assert contract_looks.load_look(tx, "so-mau") is not None
