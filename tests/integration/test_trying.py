"""A link tried stage by stage: what each finds, how it is mended, and that nothing is kept."""

import asyncio
import importlib
import tomllib
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import SQLModel

from adapters import registry
from adapters.simulation import Simulation, rest_sample, running, soap_sample
from adapters.wire import Wire
from hub.commands import clients as client_commands
from hub.wiring import Contracts
from store import connections
from sync import connection_edits, samples, trying
from sync.connecting import By
from sync.connection_edits import New, Told
from sync.trying import Trial as Tried
from tests.contract.declared.department import FILES, HERE
from tests.contract.declared.drop_sample import build as drop
from tests.patience import patience
from tests.trial import Trial

ME = By("nguoi-truc", "thử nghiệm")
BUILT_IN = ("business_registry", "city_one_stop", "one_stop", "police_plates", "tax", "transport")
pytestmark = pytest.mark.unproved


@pytest.fixture
def ready(hub: Trial) -> Trial:
    """A hub that may feel the wire."""
    wire = Wire(timeout_s=60)
    hub.context.probe = wire.probe()
    hub.context.contracts = Contracts()
    hub.clock.set("2026-12-01T08:00:00+07:00")
    return hub


def declared(
    hub: Trial, name: str, endpoint: str, simulation: Simulation | None = None, **over: Any
) -> None:
    told = tomllib.loads((HERE / f"{name}.toml").read_text("utf-8"))
    told.update(over)
    settings = {**simulation.options, **simulation.secrets} if simulation is not None else {}
    system = {"rest": "rest", "soap": "soap", "drop": "file"}[name]
    files = FILES if name == "soap" else {}
    new = New(
        id="so-mau",
        system=system,
        endpoint=endpoint,
        settings=settings,
        told=Told(declaration=told, files=files),
    )
    connection_edits.make(hub.context, new, ME)


async def try_(hub: Trial, name: str = "so-mau", **more: Any) -> Tried:
    return await trying.try_link(hub.context, name, ME, **more)


def results(tried: Tried) -> dict[str, str]:
    return {stage.name: stage.result for stage in tried.stages}


def failed(tried: Tried) -> tuple[str, str]:
    """The one stage that failed, and why; what comes behind it was not reached."""
    names = [stage.name for stage in tried.stages if stage.result == "failed"]
    assert len(names) == 1, results(tried)
    place = [stage.name for stage in tried.stages].index(names[0])
    stage = tried.stages[place]
    assert {one.result for one in tried.stages[place + 1 :]} <= {"not_reached"}
    assert all((stage.vi, stage.en, stage.mend_vi, stage.mend_en))
    return stage.name, stage.reason


def counts(hub: Trial) -> dict[str, int]:
    with hub.store.read() as tx:
        return {
            name: tx.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one()
            for name in SQLModel.metadata.tables
        }


async def test_a_draft_that_passes_is_tested_and_nothing_else_is_written(ready: Trial) -> None:
    simulation = rest_sample.build()
    async with running(simulation.app) as base:
        declared(ready, "rest", base, simulation)
        before = counts(ready)
        tried = await try_(ready)
    assert (tried.passed, tried.state) == (True, "tested")
    assert list(results(tried).items()) == [
        ("name", "ok"),
        ("socket", "ok"),
        ("tls", "not_applicable"),
        ("credentials", "ok"),
        ("contract", "ok"),
        ("page", "ok"),
        ("mapping", "ok"),
        ("coverage", "ok"),
    ]
    assert tried.stages[6].told == {"records": 25, "mapped": 25, "refused": {}}
    after = counts(ready)
    # A plan row says nothing that its absence does not.
    changed = {name for name in after if after[name] != before[name]}
    assert changed - {"plan"} == {"connection_version"}
    with ready.store.read() as tx:
        assert connections.load_checkpoint(tx, "so-mau") == {}


async def test_a_department_that_never_answers_fails_at_its_page(ready: Trial) -> None:
    simulation = rest_sample.build()
    simulation.options["timeout_s"] = str(patience("silent"))
    async with running(simulation.app) as base:
        declared(ready, "rest", base, simulation)
        simulation.mood = "silent"
        tried = await try_(ready)
    assert failed(tried) == ("page", "TIMEOUT_TOTAL")
    assert (tried.passed, tried.state) == (False, "draft")


async def test_every_failure_has_its_stage_its_reason_and_how_it_is_mended(ready: Trial) -> None:
    simulation = rest_sample.build()
    moods = [
        ("refusing", ("credentials", "AUTH_DENIED")),
        ("html", ("contract", "CTYPE_UNEXPECTED")),
        ("error", ("page", "SOURCE_ERROR")),
        ("busy", ("page", "RATE_LIMITED")),
        ("truncated", ("page", "BODY_TRUNCATED")),
    ]
    async with running(simulation.app) as base:
        declared(ready, "rest", base, simulation)
        for mood, expected in moods:
            simulation.mood = mood
            tried = await try_(ready)
            assert failed(tried) == expected, mood
            assert (tried.passed, tried.state) == (False, "draft")
        simulation.mood = "mixed_dates"
        tried = await try_(ready)
        # A few bad records are the quarantine's, and no reason to call a link broken.
        assert tried.passed
        assert tried.stages[6].told["refused"] == {"DATE_INVALID ngayTiepNhan": 5}
    for endpoint, expected in (
        (base, ("socket", "NET_REFUSED")),
        ("http://khong-co.invalid", ("name", "NET_DNS")),
        ("http://10.1.2.3", ("name", "EGRESS_DENIED")),
        ("https://127.0.0.1:1", ("socket", "NET_REFUSED")),
        ("", ("name", "FIELD_MISSING")),
    ):
        change = connection_edits.Change(endpoint=endpoint)
        connection_edits.mend(ready.context, "so-mau", change, ME)
        assert failed(await try_(ready)) == expected


