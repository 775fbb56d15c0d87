"""A department linked by commands alone: its contract is pushed to, a sample department is asked.

The contract lies outside the repository: `pytest --contract FILE`, or HUB_TEST_CONTRACT. Without
one the push half is skipped and says so; nothing of the contract is kept here.
"""

import asyncio
import json
import os
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from adapters.simulation import rest_sample, running
from hub.main import app
from sync import toml_text

HERE = Path(__file__).parents[1] / "contract" / "declared"
BESIDE = Path(__file__).parents[3] / "shared/real/contracts"
KNOWN = "navikt-behandlesak-v2-tjenestespesifikasjon/behandlesak/v2/wsdl/BehandleSakV2.wsdl"
ME = ("--actor", "nguoi-truc")
STAGES = ["name", "socket", "tls", "credentials", "contract", "page", "mapping", "coverage"]


@pytest.fixture
def contract(request: pytest.FixtureRequest) -> Path:
    """A WSDL kept elsewhere."""
    told = request.config.getoption("--contract") or os.environ.get("HUB_TEST_CONTRACT")
    path = Path(told) if told else BESIDE / KNOWN
    if not path.exists():
        pytest.skip("no contract outside the repository: pytest --contract FILE.wsdl")
    return path


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("HUB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HUB_DATA_DIR", str(tmp_path / "data"))
    return tmp_path


@pytest.fixture
def department() -> Iterator[str]:
    """`hub simulate rest-sample`, in a thread of its own."""
    told: list[str] = []
    is_up, stop = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with running(rest_sample.build().app) as base:
            told.append(base)
            is_up.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    assert is_up.wait(30)
    yield told[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join(30)
    loop.close()


def hub(*words: str, code: int = 0) -> Any:
    """What `hub …` prints, as JSON where it is asked for that."""
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == code, (words, done.output, done.exception)
    return json.loads(done.stdout) if "--json" in words else done.stdout


def stages_of(name: str) -> dict[str, str]:
    """The stages of `hub connections test`."""
    told = hub("connections", "test", name, "--json", *ME)
    assert (told["passed"], told["state"]) == (True, "tested"), told
    assert [stage["name"] for stage in told["stages"]] == STAGES
    return {stage["name"]: stage["result"] for stage in told["stages"]}


def test_a_sample_department_is_asked_without_code(data_dir: Path, department: str) -> None:
    where = ("--declaration", str(HERE / "rest.toml"), "--endpoint", department)
    account = rest_sample.build()
    settings = {**account.options, **account.secrets}
    sets = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    hub("connections", "add", "so-mau", "--system", "rest", *where, *sets, *ME)
    assert set(stages_of("so-mau").values()) == {"ok", "not_applicable"}
    shown = hub("connections", "preview", "so-mau", "--row", "2", "--json")
    assert (shown["code"], shown["reason"]) == ("SM-2026-0003", "")
    told = {one["target"]: one for one in shown["fields"]}
    assert told["applicant.name"]["wire"] == "N*** T*** M*** ***"


def test_a_contract_from_elsewhere_is_pushed_to_without_code(
    data_dir: Path, contract: Path
) -> None:
    told = hub("connections", "contract", str(contract), "--json")
    assert told["fingerprint"].startswith("sha256:")
    operation = next(one for one in told["operations"] if one["sent"])
    draft = data_dir / "khai-bao.toml"
    words = ("--operation", operation["name"], "--push", "--out", str(draft))
    hub("connections", "draft", str(contract), *words)
    declaration = tomllib.loads(draft.read_text("utf-8"))
    assert declaration["push"]["door"]["fingerprint"] == told["fingerprint"]
    # What the draft leaves open a person decides: here the least that a dossier needs.
    heads = {field["path"] for field in operation["sent"]}
    leaf = next(
        field["path"]
        for field in operation["sent"]
        if not field["is_many"] and not any(path.startswith(f"{field['path']}.") for path in heads)
    )
    declaration["mapping"]["tables"] = {}
    declaration["mapping"]["shapes"]["record"]["rows"] = [
        {"target": "code", "source": leaf, "required": True},
        {"target": "status", "const": "accepted"},
        {"target": "agency", "const": "H50.05"},
        {"target": "procedure.code", "const": "1.001612"},
    ]
    draft.write_text(toml_text.write(declaration), "utf-8")
    files = ("--declaration", str(draft), "--file", str(contract))
    hub("connections", "add", "so-day", "--system", "soap", *files, "--agency", "H50.05", *ME)
    refused = hub("connections", "test", "so-day", "--json", *ME, code=1)
    assert refused["stages"][3]["mend_vi"].startswith("Tạo tài khoản")
    hub("clients", "add", "may-so", "--scope", "push", "--connection", "so-day")
    assert stages_of("so-day")["page"] == "ok"
    hub("connections", "enable", "so-day", *ME)