async def test_a_two_step_pull_is_not_acknowledged_and_leaving_the_contract_is_seen(
    ready: Trial,
) -> None:
    simulation = soap_sample.build()
    async with running(simulation.app) as base:
        declared(ready, "soap", base + simulation.endpoint, simulation)
        assert (await try_(ready)).passed
        assert {entry["operation"] for entry in simulation.log} == {"layDanhSach"}
        simulation.mood = "drift"
        tried = await try_(ready)
    assert tried.stages[4].told["deviations"] == ["unknown: danhSach/hoSo/ngayHenTraKetQua"]


async def test_a_folder_has_stages_of_its_own(ready: Trial, tmp_path: Path) -> None:
    folder = Path(drop().endpoint)
    declared(ready, "drop", str(folder))
    tried = await try_(ready)
    assert tried.passed, [stage for stage in tried.stages if stage.result == "failed"]
    assert results(tried)["credentials"] == results(tried)["tls"] == "not_applicable"
    change = connection_edits.Change(endpoint=str(tmp_path / "khong-co"))
    connection_edits.mend(ready.context, "so-mau", change, ME)
    assert failed(await try_(ready)) == ("socket", "NET_REFUSED")


async def test_all_six_built_in_systems_are_tried_the_same_way(ready: Trial) -> None:
    for name in BUILT_IN:
        folder = registry.folder_of(name).name
        simulation = importlib.import_module(f"adapters.{folder}.simulator").build(None, None)
        async with running(simulation.app) as base:
            settings = {**simulation.options, **simulation.secrets}
            is_folder = name == "police_plates"
            endpoint = simulation.endpoint if is_folder else base + simulation.endpoint
            ready.connect(
                name,
                system=name,
                endpoint=endpoint,
                settings=[f"{key}={value}" for key, value in settings.items()],
            )
            before = counts(ready)
            tried = await try_(ready, name)
        told = [s for s in tried.stages if s.result in ("failed", "not_reached")]
        # Whether a mapping covers every code is the mapping's own affair.
        assert [s.name for s in told if s.name != "coverage"] == [], (name, told)
        assert tried.state == "enabled"
        after = counts(ready)
        assert {n for n in after if after[n] != before[n]} <= {
            "connection_version",
            "contract_look",
            "plan",
        }, name


async def test_a_door_is_tried_with_an_invented_call(ready: Trial) -> None:
    told = tomllib.loads((HERE / "soap.toml").read_text("utf-8"))
    record = told["mapping"]["shapes"]["record"]
    push = {
        "door": {
            "contract": "soap_sample.wsdl",
            "operations": [{"name": "guiHoSo", "records": "hoSo", "shape": "record"}],
        }
    }
    contract = Contracts().describe(FILES)
    operation = next(o.name for o in contract.operations if any(f.path == "hoSo" for f in o.sent))
    push["door"]["operations"][0]["name"] = operation  # type: ignore[index]
    only = {"kind": "soap", "id": "day", "title": "Đẩy", "push": push}
    only["mapping"] = {**told["mapping"], "shapes": {"record": record}}
    new = New(id="day", system="soap", told=Told(declaration=only, files=FILES))
    connection_edits.make(ready.context, new, ME)
    assert (await try_(ready, "day")).stages[3].mend_vi.startswith("Tạo tài khoản")
    client_commands.make(ready.context, "may-so", ["push"], ["day"], [])
    tried = await try_(ready, "day")
    assert (tried.passed, tried.state) == (True, "tested"), tried.stages[5:]
    page = tried.stages[5]
    assert page.told == {"operation": operation, "records": 1, "origin": "made"}
    made = samples.made(ready.context.system_of(_held(ready, "day")))
    assert made is not None
    with pytest.raises(AssertionError):
        failed(await try_(ready, "day", sample=made.raw))
    assert failed(await try_(ready, "day", sample=b"<a/>"))[0] == "page"


async def test_a_canonical_department_is_tried_by_its_account(ready: Trial) -> None:
    ready.connect("mot-cua")
    assert failed(await try_(ready, "mot-cua")) == ("credentials", "")
    ready.introduce("may", connections=["mot-cua"])
    assert (await try_(ready, "mot-cua")).passed


def _held(hub: Trial, name: str) -> Any:
    with hub.store.read() as tx:
        return connections.load_connection(tx, name)


async def test_what_speaks_no_tls_fails_at_that_stage(ready: Trial) -> None:
    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"no TLS here")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    declared(ready, "rest", f"https://127.0.0.1:{port}", rest_sample.build())
    async with server:
        assert failed(await try_(ready)) == ("tls", "TLS_INVALID")
